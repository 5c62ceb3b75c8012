"""The search box: what is hit alone is opened; else chargers, tokens, vehicles, meters and tags that fit are listed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scada.core.plant import Charger
from scada.hmi.context import View, Visit
from scada.hmi.pages import charger, overview
from scada.hmi.pages.tags import find

HITS_MAX = 20
"""Of each kind; of tags the page of tags has the rest."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of what was found."""

    name: str
    about: str
    url: str


async def build(visit: Visit) -> View:
    """Find by name, identity, serial number, token, plate or path. Query: `q`."""
    wanted = visit.query.get("q", "").strip()[:200].casefold()
    chargers = list(visit.plant.chargers())
    exact = [one for one in chargers if wanted in _names(visit, one)]
    if len(exact) == 1:
        return await charger.build(replace(visit, path=exact[0].path))
    normal = wanted.replace(" · ", ".").replace(" ", ".")
    for path, (owner, _) in visit.plant.connectors_by_path.items():
        if normal and path.casefold().endswith("." + normal):
            return await overview.build(replace(visit, path=owner.site, query={"connector": path}))
    live = visit.live()
    tags = find(visit, wanted) if wanted else []
    tr = visit.tr
    sections = [
        (tr("Chargers"), _chargers(visit, chargers, wanted)),
        (tr("Tokens"), _tokens(visit, wanted)),
        (tr("Vehicles"), _vehicles(visit, wanted)),
        (tr("Meters"), _meters(visit, wanted)),
    ]
    main = visit.render(
        "search.html",
        live,
        q=visit.query.get("q", "")[:200],
        sections=[(name, hits[:HITS_MAX], len(hits)) for name, hits in sections if hits and wanted],
        tags=tags[:HITS_MAX],
        total=len(tags),
    )
    return View(
        title=tr("Search"), main=main, live=live, sites=tuple(site.path for site in visit.plant.sites)
    )


def _names(visit: Visit, one: Charger) -> set[str]:
    serial = visit.services.host.tags.get(f"{one.path}.SerialNumber")
    names = {one.path.casefold(), one.name.casefold(), one.identity.casefold()}
    return names | {serial.value.casefold()} if serial and isinstance(serial.value, str) else names


def _chargers(visit: Visit, chargers: Iterable[Charger], wanted: str) -> list[Hit]:
    return [
        Hit(one.name, " · ".join((one.identity, visit.text(one.label))), f"/charger/{one.path}")
        for one in chargers
        if any(wanted in name for name in _names(visit, one)) or wanted in visit.text(one.label).casefold()
    ]


def _tokens(visit: Visit, wanted: str) -> list[Hit]:
    return [
        Hit(one.token.id_tag, one.token.name, f"/sessions?token={visit.quoted(one.token.id_tag)}")
        for one in visit.services.host.core.charging.tokens.all()
        if any(wanted in text.casefold() for text in (one.token.id_tag, one.token.name, one.token.parent))
    ]


def _vehicles(visit: Visit, wanted: str) -> list[Hit]:
    return [
        Hit(one.name, one.plate, f"/sessions?vehicle={visit.quoted(one.name)}")
        for one in visit.services.host.core.charging.vehicles.all()
        if any(wanted in text.casefold() for text in (one.name, one.plate, *one.tokens, *one.ids))
    ]


def _meters(visit: Visit, wanted: str) -> list[Hit]:
    return [
        Hit(visit.text(one.label) or one.name, one.path, f"/meters?site={visit.quoted(one.site)}")
        for one in visit.plant.meters()
        if wanted in f"{one.path} {visit.text(one.label)}".casefold()
    ]
