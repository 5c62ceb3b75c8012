"""Chargers that have called and that the project does not have: take them in, swap them for another, or refuse them."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.access import Right
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors

REFRESH_S = 2.0


async def build(visit: Visit) -> View:
    """The page. Query: `adopt` (identity) opens the form."""
    if not visit.actor.may(Right.CONFIGURE):
        return errors.no_right(visit)
    room = visit.services.pending

    async def render(live: Live) -> Markup:
        return visit.render(
            "pending_table.html",
            live,
            rows=room.list() if room else [],
            closed=room is None,
            time=visit.formats().date_time,
        )

    live = visit.live()
    shown = await render(live)
    wanted = visit.query.get("adopt", "")
    chosen = next((one for one in (room.list() if room else ()) if one.identity == wanted), None)
    main = visit.render(
        "pending.html",
        live,
        table=shown,
        here="pending",
        chosen=chosen,
        types=sorted({one.device_type for one in visit.plant.chargers()}),
    )
    return View(
        title=visit.tr("Pending chargers"),
        main=main,
        live=live,
        nav="pending",
        fragments=[Fragment(slot="pending", render=render, every_s=REFRESH_S, shown=str(shown))],
    )
