"""Exact lexicographic weighted max-min: the one engine of every policy.

Connector i at level λ has x_i(λ) = a_i + b_i·λ, held within lo_i and hi_i. λ rises; when a resource is full, those that
load it stay where they are, and the others go on. What comes out cannot give anybody more without taking from somebody
who is at the same level or lower (Bertsekas, Gallager: Data Networks, 6.5.2, with weights and rows of coefficients).

Driven by events, O(n·d·log) with d resources a connector; above `NUMPY_FROM` connectors the same in numpy, round by round.
Measured: docs/performance.md, bench `allocation`.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from scada.allocation.tree import Row

OWN = -1
"""`Division.bound_by` of a connector that its own maximum binds."""
NUMPY_FROM = 300
"""Connectors from which numpy is the faster way."""
EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Division:
    """Who gets what.

    Attributes:
        x: ampere of each connector.
        bound_by: of each connector the resource that binds it, or `OWN`.
    """

    x: list[float]
    bound_by: list[int]


def divide(
    rows: Sequence[Row],
    room: Sequence[float],
    a: Sequence[float],
    b: Sequence[float],
    lo: Sequence[float],
    hi: Sequence[float],
) -> Division:
    """Divide the room of all resources.

    Args:
        rows: of each connector (resource, coefficient > 0).
        room: of each resource. Where it is less than what the floors take, those on it stay at their floors.
        b: above 0.
        lo, hi: 0 ≤ lo ≤ hi.
    """
    if len(rows) >= NUMPY_FROM:
        from scada.allocation.division_numpy import divide_numpy

        return divide_numpy(rows, room, a, b, lo, hi)
    return _Rise(rows, room, a, b, lo, hi).run()


class _Rise:
    """λ on its way up.

    Of each resource: what those that stay take (`fixed`), and what those that rise take at λ (`offset` + `slope`·λ).
    """

    def __init__(
        self,
        rows: Sequence[Row],
        room: Sequence[float],
        a: Sequence[float],
        b: Sequence[float],
        lo: Sequence[float],
        hi: Sequence[float],
    ) -> None:
        self.room, self.a, self.b, self.lo, self.hi = room, a, b, lo, hi
        count = len(rows)
        self.x = list(lo)
        self.bound_by = [OWN] * count
        self.waits, self.rises = [False] * count, [False] * count
        full = [0.0] * len(room)
        for i, row in enumerate(rows):
            for r, c in row:
                full[r] += c * hi[i]
        # Resources that all together cannot fill bind nobody.
        scarce = [load > room[r] + EPSILON for r, load in enumerate(full)]
        self.rows: list[list[tuple[int, float]]] = [[rc for rc in row if scarce[rc[0]]] for row in rows]
        self.on: list[list[int]] = [[] for _ in room]
        self.fixed, self.offset, self.slope = [0.0] * len(room), [0.0] * len(room), [0.0] * len(room)
        self.rising = [0] * len(room)
        starts: list[tuple[float, int]] = []
        for i, row in enumerate(self.rows):
            for r, c in row:
                self.on[r].append(i)
                self.fixed[r] += c * lo[i]
            if hi[i] - lo[i] <= EPSILON:
                continue
            if not row:
                self.x[i] = hi[i]
                continue
            self.waits[i] = True
            starts.append(((lo[i] - a[i]) / b[i], i))
        starts.sort()
        self.starts = starts
        self.stops: list[tuple[float, int]] = []
        self.full_at: list[tuple[float, int]] = []

    def run(self) -> Division:
        self._bind_where_floors_fill()
        at, level = 0, self.starts[0][0] if self.starts else 0.0
        while at < len(self.starts) or self.stops:
            start = self.starts[at][0] if at < len(self.starts) else float("inf")
            stop = self.stops[0][0] if self.stops else float("inf")
            full = self._next_full(level)
            if full is not None and full[0] <= start and full[0] <= stop:
                level = full[0]
                self._freeze(full[1], level)
            elif start <= stop:
                level, i = self.starts[at]
                at += 1
                if self.waits[i]:
                    self._start(i)
            else:
                level, i = heapq.heappop(self.stops)
                if self.rises[i]:
                    self._stop(i, self.hi[i])
        return Division(self.x, self.bound_by)

    def _bind_where_floors_fill(self) -> None:
        for r, members in enumerate(self.on):
            if members and self.fixed[r] >= self.room[r] - EPSILON:
                for i in members:
                    if self.waits[i]:
                        self.waits[i] = False
                        self.bound_by[i] = r

    def _next_full(self, level: float) -> tuple[float, int] | None:
        """(λ, resource) that is full next. The heap's keys are lower bounds: they are made true when they come up."""
        heap = self.full_at
        while heap:
            known, r = heap[0]
            if not self.rising[r]:
                heapq.heappop(heap)
                continue
            true = self._full_level(r)
            if true > known + 1e-12:
                heapq.heapreplace(heap, (true, r))
                continue
            return max(true, level), r
        return None

    def _full_level(self, r: int) -> float:
        return (self.room[r] - self.fixed[r] - self.offset[r]) / self.slope[r]

    def _start(self, i: int) -> None:
        self.waits[i], self.rises[i] = False, True
        a, b, lo = self.a[i], self.b[i], self.lo[i]
        heapq.heappush(self.stops, ((self.hi[i] - a) / b, i))
        for r, c in self.rows[i]:
            self.rising[r] += 1
            self.fixed[r] -= c * lo
            self.offset[r] += c * a
            self.slope[r] += c * b
            heapq.heappush(self.full_at, (self._full_level(r), r))

    def _stop(self, i: int, at_a: float) -> None:
        self.rises[i] = False
        self.x[i] = at_a
        a, b = self.a[i], self.b[i]
        for r, c in self.rows[i]:
            self.rising[r] -= 1
            self.offset[r] -= c * a
            self.slope[r] -= c * b
            self.fixed[r] += c * at_a

    def _freeze(self, r: int, level: float) -> None:
        for i in self.on[r]:
            if self.rises[i]:
                self._stop(i, min(self.hi[i], max(self.lo[i], self.a[i] + self.b[i] * level)))
                self.bound_by[i] = r
            elif self.waits[i]:
                self.waits[i] = False
                self.bound_by[i] = r
