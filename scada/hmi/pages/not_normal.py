"""Not normal now: one page of all that is held, closed, limited or reserved: who, why, since, until, and its end."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from scada.core.access import Right
from scada.core.ports import DeedFilter
from scada.hmi import alarms
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.modes import mode_text
from scada.hmi.not_normal import INOPERATIVE, LIMITED, MODE, RESERVED, Oddity, oddities
from scada.hmi.pages import suppressed
from scada.runtime.modes import Switched

EVERY_S = 3.0
PAUSE_S = 1.0
ASKED_MAX = 40
"""Of so many closed or limited connectors the page looks up who did it; a whole site that is closed is more."""
_CAUSES = {INOPERATIVE: "ChangeAvailability", LIMITED: "SetChargingProfile"}


async def build(visit: Visit) -> View:
    """The page."""

    async def body(live: Live) -> Markup:
        found = oddities(visit.services.host, visit.actor.scope)
        rows = [await _row(visit, one, asked=number < ASKED_MAX) for number, one in enumerate(found)]
        return visit.render(
            "not_normal_body.html",
            live,
            held=suppressed.render(visit, live, only_some=True),
            sections=[
                (kind, title, [row for row in rows if row["one"].kind == kind])
                for kind, title in (
                    (MODE, visit.tr("Mode of a site")),
                    (INOPERATIVE, visit.tr("Connectors closed")),
                    (LIMITED, visit.tr("Current limited")),
                    (RESERVED, visit.tr("Reserved by hand")),
                )
            ],
        )

    live = visit.live()
    shown = await body(live)
    fragment = Fragment(
        slot="not-normal", render=body, alarms=True, every_s=EVERY_S, pause_s=PAUSE_S, shown=str(shown)
    )
    return View(
        title=visit.tr("Not normal now"),
        main=visit.render("not_normal.html", live, body=shown),
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="not_normal",
        fragments=[fragment],
    )


async def _row(visit: Visit, one: Oddity, *, asked: bool) -> dict[str, Any]:
    """Who did it is the last command of that kind, where there was one."""
    formats, user, reason, since_us = visit.formats(), one.user, one.reason, one.since_us
    if asked and one.kind in _CAUSES:
        where = DeedFilter(object=one.path, action=_CAUSES[one.kind])
        page = await visit.services.archive.commands(where, 1, None)
        if page.items:
            user, since_us = page.items[0].record.user, page.items[0].record.time_us
        else:
            reason = visit.tr("by the charger itself, or before this system")
    if one.kind == MODE and (switched := _switched(visit, one.path)) is not None:
        user, since_us, reason = switched.user, switched.since_us, mode_text(visit, switched)
    right = {
        MODE: Right.OPERATE,
        INOPERATIVE: Right.OPERATE,
        LIMITED: Right.MAINTAIN,
        RESERVED: Right.OPERATE,
    }[one.kind]
    return {
        "one": one,
        "place": alarms.branch_name(visit.plant, one.path, visit.language) or one.path,
        "url": alarms.url_of(visit.plant, one.path),
        "user": user,
        "reason": reason,
        "since": formats.date_time(since_us) if since_us else "",
        "until": formats.date_time(one.until_us) if one.until_us is not None else "",
        "may_end": visit.actor.may(right),
    }


def _switched(visit: Visit, site: str) -> Switched | None:
    modes = visit.services.modes
    return modes.of(site) if modes is not None else None
