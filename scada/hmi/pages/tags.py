"""All tags with their live values, searchable."""

from __future__ import annotations

from scada.core.tag import Tag
from scada.hmi.context import View, Visit

ROWS = 250


def find(visit: Visit, wanted: str) -> list[Tag]:
    """The tags whose path or label holds every word of the search."""
    words = wanted.casefold().split()
    hits = []
    for tag in visit.services.host.tags:
        text = f"{tag.path} {visit.label(tag.definition)} {tag.definition.device}".casefold()
        if all(word in text for word in words):
            hits.append(tag)
    return hits


async def build(visit: Visit) -> View:
    """A page of the table; `page` counts from 1."""
    wanted = visit.query.get("q", "")[:200]
    hits = find(visit, wanted)
    number = visit.query.get("page", "1")
    page = max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 7 else 1
    shown = hits[(page - 1) * ROWS : page * ROWS]
    live = visit.live()
    main = visit.render(
        "tags.html",
        live,
        q=wanted,
        tags=shown,
        total=len(hits),
        first=(page - 1) * ROWS + 1,
        page=page,
        pages=max(1, -(-len(hits) // ROWS)),
    )
    return View(
        title=visit.tr("Tags"),
        main=main,
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="tags",
    )
