"""Values that are held: forced by an operator, or found stuck by a watchdog.

Both stand before the tag as its gate (`Tag.gate`): what the source writes meanwhile is kept back, and the hot path
of all other tags does not know of it.
"""

from __future__ import annotations

from scada.core.database import TagDatabase
from scada.core.errors import BadRequest
from scada.core.tag import Gate, Tag
from scada.core.timers import Timers
from scada.core.value import GOOD, Quality, TimeUs, Value, is_good

_FORCED = int(Quality.GOOD_LOCAL_OVERRIDE)


class _Override:
    """What the source would say: given back when the tag is released."""

    __slots__ = ("behind", "quality", "source_us", "value")

    def __init__(self, tag: Tag) -> None:
        self.value, self.quality, self.source_us = tag.value, tag.quality, tag.source_us
        self.behind: Gate | None = tag.gate

    def __call__(self, tag: Tag, value: Value, quality: int, source_us: TimeUs, now_us: TimeUs) -> bool:
        if quality == _FORCED:
            return False
        if self.behind is not None:
            if self.behind(tag, value, quality, source_us, now_us):
                return True
            self.behind = None
        self.quality = quality
        if value is not None:
            self.value, self.source_us = value, source_us
        return True


class Forcing:
    """Value substitution (OPC UA: GoodLocalOverride)."""

    def __init__(self, database: TagDatabase) -> None:
        self._database = database

    def force(self, tag: Tag, value: Value, now_us: TimeUs) -> None:
        """Hold a tag at a value; forcing a forced tag changes the value."""
        if not isinstance(tag.gate, _Override):
            tag.gate = _Override(tag)
        deadband, tag.deadband = tag.deadband, 0.0  # what a person enters is never too small a change
        self._database.write([(tag, value, _FORCED, now_us)], now_us)
        tag.deadband = deadband

    def release(self, tag: Tag, now_us: TimeUs) -> None:
        """Give a tag back to its source.

        Raises:
            BadRequest: it is not forced.
        """
        gate = tag.gate
        if not isinstance(gate, _Override):
            raise BadRequest(f"{tag.path} is not forced")
        tag.gate = None
        if gate.value is None:
            self._database.set_quality([tag], gate.quality, now_us)
        else:
            self._database.write([(tag, gate.value, gate.quality, gate.source_us)], now_us)
        tag.gate = gate.behind

    @staticmethod
    def is_forced(tag: Tag) -> bool:
        """Whether a tag is held."""
        return isinstance(tag.gate, _Override)

    @staticmethod
    def underlying(tag: Tag) -> tuple[Value, int] | None:
        """(value, quality) that the source of a forced tag gives, or None."""
        return (tag.gate.value, tag.gate.quality) if isinstance(tag.gate, _Override) else None


class Watchdogs:
    """A value that should change by itself and does not is Bad (BadSensorFailure), though its device speaks."""

    def __init__(self, database: TagDatabase, timers: Timers) -> None:
        self._database = database
        self._timers = timers
        for tag in database:
            if tag.definition.watchdog_us:
                self._watch(tag)

    def _watch(self, tag: Tag) -> None:
        span_us = tag.definition.watchdog_us
        armed = False
        moved_us = 0

        def waiting(_tag: Tag, now_us: TimeUs) -> None:
            nonlocal armed, moved_us
            moved_us = now_us
            if not armed and is_good(tag.quality):
                armed = True
                self._timers.at(now_us + span_us, due)

        def due(due_us: TimeUs) -> None:
            nonlocal armed
            armed = False
            if not is_good(tag.quality) or tag.quality == _FORCED:
                return  # it says so already; the next good value begins anew
            if moved_us + span_us > due_us:
                armed = True
                self._timers.at(moved_us + span_us, due)
                return
            self._database.set_quality([tag], int(Quality.BAD_SENSOR_FAILURE), due_us)
            tag.gate = _Stuck(tag.value)

        self._database.watch(tag, waiting)


class _Stuck:
    """Keeps back the value that does not move; whatever else comes opens the gate."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value

    def __call__(self, tag: Tag, value: Value, quality: int, source_us: TimeUs, now_us: TimeUs) -> bool:
        if quality == GOOD and (value == self.value or self._within(tag.deadband, value)):
            tag.server_us = now_us
            return True
        if tag.gate is self:
            tag.gate = None
        return False

    def _within(self, deadband: float, value: Value) -> bool:
        before = self.value
        return (
            deadband > 0
            and isinstance(value, (int, float))
            and isinstance(before, (int, float))
            and abs(value - before) < deadband
        )
