"""Roll-ups and aggregates say what a naive walk over the samples says, whenever the samples came."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.core.database import Sample, TagDatabase
from scada.core.plant import RETENTION, HistorySettings, Retention
from scada.core.ports import Aggregate, Correction
from scada.core.value import GOOD, Quality
from scada.history.samples import SampleHistory, query
from scada.history.samples.buckets import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    Buckets,
    compute,
    pack,
    unpack,
    with_empty,
)
from scada.history.samples.codec import Columns
from scada.history.samples.curve import thinned
from scada.history.samples.rollups import due_days, roll
from tests.history.samples.conftest import DAY, T0, Now, Open
from tests.history.samples.test_history import compact

BAD = int(Quality.BAD_NO_COMMUNICATION)

Drawn = list[tuple[int, float | None]]
SAMPLES = st.lists(
    st.tuples(st.integers(0, 3_600), st.one_of(st.none(), st.integers(-1_000, 1_000).map(lambda n: n / 10))),
    max_size=40,
).map(lambda drawn: sorted(drawn, key=lambda sample: sample[0]))


def columns_of(drawn: Drawn) -> Columns:
    return Columns(
        np.array([t * 1_000_000 for t, _ in drawn], np.int64),
        np.array([math.nan if v is None else v for _, v in drawn], np.float64),
        np.array([BAD if v is None else GOOD for _, v in drawn], np.uint32),
    )


def naive(
    drawn: Drawn, begin: int, end: int, carry: float | None
) -> tuple[int, float | None, float | None, float, float]:
    """(n, lowest, highest, integral, seconds covered) of a span, second by second of the curve."""
    inside = [v for t, v in drawn if begin <= t < end and v is not None]
    integral = covered = 0.0
    held = carry
    at = 0
    for t, v in [*drawn, (10**9, None)]:
        low, high = max(at, begin), min(t, end)
        if held is not None and high > low:
            integral += held * (high - low)
            covered += high - low
        at, held = t, v
    return len(inside), min(inside, default=None), max(inside, default=None), integral, covered


@given(SAMPLES, st.sampled_from([60, 300, 700]), st.one_of(st.none(), st.integers(-50, 50).map(float)))
@settings(max_examples=200)
def test_buckets_say_what_a_naive_walk_says(drawn: Drawn, step: int, carry: float | None) -> None:
    count = -(-3_601 // step)
    found = compute(columns_of(drawn), 0, step * 1_000_000, count, math.nan if carry is None else carry)
    for place in range(count):
        n, low, high, integral, covered = naive(drawn, place * step, (place + 1) * step, carry)
        assert found.n[place] == n
        assert none(found.vmin[place]) == low
        assert none(found.vmax[place]) == high
        assert found.covered_us[place] == pytest.approx(covered * 1e6)
        if covered:
            assert found.weighted[place] == pytest.approx(integral / covered, abs=1e-6)
    # What is packed and filled up again is the same.
    dense = with_empty(
        unpack(pack(found, 0, step * 1_000_000), 0),
        0,
        step * 1_000_000,
        count,
        math.nan if carry is None else carry,
    )
    same(dense, found)


def none(number: float) -> float | None:
    return None if math.isnan(number) else float(number)


def same(left: Buckets, right: Buckets) -> None:
    for name in Buckets.__slots__:
        np.testing.assert_allclose(
            getattr(left, name), getattr(right, name), rtol=1e-9, atol=1e-6, err_msg=name
        )


@given(SAMPLES, st.integers(1, 12))
def test_a_thin_curve_keeps_extremes_and_gaps(drawn: Drawn, pixels: int) -> None:
    columns = columns_of(drawn)
    thin = thinned(columns, 0, 3_601_000_000, pixels)
    assert set(thin.times.tolist()) <= set(columns.times.tolist())
    step = -(-3_601_000_000 // pixels)
    for pixel in range(pixels):
        whole = columns.values[(columns.times // step) == pixel]
        kept = thin.values[(thin.times // step) == pixel]
        for of in (np.nanmin, np.nanmax):
            if len(whole) and not np.isnan(whole).all():
                assert of(kept) == of(whole)
        assert bool(np.isnan(whole).any()) == bool(np.isnan(kept).any())
    assert len(thin) <= max(2 * pixels, 8 * pixels)


def fill(history: SampleHistory, tags: TagDatabase, days: int = 3) -> list[tuple[int, float]]:
    """A sample each 10 minutes, each with a value of its own."""
    power = tags["Depot.Power"]
    drawn = [(T0 + n * 600_000_000, round(10 + 5 * math.sin(n / 7), 1)) for n in range(144 * days)]
    history.append([Sample(power, value, GOOD, time_us) for time_us, value in drawn])
    compact(history)
    return drawn


def rolled(history: SampleHistory, now_us: int) -> None:
    def work(store: object) -> None:
        while days := due_days(store, now_us, 50):  # type: ignore[arg-type]
            roll(store, days)  # type: ignore[arg-type]

    assert history.writer.submit(work, 30)


def ask(history: SampleHistory, from_us: int, to_us: int, step_us: int) -> Sequence[Aggregate]:
    with history.view() as view:
        return query.aggregates(view, "Depot.Power", from_us, to_us, step_us)


def expected(
    drawn: list[tuple[int, float]], from_us: int, to_us: int, step_us: int
) -> list[tuple[object, ...]]:
    out: list[tuple[object, ...]] = []
    for begin in range(from_us, to_us, step_us):
        end = begin + step_us
        inside = [v for t, v in drawn if begin <= t < end]
        integral = covered = 0.0
        for (t, v), (following, _) in zip(drawn, [*drawn[1:], (to_us, 0.0)], strict=True):
            low, high = max(t, begin), min(following, end)
            if high > low:
                integral += v * (high - low)
                covered += high - low
        mean = pytest.approx(integral / covered, abs=1e-3) if covered else None
        out.append((len(inside), min(inside, default=None), max(inside, default=None), mean, covered))
    return out


def told(found: Sequence[Aggregate]) -> list[tuple[object, ...]]:
    return [(one.n, one.low, one.high, one.weighted, one.covered_us) for one in found]


@pytest.mark.parametrize("step_us", [MINUTE_US * 30, HOUR_US, HOUR_US * 6, DAY_US])
def test_rolled_and_not_rolled_tell_the_same_and_late_samples_count(
    history: SampleHistory, tags: TagDatabase, now: Now, step_us: int
) -> None:
    drawn = fill(history, tags)
    before = told(ask(history, T0, T0 + 3 * DAY, step_us))
    assert before == expected(drawn, T0, T0 + 3 * DAY, step_us)
    now.us = T0 + 4 * DAY
    rolled(history, now.us)
    with history.view() as view:
        assert len(view.days(view.entries("Depot.Power")[0][0], T0, T0 + 4 * DAY)) == 3
    assert told(ask(history, T0, T0 + 3 * DAY, step_us)) == expected(drawn, T0, T0 + 3 * DAY, step_us)
    # The last sample of the first day is a late one: the next day begins with it.
    late = (T0 + DAY - 1_000_000, 99.0)
    power = tags["Depot.Power"]
    history.append([Sample(power, late[1], GOOD, late[0])])
    drawn = sorted([*drawn, late])
    assert history.flush()
    for _ in range(2):
        assert told(ask(history, T0, T0 + 3 * DAY, step_us)) == expected(drawn, T0, T0 + 3 * DAY, step_us)
        compact(history)
        rolled(history, now.us)
    history.correct(
        [Correction(path="Depot.Power", time_us=late[0], value=1.0, quality=GOOD, user="ann", reason="")]
    )
    drawn = [(t, 1.0 if t == late[0] else v) for t, v in drawn]
    for _ in range(2):
        assert told(ask(history, T0, T0 + 3 * DAY, step_us)) == expected(drawn, T0, T0 + 3 * DAY, step_us)
        rolled(history, now.us)


def test_old_samples_go_and_their_roll_ups_tell_on(open_history: Open, tags: TagDatabase, now: Now) -> None:
    week = Retention(raw_days=7, minute_days=30, rollup_days=0)
    history = open_history(HistorySettings(retention={**RETENTION, "standard": week}))
    fill(history, tags)
    now.us = T0 + 4 * DAY
    rolled(history, now.us)
    before = told(ask(history, T0, T0 + 3 * DAY, HOUR_US))
    assert history.points("Depot.Power", T0, T0 + DAY, 9)
    now.us = T0 + 40 * DAY
    assert history.writer.submit(lambda store: history.keeper.retain(store, now.us), 20)
    assert history.points("Depot.Power", T0, T0 + 3 * DAY, 9) == []
    assert told(ask(history, T0, T0 + 3 * DAY, HOUR_US)) == before
    with history.view() as view:
        drawn = query.curve(view, "Depot.Power", T0, T0 + 3 * DAY, 300)
        assert {15.0, 5.0} <= {point.value for point in drawn}
        assert list(view.minutes(view.entries("Depot.Power")[0][0], T0, T0 + DAY)) == []


def test_a_store_that_is_too_large_gives_up_the_oldest_samples_and_keeps_the_roll_ups(
    open_history: Open, tags: TagDatabase, now: Now
) -> None:
    history = open_history(HistorySettings(disk_bytes_max=1))
    fill(history, tags)
    now.us = T0 + 4 * DAY
    rolled(history, now.us)
    before = told(ask(history, T0, T0 + 3 * DAY, DAY_US))
    assert history.writer.submit(history.keeper.limit, 20)
    assert history.points("Depot.Power", T0, T0 + 3 * DAY, 9) == []
    assert history.keeper.given_up_days >= 1
    assert told(ask(history, T0, T0 + 3 * DAY, DAY_US)) == before


def test_interpolated_stands_on_the_line_between_neighbours(
    history: SampleHistory, tags: TagDatabase
) -> None:
    power = tags["Depot.Power"]
    history.append(
        [
            Sample(power, v, GOOD if v is not None else BAD, T0 + t * 1_000_000)
            for t, v in ((0, 0.0), (20, 20.0), (30, None), (50, 5.0))
        ]
    )
    assert history.flush()
    with history.view() as view:
        found = query.aggregates(view, "Depot.Power", T0, T0 + 60_000_000, 10_000_000, interpolated=True)
    assert [one.interpolated for one in found] == [0.0, 10.0, 20.0, None, None, 5.0]
