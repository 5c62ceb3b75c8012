"""A batch: samples of many tags as columns, by tag. What the queue becomes, what the journal holds. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scada.history.samples.codec import EMPTY, BlockDamaged, Columns, Floats, Integers, Qualities

_HEAD = struct.Struct("<BII")
"""version, samples, length of the texts."""
_VERSION = 1
LEVEL = 1
"""The journal lives for hours: little effort."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of many tags, by tag, those of a tag in the order in which they came.

    Attributes:
        ids: of the tags, as in the dictionary of the database.
        times, values, quality: see `codec.Columns`.
        texts: what the values of text tags stand for.
    """

    ids: npt.NDArray[np.int32]
    times: Integers
    values: Floats
    quality: Qualities
    texts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, tag_id: int, *, text: bool) -> Columns:
        """The samples of one tag, in the order in which they came."""
        low, high = np.searchsorted(self.ids, (tag_id, tag_id + 1))
        if low == high:
            return EMPTY
        return self.cut(int(low), int(high), text=text)

    def cut(self, low: int, high: int, *, text: bool) -> Columns:
        """A stretch, which must be of one tag, with the texts that it needs."""
        values = self.values[low:high]
        if not text:
            return Columns(self.times[low:high], values, self.quality[low:high])
        present = ~np.isnan(values)
        used, places = np.unique(values[present].astype(np.intp), return_inverse=True)
        values = values.copy()
        values[present] = places
        return Columns(
            self.times[low:high], values, self.quality[low:high], tuple(self.texts[place] for place in used)
        )

    def stretches(self) -> list[tuple[int, int, int]]:
        """(tag, from, to) of each tag."""
        if not len(self.ids):
            return []
        starts = np.flatnonzero(np.concatenate(([True], self.ids[1:] != self.ids[:-1])))
        ends = np.append(starts[1:], len(self.ids))
        return list(zip(self.ids[starts].tolist(), starts.tolist(), ends.tolist(), strict=True))

    def part(self, which: npt.NDArray[np.bool_] | slice) -> Batch:
        """Those samples that a mask names; the texts stay."""
        return Batch(self.ids[which], self.times[which], self.values[which], self.quality[which], self.texts)


def sorted_by_tag(
    ids: npt.NDArray[np.int32], times: Integers, values: Floats, quality: Qualities, texts: tuple[str, ...]
) -> Batch:
    """A batch of columns in any order."""
    if np.any(ids[1:] < ids[:-1]):
        order = np.argsort(ids, kind="stable")
        return Batch(ids[order], times[order], values[order], quality[order], texts)
    return Batch(ids, times, values, quality, texts)


def merged(batches: Sequence[Batch], text_ids: npt.NDArray[np.int32]) -> Batch:
    """Several as one, in their order.

    Args:
        text_ids: the tags whose values are places among the texts.
    """
    if len(batches) == 1:
        return batches[0]
    pool: dict[str, int] = {}
    values = []
    for batch in batches:
        column = batch.values
        if batch.texts:
            places = np.array([pool.setdefault(text, len(pool)) for text in batch.texts], np.float64)
            mask = np.isin(batch.ids, text_ids) & ~np.isnan(column)
            column = column.copy()
            column[mask] = places[column[mask].astype(np.intp)]
        values.append(column)
    return sorted_by_tag(
        np.concatenate([batch.ids for batch in batches]),
        np.concatenate([batch.times for batch in batches]),
        np.concatenate(values),
        np.concatenate([batch.quality for batch in batches]),
        tuple(pool),
    )


def pack(batch: Batch) -> bytes:
    """A batch for the journal or a spill file, with a checksum."""
    texts = b"".join(struct.pack("<I", len(piece)) + piece for piece in map(str.encode, batch.texts))
    body = b"".join(
        (
            _HEAD.pack(_VERSION, len(batch), len(texts)),
            _bytes(np.diff(batch.ids, prepend=np.int32(0)), 4),
            _bytes(np.diff(batch.times, prepend=np.int64(0)), 8),
            _bytes(batch.values, 8),
            _bytes(batch.quality, 4),
            texts,
        )
    )
    data = zlib.compress(body, LEVEL)
    return struct.pack("<I", zlib.crc32(data)) + data


def unpack(data: bytes) -> Batch:
    """The batch of `pack`.

    Raises:
        BlockDamaged: its checksum or its form is wrong.
    """
    try:
        (crc,) = struct.unpack_from("<I", data)
        if zlib.crc32(data[4:]) != crc:
            raise BlockDamaged("the checksum of a batch is wrong")
        body = zlib.decompress(data[4:])
        version, n, texts_length = _HEAD.unpack_from(body)
        if version != _VERSION:
            raise BlockDamaged(f"the batch has version {version}, this program knows {_VERSION}")
        place = _HEAD.size
        columns = []
        for width in (4, 8, 8, 4):
            flat = np.frombuffer(body, np.uint8, n * width, place).reshape(width, n).T
            columns.append(np.ascontiguousarray(flat).reshape(-1))
            place += n * width
        texts = []
        end = place + texts_length
        while place < end:
            (length,) = struct.unpack_from("<I", body, place)
            texts.append(body[place + 4 : place + 4 + length].decode())
            place += 4 + length
    except (struct.error, zlib.error, ValueError) as error:
        if isinstance(error, BlockDamaged):
            raise
        raise BlockDamaged(f"a batch cannot be read ({error})") from error
    return Batch(
        np.cumsum(columns[0].view(np.int32), dtype=np.int32),
        np.cumsum(columns[1].view(np.int64), dtype=np.int64),
        columns[2].view(np.float64),
        columns[3].view(np.uint32),
        tuple(texts),
    )


def _bytes(numbers: npt.NDArray[np.generic], width: int) -> bytes:
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, width).T.tobytes()
