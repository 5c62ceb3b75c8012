"""A lane: takes due messages of some channels from the outbox and has them sent until somebody has them.

One message at a time goes to a recipient; several recipients are served at once, so that one's trouble delays
nobody else. What a message consists of is on disk before it is sent, and what became of it before the next one goes
to the same recipient: a message whose acceptance is on disk never goes out again; one whose acceptance could not be
recorded (a crash in between) may, the same under the same Message-ID.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from scada.core.message_ports import OutboxKey, OutboxRow, OutboxStore
from scada.core.ports import Clock
from scada.core.records import Channel
from scada.core.value import SECOND_US, TimeUs
from scada.notify.message import Mail
from scada.notify.parcel import Hold, Parcel, Rest, key_of, plan, ready_us
from scada.notify.relay import Answer, Verdict

POLL_S = 1.0
"""How long a row may lie unseen if nobody wakes the lane."""
RETRY_FIRST_S = 5.0
RETRY_MAX_S = 600.0
GIVE_UP_AFTER_US = 48 * 3600 * SECOND_US
"""A message that found no way out within two days has no reader any more: it fails for good, and says so."""
SETTLE_RETRY_MAX_S = 5.0
WITHDRAWN = "not sent: the alarm was suppressed meanwhile"
JITTER = 0.2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sent:
    """How a try ended. `mail` is None where none could be made."""

    answer: Answer
    mail: Mail | None = None


@dataclass(frozen=True, kw_only=True)
class LaneSettings:
    """How a lane works.

    Attributes:
        at_once: messages under way at most.
        patience_s: the next message goes when the one before is done, or after so long beside it.
        retry_first_s: first pause of the back-off.
    """

    channels: tuple[Channel, ...]
    at_once: int
    patience_s: float = 0.0
    retry_first_s: float = RETRY_FIRST_S
    poll_s: float = POLL_S


class Lane:
    """Sends the messages of some channels.

    Args:
        send: hands one message over.
        rest: called when there is nothing to do, for example to close connections.
        per_hour: contact → messages within an hour.
        moot: whether what a row tells is not to be told any more.
    """

    def __init__(
        self,
        settings: LaneSettings,
        outbox: OutboxStore,
        clock: Clock,
        *,
        send: Callable[[Parcel], Awaitable[Sent]],
        rest: Callable[[], Awaitable[None]],
        per_hour: Callable[[str], int],
        moot: Callable[[OutboxRow], bool] = lambda _: False,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._clock = clock
        self._send = send
        self._rest = rest
        self._per_hour = per_hour
        self._moot = moot
        self._wake = asyncio.Event()
        self._busy: set[OutboxKey] = set()
        self._resting: dict[OutboxKey, TimeUs] = {}
        """Recipients whose server said "later"; one entry a recipient, dropped when the time is over."""
        self._pause_s = 0.0

    def wake(self) -> None:
        """There may be a new row: look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        flight: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while not _cancelled():
                self._wake.clear()
                parcel = await self._next()
                if parcel is None:
                    if not flight:
                        await self._rest()
                    await self._wait(self._settings.poll_s)
                    continue
                self._busy.add(key_of(parcel.carrier.record))
                task = group.create_task(self._carry(parcel))
                flight.add(task)
                task.add_done_callback(flight.discard)
                if self._settings.patience_s:
                    await asyncio.wait({task}, timeout=self._settings.patience_s)
                while len(flight) >= self._settings.at_once:
                    await asyncio.wait(flight, return_when=asyncio.FIRST_COMPLETED)
                if self._pause_s:
                    pause_s, self._pause_s = self._pause_s, 0.0
                    await asyncio.sleep(pause_s * random.uniform(1 - JITTER, 1 + JITTER))
            raise asyncio.CancelledError

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _next(self) -> Parcel | None:
        """The next message, bound; None: nothing is due."""
        delay_s = 0.2
        while True:
            try:
                return await self._claim()
            except Exception as error:
                if delay_s == 0.2:
                    log.error("outbox_not_usable", error=str(error))
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, SETTLE_RETRY_MAX_S)

    async def _claim(self) -> Parcel | None:
        while True:
            now_us = self._clock.now_us()
            self._resting = {key: until for key, until in self._resting.items() if until > now_us}
            queues = await self._outbox.claim(
                now_us, 1, self._settings.channels, self._busy | self._resting.keys()
            )
            if not queues:
                return None
            queue = queues[0]
            # What belongs to a message that may be out there already stays as it is.
            moot = [row for row in queue.rows if not row.sent_with and self._moot(row)]
            if moot:
                for row in moot:
                    await self._outbox.settle(
                        row.id, state="withdrawn", answer=WITHDRAWN, next_try_us=0, subject=""
                    )
                continue
            key = key_of(queue.rows[0].record)
            match plan(queue, now_us, self._per_hour(key[0])):
                case Parcel() as parcel:
                    return await self._bind(parcel)
                case Hold(rows, until_us):
                    await self._outbox.hold(
                        [row.id for row in rows],
                        until_us,
                        "held back: the contact has had this hour's messages",
                    )
                    log.warning("messages_held_back", contact=key[0], count=len(rows))
                case Rest(until_us):
                    self._resting[key] = until_us
                case None:
                    self._resting[key] = now_us + SECOND_US

    async def _bind(self, parcel: Parcel) -> Parcel:
        if parcel.bound:
            return parcel
        try:
            await self._outbox.bind(parcel.carrier.id, [row.id for row in parcel.rows])
        except Exception as error:
            # A full disk must not silence alarms: the carrier goes, alone, and its recipient waits until the outcome
            # can be written.
            log.error("outbox_not_written", message=parcel.carrier.id, error=str(error))
            return Parcel((parcel.carrier,))
        return parcel

    async def _carry(self, parcel: Parcel) -> None:
        """Send one message and settle its rows."""
        try:
            try:
                sent = await self._send(parcel)
            except Exception as error:  # one row that trips us up must not stop all others
                log.exception("message_not_sent", message=parcel.carrier.id)
                sent = Sent(Answer(Verdict.BROKEN, f"internal error: {type(error).__name__}"))
            await self._settle(parcel, sent)
        finally:
            self._busy.discard(key_of(parcel.carrier.record))
            self._wake.set()

    async def _settle(self, parcel: Parcel, sent: Sent) -> None:
        """Write down how a try ended; until that is on disk the recipient is sent nothing else."""
        state, answer, next_try_us, sent_us = self._judge(parcel, sent)
        mail, carrier = sent.mail, parcel.carrier
        delay_s = 0.2
        while True:
            try:
                await self._outbox.settle(
                    carrier.id,
                    state=state,
                    answer=answer,
                    next_try_us=next_try_us,
                    subject=mail.subject if mail else carrier.subject,
                    text=mail.text if mail else carrier.text,
                    sent_us=sent_us,
                    bound=sent.answer.verdict is Verdict.BROKEN,
                )
            except Exception as error:
                if delay_s == 0.2:
                    log.error("outbox_not_written", message=carrier.id, error=str(error))
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, SETTLE_RETRY_MAX_S)
            else:
                return

    def _judge(self, parcel: Parcel, sent: Sent) -> tuple[str, str, TimeUs, TimeUs]:
        """(state, answer, next try, time of acceptance)."""
        now_us = self._clock.now_us()
        record, answer = parcel.carrier.record, sent.answer
        known = {"contact": record.contact, "channel": record.channel.value, "cause": record.cause}
        if answer.verdict is Verdict.ACCEPTED:
            log.info("message_sent", **known, rows=len(parcel.rows))
            return "sent", answer.text, 0, now_us
        if answer.verdict is Verdict.REFUSED:
            log.error("message_refused", **known, answer=answer.text)
            return "failed", answer.text, 0, 0
        if now_us - max(ready_us(row.record) for row in parcel.rows) > GIVE_UP_AFTER_US:
            log.error("message_given_up", **known, answer=answer.text)
            return "failed", f"given up after two days: {answer.text}", 0, 0
        if answer.pause_s:
            self._pause_s = answer.pause_s
            # The oldest stays the oldest: it is due when the pause (with its jitter) is over.
            delay_s = answer.pause_s * (1 - JITTER)
        else:
            delay_s = min(self._settings.retry_first_s * 2 ** min(parcel.carrier.attempts, 16), RETRY_MAX_S)
            delay_s *= random.uniform(1 - JITTER, 1 + JITTER)
        return "waiting", answer.text, now_us + int(delay_s * SECOND_US), 0


def _cancelled() -> bool:
    """Whether this task was cancelled; Python 3.11's `wait_for`, within aiosmtplib, may swallow the exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
