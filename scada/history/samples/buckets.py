"""Roll-ups: spans of equal length with what happened in each. Pure.

History keeps changes, so a value holds until the next sample. Good samples alone count; from one that is not
Good, or has no value, until the next that is, nothing is known: that time is not *covered*.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from scada.history.samples.codec import (
    DECIMALS_MAX,
    BlockDamaged,
    Columns,
    Floats,
    Integers,
    as_decimals,
    decode_numbers,
    encode_numbers,
)

MINUTE_US = 60_000_000
QUARTER_US = 15 * MINUTE_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
EXTRA_DECIMALS = 3
"""Means are kept to a thousandth of the finest step of the tag's own values."""
_SEVERITY = np.uint32(0xC0000000)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Spans of equal length; those left out had no sample.

    Attributes:
        t0: where each begins, microseconds since 1970 UTC.
        samples: all of them, also those that do not count.
        n: Good samples.
        vmin, vmax, mean, last: of the Good samples; NaN where there is none.
        weighted: mean weighted by time, of the time that is covered, with the value held from before; NaN where nothing is.
        covered_us: time of which the value is known.
        held: 1 where the value is known at the end.
    """

    t0: Integers
    samples: Floats
    n: Floats
    vmin: Floats
    vmax: Floats
    mean: Floats
    last: Floats
    weighted: Floats
    covered_us: Floats
    held: Floats

    def __len__(self) -> int:
        return len(self.t0)

    def part(self, which: npt.NDArray[np.bool_] | slice) -> Buckets:
        """Those that a mask names."""
        return Buckets(*(getattr(self, field.name)[which] for field in fields(self)))


def is_good(columns: Columns) -> npt.NDArray[np.bool_]:
    """Which samples count."""
    good: npt.NDArray[np.bool_] = ((columns.quality & _SEVERITY) == 0) & ~np.isnan(columns.values)
    return good


def compute(columns: Columns, from_us: int, step_us: int, count: int, carry: float) -> Buckets:
    """All `count` buckets from a moment on.

    Args:
        columns: the samples from that moment on, by time.
        carry: the value held from before; NaN: none.
    """
    edges = from_us + step_us * np.arange(count + 1, dtype=np.int64)
    places = np.searchsorted(columns.times, edges)
    good = is_good(columns)
    held = np.where(good, columns.values, np.nan)
    samples = np.diff(places).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers near the largest have no mean
        n, vmin, vmax, mean, last = _of_samples(columns.values, good, places, count)
        weighted, covered = _weighted(columns.times, held, edges, carry)
    mean[np.isinf(mean)] = np.nan
    weighted[np.isinf(weighted)] = np.nan
    at_end = np.concatenate(([carry], held))[places[1:]]
    return Buckets(
        edges[:-1], samples, n, vmin, vmax, mean, last, weighted, covered, (~np.isnan(at_end)).astype(float)
    )


def _of_samples(
    values: Floats, good: npt.NDArray[np.bool_], places: Integers, count: int
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    before = np.concatenate(([0], np.cumsum(good)))[places]
    n = np.diff(before).astype(np.float64)
    vmin, vmax, mean, last = (np.full(count, np.nan) for _ in range(4))
    some = np.flatnonzero(n)
    if len(some):
        counted = values[good]
        starts = before[some]
        end = before[-1]
        vmin[some] = np.minimum.reduceat(counted[:end], starts)
        vmax[some] = np.maximum.reduceat(counted[:end], starts)
        base = vmin[some]
        above = np.add.reduceat(counted[:end] - np.repeat(base, n[some].astype(np.intp)), starts)
        mean[some] = base + above / n[some]
        last[some] = counted[before[some + 1] - 1]
    return n, vmin, vmax, mean, last


def _weighted(times: Integers, held: Floats, edges: Integers, carry: float) -> tuple[Floats, Floats]:
    knots = np.concatenate(([edges[0]], np.minimum(times, edges[-1]), [edges[-1]]))
    value = np.concatenate(([carry], held))
    known = ~np.isnan(value)
    base = value[known][0] if known.any() else 0.0
    duration = np.diff(knots).astype(np.float64)
    above = np.concatenate(([0.0], np.cumsum(np.where(known, value - base, 0.0) * duration)))
    covered = np.concatenate(([0.0], np.cumsum(np.where(known, duration, 0.0))))
    at = (edges - edges[0]).astype(np.float64)
    x = (knots - edges[0]).astype(np.float64)
    covered_us = np.round(np.diff(np.interp(at, x, covered)))
    integral = np.diff(np.interp(at, x, above))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(covered_us > 0, base + integral / covered_us, np.nan), covered_us


def with_empty(buckets: Buckets, from_us: int, step_us: int, count: int, carry: float) -> Buckets:
    """All `count` buckets: those left out get what their predecessor held."""
    dense = Buckets(
        from_us + step_us * np.arange(count, dtype=np.int64),
        *(np.zeros(count) for _ in range(2)),
        *(np.full(count, np.nan) for _ in range(5)),
        *(np.zeros(count) for _ in range(2)),
    )
    where = (buckets.t0 - from_us) // step_us
    for field in fields(dense)[1:]:
        getattr(dense, field.name)[where] = getattr(buckets, field.name)
    # What holds at the end of a bucket: of the last one with a sample, its value where it is held.
    hold = np.where(buckets.held > 0, buckets.last, np.nan)
    before = np.concatenate(([carry], hold))
    owner = np.searchsorted(where, np.arange(count), side="left")
    empty = dense.samples == 0
    value = before[owner]
    known = empty & ~np.isnan(value)
    dense.weighted[known] = value[known]
    dense.covered_us[known] = step_us
    dense.held[known] = 1.0
    return dense


def coarser(buckets: Buckets, from_us: int, step_us: int, count: int) -> Buckets:
    """Buckets, all of them, as fewer and longer ones."""
    groups = (buckets.t0 - from_us) // step_us
    starts = np.searchsorted(groups, np.arange(count))
    ends = np.searchsorted(groups, np.arange(count), side="right")
    some = ends > starts
    at = starts[some]

    def over(ufunc: np.ufunc, column: Floats, empty: float) -> Floats:
        out = np.full(count, empty)
        if len(at):
            out[some] = ufunc.reduceat(column, at)
        return out

    n = over(np.add, buckets.n, 0.0)
    covered = over(np.add, buckets.covered_us, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = over(np.add, np.nan_to_num(buckets.mean) * buckets.n, 0.0) / n
        weighted = over(np.add, np.nan_to_num(buckets.weighted) * buckets.covered_us, 0.0) / covered
    last = np.full(count, np.nan)
    with_last = np.flatnonzero(~np.isnan(buckets.last))
    if len(with_last):
        newest = np.searchsorted(with_last, ends) - 1
        has = (newest >= 0) & (with_last[np.maximum(newest, 0)] >= starts)
        last[has] = buckets.last[with_last[newest[has]]]
    held = np.zeros(count)
    held[some] = buckets.held[ends[some] - 1]
    return Buckets(
        from_us + step_us * np.arange(count, dtype=np.int64),
        over(np.add, buckets.samples, 0.0),
        n,
        over(np.fmin, buckets.vmin, np.nan),
        over(np.fmax, buckets.vmax, np.nan),
        mean,
        last,
        weighted,
        covered,
        held,
    )


def rounded(buckets: Buckets, decimals: int | None) -> Buckets:
    """Means to `EXTRA_DECIMALS` more places than the values have; untouched where those are no decimals."""
    if decimals is None:
        return buckets
    places = min(decimals + EXTRA_DECIMALS, DECIMALS_MAX)
    changed = {name: np.round(getattr(buckets, name), places) for name in ("mean", "weighted")}
    return Buckets(*(changed.get(field.name, getattr(buckets, field.name)) for field in fields(buckets)))


def decimals_of(columns: Columns) -> int | None:
    """Decimals of the Good values, None where they are none."""
    found = as_decimals(columns.values[is_good(columns)])
    return found[1] if found else None


def pack(buckets: Buckets, day_us: int, step_us: int) -> bytes:
    """Those of a day that have a sample, with a checksum."""
    kept = buckets.part(buckets.samples > 0)
    columns = [((kept.t0 - day_us) // step_us).astype(np.float64)]
    columns += [np.nan_to_num(getattr(kept, field.name)) for field in fields(kept)[1:]]
    data = zlib.compress(struct.pack("<HI", len(kept), step_us) + b"".join(map(encode_numbers, columns)), 3)
    return struct.pack("<I", zlib.crc32(data)) + data


def unpack(data: bytes, day_us: int) -> Buckets:
    """The buckets of `pack`.

    Raises:
        BlockDamaged: the checksum or the form is wrong.
    """
    try:
        (crc,) = struct.unpack_from("<I", data)
        if zlib.crc32(data[4:]) != crc:
            raise BlockDamaged("the checksum of a roll-up is wrong")
        body = zlib.decompress(data[4:])
        count, step_us = struct.unpack_from("<HI", body)
        place = 6
        columns = []
        for _ in range(10):
            column, place = decode_numbers(body, place, count)
            columns.append(column.copy())
    except (struct.error, zlib.error, ValueError) as error:
        if isinstance(error, BlockDamaged):
            raise
        raise BlockDamaged(f"a roll-up cannot be read ({error})") from error
    found = Buckets(day_us + columns[0].astype(np.int64) * step_us, *columns[1:])
    for column in (found.vmin, found.vmax, found.mean, found.last):
        column[found.n == 0] = np.nan
    found.weighted[found.covered_us == 0] = np.nan
    return found


def concatenated(parts: list[Buckets]) -> Buckets:
    """Several as one; they must follow each other."""
    if not parts:
        return Buckets(np.empty(0, np.int64), *(np.empty(0) for _ in range(9)))
    return Buckets(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Buckets))
    )
