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
    Supply,
    Unit,
)
from scada.core import moment
from scada.core.access import Right
from scada.core.errors import NotFound
from scada.core.plant import Current
from scada.core.value import SECOND_US

DC_VOLTAGE_V = 400.0
"""What A and W of a DC connector are converted with here; the vehicle's own voltage is known only when it charges."""


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
        connector, supply = _supply(services, body.target)
        since_us = parse_time(body.charging_since, "charging_since")
        start_us = parse_time(body.start, "start") or services.host.clock.now_us()
        stack = ProfileStack()
        for number, placed in enumerate(body.profiles):
            profile = parse(placed.profile, f"$.profiles[{number}].profile")
            stack.install(placed.connector, profile, charging=True)
        situation = Situation(supply=supply, since_us=since_us, transaction_id=body.transaction_id)
        return _composed(stack.composite(connector, start_us, body.duration_s, Unit(body.unit), situation))


def _supply(services: ApiServices, target: str) -> tuple[int, Supply]:
    """(connector, what its hardware gives) of a connector or, 0, a charger."""
    found = services.plant.connectors_by_path.get(target)
    if found is not None:
        _, one = found
        if one.current is Current.DC:
            return one.number, Supply(current_max_a=one.current_max_a, phases=1, voltage_v=DC_VOLTAGE_V)
        return one.number, Supply(current_max_a=one.current_max_a, phases=one.phases)
    charger = services.plant.chargers_by_path.get(target)
    if charger is None:
        raise NotFound(f"there is no charger or connector {target}")
    direct = all(one.current is Current.DC for one in charger.connectors)
    return 0, Supply(
        current_max_a=sum(one.current_max_a for one in charger.connectors),
        phases=1 if direct else max(one.phases for one in charger.connectors),
        voltage_v=DC_VOLTAGE_V if direct else 230.0,
    )


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
