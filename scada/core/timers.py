"""Things that are due at a time, for pure code: nothing runs but in `tick`."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from scada.core.value import TimeUs

Due = Callable[[TimeUs], None]
"""Called with the time at which it was due."""


class Timers:
    """A heap of calls by time. What is called off is passed over by whoever is called: it knows what it waits for.

    Attributes:
        now_us: of the newest tick. Who asks to be called again and again does not begin before it: after a leap of
            the clock nothing is made up for.
    """

    __slots__ = ("_heap", "_number", "now_us")

    def __init__(self) -> None:
        self._heap: list[tuple[TimeUs, int, Due]] = []
        self._number = 0
        self.now_us: TimeUs = 0

    def at(self, due_us: TimeUs, call: Due) -> None:
        """Have `call(due_us)` called at a time; calls of one time come in the order in which they were asked for."""
        self._number += 1
        heapq.heappush(self._heap, (due_us, self._number, call))

    def tick(self, now_us: TimeUs) -> None:
        """Call what is due."""
        self.now_us = now_us
        heap = self._heap
        while heap and heap[0][0] <= now_us:
            due_us, _, call = heapq.heappop(heap)
            call(due_us)

    def __len__(self) -> int:
        return len(self._heap)
