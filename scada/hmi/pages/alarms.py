"""Alarms that stand or wait for somebody: the list is filled by the feed, as the page's filter says."""

from __future__ import annotations

from scada.core.access import Right
from scada.hmi.alarm_list import AlarmFilter
from scada.hmi.alarms import alarm_text
from scada.hmi.context import View, Visit


async def build(visit: Visit) -> View:
    """The list and its filter."""
    live = visit.live()
    where = AlarmFilter.of(visit.query)
    plant, actor = visit.plant, visit.actor
    main = visit.render(
        "alarms.html",
        live,
        tab="list",
        where=where,
        kind_name=_kind_name(visit, where.kind),
        sites=[site for site in plant.sites if not actor.scope.sites or site.path in actor.scope.sites],
        domains=sorted({d.domain for d in plant.tags if d.alarm and d.domain}),
        may=actor.may(Right.ACKNOWLEDGE),
        may_mask=actor.may(Right.MASK),
    )
    return View(title=visit.tr("Alarms"), main=main, live=live, nav="alarms", alarm_list=where)


def _kind_name(visit: Visit, kind: str) -> str:
    """What alarms of a kind say."""
    if not kind:
        return ""
    found = next(
        (d.path for d in visit.plant.tags if d.alarm and kind in (d.alarm.name, d.path)),
        "",
    )
    return alarm_text(visit.plant, found, visit.language) if found else kind
