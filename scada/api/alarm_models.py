"""Shapes of alarms, of what is suppressed, and of on-call."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from scada.alarming.oncall.people import address
from scada.api.models import Strict, parse_time
from scada.core import moment
from scada.core.errors import BadRequest
from scada.core.plant import Contact, DutySpan, Plant
from scada.core.records import AlarmState, Channel
from scada.core.tag import AlarmDefinition, TagDefinition
from scada.core.value import SECOND_US, TimeUs
from scada.runtime.board import AlarmView
from scada.runtime.suppressions import Line

PATHS_MAX = 1_000
COMMENT_MAX = 500
SPAN_S_MAX = 366 * 86_400

ALARM = "Depot.CP05.C2.ErrorGroundFailure"
Path = Annotated[str, Field(min_length=1, max_length=256, examples=[ALARM])]
Paths = Annotated[list[Path], Field(min_length=1, max_length=PATHS_MAX, examples=[[ALARM]])]
Words = Annotated[str, Field(max_length=COMMENT_MAX, examples=["electrician is on the way"])]
Reason = Annotated[str, Field(min_length=1, max_length=COMMENT_MAX, examples=["sensor is being replaced"])]


class AlarmItem(BaseModel):
    """An alarm. Of one that is normal the times are null.

    `device`: connector, charger, meter or site that it is about. `first_out`: number of the group of alarms that it came
    with, 0: none; `is_first_out`: it was the first of one of which more still stands. `until`: end of its shelving or of
    its time out of service. `page`: where the HMI handles it, empty: the page of its device.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "path": ALARM,
                    "site": "Depot",
                    "device": "Depot.CP05.C2",
                    "domain": "safety",
                    "nature": "error",
                    "level": 26,
                    "priority": "critical",
                    "state": "active_unacknowledged",
                    "raised": "2026-11-21T07:00:03.120Z",
                    "changed": "2026-11-21T07:00:03.120Z",
                    "value": "RCD 30mA",
                    "message": "Ground failure: residual current protection tripped",
                    "cause": "Leakage current to earth in charger, cable or vehicle.",
                    "consequence": "The connector is off.",
                    "guidance": "Keep the vehicle away from the connector.",
                    "user": "",
                    "comment": "",
                    "acknowledged_by": "",
                    "first_out": 4711,
                    "is_first_out": True,
                    "until": None,
                    "page": "",
                    "journalled": True,
                }
            ]
        }
    )

    path: str
    site: str
    device: str
    domain: str
    nature: str
    level: int
    priority: str
    state: str
    raised: str | None
    changed: str | None
    value: str
    message: str
    cause: str
    consequence: str
    guidance: str
    user: str
    comment: str
    acknowledged_by: str
    first_out: int
    is_first_out: bool
    until: str | None
    page: str
    journalled: bool


class Until(Strict):
    """When something ends: at a moment, or so long from now."""

    until: Annotated[str, Field(max_length=40, examples=["2026-11-21T19:00:00Z"])] | None = None
    for_s: Annotated[float, Field(gt=0, le=SPAN_S_MAX, examples=[3600])] | None = None

    def end_us(self, now_us: TimeUs) -> TimeUs | None:
        """The moment; None where neither is given. Raises BadRequest."""
        if self.until is not None and self.for_s is not None:
            raise BadRequest("give 'until' or 'for_s', not both")
        if self.for_s is not None:
            return now_us + round(self.for_s * SECOND_US)
        return parse_time(self.until, "until")


class Acknowledgement(Strict):
    """Alarms to acknowledge, or to reset, with a comment."""

    paths: Paths
    comment: Words = ""


class Comment(Strict):
    """A comment; where one is needed, an empty one is refused."""

    comment: Words = ""


class Shelving(Until):
    """Why, and until when (at most 7 days): `until` or `for_s` is needed."""

    reason: Reason


class ShelvingMany(Shelving):
    """The same of several alarms."""

    paths: Paths


class Outage(Until):
    """A tag, connector, charger, meter or site; without `until` and `for_s` until somebody puts it back."""

    branch: Annotated[str, Field(min_length=1, max_length=256, examples=["Depot.CP05"])]
    reason: Reason


class Acknowledged(BaseModel):
    """The alarms that were acknowledged now; others were acknowledged already or are normal."""

    acknowledged: list[str]


class Done(BaseModel):
    """The alarms to which it was done now; others needed nothing."""

    paths: list[str]


class SuppressionItem(BaseModel):
    """What keeps alarms from operators, or a tag's own value from view.

    `kind`: shelved, out_of_service, forced (by people), or mask (by design). `path`: of the alarm, branch or tag; of a mask
    its pattern. `alarms`: how many alarms it keeps back now. `until`: null: until somebody ends it, or its condition.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "out_of_service",
                    "path": "Depot.CP05",
                    "name": "",
                    "user": "olga",
                    "reason": "cable is being replaced",
                    "since": "2026-11-21T07:00:00.000Z",
                    "until": "2026-11-21T19:00:00.000Z",
                    "alarms": 2,
                    "value": None,
                }
            ]
        }
    )

    kind: str
    path: str
    name: str
    user: str
    reason: str
    since: str
    until: str | None
    alarms: int
    value: bool | float | str | None


class DutyItem(BaseModel):
    """Who is on duty from when to when."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "from": "2026-11-23T07:00:00.000Z",
                    "to": "2026-11-30T07:00:00.000Z",
                    "who": ["Ann"],
                    "reason": "",
                }
            ]
        },
    )

    from_: Annotated[str, Field(alias="from")]
    to: str
    who: list[str]
    reason: str


class RotaItem(BaseModel):
    """A rota and who is on duty now; `now` names contacts. `feed`: its calendar (iCalendar)."""

    name: str
    timezone: str
    now: list[str]
    feed: str


class ContactItem(BaseModel):
    """Somebody who can be told something. `channels`: how, without addresses."""

    name: str
    language: str
    timezone: str
    channels: list[str]
    quiet: bool
    per_hour: int


class TestBody(Strict):
    """Who shall be sent a test, and out of which template."""

    contact: Annotated[str, Field(min_length=1, max_length=200, examples=["Ann"])]
    template: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$", examples=["test"])] = "test"


class TestSent(BaseModel):
    """Messages in the outbox now."""

    messages: int


def alarm_item(plant: Plant, view: AlarmView, language: str, *, first: bool) -> AlarmItem:
    """An alarm that is not normal, with its texts in a language.

    Args:
        first: it is the first-out of a group.
    """
    return AlarmItem(
        **_texts(plant, view.definition, language),
        path=view.path,
        site=view.site,
        device=view.device,
        domain=view.domain,
        nature=view.nature,
        level=view.level,
        priority=view.priority,
        state=view.state.value,
        raised=moment.text(view.raised_us) if view.raised_us else None,
        changed=moment.text(view.changed_us),
        value=view.value,
        user=view.user,
        comment=view.comment,
        acknowledged_by=view.acknowledged_by,
        first_out=view.first_out,
        is_first_out=first,
        until=_time(view.until_us),
        journalled=view.journalled,
    )


def normal_item(plant: Plant, tag: TagDefinition, alarm: AlarmDefinition, language: str) -> AlarmItem:
    """An alarm that is normal."""
    priorities = {level.number: level.priority for level in plant.levels}
    return AlarmItem(
        **_texts(plant, alarm, language),
        path=tag.path,
        site=tag.site,
        device=plant.place_of(tag.path),
        domain=tag.domain,
        nature=tag.nature,
        level=alarm.level,
        priority=priorities.get(alarm.level, ""),
        state=AlarmState.NORMAL.value,
        raised=None,
        changed=None,
        value="",
        user="",
        comment="",
        acknowledged_by="",
        first_out=0,
        is_first_out=False,
        until=None,
        journalled=True,
    )


def suppression_item(line: Line, value: bool | float | str | None) -> SuppressionItem:
    """Something that is held, or that holds."""
    return SuppressionItem(
        kind=line.kind,
        path=line.path,
        name=line.name,
        user=line.user,
        reason=line.reason,
        since=moment.text(line.since_us),
        until=_time(line.until_us),
        alarms=line.alarms,
        value=value,
    )


def duty_item(span: DutySpan) -> DutyItem:
    """A span of a rota."""
    return DutyItem(
        from_=moment.text(span.begin_us), to=moment.text(span.end_us), who=list(span.who), reason=span.reason
    )


def contact_item(contact: Contact) -> ContactItem:
    """A contact. Its addresses are its own business."""
    return ContactItem(
        name=contact.name,
        language=contact.language,
        timezone=contact.timezone,
        channels=[channel.value for channel in Channel if address(contact, channel)],
        quiet=contact.quiet is not None,
        per_hour=contact.per_hour,
    )


def _texts(plant: Plant, alarm: AlarmDefinition, language: str) -> dict[str, Any]:
    names = ("message", "cause", "consequence", "guidance")
    return {name: plant.text(getattr(alarm, name), language) for name in names} | {"page": alarm.page}


def _time(time_us: TimeUs | None) -> str | None:
    return None if time_us is None else moment.text(time_us)
