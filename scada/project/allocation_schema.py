"""What may stand in a project's files about sharing power."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scada.project.fields import Positive, Segment, Strict, Texts


class CircuitFields(Strict):
    """Of the grid connection ([sites.allocation]) and of feeders ([[sites.feeders]])."""

    limit_kw: Positive | None = None
    limit_kva: Positive | None = None
    demand_kw: Positive | None = None
    usable_percent: Annotated[float, Field(gt=0, le=100)] = 100
    reserve_a: Annotated[float, Field(ge=0, le=10_000)] = 0
    safe_a: Annotated[float, Field(ge=0, le=10_000)] = 0
    launch: Annotated[int, Field(ge=0, le=10_000)] = 0
    launch_a: Annotated[float, Field(ge=6, le=1_000)] = 6
    meter: str = ""


class FeederSection(CircuitFields):
    """[[sites.feeders]]. `parent`: the feeder above; empty: the grid connection. `meter`: tag of the meter that sees it."""

    name: Segment
    label: Texts = {}
    limit_a: Positive
    parent: str = ""


class AllocationSection(CircuitFields):
    """[sites.allocation]: with it the site's chargers are held to what its circuits have."""

    policy: Literal["equal", "weights", "tiers", "laxity", "need"] = "equal"
    period_s: Annotated[float, Field(ge=0.2, le=60)] = 3
    lease_s: Annotated[int, Field(ge=60, le=3600)] = 300
    fallback_a: Annotated[float, Field(ge=0, le=1_000)] = 0
    minimum_a: Annotated[float, Field(ge=1, le=100)] = 6
    hold_minimum: bool = False
    turn_s: Annotated[float, Field(ge=10, le=86_400)] = 900
    meter_lost_s: Annotated[float, Field(ge=15, le=3_600)] = 30
    external_valid_s: Annotated[float, Field(ge=0, le=7 * 86_400)] = 0
    ramp_s: Annotated[float, Field(ge=0, le=3_600)] = 60
    reduced_percent: Annotated[float, Field(ge=0, le=100)] = 50
    unleased: Annotated[list[str], Field(max_length=10_000)] = []
