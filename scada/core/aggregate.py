"""Registers that are the sum of other registers.

Bad members are left out and make the sum UncertainSubNormal, so that one dead charger does not hide the
site's power; a sum with no usable member is Bad. Kept up incrementally: the cost of a change does not
depend on the number of members.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scada.core.database import TagDatabase, Write
from scada.core.tag import Tag
from scada.core.value import GOOD, Quality, TimeUs, is_bad

_RECOUNT_EVERY = 10_000
"""Changes after which the sum is added up anew, so that rounding does not pile up."""


class _Sum:
    __slots__ = ("changes", "dirty", "impaired", "parts", "tag", "total", "usable")

    def __init__(self, tag: Tag) -> None:
        self.tag = tag
        self.parts: dict[Tag, tuple[float, int]] = {}
        self.total = 0.0
        self.usable = 0
        self.impaired = 0
        self.changes = 0
        self.dirty = False


class Aggregates:
    """All sums of a database. `settle` writes those whose members changed."""

    def __init__(self, database: TagDatabase) -> None:
        self._database = database
        self._dirty: list[_Sum] = []
        for tag in database:
            definition = tag.definition.aggregate
            if definition is None:
                continue
            aggregate = _Sum(tag)
            for member in database.select(definition.pattern):
                if member is not tag:
                    aggregate.parts[member] = (0.0, int(Quality.BAD_WAITING_FOR_INITIAL_DATA))
                    aggregate.impaired += 1
                    react = self._reaction(aggregate)
                    database.watch(member, react)
                    if member.value is not None:
                        react(member, 0)  # an initial value counts from the start: it may never be written

    @property
    def pending(self) -> bool:
        """Whether `settle` has something to do."""
        return bool(self._dirty)

    def settle(self, now_us: TimeUs) -> None:
        """Write the sums whose members changed since the last call."""
        dirty, self._dirty = self._dirty, []
        batch: list[Write] = []
        for one in dirty:
            one.dirty = False
            if not one.usable:
                batch.append((one.tag, one.tag.value, Quality.BAD_NO_DATA, now_us))
            else:
                quality = Quality.UNCERTAIN_SUB_NORMAL if one.impaired else GOOD
                batch.append((one.tag, one.total, quality, now_us))
        self._database.write(batch, now_us)

    def _reaction(self, aggregate: _Sum) -> Callable[[Tag, TimeUs], None]:
        def react(member: Tag, now_us: TimeUs) -> None:
            old, old_quality = aggregate.parts[member]
            bad = is_bad(member.quality) or not isinstance(member.value, (int, float))
            new = 0.0 if bad else float(member.value)  # type: ignore[arg-type]
            aggregate.parts[member] = (new, int(Quality.BAD_NO_DATA) if bad else member.quality)
            aggregate.impaired += bool(bad or member.quality) - bool(old_quality)
            aggregate.usable += (not bad) - (not is_bad(old_quality))
            aggregate.total += new - old
            aggregate.changes += 1
            if aggregate.changes >= _RECOUNT_EVERY:
                aggregate.changes = 0
                aggregate.total = math.fsum(part for part, _ in aggregate.parts.values())
            if not aggregate.dirty:
                aggregate.dirty = True
                self._dirty.append(aggregate)

        return react
