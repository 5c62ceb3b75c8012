"""Commissioning of all chargers on one page: state, refused keys, mismatches, firmware, profile, deviations."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.commissioning import CommissioningReport, Deviations
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live

REFRESH_S = 5.0
_FINE = frozenset(("unchanged", "accepted", "reboot_required"))


async def build(visit: Visit) -> View:
    """The page. Query: `site`, `state` (`none` or one of a report's)."""
    site, state = visit.query.get("site", ""), visit.query.get("state", "")

    async def render(live: Live) -> Markup:
        knowledge = visit.services.knowledge
        rows = []
        for charger in visit.plant.ocpp_chargers():
            report = knowledge.report(charger.path) if knowledge else None
            found = report or CommissioningReport(state="none", started_us=0)
            if site not in ("", charger.site) or state not in ("", found.state):
                continue
            refused = [one.key for one in found.keys if one.status not in _FINE]
            deviations = knowledge.deviations(charger.path) if knowledge else Deviations()
            rows.append((charger, found, refused, deviations.count))
        return visit.render("commissioning_table.html", live, rows=rows, time=visit.formats().date_time)

    live = visit.live()
    shown = await render(live)
    return View(
        title=visit.tr("Commissioning"),
        main=visit.render("commissioning.html", live, table=shown, here="commissioning"),
        live=live,
        sites=tuple(one.path for one in visit.plant.sites),
        nav="commissioning",
        fragments=[Fragment(slot="commissioning", render=render, every_s=REFRESH_S, shown=str(shown))],
    )
