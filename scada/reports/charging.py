"""Reports of sessions: the list, energy by dimension and time, and how much each connector was used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from scada.core.errors import BadRequest
from scada.core.report_ports import (
    DIMENSIONS,
    ROWS_MAX,
    Cell,
    CellKind,
    Chart,
    Report,
    ReportRequest,
    Table,
)
from scada.core.session_ports import SessionRow
from scada.core.value import SECOND_US, TimeUs
from scada.reports.sources import Sources, connectors, quarters_of, walk
from scada.reports.spans import edges, label
from scada.reports.words import column, word

BARS_MAX = 60
SERIES_MAX = 8
"""Series of a chart: the greatest; the others are one."""
DAY_US = 86_400 * SECOND_US


def sessions(sources: Sources, request: ReportRequest, empty: Report) -> Report:
    """The list of sessions that began in the span."""
    language = request.language
    where = replace(
        request.where,
        site=request.site or request.where.site,
        from_us=request.from_us,
        to_us=request.to_us,
    )
    rows = [_session(row) for row in sources.sessions.walk(where, ROWS_MAX + 1)]
    columns = [
        column("id", language, CellKind.COUNT),
        column("site", language),
        column("charger", language),
        column("connector", language, CellKind.COUNT),
        column("token", language),
        column("parent", language),
        column("vehicle", language),
        column("plan", language),
        column("state", language),
        column("started", language, CellKind.TIME),
        column("stopped", language, CellKind.TIME),
        column("duration", language, CellKind.DURATION, total=True),
        column("charging", language, CellKind.DURATION, total=True),
        column("meter_start", language, CellKind.ENERGY, "kWh"),
        column("meter_stop", language, CellKind.ENERGY, "kWh"),
        column("energy", language, CellKind.ENERGY, "kWh", total=True),
        column("power_mean", language, CellKind.POWER, "kW"),
        column("power_max", language, CellKind.POWER, "kW"),
        column("soc_start", language, CellKind.PERCENT, "%"),
        column("soc_end", language, CellKind.PERCENT, "%"),
        column("reason", language),
        column("authorized_by", language),
        column("tariff", language),
        column("cost", language, CellKind.MONEY, total=True),
        column("currency", language),
        column("meter_difference", language, CellKind.ENERGY, "kWh"),
        column("flags", language),
    ]
    cut = len(rows) > ROWS_MAX
    table = Table("sessions", word("sessions", language), columns, rows[:ROWS_MAX], cut)
    return replace(empty, tables=[table])


def _session(row: SessionRow) -> list[Cell]:
    record, figures = row.record, row.figures
    stopped_us = record.stopped_us
    return [
        record.id,
        record.site,
        record.charger,
        record.connector,
        record.id_tag,
        record.parent,
        record.vehicle,
        record.plan,
        record.state.value,
        record.started_us,
        stopped_us,
        None if stopped_us is None else stopped_us - record.started_us,
        figures.charging_us if figures else None,
        record.meter_start_wh,
        record.meter_stop_wh,
        record.energy_wh,
        figures.power_mean_kw if figures else None,
        figures.power_max_kw if figures else None,
        record.soc_start,
        record.soc_end,
        record.reason,
        record.authorized_by,
        figures.tariff if figures else "",
        (figures.cost or None) if figures else None,
        figures.currency if figures else "",
        figures.meter_difference_wh if figures else None,
        ",".join(part for part in (record.flags, figures.flags if figures else "") if part),
    ]


_KEYS: dict[str, Callable[[SessionRow], str]] = {
    "site": lambda row: row.record.site,
    "charger": lambda row: row.record.charger,
    "connector": lambda row: f"{row.record.charger}.C{row.record.connector}",
    "token": lambda row: row.record.id_tag,
    "vehicle": lambda row: row.record.vehicle,
    "plan": lambda row: row.record.plan,
    "all": lambda _: "",
}


def energy(sources: Sources, request: ReportRequest, empty: Report) -> Report:
    """Energy by a dimension and a step of time. A session counts in each step in which it took energy.

    Raises:
        BadRequest: dimension or step is none.
    """
    key = _KEYS.get(request.by)
    if key is None:
        raise BadRequest(f"'by' is one of {', '.join(DIMENSIONS)}")
    zone, language = ZoneInfo(request.timezone), request.language
    borders = edges(request.step, request.from_us, request.to_us, zone)
    names = [label(request.step, begin, zone) for begin in borders[:-1]]
    found: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in walk(sources, request):
        parts: dict[int, int] = defaultdict(int)
        for begin_us, energy_wh in quarters_of(row, empty.made_us):
            if request.from_us <= begin_us < request.to_us:
                parts[_place(borders, begin_us)] += energy_wh
        for number, energy_wh in parts.items():
            sums = found[number, key(row)]
            sums[0] += energy_wh
            sums[1] += 1
    rows: list[list[Cell]] = [
        [names[number] if request.step != "all" else "", group, *found[number, group]]
        for number, group in sorted(found)
    ]
    columns = [
        column("period", language),
        column(request.by, language),
        column("energy", language, CellKind.ENERGY, "kWh", total=True),
        column("count", language, CellKind.COUNT),
    ]
    table = Table("energy", word("energy", language), columns, rows[:ROWS_MAX], len(rows) > ROWS_MAX)
    return replace(
        empty,
        tables=[table],
        charts=_energy_chart(found, names, language),
        notes=[*empty.notes, word("from_registers", language)],
    )


def _place(borders: list[TimeUs], time_us: TimeUs) -> int:
    low, high = 0, len(borders) - 1
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if borders[middle] <= time_us else (low, middle)
    return low


def _energy_chart(found: dict[tuple[int, str], list[int]], names: list[str], language: str) -> list[Chart]:
    if not found or len(names) > BARS_MAX:
        return []
    by_group: dict[str, int] = defaultdict(int)
    for (_, group), (energy_wh, _) in found.items():
        by_group[group] += energy_wh
    greatest = sorted(by_group, key=lambda group: (-by_group[group], group))[:SERIES_MAX]
    series: dict[str, list[float]] = {group or "–": [0.0] * len(names) for group in greatest}
    if len(by_group) > len(greatest):
        series["…"] = [0.0] * len(names)
    for (number, group), (energy_wh, _) in found.items():
        name = (group or "–") if group in greatest else "…"
        series[name][number] += energy_wh / 1000
    return [Chart(word("energy", language), names, series, "kWh", stacked=True)]


def utilisation(sources: Sources, request: ReportRequest, empty: Report) -> Report:
    """How long each connector was occupied and charged, and what it gave."""
    language, span_us = request.language, max(min(request.to_us, empty.made_us) - request.from_us, 1)
    sums: dict[str, list[float]] = {
        connector.path: [0, 0, 0, 0] for _, connector in connectors(sources, request)
    }
    for row in walk(sources, request):
        one = sums.get(f"{row.record.charger}.C{row.record.connector}")
        if one is None:
            continue
        record = row.record
        stopped_us = record.stopped_us or empty.made_us
        length_us = max(stopped_us - record.started_us, 1)
        common_us = max(min(stopped_us, request.to_us) - max(record.started_us, request.from_us), 0)
        one[0] += 1
        one[1] += common_us
        one[2] += (row.figures.charging_us if row.figures else 0) * common_us / length_us
        one[3] += sum(
            energy_wh
            for begin_us, energy_wh in quarters_of(row, empty.made_us)
            if request.from_us <= begin_us < request.to_us
        )
    rows: list[list[Cell]] = [
        [
            path,
            int(count),
            round(count * DAY_US / span_us, 2),
            int(occupied_us),
            100 * occupied_us / span_us,
            int(charging_us),
            100 * charging_us / span_us,
            int(energy_wh),
        ]
        for path, (count, occupied_us, charging_us, energy_wh) in sums.items()
    ]
    columns = [
        column("connector", language),
        column("count", language, CellKind.COUNT, total=True),
        column("per_day", language, CellKind.NUMBER),
        column("occupied", language, CellKind.DURATION, total=True),
        column("percent_occupied", language, CellKind.PERCENT, "%"),
        column("charging", language, CellKind.DURATION, total=True),
        column("percent_charging", language, CellKind.PERCENT, "%"),
        column("energy", language, CellKind.ENERGY, "kWh", total=True),
    ]
    table = Table(
        "utilisation", word("utilisation", language), columns, rows[:ROWS_MAX], len(rows) > ROWS_MAX
    )
    shown = sorted(sums, key=lambda path: -sums[path][1])[:30]
    charts = [
        Chart(
            word("percent_occupied", language),
            shown,
            {
                word("percent_charging", language): [100 * sums[path][2] / span_us for path in shown],
                word("percent_occupied", language): [100 * sums[path][1] / span_us for path in shown],
            },
            "%",
        )
    ]
    return replace(empty, tables=[table], charts=charts if shown else [])


def session_peaks(sources: Sources, request: ReportRequest, now_us: TimeUs) -> dict[TimeUs, int]:
    """Quarter hour → Wh of all sessions."""
    found: dict[TimeUs, int] = defaultdict(int)
    for row in walk(sources, request):
        for begin_us, energy_wh in quarters_of(row, now_us):
            if request.from_us <= begin_us < request.to_us:
                found[begin_us] += energy_wh
    return found
