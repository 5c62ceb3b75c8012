"""Whose turn it is: our calls to a peer by priority, and how fast what it says is read."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from enum import IntEnum

MESSAGES_PER_S, MESSAGES_BURST = 100.0, 1_000
"""Of one connection; faster ones are read more slowly."""
MESSAGE_BYTES = 4_096
"""A longer message counts as several."""


class Priority(IntEnum):
    """Which of our waiting calls goes first."""

    URGENT = 0
    NORMAL = 1
    LATER = 2


class PeerBusy(Exception):
    """Too many of our calls wait for this peer."""


class Pace:
    """How fast messages are read: any number at once up to a burst, and so many a second in the long run.

    A charger that flushes a day's queue is no attacker: it is only slowed down.
    """

    def __init__(self, per_s: float = MESSAGES_PER_S, burst: int = MESSAGES_BURST) -> None:
        self._each_s, self._burst_s = 1 / per_s, burst / per_s
        self._due_s = 0.0

    def wait_s(self, now_s: float, length: int = 0) -> float:
        """A message of so many bytes came: how long to wait before it is read."""
        self._due_s = max(self._due_s, now_s) + self._each_s * (1 + length // MESSAGE_BYTES)
        return max(0.0, self._due_s - now_s - self._burst_s)


class Turns:
    """A lock whose waiters are served by priority, then in order; bounded."""

    def __init__(self, waiting_max: int) -> None:
        self._waiting_max = waiting_max
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._taken = False

    def turn(self, priority: Priority) -> _Turn:
        """A context that holds the turn. Raises PeerBusy when it is entered."""
        return _Turn(self, priority)

    async def acquire(self, priority: Priority) -> None:
        """Wait for the turn. Raises PeerBusy."""
        if not self._taken:
            self._taken = True
            return
        if len(self._waiting) >= self._waiting_max:
            raise PeerBusy("too many calls wait for this charger")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release()  # the turn was given in the same moment
            raise

    def release(self) -> None:
        """Give the turn to the next."""
        while self._waiting:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
                return
        self._taken = False


class _Turn:
    __slots__ = ("_priority", "_turns")

    def __init__(self, turns: Turns, priority: Priority) -> None:
        self._turns = turns
        self._priority = priority

    async def __aenter__(self) -> None:
        await self._turns.acquire(self._priority)

    async def __aexit__(self, *_: object) -> None:
        self._turns.release()
