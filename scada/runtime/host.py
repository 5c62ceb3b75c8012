"""The plant host: the core in the loop.

Drivers and interfaces call `write`, `link` and `request`; the host gives the core the time, hands its effects
to the commit gate and, each cycle, the changes to displays and the samples to history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from scada.core.command import CommandResult
from scada.core.database import Write
from scada.core.effects import Effects, Event, Order
from scada.core.errors import JournalError
from scada.core.plant import DutySpan, Plant
from scada.core.ports import Clock, Journal, SampleSink
from scada.core.records import HoldRecord
from scada.core.tag import Tag
from scada.core.value import GOOD
from scada.runtime.board import AlarmBoard
from scada.runtime.events import EventHub
from scada.runtime.gate import CommitGate
from scada.runtime.plant_core import PlantCore, Restart
from scada.runtime.requests import Request

CYCLE_S = 0.05
"""How often displays get changes and history gets samples."""
REQUEST_TIMEOUT_S = 5.0

ChangeListener = Callable[[list[Tag]], None]
OrderListener = Callable[[Order], None]

log = structlog.get_logger()


class PlantHost:
    """One running plant."""

    def __init__(
        self,
        plant: Plant,
        restart: Restart,
        clock: Clock,
        journal: Journal,
        samples: SampleSink,
        mail_domain: str = "scada",
    ) -> None:
        self.plant = plant
        self.clock = clock
        self.core = PlantCore(plant, restart, clock.now_us(), mail_domain)
        self.tags = self.core.tags
        self.events = EventHub()
        self._samples = samples
        self._leaving = False
        self._gate = CommitGate(journal, self._release, self._annunciate, self._journal_health)
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._next_request = 1
        self._change_listeners: list[ChangeListener] = []
        self._journal_ok = self.tags.get("System.JournalOk")
        self._loop_lag = self.tags.get("System.LoopLag")
        self._order_listeners: list[OrderListener] = []
        self.board = AlarmBoard(plant, self.tags, self.core.syntheses(), self._write_counters)
        self.board.restore(restart.alarms, restart.holds, clock.now_us())

    def leave(self) -> None:
        """The system is about to stop: what devices and services do from now on is our doing, and tells nothing.

        Requests are still answered: what a charger asks in the last moment must not be lost.
        """
        self._leaving = True

    def write(self, batch: Iterable[Write]) -> None:
        """Take values in: the one road for drivers."""
        if self._leaving:
            return
        batch = batch if isinstance(batch, list) else list(batch)
        # Of mere numbers expressions follow with the next cycle, once for all values of the meantime: a sum over a site
        # would else be worked out for each message of each charger. A state may be gone by then: it counts at once.
        states = False
        for write in batch:
            if write[0].is_state:
                states = True
                break
        self.core.write(batch, self.clock.now_us(), settle=states)
        if self.core.has_effects:
            self._gate.submit(self.core.take())

    def link(self, device: str, up: bool) -> None:
        """The link to a charger or meter came or went."""
        if self._leaving:
            return
        self.core.link(device, up, self.clock.now_us())
        self._gate.submit(self.core.take())

    def outcome(self, order: Order, result: CommandResult) -> None:
        """An order of the core has ended."""
        self.core.outcome(order, result, self.clock.now_us())
        if self.core.has_effects:
            self._gate.submit(self.core.take())

    def event(self, event: Event) -> None:
        """A driver saw something that others wait for."""
        self.core.event(event, self.clock.now_us())
        self._gate.submit(self.core.take())

    async def request(self, request: Request, timeout_s: float = REQUEST_TIMEOUT_S) -> Any:
        """Ask the core; the answer comes after everything it rests on is on disk.

        Raises:
            ScadaError: the core's own answer (NotFound, BadRequest …).
            JournalError: the disk did not take it in time. What was asked may still come true: ask again
                with the same content.
        """
        if self._gate.full:
            raise JournalError("too much waits to be written to disk")
        number = self._next_request
        self._next_request += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies[number] = future
        try:
            self.core.request(number, request, self.clock.now_us())
            self._gate.submit(self.core.take())
            if not future.done():
                async with asyncio.timeout(timeout_s):
                    await future
        except TimeoutError:
            raise JournalError(f"not on disk after {timeout_s:g} s") from None
        finally:
            self._replies.pop(number, None)
        answer = future.result()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def subscribe_changes(self, listener: ChangeListener) -> Callable[[], None]:
        """Be given, each cycle, the tags that changed; call what is returned to end it."""
        self._change_listeners.append(listener)
        return lambda: self._change_listeners.remove(listener)

    def subscribe_orders(self, listener: OrderListener) -> None:
        """Be given the commands that the core orders, once they are on disk."""
        self._order_listeners.append(listener)

    def set_calendar(self, rota: str, spans: Sequence[DutySpan]) -> None:
        """The entries of a rota's calendar file, read again."""
        self.core.oncall.set_calendar(rota, spans)

    async def run(self) -> None:
        """Let time pass until cancelled."""
        loop = asyncio.get_running_loop()
        if self._journal_ok is not None:
            self.write([(self._journal_ok, True, GOOD, self.clock.now_us())])
        failing = False
        worst = 0.0
        reported = loop.time()
        while True:
            before = loop.time()
            await asyncio.sleep(CYCLE_S)
            worst = max(worst, loop.time() - before - CYCLE_S)
            try:
                if before - reported >= 1.0 and self._loop_lag is not None:
                    self.write([(self._loop_lag, round(worst * 1000, 1), GOOD, self.clock.now_us())])
                    worst, reported = 0.0, before
                self.cycle()
                failing = False
            except Exception:
                if not failing:  # time must go on for everybody else; said once
                    log.exception("cycle_failed")
                failing = True

    def cycle(self) -> None:
        """One turn of the clock: delays, changes to displays, samples to history."""
        self.core.tick(self.clock.now_us())
        if self.core.has_effects:
            self._gate.submit(self.core.take())
        changed = self.tags.drain_changes()
        if changed:
            self.core.changed(changed)
            for listener in tuple(self._change_listeners):
                try:
                    listener(changed)
                except Exception:
                    log.exception("change_listener_failed", listener=repr(listener))
        samples = self.tags.drain_samples()
        if samples:
            self._samples.append(samples)

    async def close(self) -> None:
        """Hand over what is left and wait until it is on disk."""
        self.cycle()
        await self._gate.close()

    def _release(self, effects: Effects) -> None:
        for reply in effects.replies:
            future = self._replies.get(reply.number)
            if future is not None and not future.done():
                future.set_result(reply.answer)
        self._show(effects, journalled=True)
        for order in effects.orders:
            for listener in self._order_listeners:
                listener(order)
        for event in effects.events:
            self.events.publish(event)

    def _annunciate(self, effects: Effects) -> None:
        self._show(effects, journalled=False)

    def _show(self, effects: Effects, *, journalled: bool) -> None:
        holds = [record for record in effects.records if isinstance(record, HoldRecord)]
        if effects.transitions or holds:
            self.board.apply(effects.transitions, holds, journalled=journalled)

    def _write_counters(self, batch: Iterable[Write]) -> None:
        now_us = self.clock.now_us()
        self.write([(tag, value, quality, now_us) for tag, value, quality, _ in batch])

    def _journal_health(self, ok: bool) -> None:
        if self._journal_ok is not None:
            self.write([(self._journal_ok, ok, GOOD, self.clock.now_us())])
