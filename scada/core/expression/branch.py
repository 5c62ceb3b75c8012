"""Sums and the like over the tags that patterns select, kept up at each change.

Bad members are left out and make the result UncertainSubNormal, so that one dead charger does not hide the
site's power; with no usable member it is Bad. The cost of a change does not depend on the number of members.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from scada.core.database import TagDatabase
from scada.core.tag import Tag
from scada.core.value import GOOD, Quality, TimeUs, is_bad, is_good

_RECOUNT_EVERY = 10_000
"""Changes after which the sum is added up anew, so that rounding does not pile up."""

_BAD = int(Quality.BAD_NO_DATA)
_LIMIT = 1e300
"""What is greater is no measurement."""


class Branch:
    """What is known of a set of tags.

    Attributes:
        members: the tags, each once.
        total: sum of the usable values; a bit counts as 0 or 1, a text as 0.
        usable: how many members are not Bad.
        quality: Good, UncertainSubNormal or BadNoData.
    """

    __slots__ = (
        "_changes",
        "_greatest",
        "_impaired",
        "_least",
        "_marks",
        "_parts",
        "members",
        "quality",
        "total",
        "usable",
    )

    def __init__(self, database: TagDatabase, members: Iterable[Tag]) -> None:
        self.members = tuple(dict.fromkeys(members))
        self.total = 0.0
        self.usable = 0
        self.quality = _BAD
        self._parts: dict[Tag, tuple[float, int]] = dict.fromkeys(self.members, (0.0, _BAD))
        self._impaired = len(self.members)
        self._changes = 0
        self._least: float | None = None
        self._greatest: float | None = None
        self._marks: list[Callable[[TimeUs], None]] = []
        for member in self.members:
            database.watch(member, self._react)
            if member.value is not None:
                self._react(member, 0)  # an initial value counts from the start: it may never be written

    def subscribe(self, mark: Callable[[TimeUs], None]) -> None:
        """Have `mark(now_us)` called at each change of a member."""
        self._marks.append(mark)

    def least(self) -> float:
        """The least usable value."""
        if self._least is None:
            self._least = min(part for part, quality in self._parts.values() if not is_bad(quality))
        return self._least

    def greatest(self) -> float:
        """The greatest usable value."""
        if self._greatest is None:
            self._greatest = max(part for part, quality in self._parts.values() if not is_bad(quality))
        return self._greatest

    def _react(self, member: Tag, now_us: TimeUs) -> None:
        old, old_quality = self._parts[member]
        value = member.value
        bad = is_bad(member.quality) or value is None
        new = float(value) if not bad and isinstance(value, (int, float)) else 0.0
        if not -_LIMIT < new < _LIMIT:  # infinity less infinity would spoil the sum for good
            bad, new = True, 0.0
        quality = _BAD if bad else GOOD if is_good(member.quality) else member.quality
        if new == old and quality == old_quality:
            return
        self._parts[member] = (new, quality)
        was_usable = not is_bad(old_quality)
        self._impaired += bool(quality) - bool(old_quality)
        self.usable += (not bad) - was_usable
        self.total += new - old
        self._changes += 1
        if self._changes >= _RECOUNT_EVERY:
            self._changes = 0
            self.total = math.fsum(part for part, _ in self._parts.values())
        if not self.usable:
            self.total = 0.0  # no rest of roundings
        if self._least is not None and (
            (was_usable and old <= self._least) or (not bad and new <= self._least)
        ):
            self._least = None if was_usable and old <= self._least else new
        if self._greatest is not None and (
            (was_usable and old >= self._greatest) or (not bad and new >= self._greatest)
        ):
            self._greatest = None if was_usable and old >= self._greatest else new
        if not self.usable:
            self.quality = _BAD
        else:
            self.quality = int(Quality.UNCERTAIN_SUB_NORMAL) if self._impaired else GOOD
        for mark in self._marks:
            mark(now_us)
