"""The commit gate: the outside sees what is on disk.

The core's state moves at once; its effects wait here until their records are durable, then leave in order.
While one commit runs on the writer thread the next batch gathers, so commits group themselves under load and
cost one disk flush when there is none.

If a batch waits longer than `ANNUNCIATE_AFTER_S` its alarms are shown all the same, marked as not journalled:
annunciation outranks record. Answers keep waiting. A commit that fails is tried again with back-off until it
succeeds; nothing of the batch is given up. Whoever asks gives up by a deadline of its own (PlantHost.request).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from scada.core.effects import Effects
from scada.core.ports import Journal
from scada.core.records import Record

ANNUNCIATE_AFTER_S = 0.5
RETRY_FIRST_S = 0.2
RETRY_MAX_S = 5.0
RECORDS_WAITING_MAX = 200_000
"""Past it `full` is true and requests are refused; alarm transitions and mails are still taken."""

log = structlog.get_logger()


class CommitGate:
    """Makes records durable before the effects that rest on them leave.

    Args:
        release: takes effects whose records are durable, in order of `submit`.
        annunciate: takes effects that have waited too long, to show their alarms; they are released later
            all the same.
        health: told False when commits are late or fail, True when they work again.
    """

    def __init__(
        self,
        journal: Journal,
        release: Callable[[Effects], None],
        annunciate: Callable[[Effects], None],
        health: Callable[[bool], None],
    ) -> None:
        self._journal = journal
        self._release = release
        self._annunciate = annunciate
        self._health = health
        self._waiting: deque[Effects] = deque()
        self._in_flight: list[Effects] = []
        self._announced = 0
        """How many of `in flight + waiting`, from the front, were annunciated."""
        self._records_waiting = 0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._task: asyncio.Task[None] | None = None
        self._healthy = True

    @property
    def full(self) -> bool:
        """Whether so much waits that nothing more should be asked."""
        return self._records_waiting >= RECORDS_WAITING_MAX

    def submit(self, effects: Effects) -> None:
        """Let effects out as soon as they may."""
        if not effects.records and not self._waiting and not self._in_flight:
            self._let_out(effects)
            return
        self._waiting.append(effects)
        self._records_waiting += len(effects.records)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write(), name="commit gate")

    async def close(self) -> None:
        """Wait until everything is on disk (at most `RETRY_MAX_S`), then end the writer."""
        task = self._task
        if task is not None:
            _, pending = await asyncio.wait([task], timeout=RETRY_MAX_S)
            for left in pending:
                left.cancel()
        self._writer.shutdown(wait=True)

    async def _write(self) -> None:
        try:
            while self._waiting:
                self._in_flight = list(self._waiting)
                self._waiting.clear()
                records = [record for effects in self._in_flight for record in effects.records]
                await self._commit(records)
                done, self._in_flight = self._in_flight, []
                self._records_waiting -= len(records)
                self._announced = max(0, self._announced - len(done))
                for effects in done:
                    self._let_out(effects)
        finally:
            self._task = None

    def _let_out(self, effects: Effects) -> None:
        try:
            self._release(effects)
        except Exception:
            # What is on disk must reach everybody else all the same.
            log.exception("release_failed")

    async def _commit(self, records: Sequence[Record]) -> None:
        loop = asyncio.get_running_loop()
        delay_s = RETRY_FIRST_S
        while records:
            write = asyncio.ensure_future(loop.run_in_executor(self._writer, self._journal.commit, records))
            try:
                await self._watch(write)
            except Exception as error:
                if self._healthy:
                    log.error("journal_failed", error=str(error))
                self._late()
                wait_s = delay_s
                while wait_s > 0:  # alarms that come meanwhile are shown no later than usual
                    await asyncio.sleep(min(wait_s, ANNUNCIATE_AFTER_S))
                    wait_s -= ANNUNCIATE_AFTER_S
                    self._late()
                delay_s = min(delay_s * 2, RETRY_MAX_S)
            else:
                break
        if not self._healthy:
            self._healthy = True
            log.info("journal_works_again")
            self._health(True)

    async def _watch(self, write: asyncio.Future[None]) -> None:
        while True:
            done, _ = await asyncio.wait([write], timeout=ANNUNCIATE_AFTER_S)
            if done:
                write.result()
                return
            self._late()

    def _late(self) -> None:
        if self._healthy:
            self._healthy = False
            self._health(False)
        everything = [*self._in_flight, *self._waiting]
        for effects in everything[self._announced :]:
            self._annunciate(effects)
        self._announced = len(everything)
