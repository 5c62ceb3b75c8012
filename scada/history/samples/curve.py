"""Curves for as many pixels as there are: extremes and gaps are kept. Pure."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from scada.core.value import Quality
from scada.history.samples.buckets import Buckets, is_good
from scada.history.samples.codec import Columns

GAP = int(Quality.BAD_NO_DATA)


def thinned(columns: Columns, from_us: int, to_us: int, pixels: int) -> Columns:
    """Of each pixel the first and last sample, the lowest and highest Good one, and where a gap begins and ends.

    Args:
        columns: samples in `from_us <= time < to_us`, by time.
    """
    n = len(columns)
    if n <= 2 * pixels:
        return columns
    step = max(1, -(-(to_us - from_us) // pixels))
    pixel = (columns.times - from_us) // step
    good = is_good(columns)
    keep = np.zeros(n, bool)
    first = np.flatnonzero(np.concatenate(([True], pixel[1:] != pixel[:-1])))
    keep[first] = True
    keep[np.append(first[1:], n) - 1] = True
    changes = np.flatnonzero(good[1:] != good[:-1]) + 1
    if len(changes):
        # Of the changes within a pixel the first and the last: more of them are not to be told apart.
        at = pixel[changes]
        keep[changes[np.concatenate(([True], at[1:] != at[:-1]))]] = True
        keep[changes[np.concatenate((at[1:] != at[:-1], [True]))]] = True
    gone = np.flatnonzero(~good)
    if len(gone):
        at = pixel[gone]
        keep[gone[np.concatenate(([True], at[1:] != at[:-1]))]] = True
    counted = np.flatnonzero(good)
    if len(counted):
        by = np.lexsort((columns.values[counted], pixel[counted]))
        group = pixel[counted][by]
        keep[counted[by[np.concatenate(([True], group[1:] != group[:-1]))]]] = True
        keep[counted[by[np.concatenate((group[1:] != group[:-1], [True]))]]] = True
    return columns.part(keep)


def of_buckets(buckets: Buckets, step_us: int) -> Columns:
    """A curve out of roll-ups: of each bucket its lowest and highest value and its last; a gap where it ends unknown."""
    times: list[npt.NDArray[np.int64]] = []
    values: list[npt.NDArray[np.float64]] = []
    some = buckets.part(buckets.n > 0)
    rising = some.last >= (some.vmin + some.vmax) / 2
    for share, column in (
        (0, np.where(rising, some.vmin, some.vmax)),
        (step_us // 3, np.where(rising, some.vmax, some.vmin)),
        (2 * step_us // 3, some.last),
    ):
        times.append(some.t0 + share)
        values.append(column)
    gone = buckets.part((buckets.samples > 0) & (buckets.held == 0))
    times.append(gone.t0 + step_us - 1)
    values.append(np.full(len(gone), np.nan))
    time = np.concatenate(times)
    value = np.concatenate(values)
    order = np.argsort(time, kind="stable")
    time, value = time[order], value[order]
    return Columns(time, value, np.where(np.isnan(value), GAP, 0).astype(np.uint32))


def reduced(buckets: Buckets, from_us: int, step_us: int) -> Buckets:
    """Buckets with samples as fewer and longer ones, those without left out; for drawing."""
    if not len(buckets):
        return buckets
    group = (buckets.t0 - from_us) // step_us
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    ends = np.append(starts[1:], len(group)) - 1
    changed = {
        "t0": from_us + group[starts] * step_us,
        "samples": np.add.reduceat(buckets.samples, starts),
        "n": np.add.reduceat(buckets.n, starts),
        "vmin": np.fmin.reduceat(buckets.vmin, starts),
        "vmax": np.fmax.reduceat(buckets.vmax, starts),
        "held": buckets.held[ends],
    }
    last = buckets.last.copy()
    unknown = np.isnan(last)
    if unknown.any():  # the last known of the group: carried on within it
        place = np.maximum.accumulate(np.where(unknown, 0, np.arange(len(last))))
        last = last[np.maximum(place, np.repeat(starts, np.diff(np.append(starts, len(last)))))]
    changed["last"] = last[ends]
    return Buckets(
        *(changed.get(field.name, getattr(buckets, field.name)[starts]) for field in fields(buckets))
    )
