"""All sites (ISA-101 level 1): each with its power against the limit, its sessions and its worst alarm; or the project's own view."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.plant import HOME, Plant, Site
from scada.hmi.context import Fragment, Selection, View, Visit
from scada.hmi.faceplate import faceplate
from scada.hmi.live import Live
from scada.hmi.mimics import drawn, hidden_layers
from scada.hmi.pages.overview import count_line, grid_meter, state_tags
from scada.hmi.pages.view import sites_of, tabs
from scada.mimic import views


def leads_elsewhere(plant: Plant) -> bool:
    """Whether the home page is that of the only site: there is nothing to choose, and no view of the project's own."""
    return len(plant.sites) == 1 and not any(mimic.name == HOME for mimic in plant.mimics)


async def build(visit: Visit) -> View:
    """The page. Query: `connector` (its faceplate is open), as on a view."""
    live = visit.live()
    mimic = views(visit.plant)[HOME]
    sites = sites_of(visit, mimic)

    async def select(path: str, into: Live) -> Selection:
        return await faceplate(visit, path, into, sites)

    chosen = visit.query.get("connector", "") if mimic.owned else ""
    selection = await select(chosen, live)
    counts: dict[str, Markup] = {}
    fragments = []
    for site in visit.plant.sites:
        fragment = _counts(visit, site)
        fragment.shown = str(counts.setdefault(site.path, count_line(visit, site)))
        fragments.append(fragment)
    main = visit.render(
        "home.html",
        live,
        mimic=mimic,
        drawing=drawn(visit, mimic, live, hidden_layers(mimic, visit.query.get("hide")), chosen)
        if mimic.owned
        else "",
        grid_meter=grid_meter,
        counts=counts,
        site=None,
        tabs=[(name, title) for name, title in tabs(visit, "") if name != HOME],
        here="",
        selected=chosen,
        panel=selection.main,
    )
    return View(
        title=visit.tr("All sites"),
        main=main,
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="overview",
        fragments=fragments,
        select=select if mimic.owned else None,
        selected=selection.fragments if mimic.owned else [],
    )


def _counts(visit: Visit, site: Site) -> Fragment:
    async def render(_live: Live) -> Markup:
        return count_line(visit, site)

    return Fragment(slot=f"counts-{site.path}", render=render, tags=state_tags(visit, site), pause_s=1.0)
