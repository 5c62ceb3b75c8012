"""A plant core with its board and a journal in memory, for plants made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scada.alarming.alarm import AlarmSnapshot
from scada.alarming.counters import COUNTERS, branches_of
from scada.core.access import Actor, Right
from scada.core.command import CommandResult
from scada.core.database import Write
from scada.core.effects import Event, Order
from scada.core.plant import Level, Plant
from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    DocumentRecord,
    EscalationRecord,
    HoldRecord,
    Record,
    RetainedRecord,
    TransactionRecord,
    VisitRecord,
)
from scada.core.tag import AlarmDefinition, ExpressionText, Source, TagDefinition
from scada.core.value import GOOD, SECOND_US, Kind, TimeUs, Value
from scada.runtime.board import AlarmBoard
from scada.runtime.plant_core import PlantCore, Restart
from scada.runtime.requests import Request
from scada.testing.clock import START_US

ANN = Actor("ann", frozenset(Right), "test")


def bit(path: str, alarm: AlarmDefinition | None = None, expression: str = "", **more: Any) -> TagDefinition:
    """A bit of a site, with an alarm or an expression."""
    return TagDefinition(
        path=path,
        kind=Kind.BIT,
        source=Source.EXPRESSION if expression else more.pop("source", Source.DRIVER),
        expression=ExpressionText(text=expression) if expression else None,
        alarm=alarm,
        site=path.partition(".")[0],
        **more,
    )


def register(path: str, expression: str = "", **more: Any) -> TagDefinition:
    """A register of a site."""
    return TagDefinition(
        path=path,
        kind=Kind.REGISTER,
        source=Source.EXPRESSION if expression else more.pop("source", Source.DRIVER),
        expression=ExpressionText(text=expression) if expression else None,
        site=path.partition(".")[0],
        **more,
    )


def plant_of(*tags: TagDefinition, **more: Any) -> Plant:
    """A plant of these tags and the counters of their alarms."""
    branches = dict.fromkeys(branch for tag in tags if tag.alarm for branch in branches_of(tag))
    counters = [
        TagDefinition(path=f"{branch}.{name}", kind=Kind.REGISTER, source=Source.COUNTER)
        for branch in branches
        for name, _ in COUNTERS
    ]
    levels = tuple(
        Level(number=n, name={"en": str(n)}, priority="high" if n >= 20 else "low", severity=1 + n * 30)
        for n in range(30)
    )
    return Plant(
        name="T",
        label={},
        languages=("en",),
        timezone="UTC",
        sites=(),
        tags=(*tags, *counters),
        levels=levels,
        **more,
    )


class MemoryCore:
    """A core whose effects are journalled and shown at once.

    Attributes:
        records: everything that was journalled, over restarts too.
        orders, events: what left the core since the last start.
    """

    def __init__(
        self,
        plant: Plant,
        now_us: TimeUs = START_US,
        records: Iterable[Record] = (),
    ) -> None:
        self.plant = plant
        self.now_us = now_us
        self.records: list[Record] = list(records)
        self.orders: list[Order] = []
        self.events: list[Event] = []
        self._replies: dict[int, Any] = {}
        self._asked = 1
        restart = restart_from(self.records)
        self.core = PlantCore(plant, restart, now_us)
        self.tags = self.core.tags
        self.board = AlarmBoard(plant, self.tags, self.core.syntheses(), self._write)
        self.board.restore(restart.alarms, restart.holds, now_us)
        self._pump()

    def restarted(self, seconds: float = 0.0) -> MemoryCore:
        """The program is started again, so much later, with what was journalled."""
        return MemoryCore(self.plant, self.now_us + int(seconds * SECOND_US), self.records)

    def write(self, values: Mapping[str, Value] | None = None, quality: int = GOOD, **more: Value) -> None:
        """A driver writes one batch; in keywords `__` stands for the point."""
        named = {**(values or {}), **{name.replace("__", "."): value for name, value in more.items()}}
        batch = []
        for path, value in named.items():
            tag = self.tags[path]
            batch.append((tag, tag.value if value is None else value, quality, self.now_us))
        self._write(batch)

    def wait(self, seconds: float, step_s: float = 0.5) -> None:
        """Let time pass, in steps."""
        end_us = self.now_us + int(seconds * SECOND_US)
        while self.now_us < end_us:
            self.now_us = min(end_us, self.now_us + int(step_s * SECOND_US))
            self.core.tick(self.now_us)
            self.core.changed(self.tags.drain_changes())
            self._pump()

    def event(self, kind: str, path: str, **data: Any) -> None:
        """A driver saw something."""
        self.core.event(Event(kind, path, data), self.now_us)
        self._pump()

    def outcome(self, order: Order, result: CommandResult) -> None:
        """An order has ended."""
        self.core.outcome(order, result, self.now_us)
        self._pump()

    def ask_later(self, request: Request) -> Callable[[], Any]:
        """A request whose answer may come later: what is returned gives it, or None while there is none."""
        self._asked += 1
        number = self._asked
        self.core.request(number, request, self.now_us)
        self._pump()
        return lambda: self._replies.get(number)

    def ask(self, request: Request) -> Any:
        """A request and its answer; an error that is answered is raised."""
        self.core.request(1, request, self.now_us)
        self._pump()
        answer = self._replies.pop(1)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def state(self, path: str) -> AlarmState:
        """Where an alarm stands."""
        return self.core.alarms.find([path])[0].state

    def journal(self, alarm: str = "") -> list[AlarmTransition]:
        """The rows of the alarm journal, of one alarm or all."""
        return [r for r in self.records if isinstance(r, AlarmTransition) and alarm in ("", r.alarm)]

    def told(self, alarm: str = "") -> list[str]:
        """The same in short: `event>state`."""
        return [f"{row.event.value}>{row.state.value}" for row in self.journal(alarm)]

    def _write(self, batch: Iterable[Write]) -> None:
        self.core.write(list(batch), self.now_us)
        self._pump()

    def _pump(self) -> None:
        while self.core.has_effects:
            effects = self.core.take()
            self.records += effects.records
            self.orders += effects.orders
            self.events += effects.events
            for number, answer in effects.replies:
                self._replies[number] = answer
            holds = [record for record in effects.records if isinstance(record, HoldRecord)]
            if effects.transitions or holds:
                self.board.apply(effects.transitions, holds)


def restart_from(records: Iterable[Record]) -> Restart:
    """What the tables of `core.db` hold after these records."""
    alarms: dict[str, AlarmSnapshot] = {}
    holds: dict[object, HoldRecord] = {}
    retained: dict[str, RetainedRecord] = {}
    documents: dict[object, DocumentRecord] = {}
    escalations: dict[object, EscalationRecord] = {}
    records = list(records)
    transactions = {record.id: record for record in records if isinstance(record, TransactionRecord)}
    visits = {record.id: record for record in records if isinstance(record, VisitRecord)}
    rows: dict[int, str] = {}
    for record in records:
        match record:
            case AlarmTransition():
                rows[record.sequence] = record.alarm
                before = alarms.get(record.alarm)
                who = before.acknowledged_by if before and before.raised_us == record.raised_us else ""
                if record.event is AlarmEvent.ACKNOWLEDGED:
                    who = record.user
                elif record.state.unacknowledged:
                    who = ""
                alarms[record.alarm] = AlarmSnapshot(
                    alarm=record.alarm,
                    state=record.state,
                    raised_us=record.raised_us,
                    sequence=record.sequence,
                    first_out=record.first_out,
                    leads=rows.get(record.first_out) == record.alarm,
                    changed_us=record.time_us,
                    value=record.value,
                    user=record.user,
                    acknowledged_by=who,
                    comment=record.comment,
                    until_us=record.until_us,
                )
            case HoldRecord():
                holds.pop((record.kind, record.path), None)
                if record.active:
                    holds[record.kind, record.path] = record
            case RetainedRecord():
                retained[record.path] = record
            case DocumentRecord():
                documents.pop((record.kind, record.key), None)
                if record.body:
                    documents[record.kind, record.key] = record
            case EscalationRecord():
                escalations[record.alarm, record.profile] = record
            case _:
                pass
    return Restart(
        next_sequence=max(rows, default=0) + 1,
        alarms=tuple(alarms.values()),
        holds=tuple(holds.values()),
        retained=tuple(retained.values()),
        documents=tuple(documents.values()),
        escalations=tuple(escalations.values()),
        next_transaction=max(transactions, default=0) + 1,
        transactions=sorted(transactions.values(), key=lambda record: record.id),
        next_visit=max(visits, default=0) + 1,
        visits=sorted(visits.values(), key=lambda record: record.id),
    )
