"""The shift log, and the hand-over as a page to be printed: what was written, what stands, what is being done."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.access import Right
from scada.core.errors import BadRequest
from scada.core.value import SECOND_US, TimeUs
from scada.hmi import alarms, words
from scada.hmi.context import Crumb, Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.not_normal import oddities
from scada.hmi.pages import errors
from scada.hmi.sentences import sentence
from scada.runtime.shift_log import ShiftLog
from scada.runtime.suppressions import lines

ROWS = 100
EVERY_S = 3.0
SHIFT_US = 8 * 3600 * SECOND_US
"""The hand-over tells of so long, where no earlier one begins it."""
LISTED_MAX = 200


async def build(visit: Visit) -> View:
    """The log. Query: `user`, `from`, `to`, `cursor`."""
    log = visit.services.shift_log
    if log is None:
        return errors.missing(visit, visit.tr("This system keeps no shift log."))
    cursor, formats = visit.query.get("cursor"), visit.formats()
    kept = {name: visit.query[name] for name in ("user", "from", "to") if name in visit.query}

    async def table(live: Live) -> Markup:
        page = await log.read(
            visit.actor.scope,
            ROWS,
            cursor,
            user=kept.get("user", "").strip()[:100],
            from_us=formats.parse_local(kept.get("from", "")),
            to_us=formats.day_end_us(kept.get("to", "")),
        )
        handovers = await log.read(visit.actor.scope, 5, handovers=True) if not cursor else None
        return visit.render(
            "shift_table.html",
            live,
            rows=page.items,
            handovers=handovers.items if handovers else (),
            next=page.next,
            first=not cursor,
            kept=kept,
            date_time=formats.date_time,
            site_name=lambda path: alarms.branch_name(visit.plant, path, visit.language) if path else "",
        )

    live = visit.live()
    try:
        shown = await table(live)
    except BadRequest as error:
        return errors.missing(visit, sentence(str(error), visit.tr))
    main = visit.render(
        "shift.html",
        live,
        table=shown,
        kept=kept,
        filters={name: visit.query.get(name, "") for name in ("user", "from", "to")},
        may=visit.actor.may(Right.ACKNOWLEDGE),
    )
    return View(
        title=visit.tr("Shift log"),
        main=main,
        live=live,
        nav="shift",
        fragments=[] if cursor else [Fragment(slot="shift", render=table, every_s=EVERY_S, shown=str(shown))],
    )


async def handover(visit: Visit) -> View:
    """The hand-over, to be printed. Query: `from` (a moment on the plant's clock)."""
    log, tickets = visit.services.shift_log, visit.services.tickets
    if log is None:
        return errors.missing(visit, visit.tr("This system keeps no shift log."))
    formats, host, scope = visit.formats(), visit.services.host, visit.actor.scope
    now_us = host.clock.now_us()
    from_us = formats.parse_local(visit.query.get("from", "")) or await _begin(log, visit, now_us)
    page = await log.read(scope, LISTED_MAX, from_us=from_us)
    energies = [
        (
            visit.text(site.label) or site.path,
            *await visit.services.archive.energy_wh(site.path, from_us, now_us),
        )
        for site in visit.plant.sites
    ]
    live = visit.live()
    plant, language = visit.plant, visit.language
    main = visit.render(
        "handover.html",
        live,
        now=formats.date_time(now_us),
        begin=formats.date_time(from_us),
        notes=list(reversed(page.items)),
        notes_cut=page.next is not None,
        standing=[alarms.row(plant, one, language) for one in host.board.views(role=scope)[:LISTED_MAX]],
        held=[
            (visit.tr(words.HELD[one.kind]), _place(visit, one.path), one)
            for one in lines(host, scope, language)
        ],
        odd=[(visit.tr(words.HELD[one.kind]), _place(visit, one.path), one) for one in oddities(host, scope)],
        tickets=tickets.all(scope, is_open=True)[:LISTED_MAX] if tickets else [],
        energies=[(name, formats.number(energy / 1000, 1), count) for name, energy, count in energies],
        time=formats.date_time,
        ms=lambda time_ms: formats.date_time(time_ms * 1000),
        may=visit.actor.may(Right.ACKNOWLEDGE),
    )
    return View(
        title=visit.tr("Hand-over"),
        main=main,
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="shift",
        crumbs=(Crumb(visit.tr("Shift log"), "/shift"), Crumb(visit.tr("Hand-over"), "/shift/handover")),
    )


def _place(visit: Visit, path: str) -> str:
    """A branch in words; of a mask that of its pattern."""
    branch = path.rstrip("*").rstrip(".")
    return alarms.branch_name(visit.plant, branch, visit.language) or path


async def _begin(log: ShiftLog, visit: Visit, now_us: TimeUs) -> TimeUs:
    """A shift begins with the hand-over before, of the last day; else eight hours ago."""
    before = await log.read(visit.actor.scope, 1, handovers=True, from_us=now_us - 3 * SHIFT_US)
    return before.items[0].time_us if before.items else now_us - SHIFT_US
