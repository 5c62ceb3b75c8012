"""The plant core as one: tags, expressions, alarms, sessions and on-call behind its entrances.

Pure: `write`, `register`, `link`, `event`, `request` and `tick` take the time and change the state at once; `take`
returns what the outside has to do, in order. A day of operation is a test of seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from scada.alarming.actions import ActionPorts, Actions
from scada.alarming.alarm import AlarmFacts, AlarmSnapshot, facts_of
from scada.alarming.engine import AlarmEngine
from scada.alarming.holds import Holds
from scada.alarming.masks import Masks
from scada.alarming.oncall import OnCall
from scada.alarming.threshold import attach_thresholds
from scada.charging.desk import Charging
from scada.charging.ports import Ports
from scada.charging.told import StartTransaction, StopTransaction
from scada.core.access import Right
from scada.core.command import CommandResult
from scada.core.database import TagDatabase, Write, coerce
from scada.core.effects import Effects, Event, Later, Order, Reply
from scada.core.errors import ScadaError
from scada.core.expression import Environment, Network, condition
from scada.core.links import Links
from scada.core.path import parent
from scada.core.plant import Plant
from scada.core.records import (
    AlarmTransition,
    DocumentRecord,
    EscalationRecord,
    HoldRecord,
    Record,
    RetainedRecord,
    TransactionRecord,
    VisitRecord,
)
from scada.core.substitution import Watchdogs
from scada.core.tag import ExpressionText, Source, Tag
from scada.core.timers import Timers
from scada.core.value import GOOD, SECOND_US, Quality, TimeUs
from scada.runtime import charging_requests, requests
from scada.runtime.requests import Authorize, IdentifyVehicle, Keep, Note, SendTest

RETAIN_EVERY_US = SECOND_US
"""Retained values that change by themselves are written at most so often."""
EVENT_ROUNDS_MAX = 10
"""Bound of what events may cause within one turn; the rest comes with the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """What an earlier run left in `core.db`."""

    next_sequence: int = 1
    next_transaction: int = 1
    alarms: Sequence[AlarmSnapshot] = ()
    holds: Sequence[HoldRecord] = ()
    retained: Sequence[RetainedRecord] = ()
    escalations: Sequence[EscalationRecord] = ()
    transactions: Sequence[TransactionRecord] = ()
    next_visit: int = 1
    visits: Sequence[VisitRecord] = ()
    documents: Sequence[DocumentRecord] = ()


class PlantCore:
    """The decision core of one plant.

    Args:
        restart: state of an earlier run.
        mail_domain: right side of the Message-IDs.

    Raises:
        ExpressionError: an expression of the plant is wrong; the project's check finds it before.
    """

    def __init__(self, plant: Plant, restart: Restart, now_us: TimeUs, mail_domain: str = "scada") -> None:
        self.plant = plant
        self._now_us = now_us
        self._effects = Effects()
        self._own_events: list[Event] = []
        """Events that on-call and actions have still to be told of: they come in the middle of a turn."""
        self._timers = Timers()
        self._retained: dict[str, Tag] = {}
        self._retained_us = now_us
        self.tags = TagDatabase(plant.tags)
        self.network = Network(self._environment())
        self._dirty = self.network.dirty
        self.alarms = AlarmEngine(self.tags, self._timers, restart.next_sequence, self._transition)
        self.network.environment.alarm_of = self.alarms.activity
        self.network.add_tags()
        self.masks = Masks(plant.masks, self.tags, self.alarms, self.network)
        self.holds = Holds(self.tags, self.alarms, self._timers, self._record)
        self.oncall = OnCall(plant, mail_domain, self._filter, now_us)
        ports = ActionPorts(self._order, self._tell, self._record, self._action_health)
        self._actions = Actions(
            plant.actions, self.tags, self.network.environment, self.network, self._timers, ports
        )
        self._stopped_actions: set[str] = set()
        self.links = Links(self.tags, plant.ocpp.stale_us)
        self.charging = Charging(
            plant,
            self.tags,
            Ports(self._record, self._emit, self._order),
            restart.documents,
            next_transaction=restart.next_transaction,
            next_visit=restart.next_visit,
        )
        self.sessions = self.charging.sessions
        self._owners: dict[str, Callable[[Order, CommandResult, TimeUs], None]] = {**self.charging.owners}
        """Who gives orders and waits for their outcomes: `Order.owner` → what takes the outcome."""
        self._handlers: dict[type, Callable[[Any, TimeUs], Any]] = {
            Authorize: self._authorize,
            IdentifyVehicle: self._identify,
            StartTransaction: self.charging.start,
            StopTransaction: self.charging.stop,
            Note: self._note,
            Keep: self._keep,
            SendTest: self._send_test,
            **requests.handlers(self.tags, self.alarms, self.holds, self._record),
            **charging_requests.handlers(self.charging, plant, self._record),
        }
        self._periodic = [
            tag for tag in self.tags if tag.definition.history and tag.definition.history.every_us
        ]
        self._start(restart, now_us)

    @property
    def has_effects(self) -> bool:
        """Whether `take` would return something."""
        return bool(self._effects)

    def take(self) -> Effects:
        """Everything that is to be done outside since the last call, in order."""
        effects, self._effects = self._effects, Effects()
        return effects

    def write(self, batch: Iterable[Write], now_us: TimeUs, *, settle: bool = True) -> None:
        """Take values in.

        Args:
            settle: work out at once what depends on them; else it comes with the next call that does.
        """
        self._now_us = now_us
        self.tags.write(batch, now_us)
        if settle and (self.network.dirty or self._own_events):
            self._settle(now_us)

    def register(
        self,
        charger: str,
        connector: int,
        register_wh: float,
        now_us: TimeUs,
        transaction_id: int | None = None,
    ) -> Write | None:
        """A connector's energy register; see `SessionBook.register`. The write goes with the caller's batch."""
        return self.sessions.register(charger, connector, register_wh, now_us, transaction_id)

    def authorize_wait_s(self, charger: str) -> float:
        """How long the answer to an Authorize of this charger may take besides the disk: an operator may be asked."""
        return self.charging.authorize_wait_us(charger) / SECOND_US

    def link(self, device: str, up: bool, now_us: TimeUs) -> None:
        """The link to a device came or went."""
        self._now_us = now_us
        if up:
            self.links.up(device)
        else:
            self.links.down(device, now_us)
        self.event(Event("link", device, {"up": up}), now_us)

    def event(self, event: Event, now_us: TimeUs) -> None:
        """Pass on what a driver saw, in order with everything else."""
        self._now_us = now_us
        self._effects.events.append(event)
        self._own_events.append(event)
        self._settle(now_us)

    def outcome(self, order: Order, result: CommandResult, now_us: TimeUs) -> None:
        """An order of the core's own has ended, or nobody knows how; whoever gave it goes on from there."""
        self._now_us = now_us
        owner = self._owners.get(order.owner)
        if owner is not None:
            owner(order, result, now_us)
            self._settle(now_us)

    def request(self, number: int, request: requests.Request, now_us: TimeUs) -> None:
        """Answer a question; the reply is among the effects, or among those of a later call. A ScadaError is a reply too."""
        self._now_us = now_us
        try:
            answer = self._handlers[type(request)](request, now_us)
        except ScadaError as error:
            answer = error
        if isinstance(answer, Later):
            answer.give = lambda late: self._effects.replies.append(Reply(number, late))
        self._settle(now_us)
        if not isinstance(answer, Later):
            self._effects.replies.append(Reply(number, answer))

    def tick(self, now_us: TimeUs) -> None:
        """Let time pass."""
        self._now_us = now_us
        self.links.tick(now_us)
        self._timers.tick(now_us)
        self.network.tick(now_us)
        self._effects.records.extend(self.oncall.tick(now_us))
        if now_us - self._retained_us >= RETAIN_EVERY_US or now_us < self._retained_us:
            self._retained_us = now_us
            self._second(now_us)
        self._settle(now_us)

    def syntheses(self) -> list[tuple[Tag, Callable[[AlarmFacts, TimeUs], bool]]]:
        """Registers that count the alarms for which a filter is true."""
        return [
            (self.tags[one.tag], _facts_filter(one.filter, self.network.environment))
            for one in self.plant.syntheses
        ]

    def changed(self, tags: Iterable[Tag]) -> None:
        """Told of the tags that changed: the newest values of some survive a restart."""
        for tag in tags:
            if tag.definition.retain:
                self._retained[tag.path] = tag

    def _settle(self, now_us: TimeUs) -> None:
        """Work out what follows, and tell those who act on events; what they do follows too."""
        self.network.settle(now_us)
        for _ in range(EVENT_ROUNDS_MAX):
            if not self._own_events:
                return
            events, self._own_events = self._own_events, []
            for event in events:
                self._effects.records.extend(self.oncall.event(event, now_us))
                self._actions.event(event, now_us)
                self.charging.event(event, now_us)
            self.network.settle(now_us)

    def _start(self, restart: Restart, now_us: TimeUs) -> None:
        # Alarms first: a source that gets its value back is no news to an alarm that was so before.
        self.alarms.restore(restart.alarms, restart.holds)
        for one in restart.retained:
            self._restore_value(one)
        attach_thresholds(self.tags, self._timers, now_us)
        Watchdogs(self.tags, self._timers)
        self.holds.restore(restart.holds, now_us)
        self.links.start(now_us)
        self.charging.restore(restart.transactions, restart.visits, now_us)
        self.network.start(now_us)
        self.masks.restore(self._timers, now_us)
        self.alarms.look(now_us)
        self.network.settle(now_us)
        self._effects.records.extend(self.oncall.restore(restart.escalations, restart.alarms, now_us))
        for tag in self._periodic:
            self._sample_later(tag, now_us)

    def _second(self, now_us: TimeUs) -> None:
        for tag in self._retained.values():
            self._retain(tag)
        self._retained.clear()
        self.charging.second(now_us)
        duties: list[Write] = []
        for rota, names in self.oncall.duties(now_us).items():
            duty = self.tags.get(f"System.OnCall.{rota}")
            if duty is not None:
                duties.append((duty, ", ".join(names), GOOD, now_us))
        if duties:
            self.write(duties, now_us)

    def _restore_value(self, record: RetainedRecord) -> None:
        tag = self.tags.get(record.path)
        if tag is None or not tag.definition.retain:
            return
        try:
            value = coerce(tag.definition, json.loads(record.value), any_choice=True)
        except ValueError:
            return  # the tag has become another since
        if tag.definition.source is Source.INTERNAL:
            # What people or the product wrote is still what they want: nobody else would ever write it again.
            self.tags.write([(tag, value, GOOD, record.time_us)], record.time_us)
        else:
            self.tags.restore(tag, value, record.time_us)

    def _retain(self, tag: Tag) -> None:
        if tag.value is not None and tag.quality != Quality.GOOD_LOCAL_OVERRIDE:
            self._record(RetainedRecord(path=tag.path, value=json.dumps(tag.value), time_us=tag.source_us))

    def _sample_later(self, tag: Tag, now_us: TimeUs) -> None:
        assert tag.definition.history is not None
        every_us = tag.definition.history.every_us

        def sample(due_us: TimeUs) -> None:
            if tag.value is not None:
                self.tags.keep_sample(tag, due_us)
            self._timers.at(max(due_us, self._now_us) + every_us, sample)

        self._timers.at(now_us + every_us - now_us % every_us, sample)

    def _environment(self) -> Environment:
        zones = {site.path: ZoneInfo(site.timezone) for site in self.plant.sites}
        return Environment(self.tags, zones, ZoneInfo(self.plant.timezone))

    def _filter(self, source: ExpressionText) -> Callable[[AlarmTransition, TimeUs], bool]:
        return alarm_filter(self.plant, source, self.network.environment)

    def _emit(self, event: Event) -> None:
        self._effects.events.append(event)
        self._own_events.append(event)

    def _authorize(self, request: Authorize, now_us: TimeUs) -> Any:
        return self.charging.authorize(request.id_tag, request.charger, request.connector, now_us)

    def _identify(self, request: IdentifyVehicle, now_us: TimeUs) -> str:
        return self.charging.identify(request.charger, request.connector, request.vehicle_id, now_us)

    def _record(self, record: Record) -> None:
        self._effects.records.append(record)

    def _order(self, order: Order) -> None:
        self._effects.orders.append(order)

    def _tell(self, names: tuple[str, ...], template: str, snapshot: dict[str, Any], now_us: TimeUs) -> None:
        self._effects.records.extend(self.oncall.message(names, template, snapshot, now_us))

    def _action_health(self, name: str, well: bool) -> None:
        if well:
            self._stopped_actions.discard(name)
        else:
            self._stopped_actions.add(name)
        tag = self.tags.get("System.ActionsOk")
        if tag is not None:
            self.tags.write([(tag, not self._stopped_actions, GOOD, self._now_us)], self._now_us)

    def _transition(self, transition: AlarmTransition) -> None:
        self._effects.records.append(transition)
        self._effects.transitions.append(transition)
        self._effects.records.extend(self.oncall.transition(transition, transition.time_us))

    def _note(self, request: Note, now_us: TimeUs) -> None:
        self._effects.records.extend(request.records)
        self.charging.noted(request.records)

    def _keep(self, request: Keep, now_us: TimeUs) -> None:
        for tag in self.tags.below(request.branch):
            if tag.definition.retain and parent(tag.path) == request.branch:
                self._retain(tag)

    def _send_test(self, request: SendTest, now_us: TimeUs) -> int:
        request.actor.require(Right.MAINTAIN)
        records = self.oncall.message(
            (request.contact,),
            request.template,
            {"time_us": now_us, "user": request.actor.name},
            now_us,
            urgent=True,
        )
        self._effects.records.extend(records)
        return len(records)


def alarm_filter(
    plant: Plant, source: ExpressionText, environment: Environment
) -> Callable[[AlarmTransition, TimeUs], bool]:
    """A filter of alarms: an expression on `alarm.…` and tags. Raises ExpressionError."""
    holds = _facts_filter(source, environment)
    priorities = {level.number: level.priority for level in plant.levels}

    def selects(transition: AlarmTransition, now_us: TimeUs) -> bool:
        definition = plant.definitions.get(transition.alarm)
        if definition is None or definition.alarm is None:
            return False
        facts = facts_of(
            transition,
            definition.alarm,
            plant.place_of(transition.alarm),
            priorities.get(transition.level, ""),
        )
        return holds(facts, now_us)

    return selects


def _facts_filter(source: ExpressionText, environment: Environment) -> Callable[[AlarmFacts, TimeUs], bool]:
    formula = condition(source, environment, filter_=True)
    return lambda facts, now_us: formula.true(now_us, facts)
