"""Blocks: some hundred samples of one tag in as few bytes as they need. Pure; numpy and zlib.

A column of numbers becomes integers: values times a power of ten where all of them are decimals, times over the
coarsest unit that divides them. Of the integers the differences are kept, in the narrowest type that holds
them, their bytes sorted by weight, and deflated. Numbers that are no decimals are kept as they are, all 64 bits.

What comes back is what was put in, bit for bit, with two exceptions that are no information: a number within some
units in the last place of a decimal (a unit conversion leaves such noise) comes back as that decimal, and -0.0
as 0.0. Layout of a block: CRC-32 of the rest, version, head, deflated columns.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

BLOCK_MAX = 512
"""Samples of a block: more hardly compresses better, and a short span would decode too much."""
DECIMALS_MAX = 6
LEVEL = 3
_INTEGER_MAX = 2.0**53
_SURE_MAX = 1e13
"""Up to here some units in the last place are less than a hundredth of the decimal's own step."""
_TOLERANCE = 4 * 2.0**-52
_VERSION = 1
_HEAD = struct.Struct("<BBHIq")
"""version, flags, samples, length of the texts, time of the first sample."""
_COLUMN = struct.Struct("<BbIq")
"""width of a difference in bytes (0: float64 as it is), decimals or unit, bytes, first integer."""
_ABSENT, _RUNS, _TEXTS = 1, 2, 4
_WIDTHS: tuple[tuple[int, Any], ...] = ((1, np.int8), (2, np.int16), (4, np.int32), (8, np.int64))
_TYPES = dict(_WIDTHS)
_UNITS = (1_000_000, 1_000, 1)

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Qualities: TypeAlias = npt.NDArray[np.uint32]


class BlockDamaged(ValueError):
    """A block that cannot be read."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Samples of one tag, by time.

    Attributes:
        times: microseconds since 1970 UTC.
        values: numbers; NaN where a sample has no value. Of a text its index in `texts`; of a bit 0 or 1.
        quality: OPC UA status codes.
        texts: of a text tag, what the values stand for.
    """

    times: Integers
    values: Floats
    quality: Qualities
    texts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    def part(self, which: Any) -> Columns:
        """Those samples that a slice, a mask or a list of places names."""
        return Columns(self.times[which], self.values[which], self.quality[which], self.texts)


EMPTY = Columns(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint32))


def join(parts: Sequence[Columns]) -> Columns:
    """Several as one, by time; of equal times the later part comes later."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return EMPTY
    texts: dict[str, int] = {}
    values = []
    for part in parts:
        if part.texts:
            places = np.array([texts.setdefault(text, len(texts)) for text in part.texts], np.float64)
            present = ~np.isnan(part.values)
            moved = part.values.copy()
            moved[present] = places[part.values[present].astype(np.intp)]
            values.append(moved)
        else:
            values.append(part.values)
    times = np.concatenate([part.times for part in parts])
    whole = Columns(
        times, np.concatenate(values), np.concatenate([part.quality for part in parts]), tuple(texts)
    )
    if len(parts) > 1 and np.any(times[1:] < times[:-1]):
        return whole.part(np.argsort(times, kind="stable"))
    return whole


def encode(columns: Columns) -> bytes:
    """A block of 1 to 65,535 samples, by time."""
    n = len(columns)
    flags = 0
    parts: list[bytes] = []
    values = columns.values
    present = ~np.isnan(values)
    if not present.all():
        flags |= _ABSENT
        parts.append(np.packbits(present).tobytes())
        values = values[present]
    quality = columns.quality
    if quality[0] or np.any(quality[1:] != quality[:-1]):
        flags |= _RUNS
        starts = np.flatnonzero(np.concatenate(([True], quality[1:] != quality[:-1])))
        parts.append(struct.pack("<H", len(starts)))
        parts += [starts.astype("<u2").tobytes(), quality[starts].astype("<u4").tobytes()]
    texts = b""
    if columns.texts:
        flags |= _TEXTS
        used, places = np.unique(values.astype(np.int64), return_inverse=True)
        values = places.astype(np.float64)
        pieces = [columns.texts[place].encode() for place in used]
        texts = b"".join(struct.pack("<I", len(piece)) + piece for piece in pieces)
    body = b"".join([*parts, encode_times(columns.times), encode_numbers(values), texts])
    rest = _HEAD.pack(_VERSION, flags, n, len(texts), int(columns.times[0])) + zlib.compress(body, LEVEL)
    return struct.pack("<I", zlib.crc32(rest)) + rest


def decode(data: bytes) -> Columns:
    """The samples of a block.

    Raises:
        BlockDamaged: its checksum or its form is wrong.
    """
    try:
        (crc,) = struct.unpack_from("<I", data)
        if zlib.crc32(data[4:]) != crc:
            raise BlockDamaged("the checksum of the block is wrong")
        version, flags, n, texts_length, first_us = _HEAD.unpack_from(data, 4)
        if version != _VERSION:
            raise BlockDamaged(f"the block has version {version}, this program knows {_VERSION}")
        return _decode_body(zlib.decompress(data[4 + _HEAD.size :]), flags, n, texts_length, first_us)
    except (struct.error, zlib.error, ValueError, IndexError, KeyError) as error:
        if isinstance(error, BlockDamaged):
            raise
        raise BlockDamaged(f"the block cannot be read ({error})") from error


def _decode_body(body: bytes, flags: int, n: int, texts_length: int, first_us: int) -> Columns:
    place = 0
    present = None
    if flags & _ABSENT:
        length = (n + 7) // 8
        present = np.unpackbits(np.frombuffer(body, np.uint8, length), count=n).astype(bool)
        place = length
    quality = np.zeros(n, np.uint32)
    if flags & _RUNS:
        (count,) = struct.unpack_from("<H", body, place)
        starts = np.frombuffer(body, "<u2", count, place + 2).astype(np.intp)
        codes = np.frombuffer(body, "<u4", count, place + 2 + 2 * count)
        quality = np.repeat(codes, np.diff(starts, append=n)).astype(np.uint32)
        place += 2 + 6 * count
    times, place = decode_times(body, place, n, first_us)
    numbers, place = decode_numbers(body, place, n if present is None else int(present.sum()))
    texts = _decode_texts(body[place : place + texts_length]) if flags & _TEXTS else ()
    if present is None:
        return Columns(times, numbers, quality, texts)
    values = np.full(n, np.nan)
    values[present] = numbers
    return Columns(times, values, quality, texts)


def _decode_texts(data: bytes) -> tuple[str, ...]:
    texts, place = [], 0
    while place < len(data):
        (length,) = struct.unpack_from("<I", data, place)
        texts.append(data[place + 4 : place + 4 + length].decode())
        place += 4 + length
    return tuple(texts)


def encode_times(times: Integers) -> bytes:
    """A column of times that need not grow."""
    unit = next(unit for unit in _UNITS if unit == 1 or not np.any(times % unit))
    return _encode_integers(times // unit if unit > 1 else times, _UNITS.index(unit), first=False)


def decode_times(body: bytes, place: int, n: int, first_us: int) -> tuple[Integers, int]:
    """(times, place after them)."""
    integers, unit, place = _decode_integers(body, place, n)
    return integers * _UNITS[unit] + first_us, place


def encode_numbers(values: Floats) -> bytes:
    """A column of finite numbers, as decimals where they are, else with all their bits."""
    found = as_decimals(values)
    if found is None:
        raw = _shuffled(np.ascontiguousarray(values, "<f8"), 8)
        return _COLUMN.pack(0, 0, len(raw), 0) + raw
    integers, decimals = found
    return _encode_integers(integers, decimals, first=True)


def decode_numbers(body: bytes, place: int, n: int) -> tuple[Floats, int]:
    """(numbers, place after them)."""
    width, decimals, length, _ = _COLUMN.unpack_from(body, place)
    if width:
        integers, _, place = _decode_integers(body, place, n)
        return (integers / 10.0**decimals if decimals else integers.astype(np.float64)), place
    place += _COLUMN.size
    raw = _unshuffled(body[place : place + length], 8).view("<f8")
    if len(raw) != n:
        raise BlockDamaged("a column of the block is too short")
    return raw, place + length


def as_decimals(values: Floats) -> tuple[Integers, int] | None:
    """(integers, decimals) with value = integer / 10**decimals for all values, or None."""
    if not len(values):
        return np.empty(0, np.int64), 0
    some = values[:: max(1, len(values) // 16)]  # most scales fall through on a few values already
    for decimals in range(DECIMALS_MAX + 1):
        if _scaled(some, 10.0**decimals) is not None:
            scaled = _scaled(values, 10.0**decimals)
            if scaled is not None:
                return scaled.astype(np.int64), decimals
    return None


def _scaled(values: Floats, factor: float) -> Floats | None:
    if np.abs(values).max() >= _INTEGER_MAX / factor:
        return None
    scaled = np.rint(values * factor)
    off = np.abs(scaled / factor - values)
    if (off <= np.abs(values) * _TOLERANCE).all() and not (off[np.abs(scaled) > _SURE_MAX] > 0).any():
        return scaled
    return None


def _encode_integers(integers: Integers, how: int, *, first: bool) -> bytes:
    n = len(integers)
    start = int(integers[0]) if n else 0
    differences = integers[1:] - integers[:-1]  # of 64 bits: what overflows comes back by the same way
    low, high = (int(differences.min()), int(differences.max())) if n > 1 else (0, 0)
    width = next(width for width, kind in _WIDTHS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    raw = _shuffled(differences.astype(_TYPES[width]), width)
    return _COLUMN.pack(width, how, len(raw), start if first else 0) + raw


def _decode_integers(body: bytes, place: int, n: int) -> tuple[Integers, int, int]:
    width, how, length, start = _COLUMN.unpack_from(body, place)
    place += _COLUMN.size
    differences = _unshuffled(body[place : place + length], width).view(_TYPES[width])
    if len(differences) != max(n - 1, 0):
        raise BlockDamaged("a column of the block is too short")
    integers = np.empty(n, np.int64)
    if n:
        integers[0] = start
        np.cumsum(differences, out=integers[1:], dtype=np.int64)
        integers[1:] += start
    return integers, how, place + length


def _shuffled(numbers: npt.NDArray[Any], width: int) -> bytes:
    """The bytes by weight: all lowest bytes, then all second bytes and so on."""
    if width == 1:
        return numbers.tobytes()
    return numbers.view(np.uint8).reshape(-1, width).T.tobytes()


def _unshuffled(data: bytes, width: int) -> npt.NDArray[np.uint8]:
    flat = np.frombuffer(data, np.uint8)
    return flat if width == 1 else np.ascontiguousarray(flat.reshape(width, -1).T).reshape(-1)
