"""Functions with memory. Each place of a call has its own; after a restart all begin anew.

While an argument cannot be used the function is not called: what it remembers stands (frozen), and a time that
runs waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from scada.core.value import SECOND_US, TimeUs, Value

POINTS_MAX = 240
"""Parts that a window over time is kept in: of nearer values only what counts for its figure is kept."""


class Turn:
    """One working out of a formula.

    Attributes:
        now_us: the moment.
        number: rises with each turn; a function that is called twice in one answers the same.
        uncertain: an input was Uncertain.
        wake_us: when the formula must be worked out again though no input changed, or None.
    """

    __slots__ = ("_second", "_time", "now_us", "number", "uncertain", "wake_us", "zone")

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.now_us: TimeUs = 0
        self.number = 0
        self.uncertain = False
        self.wake_us: TimeUs | None = None
        self._second = -1
        self._time = datetime.fromtimestamp(0, zone)

    def wake(self, at_us: TimeUs) -> None:
        """Ask to be worked out again then."""
        if self.wake_us is None or at_us < self.wake_us:
            self.wake_us = at_us

    def time(self) -> datetime:
        """The time of day in the formula's zone."""
        second = self.now_us // SECOND_US
        if second != self._second:
            self._second = second
            self._time = datetime.fromtimestamp(second, self.zone)
        return self._time


class Memory:
    """Base: answers the same within one turn."""

    __slots__ = ("_answer", "_frozen_us", "_turn")

    def __init__(self) -> None:
        self._turn = -1
        self._answer: Any = None
        self._frozen_us: TimeUs | None = None

    def __call__(self, turn: Turn, *arguments: Any) -> Any:
        """The value in this turn."""
        if self._turn != turn.number:
            if self._frozen_us is not None:
                self.thaw(max(0, turn.now_us - self._frozen_us))
                self._frozen_us = None
            self._answer = self.step(turn, *arguments)
            self._turn = turn.number
        return self._answer

    def freeze(self, turn: Turn) -> None:
        """An argument cannot be used in this turn."""
        if self._frozen_us is None:
            self._frozen_us = turn.now_us

    def thaw(self, span_us: TimeUs) -> None:
        """The arguments can be used again after so long."""

    def step(self, turn: Turn, *arguments: Any) -> Any:
        """The next value."""
        raise NotImplementedError


class _Edge(Memory):
    """True for one turn; a further turn at once makes it false again."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        super().__init__()
        self._before: Value = None

    def step(self, turn: Turn, *arguments: Any) -> bool:
        now, before = arguments[0], self._before
        self._before = now
        edge = before is not None and self.is_edge(before, now)
        if edge:
            turn.wake(turn.now_us)
        return edge

    def is_edge(self, before: Any, now: Any) -> bool:
        raise NotImplementedError


class _Rising(_Edge):
    __slots__ = ()

    def is_edge(self, before: Any, now: Any) -> bool:
        return bool(now) and not before


class _Falling(_Edge):
    __slots__ = ()

    def is_edge(self, before: Any, now: Any) -> bool:
        return bool(before) and not now


class _Changed(_Edge):
    __slots__ = ()

    def is_edge(self, before: Any, now: Any) -> bool:
        return bool(before != now)


class _Latch(Memory):
    __slots__ = ("_on",)

    def __init__(self) -> None:
        super().__init__()
        self._on = False

    def step(self, turn: Turn, *arguments: Any) -> bool:
        set_, reset = arguments
        self._on = not reset and (bool(set_) or self._on)
        return self._on


class _Delay(Memory):
    """On-delay (IEC 61131-3 TON)."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        super().__init__()
        self._since: TimeUs | None = None

    def thaw(self, span_us: TimeUs) -> None:
        if self._since is not None:
            self._since += span_us

    def step(self, turn: Turn, *arguments: Any) -> bool:
        on, seconds = arguments
        if not on:
            self._since = None
            return False
        if self._since is None or self._since > turn.now_us:  # the clock was set back
            self._since = turn.now_us
        due_us = self._since + int(seconds * SECOND_US)
        if turn.now_us >= due_us:
            return True
        turn.wake(due_us)
        return False


class _Hold(Memory):
    """Off-delay (IEC 61131-3 TOF)."""

    __slots__ = ("_on", "_until")

    def __init__(self) -> None:
        super().__init__()
        self._on = False
        self._until: TimeUs | None = None

    def thaw(self, span_us: TimeUs) -> None:
        if self._until is not None:
            self._until += span_us

    def step(self, turn: Turn, *arguments: Any) -> bool:
        on, seconds = arguments
        if on:
            self._on, self._until = True, None
        elif self._on:
            latest_us = turn.now_us + int(seconds * SECOND_US)
            # The first turn in which it is off begins the time; a clock that was set back does not lengthen it.
            self._until = latest_us if self._until is None else min(self._until, latest_us)
            if turn.now_us >= self._until:
                self._on, self._until = False, None
            else:
                turn.wake(self._until)
        return self._on


class _Delta(Memory):
    __slots__ = ("_before", "_delta", "_newest")

    def __init__(self) -> None:
        super().__init__()
        self._newest: float | None = None
        self._delta = 0.0

    def step(self, turn: Turn, *arguments: Any) -> float:
        (value,) = arguments
        if self._newest is not None and value != self._newest:
            self._delta = value - self._newest
        self._newest = value
        return self._delta


class _Window(Memory):
    """The course of a value over the last so many seconds: a step function of bounded length.

    Each point holds from its time to that of the next. The newest is exact; of older ones two neighbours are made one
    where together they last less than a POINTS_MAXth of the span, so that at most twice as many are kept.
    """

    __slots__ = ("_points",)

    def __init__(self) -> None:
        super().__init__()
        self._points: deque[tuple[TimeUs, float]] = deque()

    def step(self, turn: Turn, *arguments: Any) -> float:
        value, seconds = arguments
        span_us = int(seconds * SECOND_US)
        now_us, points = turn.now_us, self._points
        if points and points[-1][0] > now_us:  # the clock was set back
            points.clear()
        if not points or points[-1][1] != value:
            if len(points) > 1 and now_us - points[-2][0] < span_us // POINTS_MAX:
                second_us, second = points.pop()
                first_us, first = points.pop()
                points.append((first_us, self.join(first, second_us - first_us, second, now_us - second_us)))
            points.append((now_us, value))
        begin_us = now_us - span_us
        # The last point at or before the beginning tells the value there.
        while len(points) > 1 and points[1][0] <= begin_us:
            points.popleft()
        if len(points) > 1:
            turn.wake(now_us + max(SECOND_US, span_us // 60))
        return self.figure(points, begin_us, now_us)

    def figure(self, points: deque[tuple[TimeUs, float]], begin_us: TimeUs, now_us: TimeUs) -> float:
        raise NotImplementedError

    def join(self, first: float, first_us: TimeUs, second: float, second_us: TimeUs) -> float:
        """One value for two neighbours that lasted so long."""
        return second


class _Change(_Window):
    __slots__ = ()

    def figure(self, points: deque[tuple[TimeUs, float]], begin_us: TimeUs, now_us: TimeUs) -> float:
        return points[-1][1] - points[0][1]


class _Average(_Window):
    __slots__ = ()

    def figure(self, points: deque[tuple[TimeUs, float]], begin_us: TimeUs, now_us: TimeUs) -> float:
        begin_us = max(begin_us, points[0][0])
        if now_us <= begin_us:
            return points[-1][1]
        area, until_us = 0.0, now_us
        for time_us, value in reversed(points):
            from_us = max(time_us, begin_us)
            area += value * (until_us - from_us)
            until_us = from_us
        return area / (now_us - begin_us)

    def join(self, first: float, first_us: TimeUs, second: float, second_us: TimeUs) -> float:
        whole_us = first_us + second_us
        return (first * first_us + second * second_us) / whole_us if whole_us else second


class _Minimum(_Window):
    __slots__ = ()

    def figure(self, points: deque[tuple[TimeUs, float]], begin_us: TimeUs, now_us: TimeUs) -> float:
        return min(value for _, value in points)

    def join(self, first: float, first_us: TimeUs, second: float, second_us: TimeUs) -> float:
        return min(first, second)


class _Maximum(_Window):
    __slots__ = ()

    def figure(self, points: deque[tuple[TimeUs, float]], begin_us: TimeUs, now_us: TimeUs) -> float:
        return max(value for _, value in points)

    def join(self, first: float, first_us: TimeUs, second: float, second_us: TimeUs) -> float:
        return max(first, second)


MEMORIES: dict[str, Callable[[], Memory]] = {
    "rising": _Rising,
    "falling": _Falling,
    "changed": _Changed,
    "latch": _Latch,
    "delay": _Delay,
    "hold": _Hold,
    "delta": _Delta,
    "change": _Change,
    "average": _Average,
    "minimum": _Minimum,
    "maximum": _Maximum,
}
"""Name of the function → what makes one."""


def time_between(turn: Turn, begin: str, end: str) -> bool:
    """Whether the time of day lies in a span, which may go over midnight; begin in, end out."""
    now = turn.time().strftime("%H:%M")
    return begin <= now < end if begin <= end else now >= begin or now < end
