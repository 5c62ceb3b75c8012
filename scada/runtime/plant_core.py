"""The plant core as one: tags, alarms, sessions and on-call behind its entrances.

Pure: `write`, `register`, `link`, `event`, `request` and `tick` take the time and change the state at once; `take`
returns what the outside has to do, in order. A day of operation is a test of seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from scada.alarming.engine import AlarmEngine, AlarmSnapshot
from scada.alarming.oncall import OnCall
from scada.alarming.threshold import attach_thresholds
from scada.charging.authorization import Authorization, TokenList
from scada.charging.sessions import (
    SessionBook,
    StartTransaction,
    StopTransaction,
)
from scada.core.access import Actor, Right
from scada.core.aggregate import Aggregates
from scada.core.database import TagDatabase, Write, coerce
from scada.core.effects import Effects, Event, Reply
from scada.core.errors import BadRequest, NotFound, ScadaError
from scada.core.links import Links
from scada.core.plant import Plant
from scada.core.records import AlarmTransition, AuditRecord, Record, TransactionRecord
from scada.core.value import GOOD, TimeUs


@dataclass(frozen=True, slots=True)
class Authorize:
    """A charger asks about a token. Answer: Authorization."""

    id_tag: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A user acknowledges alarms. Answer: list of the paths acknowledged now."""

    alarms: tuple[str, ...]
    actor: Actor
    comment: str = ""


@dataclass(frozen=True, slots=True)
class WriteTag:
    """A user writes a tag. Answer: None."""

    path: str
    value: object
    actor: Actor


@dataclass(frozen=True, slots=True)
class Note:
    """Something else that must be durable: command and audit records. Answer: None."""

    records: tuple[Record, ...]


Request: TypeAlias = Authorize | StartTransaction | StopTransaction | Acknowledge | WriteTag | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """What an earlier run left in `core.db`."""

    next_sequence: int = 1
    next_transaction: int = 1
    alarms: Sequence[AlarmSnapshot] = ()
    transactions: Sequence[TransactionRecord] = ()


class PlantCore:
    """The decision core of one plant.

    Args:
        restart: state of an earlier run.
        mail_domain: right side of the Message-IDs.
    """

    def __init__(self, plant: Plant, restart: Restart, now_us: TimeUs, mail_domain: str = "scada") -> None:
        self.plant = plant
        self._effects = Effects()
        self.tags = TagDatabase(plant.tags)
        attach_thresholds(self.tags)
        self._aggregates = Aggregates(self.tags)
        self._oncall = OnCall(plant, mail_domain)
        self.alarms = AlarmEngine(self.tags, restart.next_sequence, self._transition)
        self.alarms.restore(restart.alarms)
        self.links = Links(self.tags, plant.ocpp.stale_us)
        self.links.start(now_us)
        tokens = TokenList(plant.tokens, plant.ocpp.free_vending)
        self.sessions = SessionBook(plant, self.tags, tokens, restart.next_transaction, self._emit)
        self.sessions.restore(restart.transactions, now_us)
        self._handlers: dict[type, Callable[[Any, TimeUs], Any]] = {
            Authorize: self._authorize,
            StartTransaction: self.sessions.start,
            StopTransaction: self.sessions.stop,
            Acknowledge: self._acknowledge,
            WriteTag: self._write_tag,
            Note: self._note,
        }

    @property
    def has_effects(self) -> bool:
        """Whether `take` would return something."""
        return bool(self._effects)

    def take(self) -> Effects:
        """Everything that is to be done outside since the last call, in order."""
        effects, self._effects = self._effects, Effects()
        return effects

    def write(self, batch: Iterable[Write], now_us: TimeUs) -> None:
        """Take values in."""
        self.tags.write(batch, now_us)
        if self._aggregates.pending:
            self._aggregates.settle(now_us)

    def register(self, charger: str, connector: int, register_wh: float, now_us: TimeUs) -> Write | None:
        """A connector's energy register; see `SessionBook.register`. The write goes with the caller's batch."""
        return self.sessions.register(charger, connector, register_wh, now_us)

    def link(self, device: str, up: bool, now_us: TimeUs) -> None:
        """The link to a device came or went."""
        if up:
            self.links.up(device)
        else:
            self.links.down(device, now_us)
            if self._aggregates.pending:
                self._aggregates.settle(now_us)
        self._effects.events.append(Event("link", device, {"up": up}))

    def event(self, event: Event) -> None:
        """Pass on what a driver saw, in order with everything else."""
        self._effects.events.append(event)

    def request(self, number: int, request: Request, now_us: TimeUs) -> None:
        """Answer a question; the reply is among the effects. A ScadaError is a reply too."""
        try:
            answer = self._handlers[type(request)](request, now_us)
        except ScadaError as error:
            answer = error
        self._effects.replies.append(Reply(number, answer))

    def tick(self, now_us: TimeUs) -> None:
        """Let time pass."""
        self.links.tick(now_us)
        self.alarms.tick(now_us)
        if self._aggregates.pending:
            self._aggregates.settle(now_us)

    def _emit(self, item: TransactionRecord | Event) -> None:
        if isinstance(item, Event):
            self._effects.events.append(item)
        else:
            self._effects.records.append(item)

    def _transition(self, transition: AlarmTransition) -> None:
        self._effects.records.append(transition)
        self._effects.records.extend(self._oncall.mails(transition))
        self._effects.transitions.append(transition)

    def _authorize(self, request: Authorize, now_us: TimeUs) -> Authorization:
        return self.sessions.authorize(request.id_tag, now_us)

    def _acknowledge(self, request: Acknowledge, now_us: TimeUs) -> list[str]:
        actor = request.actor
        actor.require(Right.ACKNOWLEDGE)
        return self.alarms.acknowledge(request.alarms, actor.name, actor.origin, request.comment, now_us)

    def _write_tag(self, request: WriteTag, now_us: TimeUs) -> None:
        request.actor.require(Right.OPERATE)
        tag = self.tags.get(request.path)
        if tag is None:
            raise NotFound(f"there is no tag {request.path}")
        if tag.definition.write is None:
            raise BadRequest(f"{request.path} is read-only")
        try:
            value = coerce(tag.definition, request.value)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        old = tag.value
        self.write([(tag, value, GOOD, now_us)], now_us)
        self._effects.records.append(
            AuditRecord(
                time_us=now_us,
                user=request.actor.name,
                origin=request.actor.origin,
                action="write_tag",
                object=request.path,
                old="" if old is None else str(old),
                new=str(value),
            )
        )

    def _note(self, request: Note, now_us: TimeUs) -> None:
        self._effects.records.extend(request.records)
