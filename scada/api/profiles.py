"""The charging-profile composer: what would a connector offer under these profiles, and which of them binds?

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from scada.api.access import requires
from scada.api.models import Strict, parse_time
from scada.api.services import ApiServices
from scada.charging.profile_text import parse
from scada.charging.profiles import (
    COMPOSITE_S_MAX,
    PROFILES_MAX,
    Composite,
    ProfileStack,
    Situation,
    Unit,
)
from scada.charging.supply import supply_of
from scada.core import moment
from scada.core.access import Right
from scada.core.value import SECOND_US


class PlacedProfile(Strict):
    """A profile and where it stands: connector 0 is the charger as a whole."""

    connector: Annotated[int, Field(ge=0, le=1_000)] = 0
    profile: dict[str, Any]


class ComposeBody(Strict):
    """What to compose.

    `start`: of the curve, RFC 3339, default now. `charging_since`: from when relative profiles count; left out:
    nothing charges, and they count from `start`.
    """

    target: Annotated[str, Field(max_length=256)]
    profiles: Annotated[list[PlacedProfile], Field(max_length=PROFILES_MAX)]
    start: Annotated[str | None, Field(max_length=40)] = None
    duration_s: Annotated[int, Field(ge=1, le=COMPOSITE_S_MAX)] = 86_400
    unit: Literal["A", "W"] = "A"
    charging_since: Annotated[str | None, Field(max_length=40)] = None
    transaction_id: int | None = None


class ComposedPeriod(BaseModel):
    """A piece of the curve. `profile`: id of the one that binds, null: the hardware does."""

    start: str
    start_s: int
    limit: float
    phases: int | None
    profile: int | None


class Composed(BaseModel):
    """The curve, in steps: each limit holds until the next begins, the last for what is left of `duration_s`."""

    start: str
    duration_s: int
    unit: str
    periods: list[ComposedPeriod]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    maintain = Depends(requires(services, Right.MAINTAIN))

    @router.post("/charging-profiles/compose", tags=["test"], dependencies=[*secured, maintain])
    async def compose(body: ComposeBody) -> Composed:
        """The composite schedule (OCPP 1.6 3.13) of profiles that are not sent yet; nothing leaves the program.

        A profile that cannot be is answered with 400 and the place in it.
        """
        connector, supply = supply_of(services.plant, body.target)
        since_us = parse_time(body.charging_since, "charging_since")
        start_us = parse_time(body.start, "start") or services.host.clock.now_us()
        stack = ProfileStack()
        for number, placed in enumerate(body.profiles):
            profile = parse(placed.profile, f"$.profiles[{number}].profile")
            stack.install(placed.connector, profile, charging=True)
        situation = Situation(supply=supply, since_us=since_us, transaction_id=body.transaction_id)
        return _composed(stack.composite(connector, start_us, body.duration_s, Unit(body.unit), situation))


def _composed(composite: Composite) -> Composed:
    return Composed(
        start=moment.text(composite.start_us),
        duration_s=composite.duration_s,
        unit=composite.unit.value,
        periods=[
            ComposedPeriod(
                start=moment.text(composite.start_us + one.start_s * SECOND_US),
                start_s=one.start_s,
                limit=one.limit,
                phases=one.phases,
                profile=one.profile_id,
            )
            for one in composite.periods
        ],
    )
