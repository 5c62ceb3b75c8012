"""Audit trail: who did what, when and from where, and the commands with their outcomes; filtered, newest first."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from scada.core.access import Right
from scada.core.errors import BadRequest
from scada.core.ports import DeedFilter
from scada.core.value import SECOND_US
from scada.hmi import export_list, words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.sentences import sentence
from scada.i18n import marked

ROWS = 100
EVERY_S = 5.0
FILTERS = ("tab", "user", "action", "object", "from", "to")
DAYS = 7
"""Offered at first: so many days back."""

_ = marked
TABS = (("", _("Deeds")), ("commands", _("Commands")))


def where(visit: Visit) -> DeedFilter:
    """The filter that the address asks for; what it cannot be is left out."""
    query, formats = visit.query, visit.formats()
    to = query.get("to", "")
    day_end_us = formats.day_end_us(to)  # a last day is meant with all its hours
    return DeedFilter(
        user=query.get("user", "").strip()[:100],
        object=query.get("object", "").strip()[:256],
        action=query.get("action", "").strip()[:100],
        from_us=formats.parse_local(query.get("from", "")),
        to_us=formats.parse_local(to) if day_end_us is None else day_end_us,
    )


async def build(visit: Visit) -> View:
    """The page. Query: `tab` (deeds or commands), `user`, `action`, `object`, `from`, `to`, `cursor`."""
    if not visit.actor.may(Right.MANAGE_USERS):
        return errors.no_right(visit)
    tab = "commands" if visit.query.get("tab") == "commands" else ""
    cursor = visit.query.get("cursor")
    kept = {name: visit.query[name] for name in FILTERS if name in visit.query}
    chosen = where(visit)
    formats = visit.formats()

    async def table(live: Live) -> Markup:
        archive = visit.services.archive
        data: dict[str, Any]
        if tab:
            commands = await archive.commands(chosen, ROWS, cursor)
            data = {"commands": commands.items, "next": commands.next, "complete": commands.complete}
        else:
            deeds = await archive.audit(chosen, ROWS, cursor)
            data = {"deeds": deeds.items, "next": deeds.next, "complete": deeds.complete}
        return visit.render(
            "audit_table.html",
            live,
            tab=tab,
            first=not cursor,
            kept=kept,
            date=formats.date,
            time=lambda time_us: formats.time(time_us, milliseconds=True),
            outcomes={outcome.value: text for outcome, text in words.OUTCOMES.items()},
            **data,
        )

    live = visit.live()
    try:
        shown = await table(live)
    except BadRequest as error:
        return errors.missing(visit, sentence(str(error), visit.tr))
    exports = export_list.part(visit)
    now_us = visit.services.host.clock.now_us()
    day = formats.day_text
    main = visit.render(
        "audit.html",
        live,
        tab=tab,
        tabs=TABS,
        table=shown,
        kept=kept,
        exports=Markup(exports.shown),  # noqa: S704 (made by our own template)
        span={
            "from": visit.query.get("from", "")[:10] or day(now_us - DAYS * 86_400 * SECOND_US),
            "to": visit.query.get("to", "")[:10] or day(now_us),
        },
        filters={name: visit.query.get(name, "") for name in FILTERS},
    )
    return View(
        title=visit.tr("Audit trail"),
        main=main,
        live=live,
        nav="audit",
        fragments=[exports]
        if cursor
        else [exports, Fragment(slot="audit", render=table, every_s=EVERY_S, shown=str(shown))],
    )
