"""Local authorization lists: what each charger has to let tokens in with when it is offline."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.access import Right
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live

REFRESH_S = 2.0


async def build(visit: Visit) -> View:
    """The page. Query: `state`."""
    wanted = visit.query.get("state", "")

    async def render(live: Live) -> Markup:
        lists = visit.services.host.core.charging.lists
        known = visit.plant.chargers_by_path
        rows = []
        for one in lists.all():
            if wanted in ("", one.state):
                site = lists.of_site(known[one.charger].site)
                rows.append((one, site.version if site else 0, len(site.entries) if site else 0))
        return visit.render(
            "local_lists_table.html",
            live,
            rows=rows,
            maintains=visit.actor.may(Right.MAINTAIN),
            time=visit.formats().date_time,
        )

    live = visit.live()
    shown = await render(live)
    return View(
        title=visit.tr("Local lists"),
        main=visit.render("local_lists.html", live, table=shown, here="lists", wanted=wanted),
        live=live,
        nav="lists",
        fragments=[Fragment(slot="lists", render=render, every_s=REFRESH_S, shown=str(shown))],
    )
