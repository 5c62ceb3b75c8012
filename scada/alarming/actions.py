"""Procedures of the project: an event, or an expression that becomes true → commands, writes, mails, delays, conditions.

Each start, step and end is an audit record. An action that is triggered while it runs is not started a second
time; one that triggers itself in a circle is stopped (`STARTS_MAX` a minute). A restart ends what was under way:
the journal then has a start without an end, and nothing is done late that was meant for then.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from scada.core.database import TagDatabase, coerce
from scada.core.effects import Event, Order
from scada.core.expression import Environment, Formula, Network, condition
from scada.core.plant import Action, ActionStep
from scada.core.records import AuditRecord
from scada.core.tag import Tag
from scada.core.timers import Timers
from scada.core.value import GOOD, SECOND_US, TimeUs, Value

STARTS_MAX = 30
"""Starts of one action within a minute; further ones are refused."""


@dataclass
class ActionPorts:
    """What actions do to the rest of the core.

    Attributes:
        order: gives a command.
        tell: (names, template, snapshot, now): sends a message.
        note: keeps an audit record.
        health: (action, well): said when an action is stopped because it starts too often, and when it runs again.
    """

    order: Callable[[Order], None]
    tell: Callable[[tuple[str, ...], str, dict[str, Any], TimeUs], None]
    note: Callable[[AuditRecord], None]
    health: Callable[[str, bool], None]


@dataclass
class _Step:
    definition: ActionStep
    tag: Tag | None = None
    value: Formula | None = None
    condition: Formula | None = None


@dataclass
class _Action:
    definition: Action
    steps: list[_Step]
    when: Formula | None = None
    was: bool | None = None
    running: bool = False
    starts: deque[TimeUs] = field(default_factory=lambda: deque(maxlen=STARTS_MAX))
    stopped: bool = False

    @property
    def user(self) -> str:
        return f"<action {self.definition.name}>"


class Actions:
    """All actions of a plant.

    Raises:
        ExpressionError: an expression of an action is wrong.
    """

    def __init__(
        self,
        actions: Iterable[Action],
        database: TagDatabase,
        environment: Environment,
        network: Network,
        timers: Timers,
        ports: ActionPorts,
    ) -> None:
        self._database = database
        self._timers = timers
        self._ports = ports
        self._by_event: dict[str, list[_Action]] = {}
        for definition in actions:
            self._add(definition, environment, network)

    def event(self, event: Event, now_us: TimeUs) -> None:
        """Something happened to a device."""
        for action in self._by_event.get(event.kind, ()):
            place = action.definition.place
            here = not place or event.path == place or event.path.startswith(place + ".")
            if here and (action.when is None or action.when.true(now_us)):
                self._start(action, f"{event.kind} {event.path}", now_us)

    def _add(self, definition: Action, environment: Environment, network: Network) -> None:
        steps = [self._step(one, environment) for one in definition.steps]
        action = _Action(definition, steps)
        if definition.event:
            if definition.when is not None:
                action.when = condition(definition.when, environment)
            self._by_event.setdefault(definition.event, []).append(action)
        elif definition.when is not None:

            def told(value: Value, quality: int, now_us: TimeUs) -> None:
                if quality:
                    return  # what cannot be relied on starts nothing
                was, action.was = action.was, value is True
                if was is False and action.was:
                    self._start(action, "condition", now_us)

            network.add(definition.when, told)

    def _step(self, definition: ActionStep, environment: Environment) -> _Step:
        step = _Step(definition)
        if definition.condition is not None:
            step.condition = condition(definition.condition, environment)
        if definition.write:
            step.tag = self._database[definition.write]
            assert definition.value is not None
            step.value = Formula(definition.value, environment)
            step.value.check_fits(step.tag)
        return step

    def _start(self, action: _Action, cause: str, now_us: TimeUs) -> None:
        if action.running:
            self._note(action, "action_passed_over", cause, "runs already", now_us)
            return
        starts = action.starts
        if len(starts) == STARTS_MAX and 0 <= now_us - starts[0] < 60 * SECOND_US:
            if not action.stopped:
                action.stopped = True
                self._note(action, "action_stopped", cause, f"more than {STARTS_MAX} starts a minute", now_us)
                self._ports.health(action.definition.name, False)
            return
        starts.append(now_us)
        if action.stopped:
            action.stopped = False
            self._ports.health(action.definition.name, True)
        action.running = True
        self._note(action, "action_started", cause, "", now_us)
        self._go_on(action, 0, now_us)

    def _go_on(self, action: _Action, position: int, now_us: TimeUs) -> None:
        for number, step in enumerate(action.steps[position:], position):
            definition = step.definition
            if definition.delay_us:
                self._timers.at(
                    now_us + definition.delay_us,
                    lambda due_us, after=number + 1: self._go_on(action, after, due_us),  # type: ignore[misc]
                )
                return
            if step.condition is not None:
                if not step.condition.true(now_us):
                    self._end(action, f"step {number + 1}: the condition is not true", now_us)
                    return
            else:
                self._do(action, number, step, now_us)
        self._end(action, "", now_us)

    def _do(self, action: _Action, number: int, step: _Step, now_us: TimeUs) -> None:
        definition = step.definition
        object_ = f"step {number + 1}"
        if definition.command:
            self._note(
                action, "action_command", f"{object_}: {definition.command} {definition.target}", "", now_us
            )
            self._ports.order(
                Order(definition.command, definition.target, dict(definition.arguments), action.user)
            )
        elif step.tag is not None and step.value is not None:
            value, quality = step.value.evaluate(now_us)
            if value is None or quality:
                self._note(
                    action, "action_write", f"{object_}: {step.tag.path}", "the value is not Good", now_us
                )
                return
            try:
                value = coerce(step.tag.definition, value)
            except ValueError as error:
                self._note(action, "action_write", f"{object_}: {step.tag.path}", str(error), now_us)
                return
            old = step.tag.value
            self._database.write([(step.tag, value, GOOD, now_us)], now_us)
            self._note(
                action, "action_write", f"{object_}: {step.tag.path}", "ok", now_us, _text(old), _text(value)
            )
        elif definition.mail:
            snapshot = {
                "action": action.definition.name,
                "place": action.definition.place,
                "text": dict(definition.text),
                "time_us": now_us,
            }
            self._ports.tell(definition.mail, "action", snapshot, now_us)
            self._note(action, "action_mail", f"{object_}: {', '.join(definition.mail)}", "ok", now_us)

    def _end(self, action: _Action, outcome: str, now_us: TimeUs) -> None:
        action.running = False
        self._note(action, "action_ended", "", outcome or "ok", now_us)

    def _note(
        self,
        action: _Action,
        what: str,
        object_: str,
        outcome: str,
        now_us: TimeUs,
        old: str = "",
        new: str = "",
    ) -> None:
        self._ports.note(
            AuditRecord(
                time_us=now_us,
                user=action.user,
                origin="system",
                action=what,
                object=object_ or action.definition.place,
                old=old,
                new=new,
                outcome=outcome or "ok",
            )
        )


def _text(value: Value) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
