"""Reports of the plant: availability of connectors, peak demand, alarms, audit."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from scada.charging.bookkeeping import QUARTER_US
from scada.charging.registers import Reading, energy_by, steps
from scada.core.errors import Unavailable
from scada.core.ports import AlarmFigures, DeedFilter, JournalFilter, Point
from scada.core.report_ports import ROWS_MAX, Cell, CellKind, Chart, Column, Report, ReportRequest, Table
from scada.core.value import SECOND_US, TimeUs, is_good
from scada.reports.charging import session_peaks
from scada.reports.sources import Sources, connectors
from scada.reports.spans import local
from scada.reports.words import column, word

STATES = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
)
USABLE = frozenset(STATES) - {"Unavailable", "Faulted"}
POINTS_MAX = 20_000
LOOK_BACK_US = 400 * 86_400 * SECOND_US
"""How old a state may be that held when the span began."""
PEAKS_MAX = 200
QUARTERS_MAX = 10_000
"""Of one query of the register of a meter."""
AUDIT_PAGE = 1_000


async def availability(sources: Sources, request: ReportRequest, empty: Report) -> Report:
    """Percent of the time in each state, of each connector; time without a Good state is not known."""
    language = request.language
    to_us = min(request.to_us, empty.made_us)
    span_us = max(to_us - request.from_us, 1)
    rows: list[list[Cell]] = []
    cut = False
    for _, connector in connectors(sources, request):
        path = f"{connector.path}.Status"
        tag = sources.plant.definitions.get(path)
        points: list[Point] = []
        if tag is not None and tag.history is not None:
            before_us = request.from_us - LOOK_BACK_US
            points += await sources.archive.points(path, before_us, request.from_us, 1)
            inside = await sources.archive.points(path, request.from_us, to_us, POINTS_MAX)
            cut = cut or len(inside) == POINTS_MAX
            points += inside
        lengths = time_in_states(points, request.from_us, to_us)
        known_us = sum(lengths.values())
        usable_us = sum(length for state, length in lengths.items() if state in USABLE)
        rows.append(
            [
                connector.path,
                100 * usable_us / known_us if known_us else None,
                *(100 * lengths.get(state, 0) / span_us for state in STATES),
                100 * (span_us - known_us) / span_us,
            ]
        )
    percent = CellKind.PERCENT
    columns = [
        column("connector", language),
        column("percent_available", language, percent, "%"),
        *(column(state, language, percent, "%") for state in STATES),
        column("percent_unknown", language, percent, "%"),
    ]
    table = Table("availability", word("availability", language), columns, rows[:ROWS_MAX], cut)
    shown = rows[:30]
    charts = [
        Chart(
            word("availability", language),
            [str(row[0]) for row in shown],
            {
                column.title: [float(row[n] or 0) for row in shown]
                for n, column in enumerate(columns)
                if n > 1
            },
            "%",
            stacked=True,
        )
    ]
    return replace(empty, tables=[table], charts=charts if shown else [])


def time_in_states(points: Sequence[Point], from_us: TimeUs, to_us: TimeUs) -> dict[str, int]:
    """State → time within the span; a sample holds until the next, and what is not Good is nobody's."""
    lengths: dict[str, int] = defaultdict(int)
    ends = [*(point.time_us for point in points[1:]), to_us]
    for point, end_us in zip(points, ends, strict=True) if points else ():
        length_us = min(end_us, to_us) - max(point.time_us, from_us)
        if length_us > 0 and is_good(point.quality) and isinstance(point.value, str) and point.value:
            lengths[point.value] += length_us
    return lengths


async def peak(sources: Sources, request: ReportRequest, empty: Report) -> Report:
    """The greatest quarter hours, by the meter of the grid connection where there is one, else by sessions."""
    language, zone = request.language, ZoneInfo(request.timezone)
    to_us = min(request.to_us, empty.made_us)
    notes = list(empty.notes)
    found: dict[TimeUs, float] = defaultdict(float)
    meters = [
        meter
        for meter in sources.plant.meters()
        if meter.role == "grid" and (not request.site or meter.site == request.site)
    ]
    names = []
    for meter in meters:
        metered = await _metered(sources, f"{meter.path}.EnergyImport", request.from_us, to_us)
        if metered:
            names.append(meter.path)
        for begin_us, energy_wh in metered.items():
            found[begin_us] += energy_wh
    if not names:
        notes.append(word("peak_of_sessions", language))
        found |= await asyncio.to_thread(session_peaks, sources, request, empty.made_us)
    source = ", ".join(names) or word("sessions", language)
    greatest = sorted(found, key=lambda begin_us: (-found[begin_us], begin_us))[:PEAKS_MAX]
    rows: list[list[Cell]] = [[begin_us, found[begin_us] * 4 / 1000, source] for begin_us in greatest]
    columns = [
        column("quarter", language, CellKind.TIME),
        column("mean_power", language, CellKind.POWER, "kW"),
        column("source", language),
    ]
    table = Table("peak", word("peak", language), columns, rows, len(found) > PEAKS_MAX)
    by_day: dict[str, float] = defaultdict(float)
    for begin_us, energy_wh in sorted(found.items()):
        day = f"{local(begin_us, zone):%Y-%m-%d}"
        by_day[day] = max(by_day[day], energy_wh * 4 / 1000)
    days = list(by_day)[:370]
    chart = Chart(
        word("peak", language), days, {source: [by_day[day] for day in days]}, "kW", lines=len(days) > 40
    )
    return replace(empty, tables=[table], charts=[chart] if days else [], notes=notes)


async def _metered(sources: Sources, path: str, from_us: TimeUs, to_us: TimeUs) -> dict[TimeUs, float]:
    """Quarter hour → Wh by a register, whose last value of a quarter is its count at the end."""
    tag = sources.plant.definitions.get(path)
    if tag is None or tag.history is None:
        return {}
    begin_us = from_us - from_us % QUARTER_US
    found: list[Reading] = []
    # From the quarter before: its last value is the count at the begin.
    for first_us in range(begin_us - QUARTER_US, to_us, QUARTERS_MAX * QUARTER_US):
        end_us = min(first_us + QUARTERS_MAX * QUARTER_US, to_us)
        quarters = await sources.archive.aggregates(path, first_us, end_us, QUARTER_US)
        found += [
            Reading(one.time_us + QUARTER_US, one.last * 1000) for one in quarters if one.last is not None
        ]
    edges = list(range(begin_us, to_us + QUARTER_US, QUARTER_US))
    return {
        edge: energy_wh
        for edge, energy_wh in zip(edges, energy_by(steps(found), edges), strict=False)
        if energy_wh > 0
    }


async def alarms(sources: Sources, request: ReportRequest, empty: Report) -> Report:
    """The figures of ISA-18.2 16.5 and the most frequent alarms."""
    language = request.language
    where = JournalFilter(site=request.site, role=request.scope)
    figures = await sources.archive.alarm_figures(where, request.from_us, request.to_us)
    columns = [column("alarm", language), column("times", language, CellKind.COUNT, total=True)]
    frequent: list[list[Cell]] = [[alarm, times] for alarm, times in figures.most_frequent]
    chart = Chart(
        word("most_frequent", language),
        [alarm for alarm, _ in figures.most_frequent],
        {word("times", language): [float(times) for _, times in figures.most_frequent]},
    )
    return replace(
        empty,
        facts=[*empty.facts, *_facts(figures, language)],
        tables=[
            Table(
                "figures",
                word("figure", language),
                _figure_columns(language),
                _figure_rows(figures, language),
            ),
            Table("most_frequent", word("most_frequent", language), columns, frequent),
            Table(
                "chattering", word("chattering", language), columns[:1], [[one] for one in figures.chattering]
            ),
            Table("stale", word("stale", language), columns[:1], [[one] for one in figures.stale]),
        ],
        charts=[chart] if frequent else [],
    )


def _figure_columns(language: str) -> list[Column]:
    return [column("figure", language), column("value", language, CellKind.NUMBER)]


def _figure_rows(figures: AlarmFigures, language: str) -> list[list[Cell]]:
    shares: list[list[Cell]] = [[f"{name} (%)", share] for name, share in figures.by_priority.items()]
    return [
        [word("raised", language), figures.raised],
        [word("per_10_min_mean", language), figures.per_10_min_mean],
        [word("per_10_min_peak", language), figures.per_10_min_peak],
        [word("flood_percent", language), figures.flood_percent],
        [word("ack_median", language), figures.acknowledge_s_median],
        [word("ack_p90", language), figures.acknowledge_s_p90],
        *shares,
    ]


def _facts(figures: AlarmFigures, language: str) -> list[tuple[str, str]]:
    return [(word("raised", language), str(figures.raised))]


async def audit(sources: Sources, request: ReportRequest, empty: Report) -> Report:
    """Who did what, newest first."""
    language = request.language
    where = DeedFilter(from_us=request.from_us, to_us=request.to_us)
    rows: list[list[Cell]] = []
    cursor: str | None = None
    while len(rows) <= ROWS_MAX:
        page = await sources.archive.audit(where, AUDIT_PAGE, cursor)
        if not page.complete:
            raise Unavailable(
                "older records cannot be read now: make the report again when PostgreSQL is back"
            )
        rows += [
            [one.time_us, one.user, one.origin, one.action, one.object, one.old, one.new, one.outcome]
            for one in page.items
        ]
        cursor = page.next
        if cursor is None:
            break
    columns = [
        column("time", language, CellKind.TIME),
        *(column(key, language) for key in ("user", "origin", "action", "object", "old", "new", "outcome")),
    ]
    table = Table("audit", word("audit", language), columns, rows[:ROWS_MAX], len(rows) > ROWS_MAX)
    return replace(empty, tables=[table])
