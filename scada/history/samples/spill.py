"""Samples that wait on disk while the database is away: files of numbered records, in order, each with a checksum.

A record names its tags itself, for the numbers of tags are the database's. What is written survives the end of
the process at any moment; a record that was cut off is the last of its file and was never acknowledged.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson

from scada.history.samples.batch import Batch, pack, unpack
from scada.history.samples.codec import BlockDamaged
from scada.history.samples.store import Key

SEGMENT_BYTES_MAX = 4 * 2**20
RECORD_BYTES_MAX = 64 * 2**20
_MAGIC = b"SPL1"
_HEAD = struct.Struct("<4sIIQI")
"""magic, length of the rest, its CRC-32, number, length of the names."""


@dataclass(frozen=True, slots=True)
class Record:
    """A batch with the names of its tags: `keys[batch.ids[i]]` is the tag of sample i."""

    number: int
    keys: list[Key]
    batch: Batch


class Spill:
    """A folder of segments.

    Args:
        bytes_max: bound of all together; past it the oldest segment is given up and its samples counted.

    Attributes:
        dropped: samples given up.
        damaged: what could not be read, in words.
    """

    def __init__(self, folder: Path, bytes_max: int, *, segment_bytes_max: int = SEGMENT_BYTES_MAX) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._segment_max = segment_bytes_max
        self._file: BinaryIO | None = None
        self._sizes: dict[Path, int] = {}
        self.dropped = 0
        self.damaged: list[str] = []
        if folder.is_dir():
            self._sizes = {path: path.stat().st_size for path in sorted(folder.glob("*.spill"))}

    @property
    def bytes(self) -> int:
        """On disk now."""
        return sum(self._sizes.values())

    @property
    def empty(self) -> bool:
        """Nothing waits."""
        return not self._sizes

    def append(self, record: Record) -> None:
        """Write a record behind the others.

        Raises:
            OSError: it is not written; what was written before stands.
        """
        used, places = np.unique(record.batch.ids, return_inverse=True)
        names = orjson.dumps([record.keys[place] for place in used])
        data = pack(replace(record.batch, ids=places.astype(np.int32)))
        rest = names + data
        whole = _HEAD.pack(_MAGIC, len(rest), zlib.crc32(rest), record.number, len(names)) + rest
        path = self._open(record.number)
        assert self._file is not None
        try:
            self._file.write(whole)
            self._file.flush()
        except OSError:
            # The rest of a record that did not fit would hide what comes behind it.
            self._abandon(path)
            raise
        self._sizes[path] += len(whole)
        if self._sizes[path] >= self._segment_max:
            self.rotate()
        self._give_up()

    def rotate(self) -> None:
        """The next record begins a new segment."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def oldest(self) -> Path | None:
        """The segment to be read next; it is not written to any more."""
        if not self._sizes:
            return None
        path = next(iter(self._sizes))
        if len(self._sizes) == 1:
            self.rotate()
        return path

    def remove(self, path: Path) -> None:
        """A segment is in the database."""
        path.unlink(missing_ok=True)
        self._sizes.pop(path, None)

    def segments(self) -> list[Path]:
        """All, oldest first."""
        return list(self._sizes)

    def read(self, path: Path) -> Iterator[Record]:
        """The records of a segment, in order. What is damaged is named in `damaged` and left out."""
        for place, found in read_segment(path):
            if isinstance(found, Record):
                yield found
            else:
                said = f"{path.name} at {place}: {found}"
                if said not in self.damaged:
                    self.damaged.append(said)

    def close(self) -> None:
        """Close the file that is written."""
        self.rotate()

    def _open(self, number: int) -> Path:
        if self._file is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path = self._folder / f"{number:020}.spill"
            self._file = path.open("ab")
            self._sizes[path] = path.stat().st_size
        return next(reversed(self._sizes))

    def _abandon(self, path: Path) -> None:
        assert self._file is not None
        with contextlib.suppress(OSError):
            self._file.truncate(self._sizes[path])
        with contextlib.suppress(OSError):
            self._file.close()
        self._file = None

    def _give_up(self) -> None:
        while self.bytes > self._bytes_max and len(self._sizes) > 1:
            path = next(iter(self._sizes))
            self.dropped += sum(len(record.batch) for record in self.read(path))
            self.remove(path)


def read_segment(path: Path) -> Iterator[tuple[int, Record | str]]:
    """(place, record or what is wrong with it) of a file."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    place = 0
    while place < len(data):
        if len(data) - place < _HEAD.size:
            return  # cut off while it was written
        magic, length, crc, number, names_length = _HEAD.unpack_from(data, place)
        if magic != _MAGIC or length > RECORD_BYTES_MAX:
            yield place, "no record begins here"
            place = data.find(_MAGIC, place + 1)
            if place < 0:
                return
            continue
        rest = data[place + _HEAD.size : place + _HEAD.size + length]
        if len(rest) < length:
            return
        if zlib.crc32(rest) != crc:
            yield place, "the checksum of a record is wrong"
            place = data.find(_MAGIC, place + 1)
            if place < 0:
                return
            continue
        try:
            keys: list[Key] = [(path_, kind, name) for path_, kind, name in orjson.loads(rest[:names_length])]
            yield place, Record(number, keys, unpack(rest[names_length:]))
        except (BlockDamaged, ValueError) as error:
            yield place, str(error)
        place += _HEAD.size + length
