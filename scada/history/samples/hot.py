"""What is not in blocks yet, in memory: the mirror of the journal (`sample_hot`) that queries read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scada.history.samples.batch import Batch, merged
from scada.history.samples.buckets import DAY_US
from scada.history.samples.codec import EMPTY, Columns, join

BATCHES_MAX = 32
"""More batches than this are merged, so that a query looks into few."""


class Hot:
    """Batches in the order in which they came. Immutable but for `add`: a reader takes `batches` and is safe."""

    def __init__(self) -> None:
        self.batches: tuple[Batch, ...] = ()
        self.count = 0
        self.text_ids: npt.NDArray[np.int32] = np.empty(0, np.int32)

    def add(self, batch: Batch) -> None:
        """Take a batch in. Smaller ones at the end are merged, as many as make each a fraction of the one before."""
        batches = [*self.batches, batch]
        if len(batches) > BATCHES_MAX:
            keep = len(batches)
            size = 0
            while keep > 0 and (len(batches) - keep < 2 or len(batches[keep - 1]) <= size):
                keep -= 1
                size += len(batches[keep])
            batches = [*batches[:keep], merged(batches[keep:], self.text_ids)]
        self.batches = tuple(batches)
        self.count += len(batch)

    def replace(self, batches: list[Batch]) -> None:
        """Begin anew with these."""
        self.batches = tuple(batches)
        self.count = sum(map(len, batches))

    def whole(self) -> Batch | None:
        """All as one batch."""
        return merged(self.batches, self.text_ids) if self.batches else None


def of_tag(
    batches: tuple[Batch, ...], tag_id: int, from_us: int, to_us: int, *, text: bool
) -> tuple[Columns, Columns]:
    """(the tag's samples in `from <= time < to` by time, the newest one before)."""
    parts = [batch.of(tag_id, text=text) for batch in batches]
    whole = join([_by_time(part) for part in parts])
    low, high = np.searchsorted(whole.times, (from_us, to_us))
    before = whole.part(slice(low - 1, low)) if low else EMPTY
    return whole.part(slice(int(low), int(high))), before


def days_of(batches: tuple[Batch, ...], tag_id: int) -> set[int]:
    """Days (their first microsecond) on which the tag has samples here."""
    days: set[int] = set()
    for batch in batches:
        low, high = np.searchsorted(batch.ids, (tag_id, tag_id + 1))
        if low < high:
            days.update((np.unique(batch.times[low:high] // DAY_US) * DAY_US).tolist())
    return days


def _by_time(columns: Columns) -> Columns:
    times = columns.times
    if len(times) > 1 and np.any(times[1:] < times[:-1]):
        return columns.part(np.argsort(times, kind="stable"))
    return columns
