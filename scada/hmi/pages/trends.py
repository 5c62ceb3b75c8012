"""Trends: tags on one time axis, live or of a span; the picture is drawn by the browser from `/trends/data`."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from scada.core.tag import Tag
from scada.core.value import SECOND_US, Kind, TimeUs
from scada.hmi.context import View, Visit
from scada.hmi.pages.tags import find
from scada.i18n import marked

TAGS_MAX = 8
HITS_MAX = 40
SPANS = (
    (600, marked("10 minutes")),
    (3_600, marked("1 hour")),
    (8 * 3_600, marked("8 hours")),
    (86_400, marked("24 hours")),
    (7 * 86_400, marked("7 days")),
    (30 * 86_400, marked("30 days")),
)
DEFAULT_SPAN_S = 3_600
SPAN_US_MIN = SECOND_US
SPAN_US_MAX = 5 * 366 * 86_400 * SECOND_US


def drawable(tag: Tag | None) -> bool:
    """Whether there is a curve of it: it is recorded, and no text."""
    return tag is not None and tag.definition.history is not None and tag.definition.kind is not Kind.TEXT


def chosen(visit: Visit) -> list[Tag]:
    """The tags of the address, each once; what cannot be drawn is left out."""
    found: list[Tag] = []
    for path in visit.query.get("tags", "")[:4_000].split(","):
        tag = visit.services.host.tags.get(path.strip())
        if tag is not None and drawable(tag) and tag not in found:
            found.append(tag)
    return found[:TAGS_MAX]


def span(visit: Visit) -> tuple[TimeUs, TimeUs] | None:
    """The span of the address, given in milliseconds; None: a live one."""
    begin, end = (_whole(visit.query.get(name, "")) for name in ("from", "to"))
    if begin is None or end is None:
        return None
    from_us, to_us = begin * 1000, end * 1000
    return (from_us, to_us) if SPAN_US_MIN <= to_us - from_us <= SPAN_US_MAX else None


def span_s(visit: Visit) -> int:
    """How much a live picture shows."""
    given = _whole(visit.query.get("span", ""))
    return given if given is not None and 10 <= given <= 366 * 86_400 else DEFAULT_SPAN_S


async def build(visit: Visit) -> View:
    """The page; `q` searches for tags to add."""
    tags, fixed, live = chosen(visit), span(visit), visit.live()
    wanted = visit.query.get("q", "").strip()[:200]
    hits = [tag for tag in find(visit, wanted) if drawable(tag) and tag not in tags] if wanted else []
    paths = [tag.path for tag in tags]

    def address(paths: list[str], **changes: str) -> str:
        kept = {name: visit.query[name] for name in ("span", "from", "to") if name in visit.query}
        return "/trends?" + urlencode({"tags": ",".join(paths), **kept, **changes})

    config = {
        "tags": [
            {
                "path": tag.path,
                "label": f"{visit.label(tag.definition)} · {tag.path.rpartition('.')[0]}",
                "unit": tag.definition.unit,
                "decimals": tag.definition.decimals,
                "bit": tag.definition.kind is Kind.BIT,
            }
            for tag in tags
        ],
        "span_s": span_s(visit),
        "from": fixed[0] // 1000 if fixed else None,
        "to": fixed[1] // 1000 if fixed else None,
    }
    main = visit.render(
        "trends.html",
        live,
        tags=tags,
        config=json.dumps(config),
        full=len(tags) >= TAGS_MAX,
        q=wanted,
        kept={name: visit.query[name] for name in ("tags", "span", "from", "to") if name in visit.query},
        hits=[(tag, address([*paths, tag.path])) for tag in hits[:HITS_MAX]],
        more=max(0, len(hits) - HITS_MAX),
        without={path: address([one for one in paths if one != path]) for path in paths},
        spans=SPANS,
        span_s=0 if fixed else span_s(visit),
        tags_max=TAGS_MAX,
    )
    return View(
        title=visit.tr("Trends"),
        main=main,
        live=live,
        sites=tuple(dict.fromkeys(tag.definition.site for tag in tags if tag.definition.site)),
        nav="trends",
    )


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None
