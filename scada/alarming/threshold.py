"""Thresholds on registers: each sets and clears a bit, with hysteresis.

The value is watched through a band within which no bit can change, so an ordinary write costs one
comparison however many thresholds there are. While the quality is not Good the bits stand as they are
(spec: Uncertain and Bad values freeze thresholds).
"""

from __future__ import annotations

from scada.core.database import TagDatabase
from scada.core.tag import Direction, Tag, ThresholdDefinition
from scada.core.value import GOOD, TimeUs, is_good

_INFINITY = float("inf")


class Thresholds:
    """The thresholds of one register."""

    __slots__ = ("_bits", "_database", "_watch")

    def __init__(self, database: TagDatabase, register: Tag) -> None:
        self._database = database
        self._bits = [
            (definition, database[f"{register.path}.{definition.name}"])
            for definition in register.definition.thresholds
        ]
        self._watch = database.watch(register, self._react)

    def _react(self, register: Tag, now_us: TimeUs) -> None:
        if not is_good(register.quality):
            self._freeze(register, now_us)
            return
        value = register.value
        assert isinstance(value, (int, float))
        low, high = -_INFINITY, _INFINITY
        writes = []
        for definition, bit in self._bits:
            on = _abnormal(definition, value, was=bit.value is True)
            if bit.value is not on or bit.quality != GOOD:
                writes.append((bit, on, GOOD, register.source_us))
            edge = _edge(definition, on)
            # Where the next change of this bit lies above the value it bounds the band from above.
            if (definition.direction is Direction.HIGH) is not on:
                high = min(high, edge)
            else:
                low = max(low, edge)
        self._watch.low, self._watch.high = low, high
        if writes:
            self._database.write(writes, now_us)

    def _freeze(self, register: Tag, now_us: TimeUs) -> None:
        self._watch.low, self._watch.high = _INFINITY, -_INFINITY
        self._database.set_quality((bit for _, bit in self._bits), register.quality, now_us)


def _edge(definition: ThresholdDefinition, on: bool) -> float:
    """The last value at which the bit still stays as it is."""
    if not on:
        return definition.limit
    if definition.direction is Direction.HIGH:
        return definition.limit - definition.hysteresis
    return definition.limit + definition.hysteresis


def _abnormal(definition: ThresholdDefinition, value: float, was: bool) -> bool:
    """Beyond the limit, or (once on) not yet back by more than the hysteresis."""
    edge = _edge(definition, was)
    if definition.direction is Direction.HIGH:
        return value > edge if not was else value >= edge
    return value < edge if not was else value <= edge


def attach_thresholds(database: TagDatabase) -> None:
    """Make the thresholds of every register that has some."""
    for tag in database:
        if tag.definition.thresholds:
            Thresholds(database, tag)
