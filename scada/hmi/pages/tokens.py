"""Tokens and vehicles: who may charge, who was refused, and chargers that wait for an operator's answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from scada.charging.authorization import KnownToken
from scada.charging.refused import RefusedToken
from scada.core.access import Right
from scada.core.value import TimeUs
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.i18n import marked

ROWS_MAX = 500
"""Tokens of one page; of more the filter finds them."""
REFRESH_S = 2.0

_ = marked
TABS = (
    ("", _("Tokens")),
    ("refused", _("Refused today")),
    ("waiting", _("Waiting for an answer")),
    ("vehicles", _("Vehicles")),
)


async def build(visit: Visit) -> View:
    """The page. Query: `tab`, `q` (text), `source`; `all` has the refusals of earlier days too."""
    tab = visit.query.get("tab", "")
    tab = tab if tab in dict(TABS) else ""

    async def render(live: Live) -> Markup:
        return visit.render("tokens_table.html", live, **_data(visit, tab))

    live = visit.live()
    shown = await render(live)
    charging = visit.services.host.core.charging
    main = visit.render(
        "tokens.html",
        live,
        tab=tab,
        tabs=TABS,
        counts={"refused": len(_refused(visit)), "waiting": len(charging.manual.pending())},
        table=shown,
        sources=sorted({one.source for one in charging.tokens.all()}),
        plans=sorted(visit.plant.charging.plans),
        operates=visit.actor.may(Right.OPERATE),
    )
    return View(
        title=visit.tr("Tokens"),
        main=main,
        live=live,
        nav="tokens",
        fragments=[Fragment(slot="tokens", render=render, every_s=REFRESH_S, shown=str(shown))],
    )


def _data(visit: Visit, tab: str) -> dict[str, Any]:
    charging, formats = visit.services.host.core.charging, visit.formats()
    now_us = visit.services.host.clock.now_us()
    data: dict[str, Any] = {
        "tab": tab,
        "operates": visit.actor.may(Right.OPERATE),
        "time": formats.date_time,
        "place": lambda charger, connector: f"{charger} · C{connector}" if connector else charger,
        "rows": [],
        "more": 0,
    }
    if tab == "refused":
        data["rows"] = _refused(visit)[:ROWS_MAX]
    elif tab == "waiting":
        data["rows"] = charging.manual.pending()
    elif tab == "vehicles":
        data["rows"] = charging.vehicles.all()
    else:
        chosen = _chosen(visit, charging.tokens.all())
        data["rows"] = [(one, _state(one, now_us)) for one in chosen[:ROWS_MAX]]
        data["more"] = max(0, len(chosen) - ROWS_MAX)
    return data


def _refused(visit: Visit) -> list[RefusedToken]:
    """Of today by the plant's clock, or all that are remembered; newest first."""
    found = visit.services.host.core.charging.refused.all()
    if visit.query.get("all"):
        return found
    today_us = visit.formats().midnight_us(visit.services.host.clock.now_us())
    return [one for one in found if one.last_us >= today_us]


def _chosen(visit: Visit, known: Sequence[KnownToken]) -> list[KnownToken]:
    wanted, source = visit.query.get("q", "").casefold(), visit.query.get("source", "")
    return [
        one
        for one in known
        if source in ("", one.source)
        and any(wanted in text.casefold() for text in (one.token.id_tag, one.token.name, one.token.parent))
    ]


def _state(known: KnownToken, now_us: TimeUs) -> str:
    """A word of `words.TOKEN_STATES`."""
    token = known.token
    if token.blocked:
        return "blocked"
    return "expired" if token.expires_us is not None and token.expires_us <= now_us else "good"
