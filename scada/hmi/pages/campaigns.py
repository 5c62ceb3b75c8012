"""Campaigns: one command over many chargers, how far each is, and what came of every charger."""

from __future__ import annotations

from markupsafe import Markup

from scada.charging.campaign import ENDED, Campaign, State
from scada.core.catalogue import CATALOGUE
from scada.core.errors import NotFound
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors

REFRESH_S = 1.0
RESULTS_MAX = 1_000


async def build(visit: Visit) -> View:
    """All that are remembered, newest first."""

    async def render(live: Live) -> Markup:
        campaigns = visit.services.campaigns
        rows = [(one, _done(one)) for one in (campaigns.all() if campaigns else [])]
        return visit.render("campaigns_table.html", live, rows=rows, time=visit.formats().date_time)

    live = visit.live()
    shown = await render(live)
    return View(
        title=visit.tr("Campaigns"),
        main=visit.render("campaigns.html", live, table=shown, here="campaigns", slot="campaigns"),
        live=live,
        nav="campaigns",
        fragments=[Fragment(slot="campaigns", render=render, every_s=REFRESH_S, shown=str(shown))],
    )


async def one(visit: Visit) -> View:
    """One campaign. Query: `state` of its chargers."""
    campaigns = visit.services.campaigns
    gone = visit.tr("This campaign is not remembered (any more).")
    if campaigns is None:
        return errors.missing(visit, gone)
    try:
        campaign = campaigns.get(visit.path)
    except NotFound:
        return errors.missing(visit, gone)

    async def render(live: Live) -> Markup:
        wanted = visit.query.get("state", "")
        items = [item for item in campaign.items.values() if wanted in ("", item.state.value)]
        spec = CATALOGUE[campaign.head.plan.command]
        return visit.render(
            "campaign_table.html",
            live,
            campaign=campaign,
            items=items[:RESULTS_MAX],
            more=max(0, len(items) - RESULTS_MAX),
            done=_done(campaign),
            counts=[(state.value, campaign.count(state)) for state in State if campaign.count(state)],
            may=visit.actor.may(spec.right),
            time=visit.formats().date_time,
        )

    live = visit.live()
    shown = await render(live)
    return View(
        title=campaign.head.plan.name or campaign.head.plan.command,
        main=visit.render("campaigns.html", live, table=shown, here="campaigns", slot="campaign"),
        live=live,
        nav="campaigns",
        fragments=[Fragment(slot="campaign", render=render, every_s=REFRESH_S, shown=str(shown))],
    )


def _done(campaign: Campaign) -> int:
    return campaign.count(*ENDED)
