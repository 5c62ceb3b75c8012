"""Shapes of the interface. Times are RFC 3339, UTC, milliseconds."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from scada.core import moment
from scada.core.command import CommandResult
from scada.core.errors import BadRequest
from scada.core.plant import Charger, Plant
from scada.core.ports import Aggregate
from scada.core.records import AlarmTransition, TransactionRecord
from scada.core.tag import Tag
from scada.core.value import Quality, TimeUs, quality_name

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is the cursor of the next part, null at the end.

    `complete`: false where older items lie in a database that cannot be read now: they are missing here.
    """

    items: list[T]
    next: str | None
    complete: bool = True


class TagItem(BaseModel):
    """A tag as it stands. `time` is the source's time, null before the first value."""

    path: str
    value: bool | float | str | None
    quality: str
    time: str | None
    unit: str


class TagDetail(TagItem):
    """A tag with what is configured of it."""

    kind: str
    label: dict[str, str]
    description: dict[str, str]
    decimals: int
    low: float | None
    high: float | None
    choices: list[str]
    writable: bool
    server_time: str | None


class PointItem(BaseModel):
    """One sample of history."""

    time: str
    value: bool | float | str | None
    quality: str


class CurveItem(BaseModel):
    """A tag's curve in a span."""

    path: str
    points: list[PointItem]


class AggregateName(StrEnum):
    """What a register did in a step. `weighted`: mean weighted by time; `interpolated`: at the beginning of the step."""

    MIN = "min"
    MAX = "max"
    MEAN = "mean"
    WEIGHTED = "weighted"
    LAST = "last"
    COUNT = "count"
    INTERPOLATED = "interpolated"


def aggregate_item(found: Aggregate, name: AggregateName, step_us: int) -> PointItem:
    """One step of an aggregate."""
    value: float | None = {
        AggregateName.MIN: found.low,
        AggregateName.MAX: found.high,
        AggregateName.MEAN: found.mean,
        AggregateName.WEIGHTED: found.weighted,
        AggregateName.LAST: found.last,
        AggregateName.COUNT: float(found.n),
        AggregateName.INTERPOLATED: found.interpolated,
    }[name]
    if name is AggregateName.INTERPOLATED or found.covered_us >= step_us:
        quality = Quality.BAD_NO_DATA if value is None else Quality.GOOD
    else:
        quality = Quality.UNCERTAIN_SUB_NORMAL if found.covered_us or found.n else Quality.BAD_NO_DATA
    return PointItem(time=moment.text(found.time_us), value=value, quality=quality_name(quality))


class JournalItem(BaseModel):
    """A row of the alarm journal.

    `first_out`: sequence of the row with which its group of alarms began, 0: not known. `until`: end of a shelving or
    of a time out of service, null where there is none.
    """

    sequence: int
    time: str
    alarm: str
    site: str
    level: int
    domain: str
    nature: str
    event: str
    state: str
    raised: str
    first_out: int
    value: str
    user: str
    origin: str
    comment: str
    until: str | None


class AlarmCount(BaseModel):
    """How often an alarm did what the list is about."""

    alarm: str
    times: int


class FiguresItem(BaseModel):
    """Figures of the alarm system over a span; rates are alarms in ten minutes, shares in percent, times in seconds."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[str, Field(alias="from")]
    to: str
    raised: int
    per_10_min_mean: float
    per_10_min_peak: int
    flood_percent: float
    most_frequent: list[AlarmCount]
    chattering: list[str]
    fleeting: list[AlarmCount]
    stale: list[str]
    by_priority: dict[str, float]
    acknowledge_s_median: float | None
    acknowledge_s_p90: float | None


class SessionItem(BaseModel):
    """A transaction."""

    id: int
    site: str
    charger: str
    connector: int
    id_tag: str
    state: str
    started: str
    stopped: str | None
    meter_start_wh: int
    meter_stop_wh: int | None
    energy_wh: int
    reason: str
    authorized_by: str
    flags: list[str]
    visit: int
    vehicle: str
    parent: str
    plan: str
    reservation: int
    soc_start: float | None
    soc_end: float | None
    charger_id: str
    ordered_by: str
    stopped_by: str
    stop_condition: str
    late: bool
    correction_wh: int


class ConnectorItem(BaseModel):
    """A connector with what matters of it now."""

    path: str
    number: int
    plug: str
    current: str
    phases: int
    current_max_a: float
    power_max_kw: float
    bay: str
    status: str | None
    transaction_id: int | None


class ChargerItem(BaseModel):
    """A charger."""

    path: str
    site: str
    identity: str
    type: str
    feeder: str
    label: str
    online: bool
    vendor: str | None
    model: str | None
    firmware: str | None
    connectors: list[ConnectorItem]


class OutboxItem(BaseModel):
    """A message of the outbox and what became of it.

    `sent_with`: id of the message that carried it too, 0: its own. `not_before`, `sent`: null where there is none.
    """

    id: int
    created: str
    contact: str
    channel: str
    recipient: str
    template: str
    profile: str
    cause: int
    level: int
    urgent: bool
    subject: str
    state: str
    attempts: int
    not_before: str | None
    next_try: str | None
    last_answer: str
    sent: str | None
    sent_with: int


class Strict(BaseModel):
    """An unknown key is refused: it is most often a misspelt one."""

    model_config = ConfigDict(extra="forbid")


class Login(Strict):
    """User and password."""

    username: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=256)]


class Token(BaseModel):
    """A bearer token, good for 12 hours without use and 7 days in all."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105
    user: str
    role: str
    rights: list[str]


class WriteValue(Strict):
    """A new value."""

    value: bool | float | str


class ForceValue(Strict):
    """A value that stands in for the source's; without `until` and `for_s` until somebody releases it."""

    value: bool | float | str
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    until: Annotated[str, Field(max_length=40)] | None = None
    for_s: Annotated[float, Field(gt=0, le=366 * 86400)] | None = None


class CommandBody(Strict):
    """A command out of `GET /commands`."""

    command: str
    target: str
    arguments: dict[str, Any] = {}


class CommandOutcome(BaseModel):
    """How a command ended: done, scheduled, refused, unreachable, timed_out or failed."""

    outcome: str
    ok: bool
    text: str
    answer: dict[str, Any]


class TagWritten(TagDetail):
    """A tag after it was written. `outcome`: of the command that wrote it; null: the tag itself was written."""

    outcome: CommandOutcome | None


class CommandItem(BaseModel):
    """A command that there is."""

    name: str
    target: str
    right: str
    timeout_s: float
    confirm: bool
    arguments: list[dict[str, Any]]


def parse_time(text: str | None, name: str) -> TimeUs | None:
    """A time of a query; without zone it is UTC. Raises BadRequest."""
    if text is None:
        return None
    time_us = moment.parse(text)
    if time_us is None:
        raise BadRequest(f"'{name}' is no RFC 3339 time, for example 2026-11-21T07:00:00Z")
    return time_us


def command_outcome(result: CommandResult) -> CommandOutcome:
    """How a command ended."""
    return CommandOutcome(
        outcome=result.outcome.value, ok=result.outcome.ok, text=result.text, answer=dict(result.answer)
    )


def number_of(cursor: str | None) -> int:
    """The place in a list that a cursor names. Raises BadRequest."""
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise BadRequest("the cursor is not one of ours")
    return int(cursor)


def tag_item(tag: Tag) -> TagItem:
    """A tag as it stands."""
    return TagItem(
        path=tag.path,
        value=tag.value,
        quality=quality_name(tag.quality),
        time=moment.text(tag.source_us) if tag.source_us else None,
        unit=tag.definition.unit,
    )


def tag_detail(tag: Tag) -> TagDetail:
    """A tag with its configuration."""
    d = tag.definition
    return TagDetail(
        **tag_item(tag).model_dump(),
        kind=d.kind.value,
        label=dict(d.label),
        description=dict(d.description),
        decimals=d.decimals,
        low=d.low,
        high=d.high,
        choices=list(d.choices),
        writable=d.write is not None,
        server_time=moment.text(tag.server_us) if tag.server_us else None,
    )


def journal_item(row: AlarmTransition) -> JournalItem:
    """A journal row."""
    return JournalItem(
        sequence=row.sequence,
        time=moment.text(row.time_us),
        alarm=row.alarm,
        site=row.site,
        level=row.level,
        domain=row.domain,
        nature=row.nature,
        event=row.event.value,
        state=row.state.value,
        raised=moment.text(row.raised_us),
        first_out=row.first_out,
        value=row.value,
        user=row.user,
        origin=row.origin,
        comment=row.comment,
        until=moment.text(row.until_us) if row.until_us is not None else None,
    )


def session_item(record: TransactionRecord) -> SessionItem:
    """A transaction."""
    return SessionItem(
        id=record.id,
        site=record.site,
        charger=record.charger,
        connector=record.connector,
        id_tag=record.id_tag,
        state=record.state.value,
        started=moment.text(record.started_us),
        stopped=moment.text(record.stopped_us) if record.stopped_us is not None else None,
        meter_start_wh=record.meter_start_wh,
        meter_stop_wh=record.meter_stop_wh,
        energy_wh=record.energy_wh,
        reason=record.reason,
        authorized_by=record.authorized_by,
        flags=[flag for flag in record.flags.split(",") if flag],
        visit=record.visit,
        vehicle=record.vehicle,
        parent=record.parent,
        plan=record.plan,
        reservation=record.reservation,
        soc_start=record.soc_start,
        soc_end=record.soc_end,
        charger_id=record.charger_id,
        ordered_by=record.ordered_by,
        stopped_by=record.stopped_by,
        stop_condition=record.stop_condition,
        late=record.late,
        correction_wh=record.correction_wh,
    )


def charger_item(charger: Charger, plant: Plant, tags: dict[str, Tag], language: str) -> ChargerItem:
    """A charger with its live state. `tags` maps paths to tags."""

    def value(path: str) -> Any:
        tag = tags.get(path)
        return tag.value if tag else None

    def word(path: str) -> str | None:
        found = value(path)
        return found if isinstance(found, str) else None

    return ChargerItem(
        path=charger.path,
        site=charger.site,
        identity=charger.identity,
        type=charger.device_type,
        feeder=charger.feeder,
        label=plant.text(charger.label, language),
        online=value(f"{charger.path}.Online") is True,
        vendor=word(f"{charger.path}.Vendor"),
        model=word(f"{charger.path}.Model"),
        firmware=word(f"{charger.path}.Firmware"),
        connectors=[
            ConnectorItem(
                path=c.path,
                number=c.number,
                plug=c.plug,
                current=c.current.value,
                phases=c.phases,
                current_max_a=c.current_max_a,
                power_max_kw=c.power_max_kw,
                bay=c.bay,
                status=word(f"{c.path}.Status"),
                transaction_id=int(value(f"{c.path}.TransactionId") or 0) or None,
            )
            for c in charger.connectors
        ],
    )
