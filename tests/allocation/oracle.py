"""Lexicographic weighted max-min by iterated linear programmes (HiGHS): slow, and of another kind than the product's way."""

from __future__ import annotations

from collections.abc import Sequence

import highspy
import numpy as np

from scada.allocation.tree import Row


def by_programmes(
    rows: Sequence[Row],
    room: Sequence[float],
    a: Sequence[float],
    b: Sequence[float],
    lo: Sequence[float],
    hi: Sequence[float],
) -> list[float]:
    """What each is to have. Raise the level of all that are free as far as it goes; settle those that it stops at."""
    count = len(rows)
    settled: dict[int, float] = {i: lo[i] for i in range(count) if hi[i] - lo[i] <= 1e-9}
    while len(settled) < count:
        free = [i for i in range(count) if i not in settled]
        level = _highest_level(rows, room, a, b, lo, hi, settled)
        at = {i: min(hi[i], max(lo[i], a[i] + b[i] * level)) for i in free}
        stuck = [i for i in free if _highest(i, rows, room, lo, hi, {**settled, **at}, free) <= at[i] + 1e-6]
        if not stuck:
            raise AssertionError("the level could have gone on")
        settled |= {i: at[i] for i in stuck}
    return [settled[i] for i in range(count)]


def _highest_level(
    rows: Sequence[Row],
    room: Sequence[float],
    a: Sequence[float],
    b: Sequence[float],
    lo: Sequence[float],
    hi: Sequence[float],
    settled: dict[int, float],
) -> float:
    """The highest level at which all limits hold. x_i ≥ min(hi_i, a_i + b_i·t) is not linear: those that reach their
    maximum on the way are taken out, and the level is sought again."""
    capped: set[int] = set()
    while True:
        model = _model(rows, room, lo, hi, settled)
        t = model.getNumCol()
        model.addVar(-1e6, 1e6)
        for i in range(len(rows)):
            if i not in settled and i not in capped:
                model.addRow(a[i], highspy.kHighsInf, 2, np.array([i, t]), np.array([1.0, -b[i]]))
            elif i in capped:
                model.changeColBounds(i, hi[i], hi[i])
        model.changeColCost(t, -1.0)
        model.run()
        level = float(model.getSolution().col_value[t])
        # Whoever's own maximum stops the level is no obstacle to the others.
        stops = {
            i
            for i in range(len(rows))
            if i not in settled and i not in capped and a[i] + b[i] * level >= hi[i] - 1e-7
        }
        if not stops:
            return level
        capped |= stops
        if len(capped) + len(settled) == len(rows):
            return max((hi[i] - a[i]) / b[i] for i in capped)


def _highest(
    i: int,
    rows: Sequence[Row],
    room: Sequence[float],
    lo: Sequence[float],
    hi: Sequence[float],
    at: dict[int, float],
    free: Sequence[int],
) -> float:
    """The most that i could have while nobody has less than they have at this level."""
    model = _model(rows, [one + 1e-9 for one in room], lo, hi, {})
    for j in range(len(rows)):
        model.changeColBounds(j, at[j] - 1e-9, at[j] if j not in free else hi[j])
    model.changeColCost(i, -1.0)
    model.run()
    return float(model.getSolution().col_value[i])


def _model(
    rows: Sequence[Row],
    room: Sequence[float],
    lo: Sequence[float],
    hi: Sequence[float],
    settled: dict[int, float],
) -> highspy.Highs:
    model = highspy.Highs()  # type: ignore[no-untyped-call]
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    for i in range(len(rows)):
        low, high = (settled[i], settled[i]) if i in settled else (lo[i], hi[i])
        model.addVar(low, high)
    on: dict[int, list[tuple[int, float]]] = {}
    for i, row in enumerate(rows):
        for r, c in row:
            on.setdefault(r, []).append((i, c))
    for r, members in on.items():
        model.addRow(
            -highspy.kHighsInf,
            room[r],
            len(members),
            np.array([i for i, _ in members]),
            np.array([c for _, c in members]),
        )
    return model
