"""What an engineer does to chargers as a stock: pending ones, and one command for many of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from markupsafe import Markup

from scada.core.access import Actor, Right
from scada.core.errors import BadRequest, NotFound
from scada.core.pending import Adoption, PendingChargers
from scada.hmi.context import Visit
from scada.hmi.given import Given, Shown, number, text, texts, whole
from scada.runtime.campaigns import CampaignOrder, Campaigns

CELLS = (
    "site",
    "tag",
    "type",
    "connectors",
    "plug",
    "current_a",
    "power_kw",
    "feeder",
    "bays",
    "label",
    "password_ref",
    "security",
)
"""Columns of chargers.csv that an adoption may fill."""
ARGUMENT = "arg_"
"""Fields of a form that are arguments of the command begin so."""
DAY_MIN = 1_440.0
WAVES_MAX = 20


class MaintenanceDeeds:
    """The deeds of one page."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.deeds: Mapping[str, Callable[[Actor, Given], Awaitable[str | Shown]]] = {
            "adopt": self._adopt,
            "reject": self._reject,
            "start_campaign": self._start,
            "steer_campaign": self._steer,
        }

    async def _adopt(self, actor: Actor, given: Given) -> str:
        cells = {name: cell for name in CELLS if (cell := text(given, name, 255))}
        replaces = text(given, "replaces", 255)
        if replaces:
            cells = {}  # everything else stays as it is
        adoption = Adoption(cells=cells, replaces=replaces)
        await self._pending(actor).adopt(text(given, "identity", 255), adoption, actor)
        return self._visit.tr("taken in; the program starts anew in some seconds")

    async def _reject(self, actor: Actor, given: Given) -> str:
        await self._pending(actor).reject(text(given, "identity", 255), actor)
        return self._visit.tr("refused from now on")

    async def _start(self, actor: Actor, given: Given) -> Shown:
        targets = texts(given, "targets")
        if not targets:
            raise BadRequest("nothing is selected")
        order = CampaignOrder(
            name=text(given, "title", 100),
            command=text(given, "command", 50),
            arguments={
                key.removeprefix(ARGUMENT): value
                for key in given
                if key.startswith(ARGUMENT) and (value := text(given, key))
            },
            targets=targets,
            waves=[one.strip() for one in text(given, "waves", 200).split(",") if one.strip()][:WAVES_MAX],
            pause_s=60 * (number(given, "pause_min", 0, 30 * DAY_MIN) or 0),
            at_once=whole(given, "at_once", 1, 100) or 10,
            idle_only=bool(text(given, "idle_only", 5)),
            failures_max=text(given, "failures_max", 6) or "0",
        )
        campaign = await self._campaigns().start(order, actor)
        tr = self._visit.tr
        html = Markup('<p><a href="/campaigns/{}">{} →</a></p>').format(
            campaign.head.id, tr("Progress and results")
        )
        return Shown(tr("begun: {count} chargers").format(count=len(campaign.items)), "started", html)

    async def _steer(self, actor: Actor, given: Given) -> str:
        await self._campaigns().steer(text(given, "campaign", 100), text(given, "what", 10), actor)
        return self._visit.tr("done")

    def _campaigns(self) -> Campaigns:
        campaigns = self._visit.services.campaigns
        if campaigns is None:
            raise NotFound("this system has no campaigns")
        return campaigns

    def _pending(self, actor: Actor) -> PendingChargers:
        actor.require(Right.CONFIGURE)
        pending = self._visit.services.pending
        if pending is None:
            raise NotFound("this system lets no unknown chargers wait")
        return pending
