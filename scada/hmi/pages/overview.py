"""Site overview: the grid connection against its limit, and every connector as a card, grouped by feeder."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from scada.core.plant import Charger, Connector, Feeder, Meter, Site
from scada.hmi import words
from scada.hmi.context import Fragment, Selection, View, Visit
from scada.hmi.faceplate import faceplate, kind_of, title_of
from scada.hmi.live import Live
from scada.hmi.modes import box, fragment
from scada.hmi.pages import errors
from scada.hmi.pages.view import tabs

TODAY_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Card:
    """A connector as it stands on the overview."""

    charger: Charger
    connector: Connector
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class Group:
    """A feeder and what hangs on it; `feeder` is None for chargers whose feeder is not configured."""

    feeder: Feeder | None
    cards: list[Card]

    @property
    def powers(self) -> list[str]:
        """The tags of what its connectors draw."""
        return [f"{card.connector.path}.ActivePower" for card in self.cards]


def card(visit: Visit, charger: Charger, connector: Connector) -> Card:
    """A connector's card."""
    return Card(charger, connector, title_of(charger, connector), kind_of(visit, connector))


def groups(visit: Visit, site: Site) -> list[Group]:
    """The site's connectors by feeder, in the order of the files."""
    known = {feeder.name: Group(feeder, []) for feeder in site.feeders}
    loose = Group(None, [])
    for charger in site.chargers:
        group = known.get(charger.feeder, loose)
        group.cards.extend(card(visit, charger, connector) for connector in charger.connectors)
    return [group for group in (*known.values(), loose) if group.cards]


def grid_meter(site: Site) -> Meter | None:
    """The meter at the grid connection."""
    return next((meter for meter in site.meters if meter.role == "grid"), None)


async def build(visit: Visit) -> View:
    """The page of a site; `?connector=` opens a connector's faceplate."""
    site = visit.site(visit.path)
    if site is None:
        return errors.missing(visit, visit.tr("There is no site {path}.").format(path=visit.path))
    live = visit.live()

    async def select(path: str, into: Live) -> Selection:
        return await faceplate(visit, path, into, (site.path,))

    chosen = visit.query.get("connector", "")
    selection = await select(chosen, live)

    async def counts(_live: Live) -> Markup:
        return count_line(visit, site)

    async def today(_live: Live) -> Markup:
        return await today_line(visit, site)

    mode = fragment(visit, site)
    main = visit.render(
        "overview.html",
        live,
        site=site,
        groups=groups(visit, site),
        grid=grid_meter(site),
        others=[meter for meter in site.meters if meter.role != "grid"],
        selected=chosen,
        tabs=tabs(visit, site.path),
        here="",
        panel=selection.main,
        counts=count_line(visit, site),
        mode=box(visit, site, live) if mode else None,
        connectors=sum(len(charger.connectors) for charger in site.chargers),
    )
    return View(
        title=visit.text(site.label) or site.path,
        main=main,
        live=live,
        sites=(site.path,),
        site=site,
        nav="overview",
        fragments=[
            Fragment(slot="counts", render=counts, tags=state_tags(visit, site)),
            Fragment(slot="today", render=today, every_s=TODAY_EVERY_S),
            *([mode] if mode else []),
        ],
        select=select,
        selected=selection.fragments,
    )


def state_tags(visit: Visit, site: Site) -> frozenset[int]:
    """The tags that the states of a site's connectors rest on."""
    counting = visit.live()
    counting.attributes("", *(f"{c.path}.Status" for charger in site.chargers for c in charger.connectors))
    counting.attributes("", *(f"{charger.path}.Online" for charger in site.chargers))
    return frozenset(counting.used)


def count_line(visit: Visit, site: Site) -> Markup:
    """How many connectors are in which state: `3 charging · 2 free`."""
    tags = visit.services.host.tags
    numbers: dict[str, int] = {}
    for charger in site.chargers:
        online = tags.get(f"{charger.path}.Online")
        for connector in charger.connectors:
            status = tags.get(f"{connector.path}.Status")
            state = str(status.value or "") if status else ""
            if online is not None and online.value is False:
                state = "Offline"
            numbers[state] = numbers.get(state, 0) + 1
    order = {state: position for position, state in enumerate(words.COUNTED)}
    parts = [
        visit.tr("{count} {state}").format(count=count, state=visit.tr(words.COUNTED[state]))
        for state, count in sorted(numbers.items(), key=lambda item: order.get(item[0], 99))
        if state in words.COUNTED
    ]
    return Markup(" · ").join(parts)


async def today_line(visit: Visit, site: Site) -> Markup:
    """Energy and sessions since local midnight."""
    formats = visit.formats(site)
    now_us = visit.services.host.clock.now_us()
    energy_wh, count = await visit.services.archive.energy_wh(site.path, formats.midnight_us(now_us), now_us)
    # The journal learns a session's energy when it ends; what the running ones have taken so far is added.
    running = visit.services.host.core.sessions.open_transactions()
    energy_wh += sum(
        record.energy_wh
        for record in running
        if record.site == site.path and record.started_us >= formats.midnight_us(now_us)
    )
    sessions = visit.tr("{count} sessions") if count != 1 else visit.tr("{count} session")
    return Markup('{} <span class="unit">kWh · {}</span>').format(
        formats.number(energy_wh / 1000, 0), sessions.format(count=count)
    )
