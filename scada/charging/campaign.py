"""Campaigns: one command over many chargers, in waves. Pure: it is told the time and what happened, and says whom to ask.

A charger is asked once at a time, and again only after it has said no. A wave begins when each charger of the one before
has come to an end; when more of a wave fail than may, nothing more is asked until somebody says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any

from msgspec import Struct

from scada.core.command import Outcome
from scada.core.errors import BadRequest
from scada.core.value import SECOND_US, TimeUs

TARGETS_MAX = 20_000
WAVES_MAX = 50
JUDGE_MAX_US = 3_600 * SECOND_US
"""After the command's own time: how long a charger of which nobody knows what it did is looked at."""

_SHARE = re.compile(r"(\d{1,5})(%?)\Z")


class Phase(Enum):
    """How a campaign stands."""

    RUNNING = "running"
    PAUSED = "paused"
    """By an operator."""
    STOPPED = "stopped"
    """By itself: too many failures."""
    CANCELLED = "cancelled"
    DONE = "done"


class State(Enum):
    """How a charger of a campaign stands."""

    WAITING = "waiting"
    ASKED = "asked"
    JUDGED = "judged"
    """It was asked, and nobody knows what it did: its actual state will tell."""
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    """It was not ready in time."""
    CANCELLED = "cancelled"


ENDED = frozenset((State.DONE, State.FAILED, State.UNKNOWN, State.SKIPPED, State.CANCELLED))
BUSY = frozenset((State.ASKED, State.JUDGED))
BAD = frozenset((State.FAILED, State.UNKNOWN))


class Plan(Struct, kw_only=True, frozen=True):
    """What is to be done.

    Attributes:
        waves: how many chargers each; together all of them.
        pause_s: between the end of a wave and the begin of the next.
        at_once: chargers asked at the same time.
        idle_only: a charger with a transaction is not ready.
        failures_max: of each wave: a number, or a share with %; one more stops the campaign.
        retries: how often a charger that failed is asked again, `retry_wait_s` later.
        ready_wait_s: how long a wave waits for chargers that are not ready (offline, charging); then it passes them over.
        timeout_s: of the command.
        user, origin: who began it; its rights count.
    """

    name: str
    command: str
    arguments: dict[str, Any]
    waves: tuple[int, ...]
    user: str
    origin: str
    created_us: TimeUs
    timeout_s: float
    pause_s: float = 0.0
    at_once: int = 10
    idle_only: bool = False
    failures_max: str = "0"
    retries: int = 0
    retry_wait_s: float = 300.0
    ready_wait_s: float = 86_400.0


class Head(Struct, kw_only=True):
    """A campaign without its chargers, as it survives a restart.

    Attributes:
        reason: of the phase, in words.
        wave: the one under way, from 0.
        wave_us: when it began, or will.
        forgiven: failures of this wave that an operator has gone on in spite of.
    """

    id: str
    plan: Plan
    phase: Phase = Phase.RUNNING
    reason: str = ""
    wave: int = 0
    wave_us: TimeUs = 0
    forgiven: int = 0
    ended_us: TimeUs = 0


class Item(Struct, kw_only=True):
    """A charger of a campaign, as it survives a restart.

    Attributes:
        attempts: how often it was asked.
        before: what the judgement compares with (the firmware when it was asked).
        not_before_us: of the next attempt.
        time_us: of the last change.
    """

    target: str
    wave: int
    order: int
    state: State = State.WAITING
    attempts: int = 0
    outcome: str = ""
    text: str = ""
    before: str = ""
    asked_us: TimeUs = 0
    not_before_us: TimeUs = 0
    time_us: TimeUs = 0


def share(text: str, of: int) -> int:
    """A number, or a percentage of something, rounded down. Raises BadRequest."""
    match = _SHARE.match(text.strip())
    if match is None or (match[2] and int(match[1]) > 100):
        raise BadRequest(f"'{text[:20]}' is neither a number nor a percentage")
    return int(match[1]) * of // 100 if match[2] else int(match[1])


def wave_sizes(waves: Sequence[str], count: int) -> tuple[int, ...]:
    """Sizes of waves out of numbers and percentages of all; what is left over makes the last one.

    Raises:
        BadRequest: one cannot be read or would be empty.
    """
    if len(waves) > WAVES_MAX:
        raise BadRequest(f"there are at most {WAVES_MAX} waves")
    left = count
    sizes = []
    for text in waves:
        size = share(text, count)
        if text.strip().endswith("%"):
            size = max(1, size)
        if size < 1:
            raise BadRequest("a wave has at least one charger")
        if left:
            sizes.append(min(size, left))
            left -= sizes[-1]
    if left:
        sizes.append(left)
    return tuple(sizes)


def new_campaign(campaign_id: str, plan: Plan, targets: Sequence[str]) -> Campaign:
    """A campaign that begins now. `plan.waves` fit the targets."""
    assert sum(plan.waves) == len(targets) == len(set(targets))
    waves = [wave for wave, size in enumerate(plan.waves) for _ in range(size)]
    items = [
        Item(target=target, wave=wave, order=order, time_us=plan.created_us)
        for order, (target, wave) in enumerate(zip(targets, waves, strict=True))
    ]
    campaign = Campaign(Head(id=campaign_id, plan=plan, wave_us=plan.created_us), items)
    campaign.touched.update(item.target for item in items)
    return campaign


class Campaign:
    """One campaign.

    Attributes:
        touched: chargers whose item has changed since somebody took the set away.
        head_touched: the head has.
    """

    def __init__(self, head: Head, items: Iterable[Item]) -> None:
        self.head = head
        self.items = {item.target: item for item in sorted(items, key=lambda one: one.order)}
        self.touched: set[str] = set()
        self.head_touched = True
        self._waves: list[list[Item]] = [[] for _ in head.plan.waves]
        for item in self.items.values():
            self._waves[item.wave].append(item)

    @property
    def ended(self) -> bool:
        """Whether nothing will happen any more."""
        return self.head.phase in (Phase.DONE, Phase.CANCELLED) and not self.busy()

    def busy(self) -> list[Item]:
        """Chargers that were asked and have not come to an end."""
        return [item for item in self.items.values() if item.state in BUSY]

    def count(self, *states: State) -> int:
        """How many chargers are in one of these states."""
        return sum(item.state in states for item in self.items.values())

    def restored(self, now_us: TimeUs) -> None:
        """The product has stopped and started: nobody knows what came of those that were asked."""
        for item in self.items.values():
            if item.state is State.ASKED:
                self._set(item, State.JUDGED, "unknown", "under way when this system stopped", now_us)

    def due(self, now_us: TimeUs, not_ready: Callable[[str], str]) -> list[str]:
        """Chargers to be asked now; each is to be reported by `asked` before it is.

        Args:
            not_ready: why a charger cannot be asked now, or nothing.
        """
        self._give_up(now_us)
        self._move_on(now_us)
        head, plan = self.head, self.head.plan
        if head.phase is not Phase.RUNNING or now_us < head.wave_us:
            return []
        free = plan.at_once - len(self.busy())
        chosen: list[str] = []
        late = now_us >= head.wave_us + round(plan.ready_wait_s * SECOND_US)
        for item in self._waves[head.wave]:
            if item.state is not State.WAITING or now_us < item.not_before_us:
                continue
            why = not_ready(item.target)
            if not why:
                if len(chosen) < free:
                    chosen.append(item.target)
            elif late:
                self._set(item, State.SKIPPED, item.outcome, f"passed over: {why}", now_us)
            elif item.text != why:
                self._set(item, State.WAITING, item.outcome, why, now_us)
        return chosen

    def asked(self, target: str, before: str, now_us: TimeUs) -> None:
        """A charger is being asked."""
        item = self.items[target]
        assert item.state is State.WAITING
        item.attempts += 1
        item.before, item.asked_us = before, now_us
        self._set(item, State.ASKED, "", "", now_us)

    def withdrawn(self, target: str, now_us: TimeUs) -> None:
        """A charger was not asked after all."""
        item = self.items[target]
        item.attempts -= 1
        self._set(item, State.WAITING, "", "", now_us)

    def outcome(self, target: str, outcome: Outcome, text: str, now_us: TimeUs, *, judge: bool) -> None:
        """How the command ended.

        Args:
            judge: the charger's state can tell what it did where the command does not know.
        """
        item = self.items[target]
        if item.state is not State.ASKED:
            return
        if outcome.ok:
            self._set(item, State.DONE, outcome.value, text, now_us)
        elif outcome in (Outcome.TIMED_OUT, Outcome.SUPERSEDED):
            self._set(item, State.JUDGED if judge else State.UNKNOWN, outcome.value, text, now_us)
        else:
            self._failed(item, outcome.value, text, now_us)
        self._move_on(now_us)

    def judged(self, target: str, verdict: bool | None, text: str, now_us: TimeUs) -> None:
        """What the actual state of a charger tells: it did it, it did not, or (None) nobody will ever know."""
        item = self.items[target]
        if item.state is not State.JUDGED:
            return
        if verdict is None:
            self._set(item, State.UNKNOWN, "unknown", text, now_us)
        elif verdict:
            self._set(item, State.DONE, Outcome.DONE.value, text, now_us)
        else:
            self._failed(item, Outcome.FAILED.value, text, now_us)
        self._move_on(now_us)

    def pause(self, by: str) -> None:
        """Ask nobody more; what is under way goes on. Raises BadRequest: it does not run."""
        if self.head.phase is not Phase.RUNNING:
            raise BadRequest(f"the campaign is {self.head.phase.value}")
        self._phase(Phase.PAUSED, f"by {by}")

    def stop(self, why: str) -> None:
        """Like `pause`, for a reason of the product's own."""
        if self.head.phase is Phase.RUNNING:
            self._phase(Phase.STOPPED, why)

    def resume(self, now_us: TimeUs) -> None:
        """Go on; failures so far are forgiven. Raises BadRequest: it is neither paused nor stopped."""
        head = self.head
        if head.phase not in (Phase.PAUSED, Phase.STOPPED):
            raise BadRequest(f"the campaign is {head.phase.value}")
        head.forgiven = self._bad(head.wave)
        head.wave_us = max(head.wave_us, now_us)
        self._phase(Phase.RUNNING, "")
        self._move_on(now_us)

    def cancel(self, by: str, now_us: TimeUs) -> None:
        """End it: who was not asked will not be. Raises BadRequest: it has ended."""
        if self.head.phase in (Phase.DONE, Phase.CANCELLED):
            raise BadRequest(f"the campaign is {self.head.phase.value}")
        for item in self.items.values():
            if item.state is State.WAITING:
                self._set(item, State.CANCELLED, item.outcome, "", now_us)
        self.head.ended_us = now_us
        self._phase(Phase.CANCELLED, f"by {by}")

    def _give_up(self, now_us: TimeUs) -> None:
        limit_us = round(self.head.plan.timeout_s * SECOND_US) + JUDGE_MAX_US
        for item in self.busy():
            if item.state is State.JUDGED and now_us >= item.asked_us + limit_us:
                self._set(item, State.UNKNOWN, "unknown", item.text, now_us)

    def _move_on(self, now_us: TimeUs) -> None:
        """Stop for failures, or go to the next wave, or end."""
        head = self.head
        while head.phase is Phase.RUNNING:
            wave = self._waves[head.wave]
            bad = self._bad(head.wave) - head.forgiven
            if bad > share(head.plan.failures_max, len(wave)) and self.count(State.WAITING):
                self._phase(Phase.STOPPED, f"{bad} of {len(wave)} chargers of wave {head.wave + 1} failed")
                return
            if not all(item.state in ENDED for item in wave):
                return
            if head.wave == len(self._waves) - 1:
                head.ended_us = now_us
                self._phase(Phase.DONE, "")
                return
            head.wave += 1
            head.forgiven = 0
            head.wave_us = now_us + round(head.plan.pause_s * SECOND_US)
            self.head_touched = True

    def _bad(self, wave: int) -> int:
        return sum(item.state in BAD for item in self._waves[wave])

    def _failed(self, item: Item, outcome: str, text: str, now_us: TimeUs) -> None:
        if item.attempts <= self.head.plan.retries and self.head.phase is not Phase.CANCELLED:
            item.not_before_us = now_us + math.ceil(self.head.plan.retry_wait_s * SECOND_US)
            self._set(item, State.WAITING, outcome, text, now_us)
        else:
            self._set(item, State.FAILED, outcome, text, now_us)

    def _set(self, item: Item, state: State, outcome: str, text: str, now_us: TimeUs) -> None:
        item.state, item.outcome, item.text, item.time_us = state, outcome, text, now_us
        self.touched.add(item.target)

    def _phase(self, phase: Phase, reason: str) -> None:
        self.head.phase, self.head.reason = phase, reason
        self.head_touched = True
