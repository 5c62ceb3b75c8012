"""A running session's stop conditions: what they are in words, and the form that sets them."""

from __future__ import annotations

from markupsafe import Markup

from scada.charging.stops import Watched
from scada.core.plant import Connector, Site
from scada.core.value import SECOND_US
from scada.hmi.context import Fragment, Visit
from scada.hmi.live import Live

PAUSE_S = 1.0
EVERY_S = 5.0


def stop_conditions(visit: Visit, site: Site, connector: Connector) -> Fragment:
    """The part of a connector's detail. Its slot is `stop-<path>`."""
    tags, charging = visit.services.host.tags, visit.services.host.core.charging
    paths = [f"{connector.path}.{leaf}" for leaf in ("InTransaction", "TransactionId")]
    watching = visit.live()
    watching.attributes("", *paths)

    async def render(live: Live) -> Markup:
        runs, number = (tag.value if (tag := tags.get(path)) else None for path in paths)
        transaction = int(number) if runs is True and isinstance(number, (int, float)) else 0
        watched = charging.stops.get(transaction) if transaction else None
        return visit.render(
            "stop_conditions.html",
            live,
            site=site,
            connector=connector,
            transaction=transaction,
            watched=watched,
            sentences=sentences(visit, site, watched) if watched else [],
            priced=any(not one.sites or site.path in one.sites for one in visit.plant.bookkeeping.tariffs),
        )

    return Fragment(
        slot=f"stop-{connector.path}",
        render=render,
        tags=frozenset(watching.used),
        pause_s=PAUSE_S,
        every_s=EVERY_S,
    )


def sentences(visit: Visit, site: Site, watched: Watched) -> list[str]:
    """Each condition in words."""
    tr, formats, wanted = visit.tr, visit.formats(site), watched.conditions
    out = []
    if wanted.energy_wh is not None:
        out.append(tr("at {energy} kWh").format(energy=formats.number(wanted.energy_wh / 1000, 1)))
    if wanted.duration_us is not None:
        minutes = wanted.duration_us // (60 * SECOND_US)
        out.append(tr("after {count} min").format(count=minutes))
    if watched.until_us is not None:
        out.append(tr("at {time}").format(time=formats.date_hour(watched.until_us)))
    if wanted.soc is not None:
        out.append(tr("at {soc} % state of charge").format(soc=formats.number(wanted.soc)))
    if wanted.cost is not None:
        out.append(tr("at a cost of {cost}").format(cost=formats.number(wanted.cost, 2)))
    return out
