"""Reservations: those that live, those that have ended lately, and making one."""

from __future__ import annotations

from markupsafe import Markup

from scada.charging.reservations import LIVE, Reservation
from scada.core.access import Right
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live

ROWS_MAX = 200
REFRESH_S = 2.0


async def build(visit: Visit) -> View:
    """The page. Query: `site`, `state` (one of them, or `live`), `target` (chosen in the form)."""

    async def render(live: Live) -> Markup:
        chosen = _chosen(visit)
        return visit.render(
            "reservations_table.html",
            live,
            rows=[(one, visit.formats(visit.site(one.site))) for one in chosen[:ROWS_MAX]],
            more=max(0, len(chosen) - ROWS_MAX),
            live_states=LIVE,
            operates=visit.actor.may(Right.OPERATE),
        )

    live = visit.live()
    shown = await render(live)
    main = visit.render(
        "reservations.html", live, table=shown, operates=visit.actor.may(Right.OPERATE), states=LIVE
    )
    return View(
        title=visit.tr("Reservations"),
        main=main,
        live=live,
        nav="reservations",
        fragments=[Fragment(slot="reservations", render=render, every_s=REFRESH_S, shown=str(shown))],
    )


def _chosen(visit: Visit) -> list[Reservation]:
    site, state = visit.query.get("site", ""), visit.query.get("state", "")
    states = LIVE if state == "live" else (state,)
    return [
        one
        for one in visit.services.host.core.charging.reservations.all()
        if site in ("", one.site) and (not state or one.state in states)
    ]
