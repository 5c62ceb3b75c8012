"""What one charger does otherwise than the standard says: counted, visible, never silent."""

from __future__ import annotations

import re

from scada.core.commissioning import Deviation, Deviations
from scada.core.value import TimeUs

KINDS_MAX = 100
"""How many different deviations are kept by name a charger; further ones only count."""
TEXT_LENGTH_MAX = 160
_VARYING = re.compile(r'"[^"]*"|\(byte \d+\)')
"""What a charger said, and where: different each time, and one deviation all the same."""
_DIGITS = re.compile(r"\d{2,}")


class DeviationLog:
    """The deviations of one charger.

    Attributes:
        count: all that there were.
        unsaved: something is not on disk yet.
    """

    __slots__ = ("_entries", "count", "unsaved")

    def __init__(self, left: Deviations | None) -> None:
        self.count = left.count if left else 0
        self._entries = {(one.action, one.what): one for one in left.entries} if left else {}
        self.unsaved = False

    def note(self, action: str, what: str, now_us: TimeUs) -> bool:
        """Count one. Returns whether it is new."""
        self.count += 1
        self.unsaved = True
        what = _VARYING.sub(lambda found: _DIGITS.sub("#", found.group()), what[:1_000])
        key = (action[:50], what[:TEXT_LENGTH_MAX])
        known = self._entries.get(key)
        if known is not None:
            known.count += 1
            known.last_us = now_us
            return False
        if len(self._entries) >= KINDS_MAX:
            return False
        self._entries[key] = Deviation(*key, 1, now_us, now_us)
        return True

    def document(self) -> Deviations:
        """All, the most frequent first."""
        return Deviations(self.count, sorted(self._entries.values(), key=lambda one: -one.count))

    def count_of(self, part: str) -> int:
        """How often those were seen whose text holds `part`."""
        return sum(one.count for one in self._entries.values() if part in f"{one.action}: {one.what}")
