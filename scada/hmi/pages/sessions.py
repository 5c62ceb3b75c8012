"""Charging sessions: running ones live, ended ones from the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scada.core.errors import BadRequest
from scada.core.records import TransactionRecord, TransactionState
from scada.hmi import export_list, words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.report_requests import session_filter
from scada.hmi.sentences import sentence
from scada.i18n import Formats

ROWS = 50
REFRESH_S = 10.0
PLAIN_FILTERS = ("from", "to", "site", "charger", "token", "state")
MORE_FILTERS = (
    "connector",
    "vehicle",
    "plan",
    "authorized_by",
    "flag",
    "energy_min",
    "energy_max",
    "minutes_min",
    "minutes_max",
    "text",
)
FILTERS = PLAIN_FILTERS + MORE_FILTERS


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
        url=f"/site/{charger.site}?connector={connector.path}" if charger and connector else "",
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


def totals(visit: Visit, records: Sequence[TransactionRecord], formats: Formats) -> dict[str, str]:
    """Of the rows that are shown: how many, how long, how much; running ones as they are now."""
    now_us = visit.services.host.clock.now_us()
    return {
        "at": formats.time(now_us),
        "count": formats.number(len(records)),
        "duration": formats.duration(sum((one.stopped_us or now_us) - one.started_us for one in records)),
        "energy": formats.number(sum(one.energy_wh for one in records) / 1000, 2),
    }


async def build(visit: Visit) -> View:
    """The list with its filter; `cursor` pages through."""
    formats = visit.formats()
    chosen = session_filter(visit, formats)
    cursor = visit.query.get("cursor")
    kept = {name: visit.query[name] for name in FILTERS if name in visit.query}

    async def table(live: Live) -> Markup:
        page = await visit.services.archive.sessions(chosen, ROWS, cursor)
        running = {one.id: one for one in visit.services.host.core.sessions.open_transactions()}
        records = [
            running.get(one.id, one) if one.state is TransactionState.OPEN else one for one in page.items
        ]
        return visit.render(
            "sessions_table.html",
            live,
            rows=[row(visit, record, formats) for record in records],
            totals=totals(visit, records, formats),
            next=page.next,
            complete=page.complete,
            kept=kept,
            first=not cursor,
        )

    live = visit.live()
    try:
        shown = await table(live)
    except BadRequest as error:
        return errors.missing(visit, sentence(str(error), visit.tr))
    exports = export_list.part(visit)
    main = visit.render(
        "sessions.html",
        live,
        table=shown,
        exports=Markup(exports.shown),  # noqa: S704 (made by our own template)
        kept=kept,
        more=any(name in kept for name in MORE_FILTERS),
        filters={name: visit.query.get(name, "") for name in FILTERS},
    )
    return View(
        title=visit.tr("Sessions"),
        main=main,
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="sessions",
        # Older pages do not change but for sessions that end; the first one is kept up.
        fragments=[exports]
        if cursor
        else [exports, Fragment(slot="sessions", render=table, every_s=REFRESH_S, shown=str(shown))],
    )
