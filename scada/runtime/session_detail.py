"""All that is known of one session: record, figures, curves, and what happened to it, on one time line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scada.core.plant import Connector, Plant
from scada.core.ports import Archive, DeedFilter, JournalFilter, Point
from scada.core.records import TransactionRecord
from scada.core.session_ports import SessionRow, SessionStore
from scada.core.tag import Tag
from scada.core.value import SECOND_US, TimeUs
from scada.runtime.host import PlantHost
from scada.runtime.timeline import Entry, alarm_entry, command_entry, value_entries

AROUND_US = 300 * SECOND_US
"""What happened so long before the start and after the stop belongs to the story: plug-in, authorization, alarms."""
ENTRIES_MAX = 500
"""Of each source; what is more is said."""
PIXELS = 1_000
"""Width that curves are thinned to; extremes and gaps are kept."""
CURVES = (
    "ActivePower",
    "CurrentL1",
    "CurrentL2",
    "CurrentL3",
    "Current",
    "Voltage",
    "Soc",
    "Temperature",
    "CurrentOffered",
    "CurrentLimit",
)
"""Tags of a connector that a session is drawn with, where they are recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDetail:
    """A session whole.

    Attributes:
        quarters: (begin of the quarter hour, Wh), from registers.
        curves: name of the tag → points, thinned.
        units: name of the tag → unit.
        timeline: in order of time.
        cut: sources of the time line of which there was more than fits.
    """

    row: SessionRow
    quarters: Sequence[tuple[TimeUs, int]] = ()
    curves: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    timeline: Sequence[Entry] = ()
    cut: Sequence[str] = ()


class SessionDetails:
    """Puts details together. Open sessions too: they end now."""

    def __init__(self, plant: Plant, host: PlantHost, archive: Archive, sessions: SessionStore) -> None:
        self._plant, self._host, self._archive, self._sessions = plant, host, archive, sessions

    async def of(self, number: int, pixels: int = PIXELS) -> SessionDetail | None:
        """The detail of a session; None: there is none of this number."""
        row = await self._sessions.session(number)
        if row is None:
            return None
        live = self._host.core.sessions.get(number)
        if live is not None and row.record.stopped_us is None:
            row = SessionRow(live, row.figures, row.visit)
        record = row.record
        charger = self._plant.chargers_by_path.get(record.charger)
        connector = charger.connector(record.connector) if charger else None
        curves, entries = await asyncio.gather(
            self._curves(record, connector, pixels), self._timeline(row, connector)
        )
        timeline, cut = entries
        return SessionDetail(
            row=row,
            quarters=_quarters(row),
            curves=curves,
            units={name: self._unit(connector, name) for name in curves},
            timeline=timeline,
            cut=cut,
        )

    async def _curves(
        self, record: TransactionRecord, connector: Connector | None, pixels: int
    ) -> dict[str, Sequence[Point]]:
        if connector is None:
            return {}
        to_us = (record.stopped_us or self._host.clock.now_us()) + 1
        names = [name for name in CURVES if self._recorded(f"{connector.path}.{name}") is not None]
        found = await asyncio.gather(
            *(
                self._archive.curve(f"{connector.path}.{name}", record.started_us, to_us, pixels)
                for name in names
            )
        )
        return {name: points for name, points in zip(names, found, strict=True) if points}

    async def _timeline(self, row: SessionRow, connector: Connector | None) -> tuple[list[Entry], list[str]]:
        record = row.record
        from_us = min(record.started_us, row.visit.began_us if row.visit else record.started_us) - AROUND_US
        to_us = (record.stopped_us or self._host.clock.now_us()) + AROUND_US
        entries = _own(row)
        cut: list[str] = []
        alarms = await self._archive.alarm_journal(
            JournalFilter(branch=record.charger, from_us=from_us, to_us=to_us), ENTRIES_MAX, None
        )
        if alarms.next is not None or not alarms.complete:
            cut.append("alarm")
        entries += [
            alarm_entry(one)
            for one in alarms.items
            if connector is None or not _of_other(one.alarm, record, connector)
        ]
        for place in (record.charger, connector.path if connector else ""):
            if not place:
                continue
            where = DeedFilter(object=place, from_us=from_us, to_us=to_us)
            commands = await self._archive.commands(where, ENTRIES_MAX, None)
            if commands.next is not None or not commands.complete:
                cut.append("command")
            entries += [command_entry(one) for one in commands.items]
        if connector is not None:
            for kind, name in (("status", "Status"), ("limit", "CurrentLimit")):
                entries += await value_entries(
                    self._archive, self._host, connector.path, name, kind, (from_us, to_us), ENTRIES_MAX
                )
        return sorted(entries, key=lambda one: one.time_us), cut

    def _recorded(self, path: str) -> Tag | None:
        tag = self._host.tags.get(path)
        return tag if tag is not None and tag.definition.history is not None else None

    def _unit(self, connector: Connector | None, name: str) -> str:
        tag = self._host.tags.get(f"{connector.path}.{name}") if connector else None
        return tag.definition.unit if tag else ""


def _quarters(row: SessionRow) -> list[tuple[TimeUs, int]]:
    if row.figures is None or not row.figures.quarters:
        return []
    return [(int(begin), int(energy)) for begin, energy in json.loads(row.figures.quarters)]


def _of_other(alarm: str, record: TransactionRecord, connector: Connector) -> bool:
    """Whether an alarm is one of another connector of the same charger."""
    rest = alarm.removeprefix(f"{record.charger}.")
    head = rest.partition(".")[0]
    return head[:1] == "C" and head[1:].isdigit() and f"{record.charger}.{head}" != connector.path


def _own(row: SessionRow) -> list[Entry]:
    """What the session's own record tells."""
    record, visit = row.record, row.visit
    path = record.charger
    entries: list[Entry] = []

    def tell(time_us: TimeUs | None, what: str, text: str = "", who: str = "") -> None:
        if time_us is not None:
            entries.append(Entry(time_us=time_us, kind="session", what=what, path=path, text=text, who=who))

    if visit is not None:
        tell(visit.began_us, "plugged_in", visit.vehicle or visit.vehicle_id)
        tell(visit.ended_us, "unplugged")
    tell(record.started_us, "started", _words((record.id_tag, record.authorized_by)), record.ordered_by)
    tell(record.stopped_us, "stopped", _words((record.reason, record.stop_condition)), record.stopped_by)
    if record.late:
        tell(record.updated_us, "told_late")
    if row.figures is not None:
        tell(row.figures.computed_us, "figures", row.figures.flags)
    return entries


def _words(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)
