"""The mail service: takes due rows from the outbox and hands them to the mail server until it has them.

A row is settled as sent before the next is looked at, so a mail whose acceptance is on disk never goes out
again; one whose acceptance could not be recorded (a crash in between) may, with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from pathlib import Path

import structlog

from scada.core.plant import Plant
from scada.core.ports import OutboxRow, OutboxStore
from scada.core.value import GOOD, SECOND_US, TimeUs
from scada.notify.compose import Composer, Mail
from scada.notify.relay import Answer, Relay, RelayAway, Verdict
from scada.runtime.host import PlantHost

POLL_S = 1.0
"""How long a row may lie unseen if nobody wakes the service."""
RUN_MAX = 50
"""Mails sent over one connection before the outbox is asked again."""
RETRY_FIRST_S = 5.0
RETRY_MAX_S = 600.0
AWAY_MAX_S = 60.0
"""Longest pause between attempts to reach a server that is away: its return shall not wait ten minutes."""
GIVE_UP_AFTER_US = 48 * 3600 * SECOND_US
"""A mail that found no way out within two days has no reader any more: it fails for good, and says so."""
SETTLE_RETRY_MAX_S = 5.0
JITTER = 0.2

log = structlog.get_logger()


class Notifier:
    """Sends the outbox.

    Args:
        password: of the mail account, or None.
        templates: the folder `alarms/mail`.
        tls_context: for servers whose certificate the system's authorities do not vouch for.
    """

    def __init__(
        self,
        plant: Plant,
        host: PlantHost,
        outbox: OutboxStore,
        password: str | None,
        templates: Path,
        *,
        tls_context: ssl.SSLContext | None = None,
        retry_first_s: float = RETRY_FIRST_S,
    ) -> None:
        self._plant = plant
        self._host = host
        self._outbox = outbox
        self._password = password
        self._composer = Composer(plant, templates)
        self._tls_context = tls_context
        self._retry_first_s = retry_first_s
        self._wake = asyncio.Event()
        self._mail_ok = host.tags.get("System.MailOk")
        self._working = True
        self._away_s = 0.0

    def wake(self) -> None:
        """There may be a new row: look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        # The board moves when transitions are durable, and their mails are in the same transaction.
        end = self._host.board.subscribe(self.wake)
        self._show(self._working)
        try:
            while not _cancelled():
                self._wake.clear()
                sent_all = await self._send_due()
                if self._away_s:
                    await asyncio.sleep(self._away_s * random.uniform(1 - JITTER, 1 + JITTER))
                elif sent_all:
                    await self._wait()
            raise asyncio.CancelledError
        finally:
            end()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _send_due(self) -> bool:
        """Send what is due over one connection. Returns False when more may be due already."""
        rows = await self._outbox.claim(self._host.clock.now_us(), RUN_MAX)
        if not rows:
            self._away_s = 0.0
            return True
        try:
            async with Relay(self._plant.mail, self._password, self._tls_context) as relay:
                self._away_s = 0.0
                for row in rows:
                    if not await self._send(relay, row):
                        break
        except RelayAway as error:
            self._away_s = min(self._away_s * 2 or self._retry_first_s, AWAY_MAX_S)
            self._show(False, str(error))
            # The oldest stays the oldest: it is due when the pause (with its jitter) is over.
            await self._settle_later(rows[0], str(error), self._away_s * (1 - JITTER))
            return True
        return len(rows) < RUN_MAX

    async def _send(self, relay: Relay, row: OutboxRow) -> bool:
        """Send one mail and settle its row. Returns False when the connection is gone."""
        try:
            mail = self._composer.compose(row.record)
        except ValueError as error:
            await self._settle(row, "failed", f"cannot be sent: {error}", 0)
            return True
        answer = await relay.send(mail)
        if answer.verdict is Verdict.ACCEPTED:
            self._show(True)
            await self._settle(row, "sent", answer.text, 0, mail)
            log.info("mail_sent", contact=row.record.contact, cause=row.record.cause)
            return True
        if answer.verdict is Verdict.REFUSED:
            # One row's fate: the server is there and judges. A wrong address must not look like a lost mail path.
            self._show(True)
            await self._refused(row, answer, mail)
            return True
        self._show(False, answer.text)
        await self._settle_later(row, answer.text, self._delay_s(row.attempts))
        return answer.verdict is not Verdict.BROKEN

    async def _refused(self, row: OutboxRow, answer: Answer, mail: Mail) -> None:
        log.error("mail_refused", contact=row.record.contact, cause=row.record.cause, answer=answer.text)
        await self._settle(row, "failed", answer.text, 0, mail)

    async def _settle_later(self, row: OutboxRow, answer: str, delay_s: float) -> None:
        now_us = self._host.clock.now_us()
        if now_us - row.record.created_us > GIVE_UP_AFTER_US:
            log.error("mail_given_up", contact=row.record.contact, cause=row.record.cause, answer=answer)
            await self._settle(row, "failed", f"given up after two days: {answer}", 0)
            return
        await self._settle(row, "waiting", answer, now_us + int(delay_s * SECOND_US))

    async def _settle(
        self, row: OutboxRow, state: str, answer: str, next_try_us: TimeUs, mail: Mail | None = None
    ) -> None:
        """Write down how a try ended; until that is on disk no other mail is sent."""
        delay_s = 0.2
        while True:
            try:
                await self._outbox.settle(
                    row.id,
                    state=state,
                    answer=answer,
                    next_try_us=next_try_us,
                    subject=mail.subject if mail else row.subject,
                    text=mail.text if mail else row.text,
                )
            except Exception as error:
                if delay_s == 0.2:
                    log.error("outbox_not_written", mail=row.id, error=str(error))
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, SETTLE_RETRY_MAX_S)
            else:
                return

    def _delay_s(self, attempts: int) -> float:
        delay_s: float = min(self._retry_first_s * 2 ** min(attempts, 16), RETRY_MAX_S)
        return delay_s * random.uniform(1 - JITTER, 1 + JITTER)

    def _show(self, working: bool, why: str = "") -> None:
        """The state of the mail path as a tag, and once in the log when it changes."""
        if working is not self._working:
            if working:
                log.info("mail_works_again")
            else:
                log.error("mail_fails", server=self._plant.mail.host, answer=why)
            self._working = working
        if self._mail_ok is not None:
            self._host.write([(self._mail_ok, working, GOOD, self._host.clock.now_us())])


def _cancelled() -> bool:
    """Whether this task was cancelled; Python 3.11's `wait_for`, within aiosmtplib, may swallow the exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
