"""The alarm journal: every transition and what people did, filtered, newest first; the newest page keeps itself up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from scada.core.access import LEVEL_MAX
from scada.core.errors import BadRequest
from scada.core.ports import JournalFilter
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.hmi import alarms, words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.sentences import sentence

ROWS = 100
PAUSE_S = 1.0
FILTERS = ("site", "branch", "prio", "event", "state", "user", "text", "from", "to")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the journal as it is shown."""

    transition: AlarmTransition
    date: str
    time: str
    prio: int
    device: str
    url: str
    text: str
    event: str
    state: str
    value: str
    until: str


def journal_rows(visit: Visit, transitions: Iterable[AlarmTransition]) -> list[Row]:
    """Rows in the reader's language."""
    plant, language, tr = visit.plant, visit.language, visit.tr
    formats = visit.formats()
    priorities = {level.number: level.priority for level in plant.levels}
    rows = []
    for transition in transitions:
        definition = plant.definitions.get(transition.alarm)
        is_alarm = definition is not None and definition.alarm is not None
        rows.append(
            Row(
                transition=transition,
                date=formats.date(transition.time_us),
                time=formats.time(transition.time_us, milliseconds=True),
                prio=alarms.priority_number(priorities.get(transition.level, "")),
                device=alarms.device_name(plant, transition.alarm, language)
                if is_alarm
                else alarms.branch_name(plant, transition.alarm, language),
                url=alarms.alarm_url(transition.alarm)
                if is_alarm
                else alarms.url_of(plant, transition.alarm),
                # A branch that was taken out of service has a row of its own, and is no alarm.
                text=alarms.alarm_text(plant, transition.alarm, language) if is_alarm else tr("whole branch"),
                event=tr(words.ALARM_EVENTS[transition.event.value]),
                state=tr(words.ALARM_STATES[alarms.STATES[transition.state]]),
                value=alarms.value_text(transition.value, language),
                until=formats.date_time(transition.until_us) if transition.until_us is not None else "",
            )
        )
    return rows


def where(visit: Visit) -> JournalFilter:
    """The filter that the address asks for; what it cannot be is left out."""
    query, formats = visit.query, visit.formats()
    event, state = query.get("event", ""), query.get("state", "")
    levels = [
        level.number
        for level in visit.plant.levels
        if str(alarms.priority_number(level.priority)) == query.get("prio", "")
    ]
    return JournalFilter(
        site=query.get("site", "")[:256],
        branch=query.get("branch", "").strip()[:256],
        level_min=min(levels, default=0),
        level_max=max(levels, default=LEVEL_MAX),
        events=(AlarmEvent(event),) if event in words.ALARM_EVENTS else (),
        state=AlarmState(state) if state in {one.value for one in AlarmState} else None,
        user=query.get("user", "").strip()[:100],
        text=query.get("text", "").strip()[:100],
        from_us=formats.parse_local(query.get("from", "")),
        to_us=formats.parse_local(query.get("to", "")),
        role=visit.actor.scope,
    )


async def build(visit: Visit) -> View:
    """The journal; `cursor` pages through."""
    chosen = where(visit)
    cursor = visit.query.get("cursor")
    kept = {name: visit.query[name] for name in FILTERS if name in visit.query}

    async def table(live: Live) -> Markup:
        page = await visit.services.archive.alarm_journal(chosen, ROWS, cursor)
        return visit.render(
            "journal_table.html",
            live,
            rows=journal_rows(visit, page.items),
            next=page.next,
            complete=page.complete,
            first=not cursor,
            kept=kept,
        )

    live = visit.live()
    try:
        shown = await table(live)
    except BadRequest as error:
        return errors.missing(visit, sentence(str(error), visit.tr))
    main = visit.render(
        "journal.html",
        live,
        tab="journal",
        table=shown,
        kept=kept,
        states=[(state.value, words.ALARM_STATES[alarms.STATES[state]]) for state in AlarmState],
        filters={name: visit.query.get(name, "") for name in FILTERS},
    )
    return View(
        title=visit.tr("Alarm journal"),
        main=main,
        live=live,
        nav="alarms",
        # Older pages do not change; the newest is kept up.
        fragments=[]
        if cursor
        else [Fragment(slot="journal", render=table, alarms=True, pause_s=PAUSE_S, shown=str(shown))],
    )
