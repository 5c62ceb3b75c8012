"""Suppressed now: who keeps what from operators, why and until when; and what is forced."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from scada.core.access import Right
from scada.core.records import HoldKind
from scada.hmi import alarms
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.runtime.suppressions import MASK, Line, lines

EVERY_S = 5.0
"""Masks move no board where they hold nothing back."""
PAUSE_S = 1.0


async def build(visit: Visit) -> View:
    """The page: a table a kind."""

    async def tables(live: Live) -> Markup:
        return render(visit, live)

    live = visit.live()
    shown = await tables(live)
    main = visit.render("suppressed.html", live, tab="suppressed", tables=shown)
    fragment = Fragment(
        slot="suppressed", render=tables, alarms=True, every_s=EVERY_S, pause_s=PAUSE_S, shown=str(shown)
    )
    sites = tuple(site.path for site in visit.plant.sites)
    return View(
        title=visit.tr("Suppressed now"),
        main=main,
        live=live,
        sites=sites,
        nav="alarms",
        fragments=[fragment],
    )


def render(visit: Visit, live: Live, *, only_some: bool = False) -> Markup:
    """The tables as they stand; `only_some`: those that hold something."""
    found = lines(visit.services.host, visit.actor.scope, visit.language)
    tr = visit.tr
    sections = (
        (HoldKind.SHELVED.value, tr("Shelved alarms"), tr("No alarm is shelved.")),
        (HoldKind.OUT_OF_SERVICE.value, tr("Out of service"), tr("Nothing is out of service.")),
        (MASK, tr("Suppressed by design"), tr("No mask holds.")),
        (HoldKind.FORCED.value, tr("Forced tags"), tr("No tag is forced.")),
    )
    return visit.render(
        "suppressed_tables.html",
        live,
        sections=[
            (kind, title, empty, rows)
            for kind, title, empty in sections
            if (rows := [_row(visit, line) for line in found if line.kind == kind]) or not only_some
        ],
    )


def _row(visit: Visit, line: Line) -> dict[str, Any]:
    plant, language, actor = visit.plant, visit.language, visit.actor
    formats = visit.formats()
    definition = plant.definitions.get(line.path)
    alarm = definition.alarm if definition else None
    place, text, url = alarms.branch_name(plant, line.path, language), "", alarms.url_of(plant, line.path)
    may_end = actor.may(Right.MASK)
    priorities = {level.number: level.priority for level in plant.levels}
    if line.kind == HoldKind.SHELVED.value and definition is not None and alarm is not None:
        place = alarms.device_name(plant, line.path, language)
        text = alarms.alarm_text(plant, line.path, language)
        url = alarms.alarm_url(line.path)
        may_end = alarms.may(actor, Right.MASK, alarm, definition.site, definition.domain)
    elif line.kind == HoldKind.FORCED.value:
        tag = visit.services.host.tags.get(line.path)
        text = visit.label(tag.definition) if tag is not None else ""
        place, url = line.path, f"/tag/{line.path}"
        may_end = actor.may(Right.MAINTAIN)
    elif line.kind == MASK:
        place = alarms.branch_name(plant, line.path.rstrip("*").rstrip("."), language) or line.path
        url = alarms.url_of(plant, line.path.rstrip("*").rstrip("."))
    return {
        "line": line,
        "place": place,
        "text": text,
        "url": url,
        "prio": alarms.priority_number(priorities.get(alarm.level, "")) if alarm else 0,
        "since": formats.date_time(line.since_us),
        "until": formats.date_time(line.until_us) if line.until_us is not None else "",
        "may_end": may_end,
    }
