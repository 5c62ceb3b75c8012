"""Charging sessions: running ones live, ended ones from the journal."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from scada.core.errors import BadRequest
from scada.core.ports import SessionFilter
from scada.core.records import TransactionRecord, TransactionState
from scada.hmi import words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.i18n import Formats

ROWS = 50
REFRESH_S = 10.0
FILTERS = ("charger", "token", "state", "from", "to")


@dataclass(frozen=True, slots=True)
class Row:
    """A session as it is listed. `live_path`: connector whose tags carry it now, or empty."""

    record: TransactionRecord
    place: str
    url: str
    token: str
    date: str
    start: str
    end: str
    duration: str
    energy: str
    state: str
    reason: str
    flags: str
    live_path: str


def row(visit: Visit, record: TransactionRecord, formats: Formats) -> Row:
    """One line."""
    plant, tr = visit.plant, visit.tr
    charger = plant.chargers_by_path.get(record.charger)
    connector = charger.connector(record.connector) if charger else None
    name = charger.name if charger else record.charger
    running = record.state is TransactionState.OPEN
    owner = next((t.name for t in plant.tokens if t.id_tag.casefold() == record.id_tag.casefold()), "")
    return Row(
        record=record,
        place=f"{name} · C{record.connector}",
        url=f"/site/{charger.site}?select={connector.path}" if charger and connector else "",
        token=f"{record.id_tag} · {owner}" if owner else record.id_tag,
        date=formats.date(record.started_us),
        start=formats.time(record.started_us),
        end=formats.time(record.stopped_us) if record.stopped_us else "",
        duration=formats.duration(record.stopped_us - record.started_us) if record.stopped_us else "",
        energy=formats.number(record.energy_wh / 1000, 2),
        state=tr(words.SESSION_STATES[record.state.value]),
        reason=tr(words.REASONS.get(record.reason, record.reason)),
        flags=", ".join(tr(words.FLAGS.get(flag, flag)) for flag in record.flags.split(",") if flag),
        live_path=connector.path if connector and running else "",
    )


def where(visit: Visit, formats: Formats) -> SessionFilter:
    """The filter that the address asks for; what it cannot be is left out."""
    state = visit.query.get("state", "")
    to = visit.query.get("to", "")
    day_end_us = formats.day_end_us(to)  # a last day is meant with all its hours
    return SessionFilter(
        charger=visit.query.get("charger", ""),
        id_tag=visit.query.get("token", "").strip(),
        state=TransactionState(state) if state in words.SESSION_STATES else None,
        from_us=formats.parse_local(visit.query.get("from", "")),
        to_us=formats.parse_local(to) if day_end_us is None else day_end_us,
    )


async def build(visit: Visit) -> View:
    """The list with its filter; `cursor` pages through."""
    formats = visit.formats()
    chosen = where(visit, formats)
    cursor = visit.query.get("cursor")

    async def table(live: Live) -> Markup:
        page = await visit.services.archive.sessions(chosen, ROWS, cursor)
        rows = [row(visit, record, formats) for record in page.items]
        kept = {name: visit.query[name] for name in FILTERS if name in visit.query}
        return visit.render(
            "sessions_table.html", live, rows=rows, next=page.next, kept=kept, first=not cursor
        )

    live = visit.live()
    try:
        shown = await table(live)
    except BadRequest as error:
        return errors.missing(visit, words.sentence(str(error), visit.tr))
    filters = {name: visit.query.get(name, "") for name in FILTERS}
    main = visit.render("sessions.html", live, table=shown, filters=filters)
    return View(
        title=visit.tr("Sessions"),
        main=main,
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="sessions",
        # Older pages do not change but for sessions that end; the first one is kept up.
        fragments=[]
        if cursor
        else [Fragment(slot="sessions", render=table, every_s=REFRESH_S, shown=str(shown))],
    )
