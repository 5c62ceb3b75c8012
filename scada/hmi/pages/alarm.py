"""One alarm: what it means, where it is handled, what holds it back, what happened to it, and what may be done."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from scada.alarming.alarm import Alarm
from scada.core.access import Right
from scada.core.path import parent
from scada.core.ports import JournalFilter
from scada.core.records import AlarmState
from scada.hmi import alarms, words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.pages.journal import journal_rows

HISTORY_ROWS = 20
COMPANIONS_MAX = 10
"""Of the alarms that came together with it so many are named."""
PAUSE_S = 1.0


async def build(visit: Visit) -> View:
    """The page of an alarm, whatever its state."""
    path = visit.path
    fragment = detail(visit, path)
    if fragment is None:
        return errors.missing(visit, visit.tr("There is no alarm {path}.").format(path=path))
    live = visit.live()
    shown = await fragment.render(live)
    fragment.shown = str(shown)
    text = alarms.alarm_text(visit.plant, path, visit.language)
    main = visit.render(
        "alarm.html",
        live,
        tab="",
        path=path,
        text=text,
        place=alarms.device_name(visit.plant, path, visit.language),
        detail=shown,
    )
    return View(title=text, main=main, live=live, nav="alarms", fragments=[fragment])


def detail(visit: Visit, path: str) -> Fragment | None:
    """The detail of an alarm, kept up while it is shown; None: there is no such alarm that the user sees."""
    alarm = visit.services.host.core.alarms.get(path)
    if alarm is None:
        return None
    tag = alarm.tag.definition
    if not visit.actor.scope.sees(alarm.definition.level, tag.site, tag.domain):
        return None

    async def render(live: Live) -> Markup:
        return await _detail(visit, alarm, live)

    return Fragment(slot=f"alarm-{path}", render=render, alarms=True, pause_s=PAUSE_S)


async def _detail(visit: Visit, alarm: Alarm, live: Live) -> Markup:
    plant, actor, language = visit.plant, visit.actor, visit.language
    host = visit.services.host
    path, definition, tag = alarm.tag.path, alarm.definition, alarm.tag.definition
    view = host.board.get(path)
    state = view.state if view else AlarmState.NORMAL
    page = await visit.services.archive.alarm_journal(
        JournalFilter(alarm=path, role=actor.scope), HISTORY_ROWS, None
    )
    may_acknowledge = alarms.may(actor, Right.ACKNOWLEDGE, definition, tag.site, tag.domain)
    may_mask = alarms.may(actor, Right.MASK, definition, tag.site, tag.domain)
    level = next((one for one in plant.levels if one.number == definition.level), None)
    together = []
    if view is not None and view.first_out:
        together = [
            one
            for one in host.board.views(role=actor.scope)
            if one.first_out == view.first_out and one.path != path
        ]
    return visit.render(
        "alarm_detail.html",
        live,
        complete=page.complete,
        path=path,
        title=f"{alarms.device_name(plant, path, language)} · {alarms.alarm_text(plant, path, language)}",
        definition=definition,
        tag=tag,
        level_name=visit.text(level.name) if level else "",
        prio=alarms.priority_number(level.priority if level else ""),
        state=alarms.STATES[state],
        state_text=visit.tr(words.ALARM_STATES[alarms.STATES[state]]),
        view=view,
        formats=visit.formats(visit.site(tag.site)),
        url=alarms.handled_at(plant, path, definition),
        held=_held(visit, alarm),
        shelved=alarm.shelf is not None,
        together=[
            (alarms.device_name(plant, one.path, language), alarms.alarm_text(plant, one.path, language), one)
            for one in sorted(together, key=lambda one: not one.leads)[:COMPANIONS_MAX]
        ],
        together_more=max(0, len(together) - COMPANIONS_MAX),
        may_acknowledge=may_acknowledge and state.unacknowledged,
        may_comment=may_acknowledge,
        may_reset=may_acknowledge and state.latched,
        may_mask=may_mask,
        branches=_branches(visit, path),
        rows=journal_rows(visit, page.items),
    )


def _held(visit: Visit, alarm: Alarm) -> list[dict[str, Any]]:
    """What holds it back, as the core has it now: by whom, why, until when."""
    plant = visit.plant
    found: list[dict[str, Any]] = [
        {
            "kind": visit.tr("Out of service"),
            "what": alarms.branch_name(plant, hold.path, visit.language),
            "user": hold.user,
            "reason": hold.reason,
            "until_us": hold.until_us,
        }
        for hold in alarm.outages
    ]
    if alarm.shelf is not None:
        found.append(
            {
                "kind": visit.tr("Shelved"),
                "what": "",
                "user": alarm.shelf.user,
                "reason": alarm.shelf.reason,
                "until_us": alarm.shelf.until_us,
            }
        )
    masks = {mask.name: mask for mask in plant.masks if mask.name in alarm.masks}
    found += [
        {
            "kind": visit.tr("Suppressed by design"),
            "what": "",
            "user": "",
            "reason": visit.text(masks[name].reason) or name if name in masks else name,
            "until_us": None,
        }
        for name in alarm.masks
    ]
    return found


def _branches(visit: Visit, path: str) -> list[list[str]]:
    """What can be taken out of service because of an alarm: its tag, its device, and what that is part of."""
    plant = visit.plant
    place = plant.place_of(path)
    found = [[path, visit.tr("this alarm alone")]]
    while place:
        found.append([place, alarms.branch_name(plant, place, visit.language)])
        place = plant.place_of(place) if parent(place) else ""
    return found
