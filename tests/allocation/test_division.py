"""The division: every limit kept, nobody could have more without taking from somebody who has less, and it says why."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.allocation.division import OWN, Division, _Rise, divide
from scada.allocation.division_numpy import divide_numpy
from scada.allocation.tree import Row
from tests.allocation.oracle import by_programmes
from tests.allocation.sites import tree_of

Case = tuple[list[Row], list[float], list[float], list[float], list[float], list[float]]


def case_of(count: int, seed: int, *, floors: bool = False, offsets: bool = False) -> Case:
    chance = random.Random(seed)
    tree = tree_of(count, seed, scarcity=chance.uniform(0.2, 1.2))
    rows: list[Row] = [tree.row(i, one.phases) for i, one in enumerate(tree.members)]
    room = [tree.nodes[one.node].limits.of(one.kind) or 0.0 for one in tree.resources]
    b = [chance.choice((0.5, 1.0, 1.0, 2.0)) for _ in rows]
    a = [chance.uniform(-20, 20) if offsets else 0.0 for _ in rows]
    hi = [one.maximum_a * chance.uniform(0.3, 1) for one in tree.members]
    lo = [0.0] * len(rows)
    if floors:
        left = list(room)
        for i, row in enumerate(rows):
            floor = min(6.0, hi[i])
            if all(left[r] >= c * floor for r, c in row):
                lo[i] = floor
                for r, c in row:
                    left[r] -= c * floor
            else:
                hi[i] = 0.0
    return rows, room, a, b, lo, hi


def loads(rows: list[Row], x: list[float], count: int) -> list[float]:
    result = [0.0] * count
    for row, one in zip(rows, x, strict=True):
        for r, c in row:
            result[r] += c * one
    return result


cases = st.builds(
    case_of, st.integers(2, 40), st.integers(0, 10**6), floors=st.booleans(), offsets=st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(cases)
def test_no_limit_is_exceeded_and_each_lies_within_its_bounds(case: Case) -> None:
    rows, room, _, _, lo, hi = case
    for way in (divide, divide_numpy):
        x = way(*case).x
        assert all(load <= limit + 1e-6 for load, limit in zip(loads(rows, x, len(room)), room, strict=True))
        assert all(low - 1e-9 <= one <= high + 1e-9 for one, low, high in zip(x, lo, hi, strict=True))


@settings(max_examples=60, deadline=None)
@given(cases)
def test_what_binds_a_connector_is_full_and_nobody_raised_there_stands_higher(case: Case) -> None:
    """The bottleneck property: with the limits kept it is the same as being max-min fair."""
    rows, room, a, b, lo, hi = case
    for way in (divide, divide_numpy):
        result: Division = way(*case)
        load = loads(rows, result.x, len(room))
        for i, r in enumerate(result.bound_by):
            if r == OWN:
                assert result.x[i] == pytest.approx(hi[i], abs=1e-6)
                continue
            assert load[r] >= room[r] - 1e-5
            level = (result.x[i] - a[i]) / b[i]
            for j, row in enumerate(rows):
                if any(s == r for s, _ in row) and result.x[j] > lo[j] + 1e-6:
                    assert (result.x[j] - a[j]) / b[j] <= max(level, (lo[i] - a[i]) / b[i]) + 1e-5


@settings(max_examples=40, deadline=None)
@given(cases)
def test_both_ways_agree(case: Case) -> None:
    assert divide_numpy(*case).x == pytest.approx(_Rise(*case).run().x, abs=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_linear_programmes_find_the_same(seed: int) -> None:
    case = case_of(6 + seed, seed, floors=seed % 3 == 0, offsets=seed % 2 == 0)
    assert divide(*case).x == pytest.approx(by_programmes(*case), abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_connectors_changes_nothing(case: Case, chance: random.Random) -> None:
    rows, room, a, b, lo, hi = case
    order = list(range(len(rows)))
    chance.shuffle(order)
    mixed = divide(*([one[i] for i in order] if one is not room else room for one in case))  # type: ignore[arg-type]
    straight = divide(rows, room, a, b, lo, hi)
    assert mixed.x == pytest.approx([straight.x[i] for i in order], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(cases, st.floats(1.0, 3.0))
def test_more_room_makes_the_least_no_worse(case: Case, more: float) -> None:
    rows, room, a, b, lo, hi = case
    before, after = divide(*case).x, divide(rows, [one * more for one in room], a, b, lo, hi).x

    def levels(x: list[float]) -> list[float]:
        return sorted((one - a[i]) / b[i] for i, one in enumerate(x) if one < hi[i] - 1e-6)

    if levels(after):
        assert min(levels(after)) >= min(levels(before)) - 1e-5
    assert sum(after) >= 0


def test_a_row_is_bound_by_the_narrowest_of_its_nodes() -> None:
    # Two on a feeder of 20 A, one beside it, all on a grid of 32 A.
    rows: list[Row] = [((0, 1.0), (1, 1.0)), ((0, 1.0), (1, 1.0)), ((1, 1.0),)]
    result = divide(rows, [20.0, 32.0], [0.0] * 3, [1.0] * 3, [0.0] * 3, [32.0, 32.0, 32.0])
    assert result.x == pytest.approx([10.0, 10.0, 12.0])
    assert result.bound_by == [0, 0, 1]
