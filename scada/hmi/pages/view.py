"""A view: a mimic of the project or a site, the faceplate beside it. What it shows is data (`scada.core.plant.Mimic`)."""

from __future__ import annotations

from scada.core.plant import Mimic
from scada.hmi.context import Selection, View, Visit
from scada.hmi.faceplate import faceplate
from scada.hmi.live import Live
from scada.hmi.mimics import drawn, hidden_layers
from scada.hmi.pages import errors
from scada.mimic import views


async def build(visit: Visit) -> View:
    """The page. Query: `connector` (its faceplate is open), `hide` (layers that are not shown)."""
    mimic = views(visit.plant).get(visit.path)
    if mimic is None:
        return errors.missing(visit, visit.tr("There is no view {name}.").format(name=visit.path))
    live = visit.live()
    sites = sites_of(visit, mimic)

    async def select(path: str, into: Live) -> Selection:
        return await faceplate(visit, path, into, sites)

    chosen = visit.query.get("connector", "")
    selection = await select(chosen, live)
    hidden = hidden_layers(mimic, visit.query.get("hide"))
    site = visit.site(mimic.site) if mimic.site else None
    main = visit.render(
        "view.html",
        live,
        mimic=mimic,
        site=site,
        drawing=drawn(visit, mimic, live, hidden, chosen),
        layers=[(layer, layer.name in hidden, toggled(mimic, hidden, layer.name)) for layer in mimic.layers],
        tabs=tabs(visit, mimic.site),
        here=mimic.name,
        selected=chosen,
        panel=selection.main,
    )
    return View(
        title=visit.text(mimic.title) or mimic.name,
        main=main,
        live=live,
        sites=sites,
        site=site,
        nav="overview",
        select=select,
        selected=selection.fragments,
    )


def sites_of(visit: Visit, mimic: Mimic) -> tuple[str, ...]:
    """The sites whose values a view shows."""
    return (mimic.site,) if mimic.site else tuple(site.path for site in visit.plant.sites)


def toggled(mimic: Mimic, hidden: frozenset[str], layer: str) -> str:
    """The address of the view with one layer shown or hidden."""
    then = hidden ^ {layer}
    names = ",".join(one.name for one in mimic.layers if one.name in then)
    return f"/view/{mimic.name}?hide={names or '-'}"


def tabs(visit: Visit, site: str) -> list[tuple[str, str]]:
    """(name, title) of the views of a site; of no site: those of the whole project."""
    found = [mimic for mimic in views(visit.plant).values() if mimic.site == site]
    return [(mimic.name, visit.text(mimic.title) or mimic.name) for mimic in found]
