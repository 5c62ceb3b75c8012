"""What is asked of the plant core, and how what users ask is judged: right, levels, sites and domains first.

Each request is answered among the effects, after what it rests on is on disk. A ScadaError is an answer too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from scada.alarming.alarm import Alarm, By
from scada.alarming.engine import AlarmEngine
from scada.alarming.holds import Holds
from scada.charging.told import StartTransaction, StopTransaction
from scada.core.access import Actor, Right
from scada.core.database import TagDatabase, coerce
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.records import AuditRecord, HoldKind, Record, RetainedRecord
from scada.core.tag import Tag
from scada.core.value import GOOD, TimeUs, Value
from scada.runtime import charging_requests as charging

ALARMS_MAX = 50_000
"""Alarms of one request."""


@dataclass(frozen=True, slots=True)
class Authorize:
    """A charger asks about a token. Answer: Authorization; it may wait (`PlantCore.authorize_wait_s`).

    Attributes:
        charger: path of the charger that asks; its site's rights count.
        connector: 0: the charger does not say for which.
    """

    id_tag: str
    charger: str = ""
    connector: int = 0


@dataclass(frozen=True, slots=True)
class IdentifyVehicle:
    """A charger tells which vehicle is plugged in: EVCCID, MAC address or the like. Answer: name of the vehicle, or empty."""

    charger: str
    connector: int
    vehicle_id: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A user acknowledges alarms. Answer: list of the paths acknowledged now."""

    alarms: tuple[str, ...]
    actor: Actor
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A user comments an alarm. Answer: None."""

    alarm: str
    actor: Actor
    comment: str


@dataclass(frozen=True, slots=True)
class ResetLatch:
    """A user lets go of latched alarms. Answer: list of the paths reset now."""

    alarms: tuple[str, ...]
    actor: Actor
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Shelve:
    """A user shelves alarms. Answer: list of paths."""

    alarms: tuple[str, ...]
    until_us: TimeUs
    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True)
class Unshelve:
    """A user takes alarms off the shelf. Answer: list of the paths that were there."""

    alarms: tuple[str, ...]
    actor: Actor
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TakeOutOfService:
    """A user takes a tag, connector, charger, meter or site out of service. Answer: None.

    Attributes:
        until_us: None: until somebody puts it back.
    """

    branch: str
    until_us: TimeUs | None
    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnToService:
    """A user puts a branch back into service. Answer: None."""

    branch: str
    actor: Actor
    comment: str = ""


@dataclass(frozen=True, slots=True)
class WriteTag:
    """A user writes a tag. Answer: None. A tag whose write is a command is written by the CommandRouter."""

    path: str
    value: object
    actor: Actor


@dataclass(frozen=True, slots=True)
class Force:
    """A user holds a tag at a value. Answer: None."""

    path: str
    value: object
    reason: str
    until_us: TimeUs | None
    actor: Actor


@dataclass(frozen=True, slots=True)
class Release:
    """A user gives a forced tag back to its source. Answer: None."""

    path: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class SendTest:
    """A user has a test message sent. Answer: number of messages."""

    contact: str
    actor: Actor
    template: str = "test"


@dataclass(frozen=True, slots=True)
class Note:
    """Something else that must be durable: command and audit records. Answer: None."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """A device has told what survives restarts: it is on disk before the device is answered. Answer: None.

    Attributes:
        branch: of the device; its own tags are meant, not those of what lies below.
    """

    branch: str


Request: TypeAlias = (
    Authorize
    | IdentifyVehicle
    | StartTransaction
    | StopTransaction
    | Acknowledge
    | Comment
    | ResetLatch
    | Shelve
    | Unshelve
    | TakeOutOfService
    | ReturnToService
    | WriteTag
    | Force
    | Release
    | SendTest
    | Note
    | Keep
    | charging.AdmitToken
    | charging.WithdrawToken
    | charging.ForgetRefused
    | charging.AnswerCharger
    | charging.SetStopConditions
    | charging.MakeReservation
    | charging.CancelReservation
    | charging.SendList
    | charging.ImportTokens
)


def handlers(
    tags: TagDatabase,
    engine: AlarmEngine,
    holds: Holds,
    record: Callable[[Record], None],
) -> dict[type, Callable[[Any, TimeUs], Any]]:
    """What answers the requests of users."""
    desk = _Desk(tags, engine, holds, record)
    return {
        Acknowledge: desk.acknowledge,
        Comment: desk.comment,
        ResetLatch: desk.reset,
        Shelve: desk.shelve,
        Unshelve: desk.unshelve,
        TakeOutOfService: desk.take_out,
        ReturnToService: desk.put_in,
        WriteTag: desk.write,
        Force: desk.force,
        Release: desk.release,
    }


class _Desk:
    def __init__(
        self,
        tags: TagDatabase,
        engine: AlarmEngine,
        holds: Holds,
        record: Callable[[Record], None],
    ) -> None:
        self._tags = tags
        self._engine = engine
        self._holds = holds
        self._record = record

    def acknowledge(self, request: Acknowledge, now_us: TimeUs) -> list[str]:
        alarms = self._alarms(request.alarms, request.actor, Right.ACKNOWLEDGE)
        return self._engine.acknowledge(alarms, _by(request.actor, request.comment), now_us)

    def comment(self, request: Comment, now_us: TimeUs) -> None:
        (alarm,) = self._alarms((request.alarm,), request.actor, Right.ACKNOWLEDGE)
        self._engine.comment(alarm, _by(request.actor, request.comment), now_us)

    def reset(self, request: ResetLatch, now_us: TimeUs) -> list[str]:
        alarms = self._alarms(request.alarms, request.actor, Right.ACKNOWLEDGE)
        active = next((one for one in alarms if one.state.active and not one.state.latched), None)
        if active is not None and len(alarms) == 1:
            raise BadRequest(f"{active.tag.path} cannot be reset: its cause is still there")
        return self._engine.reset(alarms, _by(request.actor, request.comment), now_us)

    def shelve(self, request: Shelve, now_us: TimeUs) -> list[str]:
        alarms = self._alarms(request.alarms, request.actor, Right.MASK)
        return self._holds.shelve(alarms, _by(request.actor, request.reason), request.until_us, now_us)

    def unshelve(self, request: Unshelve, now_us: TimeUs) -> list[str]:
        alarms = self._alarms(request.alarms, request.actor, Right.MASK)
        return self._holds.unshelve(alarms, _by(request.actor, request.comment), now_us)

    def take_out(self, request: TakeOutOfService, now_us: TimeUs) -> None:
        self._permit_branch(request.branch, request.actor)
        by = _by(request.actor, request.reason)
        self._holds.take_out(request.branch, by, request.until_us, now_us)

    def put_in(self, request: ReturnToService, now_us: TimeUs) -> None:
        self._permit_branch(request.branch, request.actor)
        self._holds.put_in(request.branch, _by(request.actor, request.comment), now_us)

    def write(self, request: WriteTag, now_us: TimeUs) -> None:
        tag = self._tag(request.path)
        rule = tag.definition.write
        request.actor.require(Right(rule.right) if rule is not None else Right.OPERATE)
        if rule is None:
            raise BadRequest(f"{request.path} is read-only")
        if rule.command:
            raise BadRequest(f"{request.path} is written by the command {rule.command}")
        value = _coerced(tag, request.value)
        old = tag.value
        self._tags.write([(tag, value, GOOD, now_us)], now_us)
        if tag.definition.retain:  # what was answered to survives the next moment
            self._record(RetainedRecord(path=tag.path, value=json.dumps(value), time_us=now_us))
        self._audit(request.actor, "write_tag", tag.path, _text(old), _text(value), now_us)

    def force(self, request: Force, now_us: TimeUs) -> None:
        request.actor.require(Right.MAINTAIN)
        tag = self._tag(request.path)
        value = _coerced(tag, request.value, forced=True)
        old = tag.value
        self._holds.force(tag, value, _by(request.actor, request.reason), request.until_us, now_us)
        self._audit(
            request.actor, "force_tag", tag.path, _text(old), f"{_text(value)} ({request.reason})", now_us
        )

    def release(self, request: Release, now_us: TimeUs) -> None:
        request.actor.require(Right.MAINTAIN)
        tag = self._tag(request.path)
        old = tag.value
        if self._holds.get(HoldKind.FORCED, tag.path) is None:
            raise BadRequest(f"{tag.path} is not forced")
        self._holds.release(tag, now_us)
        self._audit(request.actor, "release_tag", tag.path, _text(old), _text(tag.value), now_us)

    def _alarms(self, paths: Sequence[str], actor: Actor, right: Right) -> list[Alarm]:
        if len(paths) > ALARMS_MAX:
            raise BadRequest(f"at most {ALARMS_MAX} alarms at once")
        alarms = self._engine.find(paths)
        self._permit(alarms, actor, right)
        return alarms

    def _permit(self, alarms: Iterable[Alarm], actor: Actor, right: Right) -> None:
        """Raise Denied unless the actor has the right for each of the alarms; what is not seen does not exist."""
        actor.require(right)
        role = actor.scope
        low, high = role.acknowledge if right is Right.ACKNOWLEDGE else role.mask
        for alarm in alarms:
            definition, tag = alarm.definition, alarm.tag.definition
            if not role.sees(definition.level, tag.site, tag.domain):
                raise NotFound(f"there is no alarm {tag.path}")
            level = (
                definition.level_to_acknowledge if right is Right.ACKNOWLEDGE else definition.level_to_mask
            )
            if not low <= level <= high:
                raise Denied(
                    f"{actor.name} may {right.value} alarms of level {low} to {high}; {tag.path} has {level}"
                )

    def _permit_branch(self, branch: str, actor: Actor) -> None:
        """As for each alarm below; one that the actor does not see is not named."""
        try:
            self._permit(self._engine.below(branch), actor, Right.MASK)
        except NotFound:
            raise Denied(f"{actor.name} may not take {branch} out of service as a whole") from None

    def _tag(self, path: str) -> Tag:
        tag = self._tags.get(path)
        if tag is None:
            raise NotFound(f"there is no tag {path}")
        return tag

    def _audit(self, actor: Actor, action: str, object_: str, old: str, new: str, now_us: TimeUs) -> None:
        self._record(
            AuditRecord(
                time_us=now_us,
                user=actor.name,
                origin=actor.origin,
                action=action,
                object=object_,
                old=old,
                new=new,
            )
        )


def _by(actor: Actor, comment: str) -> By:
    return (actor.name, actor.origin, comment)


def _coerced(tag: Tag, value: object, *, forced: bool = False) -> Value:
    try:
        return coerce(tag.definition, value, any_choice=forced)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def _text(value: Value) -> str:
    return "" if value is None else str(value)
