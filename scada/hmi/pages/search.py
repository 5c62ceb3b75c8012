"""The search box: a charger or connector that is hit alone is opened, else the tags that fit are listed."""

from __future__ import annotations

from dataclasses import replace

from scada.hmi.context import View, Visit
from scada.hmi.pages import charger, overview, tags


async def build(visit: Visit) -> View:
    """Find by name, identity, serial number or path."""
    wanted = visit.query.get("q", "").strip().casefold()
    hits = [c.path for c in visit.plant.chargers() if wanted in _names(visit, c.path, c.name, c.identity)]
    if len(hits) == 1:
        return await charger.build(replace(visit, path=hits[0]))
    normal = wanted.replace(" · ", ".").replace(" ", ".")
    for path, (owner, _) in visit.plant.connectors_by_path.items():
        if normal and path.casefold().endswith("." + normal):
            return await overview.build(replace(visit, path=owner.site, query={"select": path}))
    return await tags.build(visit)


def _names(visit: Visit, path: str, name: str, identity: str) -> set[str]:
    serial = visit.services.host.tags.get(f"{path}.SerialNumber")
    names = {path.casefold(), name.casefold(), identity.casefold()}
    return names | {serial.value.casefold()} if serial and isinstance(serial.value, str) else names
