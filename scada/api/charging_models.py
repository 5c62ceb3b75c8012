"""Shapes of the interface about charging."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from scada.api.models import parse_time
from scada.charging.authorization import KnownToken
from scada.charging.local_lists import ChargerList, SiteList
from scada.charging.manual import Question
from scada.charging.refused import RefusedToken
from scada.charging.reservations import Reservation
from scada.charging.stops import Watched
from scada.core import moment
from scada.core.errors import BadRequest
from scada.core.plant import StopConditions, Token, Vehicle
from scada.core.records import VisitRecord
from scada.core.value import SECOND_US, TimeUs

T = TypeVar("T")
IdTag = Annotated[str, Field(min_length=1, max_length=20)]
OptionalIdTag = Annotated[str, Field(max_length=20)]
Time = Annotated[str | None, Field(max_length=40, description="RFC 3339")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class TokenItem(BaseModel):
    """A token as it counts."""

    id_tag: str
    name: str
    parent: str
    blocked: bool
    expires: str | None
    sites: list[str]
    plan: str
    source: str
    user: str


class AdmitBody(_Body):
    """A token to be made a good one."""

    id_tag: IdTag
    name: Annotated[str, Field(max_length=60)] = ""
    parent: OptionalIdTag = ""
    expires: Time = None
    sites: list[str] = []
    plan: Annotated[str, Field(max_length=60)] = ""

    def token(self) -> Token:
        """As the core takes it. Raises BadRequest."""
        return Token(
            id_tag=self.id_tag,
            name=self.name,
            parent=self.parent,
            expires_us=parse_time(self.expires, "expires"),
            sites=tuple(self.sites),
            plan=self.plan,
        )


class RefusedItem(BaseModel):
    """A token that was refused."""

    id_tag: str
    charger: str
    connector: int
    status: str
    why: str
    first: str
    last: str
    times: int


class QuestionItem(BaseModel):
    """A charger that waits for an operator."""

    number: int
    id_tag: str
    charger: str
    connector: int
    asked: str
    until: str


class AnswerBody(_Body):
    """The operator's answer."""

    accept: bool


class StopBody(_Body):
    """When a session is to end: with the first that is reached; empty: not by itself.

    `at` is a time of day in the site's zone, `until` a moment.
    """

    energy_kwh: Annotated[float | None, Field(gt=0, le=10_000)] = None
    duration_min: Annotated[float | None, Field(gt=0, le=100_000)] = None
    at: Annotated[str | None, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = None
    until: Time = None
    soc: Annotated[float | None, Field(ge=0, le=100)] = None
    cost: Annotated[float | None, Field(gt=0, le=1_000_000)] = None

    def conditions(self) -> StopConditions:
        """As the core takes them. Raises BadRequest."""
        hours, minutes = (int(part) for part in self.at.split(":")) if self.at else (0, 0)
        return StopConditions(
            energy_wh=None if self.energy_kwh is None else round(self.energy_kwh * 1000),
            duration_us=None if self.duration_min is None else int(self.duration_min * 60 * SECOND_US),
            until_us=parse_time(self.until, "until"),
            at_min=None if self.at is None else hours * 60 + minutes,
            soc=self.soc,
            cost=self.cost,
        )


class StopItem(BaseModel):
    """The conditions of a running session."""

    energy_kwh: float | None
    duration_min: float | None
    at: str | None
    until: str | None
    soc: float | None
    cost: float | None
    source: str
    reached: str
    tries: int


class ReservationBody(_Body):
    """A reservation to be made. `target`: a connector, or a site for any of its connectors. `from` missing: now."""

    target: Annotated[str, Field(min_length=1, max_length=256)]
    id_tag: OptionalIdTag = ""
    parent: OptionalIdTag = ""
    from_: Annotated[str | None, Field(alias="from", max_length=40)] = None
    until: Annotated[str, Field(max_length=40)]
    stop: StopBody = StopBody()
    note: Annotated[str, Field(max_length=200)] = ""


class ReservationItem(BaseModel):
    """A reservation."""

    id: int
    site: str
    connector: str
    any: bool
    id_tag: str
    parent: str
    from_: Annotated[str, Field(serialization_alias="from")]
    until: str
    user: str
    state: str
    held: str
    transaction: int
    note: str


class VehicleItem(BaseModel):
    """A vehicle of the registry."""

    name: str
    plate: str
    tokens: list[str]
    ids: list[str]
    battery_kwh: float
    phases: int
    current_max_a: float


class VisitItem(BaseModel):
    """From plug-in to unplug."""

    id: int
    site: str
    charger: str
    connector: int
    began: str
    ended: str | None
    vehicle: str
    vehicle_id: str


class ListItem(BaseModel):
    """What a charger has as its local authorization list."""

    charger: str
    state: str
    supported: bool | None
    version: int
    wanted: int
    entries_max: int
    left_out: int
    failures: int
    text: str
    updated: str | None


def token_item(known: KnownToken) -> TokenItem:
    """A token."""
    token = known.token
    return TokenItem(
        id_tag=token.id_tag,
        name=token.name,
        parent=token.parent,
        blocked=token.blocked,
        expires=_text(token.expires_us),
        sites=list(token.sites),
        plan=token.plan,
        source=known.source,
        user=known.user,
    )


def refused_item(one: RefusedToken) -> RefusedItem:
    """A refusal."""
    return RefusedItem(
        id_tag=one.id_tag,
        charger=one.charger,
        connector=one.connector,
        status=one.status,
        why=one.why,
        first=moment.text(one.first_us),
        last=moment.text(one.last_us),
        times=one.times,
    )


def question_item(one: Question) -> QuestionItem:
    """A question."""
    return QuestionItem(
        number=one.number,
        id_tag=one.id_tag,
        charger=one.charger,
        connector=one.connector,
        asked=moment.text(one.asked_us),
        until=moment.text(one.until_us),
    )


def stop_item(one: Watched) -> StopItem:
    """Conditions."""
    wanted = one.conditions
    return StopItem(
        energy_kwh=None if wanted.energy_wh is None else wanted.energy_wh / 1000,
        duration_min=None if wanted.duration_us is None else wanted.duration_us / 60 / SECOND_US,
        at=None if wanted.at_min is None else f"{wanted.at_min // 60:02}:{wanted.at_min % 60:02}",
        until=_text(one.until_us),
        soc=wanted.soc,
        cost=wanted.cost,
        source=one.source,
        reached=one.reached,
        tries=one.tries,
    )


def reservation_item(one: Reservation) -> ReservationItem:
    """A reservation."""
    return ReservationItem(
        id=one.id,
        site=one.site,
        connector=one.connector,
        any=one.any,
        id_tag=one.id_tag,
        parent=one.parent,
        from_=moment.text(one.from_us),
        until=moment.text(one.until_us),
        user=one.user,
        state=one.state,
        held=one.held,
        transaction=one.transaction,
        note=one.note,
    )


def vehicle_item(one: Vehicle) -> VehicleItem:
    """A vehicle."""
    return VehicleItem(
        name=one.name,
        plate=one.plate,
        tokens=list(one.tokens),
        ids=list(one.ids),
        battery_kwh=one.battery_kwh,
        phases=one.phases,
        current_max_a=one.current_max_a,
    )


def visit_item(one: VisitRecord) -> VisitItem:
    """A visit."""
    return VisitItem(
        id=one.id,
        site=one.site,
        charger=one.charger,
        connector=one.connector,
        began=moment.text(one.began_us),
        ended=_text(one.ended_us),
        vehicle=one.vehicle,
        vehicle_id=one.vehicle_id,
    )


def list_item(one: ChargerList, wanted: SiteList | None) -> ListItem:
    """A charger's list."""
    return ListItem(
        charger=one.charger,
        state=one.state,
        supported=one.supported,
        version=one.version,
        wanted=wanted.version if wanted else 0,
        entries_max=one.entries_max,
        left_out=one.left_out,
        failures=one.failures,
        text=one.text,
        updated=_text(one.updated_us or None),
    )


def required_time(text: str, name: str) -> TimeUs:
    """A time that must be there. Raises BadRequest."""
    time_us = parse_time(text, name)
    if time_us is None:
        raise BadRequest(f"'{name}' is missing")
    return time_us


def _text(time_us: TimeUs | None) -> str | None:
    return None if time_us is None else moment.text(time_us)
