"""What builders read, and what they share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scada.charging.bookkeeping import energy_steps, quarters
from scada.core.plant import Charger, Connector, Plant
from scada.core.ports import Archive, SessionFilter
from scada.core.report_ports import ReportRequest
from scada.core.session_ports import SessionRow, SessionStore
from scada.core.value import SECOND_US, TimeUs

SESSIONS_MAX = 2_000_000
"""Sessions that one report adds up."""
LONGEST_US = 31 * 86_400 * SECOND_US
"""Sessions that began earlier before the span are not looked for."""


@dataclass(frozen=True)
class Sources:
    """Handed to every builder."""

    plant: Plant
    archive: Archive
    sessions: SessionStore


def within(request: ReportRequest) -> SessionFilter:
    """Sessions that have something in common with the span."""
    where = replace(request.where, site=request.site or request.where.site)
    return replace(
        where, from_us=request.from_us - LONGEST_US, to_us=request.to_us, ended_from_us=request.from_us
    )


def walk(sources: Sources, request: ReportRequest) -> Iterator[SessionRow]:
    """Those sessions, oldest first; blocks, for a thread."""
    return sources.sessions.walk(within(request), SESSIONS_MAX)


def quarters_of(row: SessionRow, now_us: TimeUs) -> list[tuple[TimeUs, int]]:
    """The quarter hours of a session, also of one whose figures are not there yet: then evenly."""
    if row.figures is not None and row.figures.quarters:
        return [(int(begin), int(energy)) for begin, energy in json.loads(row.figures.quarters)]
    record = row.record
    if record.stopped_us is None:
        record = replace(record, stopped_us=max(now_us, record.started_us))
    return quarters(record, energy_steps(record, ()))


def connectors(sources: Sources, request: ReportRequest) -> list[tuple[Charger, Connector]]:
    """The connectors that a report is about, in order of the project."""
    return [
        (charger, connector)
        for charger in sources.plant.chargers()
        if (not request.site or charger.site == request.site)
        and (not request.where.charger or charger.path == request.where.charger)
        for connector in charger.connectors
    ]
