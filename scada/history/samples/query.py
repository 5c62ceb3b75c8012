"""Questions to a view: samples, curves, aggregates, values at a moment. Each blocks; the archive's threads ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from scada.core.ports import Aggregate, Point
from scada.core.value import Kind
from scada.history.samples import tables
from scada.history.samples.buckets import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    QUARTER_US,
    Buckets,
    coarser,
    compute,
    concatenated,
    is_good,
    with_empty,
)
from scada.history.samples.codec import Columns, join
from scada.history.samples.curve import of_buckets, reduced, thinned
from scada.history.samples.store import to_value
from scada.history.samples.view import View, buckets_of

STEPS_MAX = 20_000
BASE_MAX = 2_000_000
"""Bound of what one question for aggregates works out: a year by minutes is half a million."""
RAW_PER_PIXEL = 40
"""Up to so many samples a pixel a curve is made of samples: decoding them costs less than a frame of the screen."""

Entry = tuple[int, str]


def points(view: View, path: str, from_us: int, to_us: int, limit: int) -> list[Point]:
    """The newest `limit` samples in `from_us <= time < to_us`, oldest first."""
    found: list[Point] = []
    entries = view.entries(path)
    for entry in entries:
        columns = _newest(view, path, entry, from_us, to_us, limit)
        found += to_points(columns.part(slice(max(0, len(columns) - limit), len(columns))), entry[1])
    if len(entries) > 1:
        found.sort(key=lambda point: point.time_us)
    return found[-limit:]


def _newest(view: View, path: str, entry: Entry, from_us: int, to_us: int, limit: int) -> Columns:
    """At least the newest `limit`: spans that double, so that a year's question decodes no year."""
    width = HOUR_US
    while True:
        low = max(from_us, to_us - width)
        if width >= 64 * DAY_US:
            low = from_us
        columns = view.raw(path, entry, low, to_us)
        if low <= from_us or len(columns) >= limit:
            return columns
        width *= 4


def curve(view: View, path: str, from_us: int, to_us: int, pixels: int) -> list[Point]:
    """A curve for so many pixels, extremes and gaps kept, begun with the sample that held before."""
    found: list[Point] = []
    entries = view.entries(path)
    for entry in entries:
        before = view.before(path, entry, from_us)
        parts = [before, *_curve_parts(view, path, entry, from_us, to_us, pixels)]
        found += to_points(join(parts), entry[1])
    if len(entries) > 1:
        found.sort(key=lambda point: point.time_us)
    return found


def _curve_parts(
    view: View, path: str, entry: Entry, from_us: int, to_us: int, pixels: int
) -> Iterator[Columns]:
    tag_id, kind = entry
    raw_from = view.raw_from(tag_id)
    pixel_us = max(1, (to_us - from_us) // pixels)
    days = [] if kind == Kind.TEXT.value else view.days(tag_id, from_us - DAY_US, to_us, tables.day.c.samples)
    few = sum(row.samples for row in days) <= RAW_PER_PIXEL * pixels
    dirty = view.dirty(tag_id, from_us - DAY_US, to_us)
    clean = [
        row.t0
        for row in days
        if row.t0 < raw_from or (row.t0 not in dirty and pixel_us >= MINUTE_US and not few)
    ]
    at_us = from_us
    for first, last in _runs(clean):
        begin, end = max(first, from_us), min(last + DAY_US, to_us)
        if begin > at_us:
            yield _raw_curve(view, path, entry, at_us, begin, pixel_us)
        yield from _page_curve(view, tag_id, begin, end, pixel_us)
        at_us = end
    if at_us < to_us:
        yield _raw_curve(view, path, entry, at_us, to_us, pixel_us)


def _raw_curve(view: View, path: str, entry: Entry, from_us: int, to_us: int, pixel_us: int) -> Columns:
    columns = view.raw(path, entry, from_us, to_us)
    if entry[1] == Kind.TEXT.value:
        return columns
    return thinned(columns, from_us, to_us, max(1, -(-(to_us - from_us) // pixel_us)))


def _page_curve(view: View, tag_id: int, from_us: int, to_us: int, pixel_us: int) -> Iterator[Columns]:
    step_us = HOUR_US if pixel_us >= HOUR_US else QUARTER_US if pixel_us >= QUARTER_US else MINUTE_US
    pages = _pages(view, tag_id, from_us, to_us, step_us)
    if step_us == MINUTE_US:  # where the minutes were given up the quarters tell the rest
        have = dict(pages)
        pages = [
            *pages,
            *((day, b) for day, b in _pages(view, tag_id, from_us, to_us, QUARTER_US) if day not in have),
        ]
        pages.sort(key=lambda page: page[0])
    whole = concatenated([page for _, page in pages])
    whole = whole.part((whole.t0 >= from_us) & (whole.t0 < to_us))
    width = max(pixel_us, step_us)
    yield of_buckets(reduced(whole, from_us, width), width)


def aggregates(
    view: View, path: str, from_us: int, to_us: int, step_us: int, *, interpolated: bool = False
) -> list[Aggregate]:
    """What a register or bit did in each step of `from_us <= time < to_us`; a text has none."""
    count = -(-(to_us - from_us) // step_us)
    entries = [entry for entry in view.entries(path) if entry[1] != Kind.TEXT.value]
    # Of a tag whose kind changed, what it is now; of one without samples all steps are empty.
    entry = entries[-1] if entries else (-1, Kind.REGISTER.value)
    until_us = from_us + count * step_us
    base_us = next(
        (unit for unit in (HOUR_US, QUARTER_US, MINUTE_US) if step_us % unit == 0 and from_us % unit == 0),
        step_us,
    )
    if (until_us - from_us) // base_us > BASE_MAX:
        base_us = step_us
    base = _dense(view, path, entry, from_us, until_us, base_us)
    found = base if base_us == step_us else coarser(base, from_us, step_us, count)
    lines = _interpolated(view, path, entry, from_us, step_us, count) if interpolated else [None] * count
    return [
        Aggregate(
            time_us=int(found.t0[place]),
            n=int(found.n[place]),
            low=_or_none(found.vmin[place]),
            high=_or_none(found.vmax[place]),
            mean=_or_none(found.mean[place]),
            last=_or_none(found.last[place]),
            weighted=_or_none(found.weighted[place]),
            covered_us=int(found.covered_us[place]),
            interpolated=lines[place],
        )
        for place in range(count)
    ]


def _dense(view: View, path: str, entry: Entry, from_us: int, to_us: int, base_us: int) -> Buckets:
    """All buckets of a span: out of roll-ups where they are exact, out of samples elsewhere."""
    carry = carried(view.before(path, entry, from_us))
    parts: list[Buckets] = []
    at_us = from_us

    def put(buckets: Buckets) -> None:
        nonlocal carry, at_us
        if len(buckets):
            parts.append(buckets)
            at_us = int(buckets.t0[-1]) + base_us
            touched = np.flatnonzero(buckets.samples > 0)
            if len(touched):
                carry = float(buckets.last[touched[-1]]) if buckets.held[touched[-1]] else float("nan")

    def from_samples(end_us: int) -> None:
        count = (end_us - at_us) // base_us
        if count > 0:
            put(compute(view.raw(path, entry, at_us, end_us), at_us, base_us, count, carry))

    if base_us in {HOUR_US, QUARTER_US, MINUTE_US}:
        tag_id = entry[0]
        dirty = view.dirty(tag_id, from_us - DAY_US, to_us)
        raw_from = view.raw_from(tag_id)
        for day, page in _pages(view, tag_id, from_us - DAY_US, to_us, base_us):
            begin, end = max(day, from_us), min(day + DAY_US, to_us)
            if (day in dirty and day >= raw_from) or begin >= end:
                continue
            from_samples(begin)
            inside = page.part((page.t0 >= begin) & (page.t0 < end))
            put(with_empty(inside, begin, base_us, (end - begin) // base_us, carry))
    from_samples(to_us)
    return concatenated(parts)


def _pages(view: View, tag_id: int, from_us: int, to_us: int, step_us: int) -> list[tuple[int, Buckets]]:
    """(day, buckets) of the days that overlap a span; a damaged one is left out, and so read from samples."""
    low = from_us - from_us % DAY_US
    if step_us == MINUTE_US:
        rows = view.minutes(tag_id, low, to_us)
    else:
        column = tables.day.c.hours if step_us == HOUR_US else tables.day.c.quarters
        rows = iter([tuple(row) for row in view.days(tag_id, low, to_us, column)])
    return [(day, page) for day, page in buckets_of(rows) if page is not None]


def _interpolated(
    view: View, path: str, entry: Entry, from_us: int, step_us: int, count: int
) -> list[float | None]:
    """At the beginning of each step, on the straight line between the neighbours; None next to a gap."""
    edges = from_us + step_us * np.arange(count, dtype=np.int64)
    end_us = int(edges[-1]) + 1
    after = view.raw(path, entry, end_us, end_us + max(step_us, HOUR_US)).part(slice(0, 1))
    columns = join([view.before(path, entry, from_us), view.raw(path, entry, from_us, end_us), after])
    good = is_good(columns)
    right = np.searchsorted(columns.times, edges, side="left")
    out: list[float | None] = []
    for edge, place in zip(edges.tolist(), right.tolist(), strict=True):
        if place < len(columns) and columns.times[place] == edge:
            last = int(np.searchsorted(columns.times, edge, side="right")) - 1
            out.append(float(columns.values[last]) if good[last] else None)
        elif 0 < place < len(columns) and good[place - 1] and good[place]:
            t0, t1 = int(columns.times[place - 1]), int(columns.times[place])
            share = (edge - t0) / (t1 - t0)
            out.append(float(columns.values[place - 1] * (1 - share) + columns.values[place] * share))
        else:
            out.append(None)
    return out


def values_at(view: View, paths: Sequence[str], at_us: int) -> dict[str, Point]:
    """Path → the sample that held at a moment."""
    found: dict[str, Point] = {}
    for path in paths:
        for entry in view.entries(path):
            for point in to_points(view.before(path, entry, at_us + 1), entry[1]):
                if path not in found or found[path].time_us <= point.time_us:
                    found[path] = point
    return found


def carried(before: Columns) -> float:
    """The value that a sample holds; NaN where it does not count or there is none."""
    return float(before.values[0]) if len(before) and is_good(before)[0] else float("nan")


def to_points(columns: Columns, kind: str) -> list[Point]:
    """Samples for callers."""
    texts = columns.texts
    absent = np.isnan(columns.values).tolist()
    return [
        Point(
            time_us,
            None if gone else to_value(kind, value, texts[int(value)] if kind == Kind.TEXT.value else None),
            quality,
        )
        for time_us, value, quality, gone in zip(
            columns.times.tolist(), columns.values.tolist(), columns.quality.tolist(), absent, strict=True
        )
    ]


def _runs(days: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of days that follow each other."""
    start = previous = None
    for day in days:
        if previous is None or day != previous + DAY_US:
            if start is not None and previous is not None:
                yield start, previous
            start = day
        previous = day
    if start is not None and previous is not None:
        yield start, previous


def _or_none(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
