"""Alarms that are not normal, and the journal of all transitions."""

from __future__ import annotations

from scada.core.access import Right
from scada.core.errors import BadRequest
from scada.core.ports import JournalFilter
from scada.hmi import alarms as feed
from scada.hmi import words
from scada.hmi.context import View, Visit
from scada.hmi.pages import errors

JOURNAL_ROWS = 100


async def build(visit: Visit) -> View:
    """The list, or with `?tab=journal` the journal."""
    if visit.query.get("tab") == "journal":
        return await journal(visit)
    live = visit.live()
    filters = {name: visit.query.get(name, "") for name in ("site", "prio", "state", "focus")}
    main = visit.render(
        "alarms.html", live, tab="list", filters=filters, may=visit.actor.may(Right.ACKNOWLEDGE)
    )
    return View(title=visit.tr("Alarms"), main=main, live=live, nav="alarms", alarm_list=True)


async def journal(visit: Visit) -> View:
    """Who, what, when: newest first."""
    site, alarm = visit.query.get("site", ""), visit.query.get("alarm", "")
    try:
        page = await visit.services.archive.alarm_journal(
            JournalFilter(site=site, alarm=alarm, role=visit.actor.scope),
            JOURNAL_ROWS,
            visit.query.get("cursor"),
        )
    except BadRequest as error:
        return errors.missing(visit, words.sentence(str(error), visit.tr))
    plant, formats, language = visit.plant, visit.formats(), visit.language
    priorities = {level.number: level.priority for level in plant.levels}
    rows = [
        {
            "date": formats.date(transition.time_us),
            "time": formats.time(transition.time_us, milliseconds=True),
            "prio": feed.priority_number(priorities.get(transition.level, "")),
            "device": feed.device_name(plant, transition.alarm, language),
            "url": feed.url_of(plant, transition.alarm),
            "text": feed.alarm_text(plant, transition.alarm, language),
            "path": transition.alarm,
            "event": visit.tr(words.ALARM_EVENTS[transition.event.value]),
            "value": feed.value_text(transition.value, language),
            "user": transition.user,
            "comment": transition.comment,
        }
        for transition in page.items
    ]
    live = visit.live()
    main = visit.render(
        "journal.html",
        live,
        tab="journal",
        rows=rows,
        filters={"site": site, "alarm": alarm},
        first=not visit.query.get("cursor"),
        next=page.next,
    )
    return View(title=visit.tr("Alarm journal"), main=main, live=live, nav="alarms")
