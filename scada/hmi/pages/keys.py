"""Configuration keys as the chargers told them, compared over all chargers, and changed on many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from markupsafe import Markup

from scada.core.access import Right
from scada.core.plant import Charger
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors

REFRESH_S = 3.0
VALUES_SHOWN = 5
"""Different values of a key that its line names."""

Told = list[tuple[Charger, Mapping[str, tuple[str, bool]]]]


async def build(visit: Visit) -> View:
    """The page. Query: `site`, `q` (part of a key's name), `key` (that is compared)."""
    if not visit.actor.may(Right.MAINTAIN):
        return errors.no_right(visit)
    key = visit.query.get("key", "")

    async def render(live: Live) -> Markup:
        told = _told(visit)
        if key:
            rows = [(charger, keys.get(key)) for charger, keys in told]
            return visit.render("key_table.html", live, rows=rows)
        return visit.render("keys_table.html", live, rows=_compared(visit, told), chargers=len(told))

    live = visit.live()
    shown = await render(live)
    main = visit.render("keys.html", live, table=shown, here="keys", key=key, chargers=_told(visit))
    return View(
        title=key or visit.tr("Configuration keys"),
        main=main,
        live=live,
        nav="keys",
        fragments=[Fragment(slot="keys", render=render, every_s=REFRESH_S, shown=str(shown))],
    )


def _told(visit: Visit) -> Told:
    configuration, site = visit.services.configuration, visit.query.get("site", "")
    return [
        (charger, configuration(charger.path) if configuration else {})
        for charger in visit.plant.ocpp_chargers()
        if site in ("", charger.site)
    ]


def _compared(visit: Visit, told: Told) -> list[tuple[str, int, bool, list[tuple[str, int]], int]]:
    """(key, chargers that have it, read-only, its commonest values with their numbers, how many further values)."""
    wanted = visit.query.get("q", "").casefold()
    rows = []
    for key in sorted({key for _, keys in told for key in keys if wanted in key.casefold()}):
        found = [keys[key] for _, keys in told if key in keys]
        values = Counter(value for value, _ in found).most_common()
        fixed = all(read_only for _, read_only in found)
        rows.append((key, len(found), fixed, values[:VALUES_SHOWN], max(0, len(values) - VALUES_SHOWN)))
    return rows
