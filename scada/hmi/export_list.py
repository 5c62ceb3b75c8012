"""The files that are being made for a user, as a part of a page."""

from __future__ import annotations

from markupsafe import Markup

from scada.hmi.context import Fragment, Visit
from scada.hmi.live import Live
from scada.hmi.sentences import sentence
from scada.i18n import marked
from scada.runtime.report_jobs import ReportJob

SLOT = "exports"
EVERY_S = 0.5

STATES = {
    "running": marked("being made …"),
    "done": marked("ready"),
    "failed": marked("failed"),
    "cancelled": marked("cancelled"),
}


def part(visit: Visit) -> Fragment:
    """The list, with its first content in `shown`; empty where nothing was asked for."""

    async def render(live: Live) -> Markup:
        return _table(visit, live)

    return Fragment(slot=SLOT, render=render, every_s=EVERY_S, shown=str(_table(visit, visit.live())))


def _table(visit: Visit, live: Live) -> Markup:
    rows = [(one, _said(visit, one)) for one in visit.services.report_jobs.of(visit.actor.name)]
    return visit.render("exports.html", live, rows=rows, formats=visit.formats()) if rows else Markup()


def _said(visit: Visit, export: ReportJob) -> str:
    """How far it is."""
    tr, formats = visit.tr, visit.formats()
    text = tr(STATES[export.state])
    if export.state == "running" and export.rows:
        return tr("{state} {count} rows").format(state=text, count=formats.number(export.rows))
    if export.file is not None:
        return tr("{state}, {size} kB").format(
            state=text, size=formats.number(max(1, len(export.file.content) // 1000))
        )
    if export.error:
        return tr("{outcome}: {text}").format(outcome=text, text=sentence(export.error, tr))
    return text
