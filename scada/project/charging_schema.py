"""What may stand in a project's files about charging: rules of sites, plans, imports of tokens, vehicles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scada.project.fields import SecretReference, Segment, Strict, Words

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Percent = Annotated[float, Field(ge=0, le=100)]
IdTag = Annotated[str, Field(min_length=1, max_length=20)]
OptionalIdTag = Annotated[str, Field(max_length=20)]


class ChargingRules(Strict):
    """Rules that a site may have of its own ([sites.charging]); what is not said is as in [charging]."""

    authorization: Literal["tokens", "free", "manual"] | None = None
    manual_answer_s: Annotated[int, Field(ge=3, le=25)] | None = None
    concurrent: bool | None = None
    autostart: bool | None = None
    autostart_token: OptionalIdTag | None = None
    resume: bool | None = None
    reload: bool | None = None
    reload_at: TimeOfDay | None = None
    reload_below_soc: Percent | None = None
    local_list: bool | None = None


class PlanSection(Strict):
    """[charging.plans.NAME]: what sessions of tokens with this plan begin with."""

    energy_kwh: Annotated[float, Field(gt=0, le=10_000)] | None = None
    duration_min: Annotated[float, Field(gt=0, le=100_000)] | None = None
    at: TimeOfDay | None = None
    soc: Percent | None = None
    cost: Annotated[float, Field(gt=0, le=1_000_000)] | None = None


class ImportSection(Strict):
    """[[charging.imports]]: a list of tokens that is fetched again and again."""

    name: Segment
    source: Annotated[str, Field(min_length=1, max_length=500)]
    every_s: Annotated[int, Field(ge=10, le=7 * 86_400)] = 3_600
    block: bool = False
    authorization_ref: SecretReference = ""


class ChargingSection(ChargingRules):
    """[charging]."""

    plans: dict[str, PlanSection] = {}
    imports: list[ImportSection] = []


class TokenRow(Strict):
    """A row of tokens.csv. `expires`: a date (to the end of that day) or a time, in the project's time zone.

    `sites`: where it is good; empty: everywhere.
    """

    id_tag: IdTag
    name: str = ""
    parent: OptionalIdTag = ""
    blocked: bool = False
    expires: str = ""
    sites: Words = []
    plan: str = ""


class VehicleRow(Strict):
    """A row of vehicles.csv. `ids`: EVCCID or MAC address."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    plate: Annotated[str, Field(max_length=20)] = ""
    tokens: Words = []
    ids: Words = []
    battery_kwh: Annotated[float, Field(ge=0, le=10_000)] = 0
    phases: Annotated[int, Field(ge=0, le=3)] = 0
    current_max_a: Annotated[float, Field(ge=0, le=2_000)] = 0
