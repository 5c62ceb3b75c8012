"""A charger: who it is, its link, its connectors with all their values and the power of the last hour."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.catalogue import CATALOGUE
from scada.core.plant import Charger, Connector, Site
from scada.core.value import SECOND_US
from scada.hmi.context import Crumb, Fragment, Render, View, Visit
from scada.hmi.faceplate import TREND_EVERY_S, kind_of, why_line
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.pages.known import known
from scada.hmi.trend import drawing
from scada.hmi.why import USED

TREND_SPAN_US = 3600 * SECOND_US
TREND_PIXELS = 600


async def build(visit: Visit) -> View:
    """The page of a charger."""
    charger = visit.plant.chargers_by_path.get(visit.path)
    site = visit.site(charger.site) if charger else None
    if charger is None or site is None:
        return errors.missing(visit, visit.tr("There is no charger {path}.").format(path=visit.path))
    live = visit.live()
    fragments: list[Fragment] = []
    trends: dict[str, Markup] = {}
    sentences: dict[str, Markup] = {}
    tables: dict[str, Markup] = {}
    for connector in charger.connectors:
        trend = _trend(visit, charger, connector)
        sentence = _sentence(visit, charger, connector)
        watching = visit.live()
        watching.attributes("", f"{charger.path}.Online", *(f"{connector.path}.{name}" for name in USED))
        tables[connector.path], listing = _table(visit, connector.path, live)
        fragments.append(listing)
        trends[connector.path] = await trend(live)
        sentences[connector.path] = await sentence(live)
        fragments += [
            Fragment(slot=f"trend-{connector.path}", render=trend, every_s=TREND_EVERY_S),
            Fragment(slot=f"why-{connector.path}", render=sentence, tags=frozenset(watching.used)),
        ]
    tables[charger.path], listing = _table(visit, charger.path, live, charger)
    fragments.append(listing)
    known_part, known_fragment = known(visit, charger)
    fragments.append(known_fragment)
    trigger = next(a for a in CATALOGUE["TriggerMessage"].arguments if a.name == "requestedMessage")
    main = visit.render(
        "charger.html",
        live,
        site=site,
        charger=charger,
        kind_of=kind_of,
        trends=trends,
        why=sentences,
        tables=tables,
        trigger_choices=trigger.choices,
        known=await known_part(live),
    )
    return View(
        title=charger.name,
        main=main,
        live=live,
        sites=(site.path,),
        site=site,
        nav="overview",
        crumbs=charger_crumbs(visit, site, charger),
        fragments=fragments,
    )


def charger_crumbs(visit: Visit, site: Site, charger: Charger) -> tuple[Crumb, ...]:
    """Site, feeder, charger."""
    feeder = next((one for one in site.feeders if one.name == charger.feeder), None)
    return (
        Crumb(visit.text(site.label) or site.path, f"/site/{site.path}"),
        *(
            (Crumb(visit.text(feeder.label) or feeder.name, f"/site/{site.path}#feeder-{feeder.name}"),)
            if feeder
            else ()
        ),
        Crumb(charger.name, f"/charger/{charger.path}"),
    )


def _table(visit: Visit, branch: str, live: Live, charger: Charger | None = None) -> tuple[Markup, Fragment]:
    """The tags of a branch, and the part of the page that takes up those that a device adds.

    Args:
        charger: without the tags of its connectors.
    """

    async def render(into: Live) -> Markup:
        return shown(into)

    def shown(into: Live) -> Markup:
        tags = visit.services.host.tags.select(f"{branch}.*")
        listed = [tag for tag in tags if charger is None or _own(charger, tag.path)]
        return visit.render("tag_table.html", into, tags=listed)

    table = shown(live)
    return table, Fragment(slot=f"tags-{branch}", render=render, branch=branch, pause_s=1.0, shown=str(table))


def _own(charger: Charger, path: str) -> bool:
    return not any(path.startswith(connector.path + ".") for connector in charger.connectors)


def _sentence(visit: Visit, charger: Charger, connector: Connector) -> Render:
    site = visit.site(charger.site)
    assert site is not None

    async def render(_live: Live) -> Markup:
        return why_line(visit, site, charger, connector)

    return render


def _trend(visit: Visit, charger: Charger, connector: Connector) -> Render:
    path = f"{connector.path}.ActivePower"
    formats = visit.formats(visit.site(charger.site))
    decimals = visit.plant.definitions[path].decimals if path in visit.plant.definitions else 1

    async def render(_live: Live) -> Markup:
        now_us = visit.services.host.clock.now_us()
        from_us = now_us - TREND_SPAN_US
        points = await visit.services.archive.curve(path, from_us, now_us, TREND_PIXELS)
        empty = visit.tr("No power has been recorded in the last hour.")
        return drawing(points, from_us, now_us, formats, "kW", decimals, empty)

    return render
