"""A small plant with people, and a clock that leaps."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scada.alarming.alarm import AlarmSnapshot
from scada.alarming.oncall import OnCall
from scada.core.effects import Event
from scada.core.plant import Contact, Level, OnCallProfile, OnCallSettings, Plant, Site
from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    EscalationRecord,
    OutboxRecord,
    Record,
)
from scada.core.tag import AlarmDefinition, ExpressionText, Source, TagDefinition
from scada.core.value import SECOND_US, Kind, TimeUs

ALARMS = ("Depot.CP01.Fault", "Depot.CP02.Fault", "Mall.CP01.Fault", "System.MailOk")


def tag(path: str, level: int = 20) -> TagDefinition:
    site = path.partition(".")[0].replace("System", "")
    return TagDefinition(
        path=path, kind=Kind.BIT, source=Source.DRIVER, site=site, domain="charging", nature="fault",
        alarm=AlarmDefinition(level=level),
    )  # fmt: skip


def contact(name: str, **more: Any) -> Contact:
    return Contact(**{"name": name, "email": f"{name.lower()}@depot.example", "language": "en", **more})


def profile(name: str = "all", to: Iterable[str] = ("Ann",), **more: Any) -> OnCallProfile:
    return OnCallProfile(**{"name": name, "to": tuple(to), "levels": (0, 29), "window_us": 0, **more})


class World:
    """An on-call core between records that survive and a clock that leaps."""

    def __init__(self, start: str = "2026-06-01T12:00", zone: str = "UTC", **parts: Any) -> None:
        self.zone = ZoneInfo(zone)
        self.now_us = self.at(start)
        parts = {
            "contacts": (contact("Ann"), contact("Bob")),
            "profiles": (profile(),),
            "oncall": OnCallSettings(restart_window_us=0),
            **parts,
        }
        self.plant = Plant(
            name="P", label={}, languages=("en",), timezone=zone,
            sites=tuple(
                Site(path=path, label={}, timezone=zone, limit_a=100, feeders=(), chargers=(), meters=())
                for path in ("Depot", "Mall")
            ),
            tags=tuple(tag(path) for path in ALARMS),
            levels=tuple(
                Level(number=n, name={}, priority="critical" if n >= 25 else "high", severity=1 + n)
                for n in range(30)
            ),
            **parts,
        )  # fmt: skip
        self.filters: dict[str, bool] = {}
        self.records: list[Record] = []
        self.states: dict[str, AlarmTransition] = {}
        self._sequence = itertools.count(1)
        self.oncall = self._start()
        self.oncall.restore((), (), self.now_us)

    def at(self, text: str) -> TimeUs:
        return int(datetime.fromisoformat(text).replace(tzinfo=self.zone).timestamp()) * SECOND_US

    def local(self, time_us: TimeUs) -> str:
        return f"{datetime.fromtimestamp(time_us / SECOND_US, self.zone):%Y-%m-%dT%H:%M:%S}"

    def _start(self) -> OnCall:
        return OnCall(self.plant, "depot.example", self._filter, self.now_us)

    def _filter(self, expression: ExpressionText) -> Any:
        return lambda transition, now_us: self.filters.get(expression.text, True)

    def _keep(self, records: Iterable[Record]) -> list[OutboxRecord]:
        new = list(records)
        self.records += new
        return [record for record in new if isinstance(record, OutboxRecord)]

    @property
    def messages(self) -> list[OutboxRecord]:
        return [record for record in self.records if isinstance(record, OutboxRecord)]

    @property
    def escalations(self) -> dict[tuple[str, str], EscalationRecord]:
        """What is on disk: the newest of each."""
        return {(r.alarm, r.profile): r for r in self.records if isinstance(r, EscalationRecord)}

    def move(self, alarm: str, event: AlarmEvent, state: AlarmState, **more: Any) -> list[OutboxRecord]:
        before = self.states.get(alarm)
        fresh = before is None or before.state is AlarmState.NORMAL or before.state.suppressed
        raised_us = (
            self.now_us
            if event is AlarmEvent.RAISED and fresh
            else before.raised_us
            if before
            else self.now_us
        )
        t = AlarmTransition(**{
            "sequence": next(self._sequence), "time_us": self.now_us, "alarm": alarm,
            "site": alarm.partition(".")[0].replace("System", ""), "level": 20, "event": event, "state": state,
            "raised_us": raised_us, "domain": "charging", "nature": "fault", **more,
        })  # fmt: skip
        self.states[alarm] = t
        return self._keep([t, *self.oncall.transition(t, self.now_us)])

    def raised(self, alarm: str = ALARMS[0], **more: Any) -> list[OutboxRecord]:
        return self.move(alarm, AlarmEvent.RAISED, AlarmState.ACTIVE_UNACKNOWLEDGED, **more)

    def returned(
        self, alarm: str = ALARMS[0], state: AlarmState = AlarmState.RETURNED_UNACKNOWLEDGED
    ) -> list[OutboxRecord]:
        return self.move(alarm, AlarmEvent.RETURNED, state)

    def acknowledged(self, alarm: str = ALARMS[0], **more: Any) -> list[OutboxRecord]:
        returned = self.states[alarm].state is AlarmState.RETURNED_UNACKNOWLEDGED
        state = AlarmState.NORMAL if returned else AlarmState.ACTIVE_ACKNOWLEDGED
        return self.move(alarm, AlarmEvent.ACKNOWLEDGED, state, user="ann", **more)

    def event(self, kind: str, path: str, **data: Any) -> list[OutboxRecord]:
        return self._keep(self.oncall.event(Event(kind, path, data), self.now_us))

    def tick(self, to: str | None = None, *, seconds: float = 0) -> list[OutboxRecord]:
        """Let the clock leap, then tick."""
        self.now_us = self.at(to) if to else self.now_us + int(seconds * SECOND_US)
        return self._keep(self.oncall.tick(self.now_us))

    def run(self, seconds: int, every: int = 10) -> list[OutboxRecord]:
        """Let time pass."""
        out: list[OutboxRecord] = []
        for _ in range(0, seconds, every):
            out += self.tick(seconds=every)
        return out

    def restart(self, down_s: float = 0) -> list[OutboxRecord]:
        """Crash and come back with what is on disk."""
        self.now_us += int(down_s * SECOND_US)
        self.oncall = self._start()
        snapshots = [
            AlarmSnapshot(
                alarm=t.alarm, state=t.state, raised_us=t.raised_us, sequence=t.sequence, changed_us=t.time_us,
                acknowledged_by=t.user if t.event is AlarmEvent.ACKNOWLEDGED else "",
            )
            for t in self.states.values()
        ]  # fmt: skip
        open_ = [record for record in self.escalations.values() if not record.ended]
        return self._keep(self.oncall.restore(open_, snapshots, self.now_us))


def facts(record: OutboxRecord) -> dict[str, Any]:
    """The snapshot of a message."""
    out: dict[str, Any] = json.loads(record.snapshot)
    return out


def told(messages: Iterable[OutboxRecord]) -> list[tuple[str, str]]:
    """Who was told what: contact and template."""
    return [(message.contact, message.template) for message in messages]


class Kit:
    """What the tests of this folder share."""

    World = World
    contact = staticmethod(contact)
    profile = staticmethod(profile)
    facts = staticmethod(facts)
    told = staticmethod(told)
    alarms = ALARMS


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()
