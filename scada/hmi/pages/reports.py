"""Reports: one for a period and a site, with its charts and tables, as a file, and who has it by mail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from markupsafe import Markup

from scada.core.access import Right
from scada.core.errors import ScadaError
from scada.core.report_ports import DIMENSIONS, STEPS, Cell, CellKind, Column, Report, Table
from scada.hmi import charts, export_list, words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.report_requests import period, wanted
from scada.hmi.sentences import sentence
from scada.i18n import Formats, marked

ROWS_SHOWN = 200
"""Of a table on the page; the files hold all."""
WAIT_S = 1.5
"""A page waits so long for its report, then shows that it is being made, and the report when it is there."""
EVERY_S = 0.5
FIELDS = ("report", "period", "from", "to", "site", "by", "step")

BY = {
    "site": marked("Site"),
    "charger": marked("Charger"),
    "connector": marked("Connector"),
    "token": marked("Token"),
    "vehicle": marked("Vehicle"),
    "plan": marked("Plan"),
    "all": marked("all together"),
}
STEP = {
    "hour": marked("hour"),
    "day": marked("day"),
    "week": marked("week"),
    "month": marked("month"),
    "all": marked("whole period"),
}
RIGHT_ALIGNED = frozenset(CellKind) - {CellKind.TEXT, CellKind.TIME}


@dataclass(frozen=True, slots=True)
class Shown:
    """A table as it is shown."""

    title: str
    columns: list[tuple[str, str, bool]]
    rows: list[list[str]]
    hidden: int


async def build(visit: Visit) -> View:
    """The page of a report."""
    services, tr, live = visit.services, visit.tr, visit.live()
    report = visit.query.get("report", "energy")
    kept = {name: visit.query[name] for name in FIELDS if name in visit.query}
    formats = visit.formats(visit.site(visit.query.get("site", "")))
    exports = export_list.part(visit)
    fragments = [exports]
    try:
        request = wanted(visit, visit.actor, report)
        made = asyncio.create_task(services.reports.build(request), name=f"report {report}")
        await asyncio.wait([made], timeout=WAIT_S)

        async def body(into: Live) -> Markup:
            return _body(visit, made, formats, into)

        shown = _body(visit, made, formats, live)
        if not made.done():
            fragments.append(Fragment(slot="report", render=body, every_s=EVERY_S, shown=str(shown)))
    except ScadaError as error:
        shown = Markup('<p class="refusal">{}</p>').format(sentence(str(error), tr))
    main = visit.render(
        "reports.html",
        live,
        body=shown,
        exports=Markup(exports.shown),  # noqa: S704 (made by our own template)
        report=report,
        reports=[
            (key, name)
            for key, name in words.REPORTS.items()
            if key != "audit" or visit.actor.may(Right.MANAGE_USERS)
        ],
        period=period(visit),
        kept=kept | {"report": report},
        dimensions=[(key, BY[key]) for key in DIMENSIONS],
        steps=[(key, STEP[key]) for key in STEPS],
        by=visit.query.get("by", "charger"),
        step=visit.query.get("step", "day"),
        mailed=_mailed(visit, report),
    )
    return View(title=tr("Reports"), main=main, live=live, nav="reports", fragments=fragments)


def _body(visit: Visit, made: asyncio.Task[Report], formats: Formats, live: Live) -> Markup:
    if not made.done():
        return Markup('<p class="empty" role="status">{}</p>').format(visit.tr("The report is being made …"))
    error = made.exception()
    if isinstance(error, ScadaError):
        return Markup('<p class="refusal">{}</p>').format(sentence(str(error), visit.tr))
    report = made.result()
    empty = visit.tr("Nothing in this period.")
    return visit.render(
        "report_body.html",
        live,
        report=report,
        span=f"{formats.date_time(report.from_us)} – {formats.date_time(report.to_us)}",
        charts=[(chart.title, charts.drawing(chart, formats, empty)) for chart in report.charts],
        tables=[shown(table, formats) for table in report.tables],
    )


def shown(table: Table, formats: Formats) -> Shown:
    """The first rows, as people read them."""
    return Shown(
        title=table.title,
        columns=[(one.title, one.unit, one.kind in RIGHT_ALIGNED) for one in table.columns],
        rows=[
            [cell(value, column, formats) for value, column in zip(row, table.columns, strict=True)]
            for row in table.rows[:ROWS_SHOWN]
        ],
        hidden=max(0, len(table.rows) - ROWS_SHOWN),
    )


def cell(value: Cell, column: Column, formats: Formats) -> str:
    """A cell as people read it."""
    kind = column.kind
    if value is None:
        return "–"
    if isinstance(value, str):
        return formats.number(float(value), 2) if kind is CellKind.MONEY and value else value
    if kind is CellKind.TIME:
        return formats.date_time(int(value))
    if kind is CellKind.DURATION:
        return formats.duration(int(value))
    if kind is CellKind.ENERGY:
        return formats.number(value / 1000, 2)
    decimals = {CellKind.COUNT: 0, CellKind.POWER: 1, CellKind.PERCENT: 1}.get(kind, 2)
    return formats.number(value, decimals)


def _mailed(visit: Visit, report: str) -> list[dict[str, str]]:
    """Who has this report by mail, and when."""
    tr = visit.tr
    return [
        {
            "name": one.name,
            "to": ", ".join(one.to),
            "at": f"{one.at_min // 60:02d}:{one.at_min % 60:02d} {one.timezone}",
            "days": tr("every day")
            if len(one.days) == len(words.DAYS)
            else ", ".join(tr(words.DAYS[day]) for day in one.days),
            "period": tr(words.PERIODS.get(one.period, one.period)),
            "formats": ", ".join(one.formats),
            "site": one.site or tr("all sites"),
        }
        for one in visit.plant.reports
        if one.report == report
    ]
