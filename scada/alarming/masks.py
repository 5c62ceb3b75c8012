"""Suppression by design: alarms that are masked while a condition holds (another alarm, a bit, an expression)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from scada.alarming.alarm import Alarm
from scada.alarming.engine import AlarmEngine
from scada.core.database import TagDatabase
from scada.core.expression import Network
from scada.core.plant import Mask
from scada.core.timers import Timers
from scada.core.value import SECOND_US, TimeUs, Value, is_bad

UNKNOWN_MAX_US = 120 * SECOND_US
"""After a restart: how long a mask that held before still holds while its condition cannot be told."""


@dataclass(slots=True)
class ActiveMask:
    """A mask of the plant and whether it holds.

    Attributes:
        alarms: those that it reaches.
        holds: None: after a restart its condition cannot be told yet.
    """

    definition: Mask
    alarms: Sequence[Alarm]
    conditions: Sequence[str] = ()
    holds: bool | None = None
    since_us: TimeUs = field(default=0)


class Masks:
    """All masks. A condition that is Bad masks nothing: what cannot be told shall not silence an alarm."""

    def __init__(
        self,
        masks: Iterable[Mask],
        database: TagDatabase,
        engine: AlarmEngine,
        network: Network,
    ) -> None:
        self._engine = engine
        self._masks: list[ActiveMask] = []
        for definition in masks:
            self._add(definition, database, network)

    def __iter__(self) -> Iterator[ActiveMask]:
        return iter(self._masks)

    def holding(self) -> list[ActiveMask]:
        """The masks that hold now."""
        return [mask for mask in self._masks if mask.holds]

    def restore(self, timers: Timers, now_us: TimeUs) -> None:
        """Let masks of an earlier run hold until their conditions can be told."""
        unknown = set()
        # What people hold needs no mask to explain it: when they let go, a mask that cannot be told masks nothing.
        masked = {alarm.tag.path for alarm in self._engine if alarm.state.suppressed and alarm.held is None}
        for mask in self._masks:
            if mask.holds is None:
                suppressed = [alarm for alarm in mask.alarms if alarm.tag.path in masked]
                for alarm in suppressed:
                    alarm.masks = (*alarm.masks, mask.definition.name)
                if suppressed:
                    unknown.add(mask.definition.name)
        for alarm in self._engine:
            if alarm.state.suppressed and alarm.held is None:
                self._engine.unmask_all(alarm, now_us)  # what held it back is no longer configured
        if unknown:
            timers.at(now_us + UNKNOWN_MAX_US, self._tell)

    def cycle(self) -> list[str] | None:
        """Alarms that mask each other in a circle, or None: then which of them is seen would be chance."""
        needs: dict[str, set[str]] = {}
        for mask in self._masks:
            for alarm in mask.alarms:
                needs.setdefault(alarm.tag.path, set()).update(mask.conditions)
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            found: list[str] = error.args[1]
            return found
        return None

    def _add(self, definition: Mask, database: TagDatabase, network: Network) -> None:
        def told(value: Value, quality: int, now_us: TimeUs) -> None:
            self._told(mask, value, quality, now_us)

        formula = network.add(definition.when, told)
        asked = set(formula.alarms)
        alarms = [
            alarm
            for tag in database.select(definition.select)
            if tag.path not in asked and (alarm := self._engine.get(tag.path)) is not None
        ]
        mask = ActiveMask(definition, alarms, formula.alarms)
        self._masks.append(mask)

    def _told(self, mask: ActiveMask, value: Value, quality: int, now_us: TimeUs) -> None:
        if is_bad(quality) and mask.holds is None:
            return
        self._set(mask, value is True, now_us)  # None where it is Bad

    def _set(self, mask: ActiveMask, holds: bool, now_us: TimeUs) -> None:
        if mask.holds is holds:
            return
        first, mask.holds, mask.since_us = mask.holds is None, holds, now_us
        if holds:
            self._engine.mask(mask.definition.name, mask.alarms, now_us, known=not first)
        elif not first or any(mask.definition.name in alarm.masks for alarm in mask.alarms):
            self._engine.unmask(mask.definition.name, mask.alarms, now_us)

    def _tell(self, now_us: TimeUs) -> None:
        for mask in self._masks:
            if mask.holds is None:
                self._set(mask, False, now_us)
