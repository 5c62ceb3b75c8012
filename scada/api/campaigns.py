"""Campaigns: one command over many chargers, in waves.

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.charging.campaign import Campaign, Item, State
from scada.core import moment
from scada.core.access import Actor, Right
from scada.core.errors import BadRequest
from scada.core.value import TimeUs
from scada.runtime.campaigns import CampaignOrder

DAY_S = 86_400.0


class CampaignBody(models.Strict):
    """What is to be done, on which chargers, and how carefully."""

    name: Annotated[str, Field(max_length=100)] = ""
    command: Annotated[str, Field(min_length=1, max_length=50)]
    arguments: Annotated[dict[str, Any], Field(default_factory=dict)]
    targets: Annotated[list[str], Field(min_length=1, max_length=20_000, description="paths or patterns")]
    waves: Annotated[
        list[str],
        Field(default_factory=list, max_length=50, description="numbers, or percentages of all: 1, 10%, 50%"),
    ]
    pause_s: Annotated[float, Field(ge=0, le=30 * DAY_S, description="between two waves")] = 0
    at_once: Annotated[int, Field(ge=1, le=100)] = 10
    idle_only: Annotated[bool, Field(description="not while a transaction runs")] = False
    failures_max: Annotated[
        str, Field(max_length=6, description="of a wave, a number or a percentage; one more stops")
    ] = "0"
    retries: Annotated[int, Field(ge=0, le=5)] = 0
    retry_wait_s: Annotated[float, Field(ge=1, le=DAY_S)] = 300
    ready_wait_s: Annotated[
        float, Field(ge=1, le=30 * DAY_S, description="how long a wave waits for chargers that are not ready")
    ] = DAY_S


class CampaignItem(BaseModel):
    """A campaign. `counts`: chargers by state; `wave`: the one under way, from 1; `reason`: of the phase."""

    id: str
    name: str
    command: str
    arguments: dict[str, Any]
    user: str
    created: str
    ended: str | None
    phase: str
    reason: str
    waves: list[int]
    wave: int
    wave_begins: str
    total: int
    counts: dict[str, int]


class CampaignResult(BaseModel):
    """A charger of a campaign."""

    charger: str
    wave: int
    state: str
    attempts: int
    outcome: str
    text: str
    time: str


class CampaignDetail(CampaignItem):
    """A campaign with its chargers: those of the part that was asked for."""

    results: list[CampaignResult]
    next: str | None


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    see = Depends(requires(services, Right.SEE))
    campaigns = services.campaigns

    @router.get("/campaigns", tags=["campaigns"], dependencies=[*secured, see])
    async def list_campaigns() -> models.Page[CampaignItem]:
        """Campaigns, newest first; at most a hundred are remembered."""
        return models.Page(items=[CampaignItem(**_head(one)) for one in campaigns.all()], next=None)

    @router.post("/campaigns", tags=["campaigns"], dependencies=secured, status_code=201)
    async def start(body: CampaignBody, actor: Annotated[Actor, see]) -> CampaignItem:
        """Begin a campaign, by whoever may give its command; audited."""
        return CampaignItem(**_head(await campaigns.start(CampaignOrder(**body.model_dump()), actor)))

    @router.get("/campaigns/{campaign_id}", tags=["campaigns"], dependencies=[*secured, see])
    async def get_campaign(
        campaign_id: str,
        state: Annotated[str, Query(max_length=20, description="only chargers in this state")] = "",
        since: Annotated[
            str | None, Query(max_length=40, description="RFC 3339: only what has changed since")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 1_000,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the part before")] = None,
    ) -> CampaignDetail:
        """A campaign with its chargers in order of their turn."""
        campaign = campaigns.get(campaign_id)
        since_us = models.parse_time(since, "since") or 0
        wanted = _state(state)
        start = models.number_of(cursor)
        chosen = [
            item
            for item in campaign.items.values()
            if item.order >= start and item.time_us >= since_us and wanted in (None, item.state)
        ]
        return CampaignDetail(
            **_head(campaign),
            results=[_result(item) for item in chosen[:limit]],
            next=str(chosen[limit].order) if len(chosen) > limit else None,
        )

    @router.post("/campaigns/{campaign_id}/{what}", tags=["campaigns"], dependencies=secured)
    async def steer(campaign_id: str, what: str, actor: Annotated[Actor, see]) -> CampaignItem:
        """`pause`, `resume` (failures so far are forgiven) or `cancel` a campaign; audited."""
        return CampaignItem(**_head(await campaigns.steer(campaign_id, what, actor)))


def _state(text: str) -> State | None:
    try:
        return State(text) if text else None
    except ValueError:
        raise BadRequest(f"'state' is one of {', '.join(one.value for one in State)}") from None


def _head(campaign: Campaign) -> dict[str, Any]:
    head, plan = campaign.head, campaign.head.plan
    return {
        "id": head.id,
        "name": plan.name,
        "command": plan.command,
        "arguments": plan.arguments,
        "user": plan.user,
        "created": moment.text(plan.created_us),
        "ended": _time(head.ended_us),
        "phase": head.phase.value,
        "reason": head.reason,
        "waves": list(plan.waves),
        "wave": head.wave + 1,
        "wave_begins": moment.text(head.wave_us),
        "total": len(campaign.items),
        "counts": {state.value: count for state in State if (count := campaign.count(state))},
    }


def _result(item: Item) -> CampaignResult:
    return CampaignResult(
        charger=item.target,
        wave=item.wave + 1,
        state=item.state.value,
        attempts=item.attempts,
        outcome=item.outcome,
        text=item.text,
        time=moment.text(item.time_us),
    )


def _time(time_us: TimeUs) -> str | None:
    return moment.text(time_us) if time_us else None
