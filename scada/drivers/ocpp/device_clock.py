"""How far a charger's clock is off, learnt from the times in its live messages.

Its times are corrected by what was learnt, and never lie in the future. A charger that hands in what it stored sends
old times in a burst; a clock that is off sends the same offset for as long as one listens. Only the second counts.
"""

from __future__ import annotations

from collections import deque

from scada.core.value import SECOND_US, TimeUs

KEPT = 8
SPAN_US = 30 * SECOND_US
"""What was observed over less time may be a burst of stored messages."""
SPREAD_US = 3 * SECOND_US
"""Network and reading add their time to each observation; a clock does not."""
LEAST_US = 2 * SECOND_US
"""A smaller offset is not told from the time that messages take."""


class DeviceClock:
    """The clock of one charger.

    Attributes:
        offset_us: what is added to its times; 0 while nothing is learnt.
    """

    __slots__ = ("_seen", "offset_us")

    def __init__(self) -> None:
        self.offset_us: TimeUs = 0
        self._seen: deque[tuple[TimeUs, TimeUs]] = deque(maxlen=KEPT)

    def observe(self, device_us: TimeUs, now_us: TimeUs) -> bool:
        """A message bears this time. Returns whether the offset changed."""
        seen = self._seen
        if seen and 0 <= now_us - seen[-1][0] < SPAN_US // KEPT:
            return False  # the hot path: enough was seen of this moment
        seen.append((now_us, now_us - device_us))
        if len(seen) < 3 or now_us - seen[0][0] < SPAN_US:
            return False
        offsets = [offset for _, offset in seen]
        # The message that took least time to come tells most.
        least = min(offsets)
        if max(offsets) - least > SPREAD_US:
            return False
        offset_us = least if abs(least) >= LEAST_US else 0
        if abs(offset_us - self.offset_us) < SECOND_US:
            return False
        self.offset_us = offset_us
        return True

    def correct(self, device_us: TimeUs, now_us: TimeUs) -> TimeUs:
        """A time of the charger by our clock, not later than now."""
        return min(device_us + self.offset_us, now_us)
