"""A tag's history as columns for the browser: thinned to a width, the band of what each pixel holds, gaps as gaps. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from scada.core.ports import Point
from scada.core.value import TimeUs, is_good

UNCERTAIN = 1
BAD = 2


def columns(
    points: Sequence[Point], from_us: TimeUs, to_us: TimeUs, end_us: TimeUs, pixels: int
) -> dict[str, Any]:
    """Times in milliseconds, values, and the lowest and highest of each pixel; None where nothing was known.

    A value holds until the next sample; the last one until `end_us`, as long as that is known.

    Args:
        points: the store's curve, begun with the sample that held before.

    Returns:
        `t`, `v`, `lo`, `hi`: columns of one length; `doubt`: (from, to, `UNCERTAIN` or `BAD`) where the quality was not
        Good.
    """
    step_us = max(1, (to_us - from_us) // max(1, pixels))
    out: dict[str, Any] = {"t": [], "v": [], "lo": [], "hi": [], "doubt": _doubt(points, from_us, end_us)}

    def put(time_us: TimeUs, value: float | None, low: float | None, high: float | None) -> None:
        out["t"].append(max(time_us, from_us) // 1000)
        out["v"].append(value)
        out["lo"].append(low)
        out["hi"].append(high)

    groups = itertools.groupby(points, key=lambda one: max(0, one.time_us - from_us) // step_us)
    for group in (list(part) for _, part in groups):
        if len(group) <= 2:
            for point in group:
                value = number(point)
                put(point.time_us, value, value, value)
            continue
        known = [value for value in map(number, group) if value is not None]
        last = number(group[-1])
        low, high = (min(known), max(known)) if last is not None else (None, None)
        put(group[0].time_us, last, low, high)
    if out["t"] and out["t"][-1] < end_us // 1000:
        last = out["v"][-1]
        put(end_us, last, last, last)
    return out


def number(point: Point) -> float | None:
    """The value that is drawn; None: it was not Good, or is no number."""
    if not is_good(point.quality) or not isinstance(point.value, (bool, int, float)):
        return None
    return float(point.value)


def _doubt(points: Sequence[Point], from_us: TimeUs, end_us: TimeUs) -> list[list[int]]:
    """Stretches of one severity."""
    found: list[list[int]] = []
    for begin, end, severity in _stretches(points, end_us):
        if not severity or end <= from_us:
            continue
        if found and found[-1][2] == severity and found[-1][1] >= begin // 1000:
            found[-1][1] = end // 1000
        else:
            found.append([max(begin, from_us) // 1000, end // 1000, severity])
    return found


def _stretches(points: Sequence[Point], end_us: TimeUs) -> Iterator[tuple[TimeUs, TimeUs, int]]:
    ends = [*(one.time_us for one in points[1:]), end_us][: len(points)]
    for point, end in zip(points, ends, strict=True):
        yield point.time_us, end, min(BAD, (point.quality >> 30) & 3)
