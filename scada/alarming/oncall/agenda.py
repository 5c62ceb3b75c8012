"""What is due next: a heap in which each key stands once."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

from scada.core.value import TimeUs

Key = TypeVar("Key")

_SLACK = 64
"""Dead entries that are borne before the heap is made anew; above it, as many as living ones."""


class Agenda(Generic[Key]):
    """Keys with the moment at which each is due. Looking whether anything is due costs one comparison.

    Unlike `scada.core.timers` it forgets what was called off: an escalation that was answered would lie there for hours.
    """

    def __init__(self) -> None:
        self._due: dict[Key, tuple[TimeUs, int]] = {}
        self._heap: list[tuple[TimeUs, int, Key]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._due)

    def set(self, key: Key, due_us: TimeUs) -> None:
        """Let a key be due at a moment, instead of the one it was due at before."""
        self._number += 1
        self._due[key] = (due_us, self._number)
        heapq.heappush(self._heap, (due_us, self._number, key))
        self._sweep()

    def cancel(self, key: Key) -> None:
        """Forget a key."""
        if self._due.pop(key, None) is not None:
            self._sweep()

    def pop(self, now_us: TimeUs) -> tuple[Key, TimeUs] | None:
        """The key that has been due longest, with its moment; it is forgotten. None: nothing is due."""
        while self._heap and self._heap[0][0] <= now_us:
            due_us, number, key = heapq.heappop(self._heap)
            if self._due.get(key) == (due_us, number):
                del self._due[key]
                return key, due_us
        return None

    def _sweep(self) -> None:
        # Alarms that come and are answered at once leave entries behind that are due in hours: bounded.
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self._heap = [(due_us, number, key) for key, (due_us, number) in self._due.items()]
            heapq.heapify(self._heap)
