"""`divide` for large sites, in numpy.

Each round finds each resource's own level (bracketed Newton over all resources at once), then settles every *local*
bottleneck: a resource whose rising connectors have no lower one elsewhere. Rounds ≈ depth of the tree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scada.allocation.division import EPSILON, OWN, Division
from scada.allocation.tree import Row

ROUNDS_MAX = 10_000
"""Each settles a connector at least; a tree has few more than its depth."""
NEWTON_MAX = 100
"""Halving alone reaches the last bit in fewer."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def divide_numpy(
    rows: Sequence[Row],
    room: Sequence[float],
    a: Sequence[float],
    b: Sequence[float],
    lo: Sequence[float],
    hi: Sequence[float],
) -> Division:
    """As `scada.allocation.division.divide`."""
    count, resources = len(rows), len(room)
    lengths = np.fromiter((len(row) for row in rows), np.int64, count)
    of = np.repeat(np.arange(count), lengths)
    flat = np.array([rc for row in rows for rc in row], dtype=np.float64).reshape(-1, 2)
    on, weight = flat[:, 0].astype(np.int64), flat[:, 1]
    rooms = np.asarray(room, dtype=np.float64)
    aa, bb, low, high = (np.asarray(one, dtype=np.float64) for one in (a, b, lo, hi))
    x, bound = low.copy(), np.full(count, OWN, dtype=np.int64)
    free = high - low > EPSILON
    scarce = np.bincount(on, weights=weight * high[of], minlength=resources) > rooms + EPSILON
    keep = scarce[on]
    on, of, weight = on[keep], of[keep], weight[keep]
    used, on = np.unique(on, return_inverse=True)
    rooms = rooms[used]
    fixed = np.bincount(on, weights=weight * np.where(free[of], 0.0, x[of]), minlength=len(used))
    for _ in range(ROUNDS_MAX):
        touched = np.zeros(count, dtype=bool)
        touched[of] = True
        alone = free & ~touched
        x[alone] = high[alone]
        free &= touched
        rising = free[of]
        on, of, weight = on[rising], of[rising], weight[rising]
        if not len(on):
            break
        level = _levels(on, weight, rooms - fixed, aa[of], bb[of], low[of], high[of])
        lowest = np.full(count, np.inf)
        np.minimum.at(lowest, of, level[on])
        settled = np.isfinite(level)
        np.logical_and.at(settled, on, level[on] <= lowest[of] + EPSILON)
        binds = settled[on]
        now = np.zeros(count, dtype=bool)
        now[of[binds]] = True
        x[now] = np.clip(aa[now] + bb[now] * lowest[now], low[now], high[now])
        own = x >= high - EPSILON
        bound[of[binds]] = used[on[binds]]
        bound[now & own] = OWN
        endless = free & ~np.isfinite(lowest)
        x[endless] = high[endless]
        now |= endless
        free &= ~now
        fixed += np.bincount(on, weights=weight * np.where(now[of], x[of], 0.0), minlength=len(used))
    return Division(x.tolist(), bound.tolist())


def _levels(on: Ints, weight: Floats, cap: Floats, a: Floats, b: Floats, lo: Floats, hi: Floats) -> Floats:
    """λ at which each resource is full; infinite: its connectors cannot fill it."""
    count = len(cap)
    start, stop = (lo - a) / b, (hi - a) / b
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, on, start)
    np.maximum.at(high, on, stop)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    binds = np.bincount(on, weights=weight * hi, minlength=count) > cap + EPSILON
    level = np.where(binds, (low + high) / 2, 0.0)
    some = binds[on]
    on = on[some]
    weight, a, b, lo, hi, start, stop = (one[some] for one in (weight, a, b, lo, hi, start, stop))
    for _ in range(NEWTON_MAX):
        here = level[on]
        over = np.bincount(on, weights=weight * np.clip(a + b * here, lo, hi), minlength=count) - cap
        slope = np.bincount(
            on, weights=np.where((here > start) & (here < stop), weight * b, 0.0), minlength=count
        )
        done = np.abs(over) <= EPSILON * (1 + np.abs(cap))
        high = np.where(over > 0, level, high)
        low = np.where(over > 0, low, level)
        done |= high - low <= 1e-12 * (1 + np.abs(high))
        if np.all(done | ~binds):
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = level - over / slope
        astray = ~np.isfinite(newton) | (newton <= low) | (newton >= high)
        level = np.where(done, level, np.where(astray, (low + high) / 2, newton))
    return np.where(binds, level, np.inf)
