"""Escalation: an alarm that nobody answers is told to more people, step by step, then again and again, bounded.

One escalation an alarm and profile. It begins when the alarm is raised and ends when somebody acknowledges it, when
it is suppressed or reset, or, where the profile says so, when it returns to normal. Each step is on disk with its
messages: after a restart it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from scada.alarming.oncall.agenda import Agenda
from scada.alarming.oncall.profiles import Rule
from scada.core.plant import EscalationStep, OnCallProfile
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, EscalationRecord, OutboxRecord, Record
from scada.core.value import TimeUs

Key: TypeAlias = tuple[str, str, str]
"""What is due, of which alarm or report, by which profile."""


@dataclass(slots=True)
class Escalation:
    """Where the escalation of an alarm stands.

    Attributes:
        fact: the newest transition of the alarm.
        since_us: since when nobody has answered; delays of the steps count from here.
        step: steps taken, repeats included.
        over: all steps and repeats were taken; kept so that the same occurrence does not begin anew.
    """

    profile: OnCallProfile
    fact: AlarmTransition
    since_us: TimeUs
    step: int = 0
    over: bool = False

    @property
    def steps(self) -> int:
        """How many there are at most, repeats included."""
        return steps_of(self.profile)


Send = Callable[[Escalation, EscalationStep, TimeUs], list[OutboxRecord]]


class Escalations:
    """All escalations that run.

    Args:
        agenda: gets `("step", alarm, profile)` with the moment of the next step.
        send: makes the messages of a step; `Escalation.step` is its number, from 1.
    """

    def __init__(self, agenda: Agenda[Key], send: Send) -> None:
        self._agenda = agenda
        self._send = send
        self._alarms: dict[str, dict[str, Escalation]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._alarms.values()))

    def resume(
        self, record: EscalationRecord, fact: AlarmTransition | None, rule: Rule | None, now_us: TimeUs
    ) -> list[Record]:
        """Go on with what an earlier run began: steps that came due meanwhile are taken now.

        Args:
            fact: the newest transition of its alarm; None: there is no such alarm any more.
            rule: None: there is no such profile any more.
        """
        if record.profile in self._alarms.get(record.alarm, {}):
            return []  # raised anew while the plant came up
        goes_on = fact is not None and rule is not None and _goes_on(rule.profile, fact, chattering=False)
        if fact is None or rule is None or not goes_on or not rule.profile.steps:
            return [] if record.ended else [_ended(record)]
        if record.ended and record.step < steps_of(rule.profile):
            return []
        one = Escalation(rule.profile, fact, record.raised_us, record.step, over=record.ended)
        self._alarms.setdefault(fact.alarm, {})[rule.profile.name] = one
        return [] if record.ended else self._advance(one, now_us, resumed=True)

    def transition(
        self, transition: AlarmTransition, rules: Sequence[Rule], now_us: TimeUs, *, chattering: bool
    ) -> list[Record]:
        """Follow an alarm. `rules` are the profiles that it goes to."""
        out: list[Record] = []
        for one in list(self._alarms.get(transition.alarm, {}).values()):
            one.fact = transition
            if not _goes_on(one.profile, transition, chattering=chattering):
                out += self._end(one)
        if transition.event is AlarmEvent.RAISED and transition.state.active:
            running = self._alarms.get(transition.alarm, {})
            for rule in rules:
                if rule.profile.steps and rule.profile.name not in running:
                    out += self._begin(rule.profile, transition)
        return out

    def due(self, alarm: str, profile: str, now_us: TimeUs) -> list[Record]:
        """Take the steps that are due."""
        one = self._alarms.get(alarm, {}).get(profile)
        return self._advance(one, now_us) if one is not None else []

    def calm(self, alarm: str) -> list[Record]:
        """An alarm no longer chatters: if it has returned to normal, that counts now."""
        out: list[Record] = []
        for one in list(self._alarms.get(alarm, {}).values()):
            if not _goes_on(one.profile, one.fact, chattering=False):
                out += self._end(one)
        return out

    def _begin(self, profile: OnCallProfile, transition: AlarmTransition) -> list[Record]:
        one = Escalation(profile, transition, transition.time_us)
        self._alarms.setdefault(transition.alarm, {})[profile.name] = one
        self._agenda.set(_key(one), _due_us(profile, one.since_us, 0))
        return [_record(one)]

    def _end(self, one: Escalation) -> list[Record]:
        self._agenda.cancel(_key(one))
        running = self._alarms[one.fact.alarm]
        del running[one.profile.name]
        if not running:
            del self._alarms[one.fact.alarm]
        return [] if one.over else [_ended(_record(one))]

    def _advance(self, one: Escalation, now_us: TimeUs, *, resumed: bool = False) -> list[Record]:
        profile = one.profile
        distinct = len(profile.steps)
        taken = one.step
        out: list[Record] = []
        while one.step < one.steps and _due_us(profile, one.since_us, one.step) <= now_us:
            one.step += 1
            # Repeats that were missed are one: nobody wants an hour of them at once.
            while distinct < one.step < one.steps and _due_us(profile, one.since_us, one.step) <= now_us:
                one.step += 1
            out += self._send(one, profile.steps[min(one.step, distinct) - 1], now_us)
        one.over = one.step >= one.steps
        if not one.over:
            self._agenda.set(_key(one), _due_us(profile, one.since_us, one.step))
        if one.step != taken or (resumed and one.over):
            out.append(_ended(_record(one)) if one.over else _record(one))
        return out


def steps_of(profile: OnCallProfile) -> int:
    """How many steps a profile has, repeats included."""
    return len(profile.steps) + (profile.repeat_max if profile.repeat_us and profile.steps else 0)


def _due_us(profile: OnCallProfile, since_us: TimeUs, taken: int) -> TimeUs:
    """When the next step is due after so many were taken."""
    if taken < len(profile.steps):
        return since_us + profile.steps[taken].after_us
    repeat = taken - len(profile.steps) + 1
    return since_us + profile.steps[-1].after_us + repeat * profile.repeat_us


def _goes_on(profile: OnCallProfile, fact: AlarmTransition, *, chattering: bool) -> bool:
    """Whether somebody is still to be asked."""
    state = fact.state
    if state is AlarmState.RETURNED_UNACKNOWLEDGED:
        return chattering or not profile.ends_on_return
    if state.unacknowledged:
        return True
    # One that needs no acknowledgement is asked about as long as it stands, unless somebody has answered.
    return state.active and fact.event is not AlarmEvent.ACKNOWLEDGED


def _key(one: Escalation) -> Key:
    return ("step", one.fact.alarm, one.profile.name)


def _record(one: Escalation) -> EscalationRecord:
    return EscalationRecord(
        alarm=one.fact.alarm, profile=one.profile.name, raised_us=one.since_us, step=one.step
    )


def _ended(record: EscalationRecord) -> EscalationRecord:
    return replace(record, ended=True)
