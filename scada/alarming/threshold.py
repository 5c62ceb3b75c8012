"""Thresholds on registers: each sets and clears a bit, with hysteresis and delays.

Where all limits are constant the value is watched through a band within which no bit can change, so an ordinary
write costs one comparison however many thresholds there are. While the quality is not Good the bits stand as they
are and running delays wait (Uncertain and Bad values freeze thresholds); stale values are another matter.
"""

from __future__ import annotations

from collections import deque

from scada.core.database import TagDatabase
from scada.core.tag import Condition, Tag, ThresholdDefinition
from scada.core.timers import Timers
from scada.core.value import GOOD, SECOND_US, Quality, TimeUs, is_bad, is_good

_INFINITY = float("inf")
_RATE_SPAN_US = SECOND_US
"""The least time over which a rate is measured: two values of one moment have none. So often a rate is looked at."""


class _Bit:
    """One threshold: its bit, the condition behind it, and the delay between the two.

    Attributes:
        on: whether the condition holds, hysteresis included; the bit follows after the delay.
    """

    __slots__ = ("_database", "_due_us", "_left_us", "_timers", "bit", "definition", "on")

    def __init__(
        self, definition: ThresholdDefinition, bit: Tag, database: TagDatabase, timers: Timers
    ) -> None:
        self.definition = definition
        self.bit = bit
        self.on = bit.value is True
        self._database = database
        self._timers = timers
        self._due_us: TimeUs | None = None
        self._left_us: TimeUs | None = None

    def follow(self, on: bool, now_us: TimeUs, source_us: TimeUs) -> None:
        """The condition is now so."""
        was, self.on = self.on, on
        bit = self.bit
        if bit.value is on:
            self._due_us = self._left_us = None
            if bit.quality != GOOD:
                self._database.write([(bit, on, GOOD, source_us)], now_us)
            return
        if on is was and self._due_us is not None:
            return
        definition = self.definition
        # Without a value yet a bit has nothing to come from: its first one needs no delay but when it is abnormal.
        delay_us = definition.on_delay_us if on else (0 if bit.value is None else definition.off_delay_us)
        if on is was and self._left_us is not None:
            delay_us = self._left_us  # it was frozen: the rest of the delay
        self._left_us = None
        if delay_us <= 0:
            self._due_us = None
            self._database.write([(bit, on, GOOD, source_us)], now_us)
            return
        if bit.value is None:
            self._database.write([(bit, False, GOOD, source_us)], now_us)
        elif bit.quality != GOOD:
            self._database.set_quality([bit], GOOD, now_us)
        self._due_us = now_us + delay_us
        self._timers.at(self._due_us, self._due)

    def freeze(self, quality: int, now_us: TimeUs) -> None:
        """The register cannot be relied on: all stands still."""
        if self._due_us is not None:
            self._left_us = max(1, self._due_us - now_us)
            self._due_us = None
        self._database.set_quality([self.bit], quality, now_us)

    def _due(self, due_us: TimeUs) -> None:
        if self._due_us == due_us:
            self._due_us = None
            self._database.write([(self.bit, self.on, GOOD, due_us)], due_us)


class Thresholds:
    """The thresholds of one register, stale ones excepted."""

    __slots__ = (
        "_banded",
        "_bits",
        "_database",
        "_limits",
        "_rate",
        "_references",
        "_register",
        "_timers",
        "_watch",
    )

    def __init__(self, database: TagDatabase, register: Tag, timers: Timers) -> None:
        self._database = database
        self._register = register
        self._timers = timers
        self._bits = [
            _Bit(one, database[f"{register.path}.{one.name}"], database, timers)
            for one in register.definition.thresholds
            if one.condition is not Condition.STALE
        ]
        self._limits = {one.definition.name: database.get(one.definition.limit_tag) for one in self._bits}
        self._references = {one.definition.name: database.get(one.definition.reference) for one in self._bits}
        self._rate = _Rate()
        self._banded = all(
            one.definition.condition in (Condition.HIGH, Condition.LOW) and not one.definition.limit_tag
            for one in self._bits
        )
        self._watch = database.watch(register, self._react)
        for other in {*self._limits.values(), *self._references.values()} - {None}:
            assert other is not None
            database.watch(other, lambda _tag, now_us: self._react(self._register, now_us))

    def start(self, now_us: TimeUs) -> None:
        """Look at the value that is there already."""
        if self._register.value is not None and is_good(self._register.quality):
            self._react(self._register, now_us)
        if any(one.definition.condition is Condition.RATE for one in self._bits):
            self._timers.at(now_us + _RATE_SPAN_US, self._again)

    def _react(self, register: Tag, now_us: TimeUs) -> None:
        if not is_good(register.quality):
            self._watch.low, self._watch.high = _INFINITY, -_INFINITY
            self._rate.forget()
            for one in self._bits:
                one.freeze(register.quality, now_us)
            return
        value = register.value
        assert isinstance(value, (int, float))
        for one in self._bits:
            self._judge(one, value, now_us)
        if self._banded:
            self._watch.low, self._watch.high = _band(self._bits)

    def _judge(self, one: _Bit, value: float, now_us: TimeUs) -> None:
        definition, source_us = one.definition, self._register.source_us
        limit, limit_quality = definition.limit, GOOD
        limit_tag = self._limits[definition.name]
        if limit_tag is not None:
            limit_quality = limit_tag.quality
            if is_good(limit_quality) and isinstance(limit_tag.value, (int, float)):
                limit = limit_tag.value
            else:
                one.freeze(limit_quality, now_us)
                return
        condition = definition.condition
        if condition is Condition.DEVIATION:
            reference = self._references[definition.name]
            if (
                reference is None
                or not is_good(reference.quality)
                or not isinstance(reference.value, (int, float))
            ):
                one.freeze(reference.quality if reference else limit_quality, now_us)
                return
            value = abs(value - reference.value)
        elif condition is Condition.RATE:
            value = self._rate.measure(value, self._register.server_us, now_us)
        one.follow(_beyond(definition, limit, value, was=one.on), now_us, source_us)

    def _again(self, due_us: TimeUs) -> None:
        # A value that stands still brings no event.
        if self._register.value is not None and is_good(self._register.quality):
            self._react(self._register, due_us)
        self._timers.at(max(due_us, self._timers.now_us) + _RATE_SPAN_US, self._again)


class _Rate:
    """How fast a register changes: since the newest sample that is a second older than the last one.

    As long as no further sample comes the rate falls with the time, for the change may have ended.
    """

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[float, TimeUs]] = deque()

    def forget(self) -> None:
        """Values that cannot be relied on lie between."""
        self._samples.clear()

    def measure(self, value: float, sampled_us: TimeUs, now_us: TimeUs) -> float:
        """Change per second.

        Args:
            sampled_us: when the value came, or came again.
        """
        samples = self._samples
        if samples and samples[-1][1] > now_us:  # the clock was set back
            samples.clear()
        if not samples or samples[-1] != (value, sampled_us):
            if len(samples) > 1 and sampled_us - samples[-2][1] < _RATE_SPAN_US // 10:
                samples.pop()  # a bound on how many there are
            samples.append((value, sampled_us))
        while len(samples) > 1 and samples[1][1] <= sampled_us - _RATE_SPAN_US:
            samples.popleft()
        before, since_us = samples[0]
        return abs(value - before) * SECOND_US / max(now_us - since_us, _RATE_SPAN_US)


class _Stale:
    """A bit that says that no usable value comes. It is always Good: it speaks of the quality itself."""

    def __init__(
        self, database: TagDatabase, register: Tag, definition: ThresholdDefinition, timers: Timers
    ) -> None:
        self._register = register
        self._limit_us = int(definition.limit * SECOND_US)
        self._timers = timers
        self._bit = _Bit(definition, database[f"{register.path}.{definition.name}"], database, timers)
        self._armed = False
        database.watch(register, self._react)

    def start(self, now_us: TimeUs) -> None:
        """Wait for the first value as long as for any other; until then nothing is known."""
        if self._register.value is not None and is_good(self._register.quality):
            self._bit.follow(False, now_us, now_us)
        if self._limit_us:
            self._arm(now_us + self._limit_us)
        elif is_bad(self._register.quality):
            self._bit.follow(True, now_us, now_us)

    def _react(self, register: Tag, now_us: TimeUs) -> None:
        stale = is_bad(register.quality)
        self._bit.follow(stale, now_us, register.source_us)
        if not stale and self._limit_us:
            self._arm(now_us + self._limit_us)

    def _arm(self, due_us: TimeUs) -> None:
        if not self._armed:
            self._armed = True
            self._timers.at(due_us, self._due)

    def _due(self, due_us: TimeUs) -> None:
        self._armed = False
        if self._register.quality == Quality.GOOD_LOCAL_OVERRIDE:
            # What an operator holds needs no news from the device.
            self._bit.follow(False, due_us, due_us)
            self._arm(max(due_us, self._timers.now_us) + self._limit_us)
            return
        last_us = self._register.server_us
        if last_us and last_us + self._limit_us > due_us and not is_bad(self._register.quality):
            self._bit.follow(False, due_us, due_us)
            self._arm(last_us + self._limit_us)
            return
        self._bit.follow(True, due_us, due_us)
        # A value equal to the last is no event, but ends it: look again.
        self._arm(max(due_us, self._timers.now_us) + max(SECOND_US, self._limit_us // 10))


def _band(bits: list[_Bit]) -> tuple[float, float]:
    """The values between which no condition changes."""
    low, high = -_INFINITY, _INFINITY
    for one in bits:
        edge = _edge(one.definition, one.definition.limit, one.on)
        # Where the next change of this bit lies above the value it bounds the band from above.
        if (one.definition.condition is Condition.HIGH) is not one.on:
            high = min(high, edge)
        else:
            low = max(low, edge)
    return low, high


def _edge(definition: ThresholdDefinition, limit: float, on: bool) -> float:
    """The last value at which the condition still stays as it is."""
    if not on:
        return limit
    if definition.condition is Condition.LOW:
        return limit + definition.hysteresis
    return limit - definition.hysteresis


def _beyond(definition: ThresholdDefinition, limit: float, value: float, *, was: bool) -> bool:
    """Beyond the limit, or (once so) not yet back by more than the hysteresis."""
    edge = _edge(definition, limit, was)
    if definition.condition is Condition.LOW:
        return value < edge if not was else value <= edge
    return value > edge if not was else value >= edge


def attach_thresholds(database: TagDatabase, timers: Timers, now_us: TimeUs) -> None:
    """Make the thresholds of every register that has some."""
    for tag in database:
        if not tag.definition.thresholds:
            continue
        if any(one.condition is not Condition.STALE for one in tag.definition.thresholds):
            Thresholds(database, tag, timers).start(now_us)
        for one in tag.definition.thresholds:
            if one.condition is Condition.STALE:
                _Stale(database, tag, one, timers).start(now_us)
