"""A clock that stands until it is told to leap."""

from __future__ import annotations

from scada.core.value import SECOND_US, TimeUs

START_US = 1_790_000_000 * SECOND_US
"""Some moment in September 2026."""


class FakeClock:
    """Implements `scada.core.ports.Clock`."""

    def __init__(self, now_us: TimeUs = START_US) -> None:
        self._now_us = now_us

    def now_us(self) -> TimeUs:
        """The moment at which the clock stands."""
        return self._now_us

    def leap(self, seconds: float) -> TimeUs:
        """Move on (or back) and return the new moment."""
        self._now_us += int(seconds * SECOND_US)
        return self._now_us
