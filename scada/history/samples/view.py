"""One look at all samples: blocks and roll-ups in the database, what is hot, what waits on disk, corrections.

A view shows one moment of the database and of the memory together: nothing is seen twice, nothing is missed
while blocks are being made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import structlog
from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.exc import SQLAlchemyError

from scada.core.value import Kind, Quality
from scada.history.samples import hot as memory
from scada.history.samples import tables
from scada.history.samples.batch import Batch
from scada.history.samples.buckets import DAY_US, Buckets, unpack
from scada.history.samples.codec import EMPTY, BlockDamaged, Columns, decode, join
from scada.history.samples.engine import HistoryAway
from scada.history.samples.spill import Record, Spill, read_segment
from scada.history.samples.store import SampleStore

AWAY = int(Quality.BAD_NO_COMMUNICATION)
DAMAGED = int(Quality.BAD_NO_DATA)
MONTH_US_MAX = 31 * DAY_US
SEGMENTS_SHOWN = 4
"""Of what waits on disk the newest so many segments are shown; the rest when the database has it."""
TIME_MIN, TIME_MAX = -(2**63), 2**63 - 1

log = structlog.get_logger()
_told: set[tuple[int, int, int]] = set()
"""Damaged blocks that were named in the log already."""


class View:
    """See the module. Use `look`.

    Attributes:
        connection: None while the database is away.
        meta: rows of `history_meta`.
    """

    def __init__(
        self,
        store: SampleStore | None,
        connection: Connection | None,
        batches: tuple[Batch, ...],
        written: int,
        meta: dict[str, str],
        spill: Spill | None,
    ) -> None:
        self.store = store
        self.connection = connection
        self.batches = batches
        self.written = written
        self.meta = meta
        self._spill = spill
        self._waiting: list[Record] | None = None

    def entries(self, path: str) -> list[tuple[int, str]]:
        """(number, kind) of what a path stands for; -1 of a tag that the database does not know yet."""
        known = self.store.entries(path) if self.store is not None else []
        kinds = {kind for _, kind in known}
        more = {key[1] for record in self._records() for key in record.keys if key[0] == path} - kinds
        return known + [(-1, kind) for kind in sorted(more)]

    def raw(self, path: str, entry: tuple[int, str], from_us: int, to_us: int) -> Columns:
        """Samples in `from_us <= time < to_us`, by time, as corrected."""
        tag_id, kind = entry
        text = kind == Kind.TEXT.value
        parts: list[Columns] = []
        if tag_id >= 0:
            parts += self._blocks(tag_id, from_us, to_us)
            parts.append(memory.of_tag(self.batches, tag_id, from_us, to_us, text=text)[0])
        parts += self._waiting_of(path, kind, from_us, to_us)
        whole = join(parts)
        if self.connection is None and from_us < to_us:
            gap = Columns(np.array([from_us]), np.array([np.nan]), np.array([AWAY], np.uint32))
            whole = join([gap, whole])
        return self._corrected(tag_id, whole, from_us, to_us, text=text) if tag_id >= 0 else whole

    def before(self, path: str, entry: tuple[int, str], at_us: int) -> Columns:
        """The newest sample before a moment, if there is one."""
        tag_id, kind = entry
        low = at_us
        if tag_id >= 0 and self.connection is not None:
            table = tables.block
            mine = (table.c.tag_id == tag_id, table.c.t0 < at_us)
            newest = self.connection.scalar(
                select(table.c.t0).where(*mine).order_by(table.c.t0.desc()).limit(1)
            )
            if newest is None:
                table = tables.correction
                newest = self.connection.scalar(
                    select(table.c.time_us)
                    .where(table.c.tag_id == tag_id, table.c.time_us < at_us)
                    .order_by(table.c.time_us.desc())
                    .limit(1)
                )
            low = min(low, newest) if newest is not None else low
        if tag_id >= 0:
            _, found = memory.of_tag(self.batches, tag_id, at_us, at_us, text=kind == Kind.TEXT.value)
            low = min(low, int(found.times[0])) if len(found) else low
        for part in self._waiting_of(path, kind, TIME_MIN, at_us):
            low = min(low, int(part.times[-1])) if len(part) else low
        if low >= at_us:
            return EMPTY
        found = self.raw(path, entry, low, at_us)
        return found.part(slice(len(found) - 1, len(found))) if len(found) else EMPTY

    def days(self, tag_id: int, from_us: int, to_us: int, *columns: Any) -> Sequence[Row[Any]]:
        """Rows of `rollup_day` in `from_us <= t0 < to_us`."""
        table = tables.day
        if self.connection is None or tag_id < 0:
            return []
        return self.connection.execute(
            select(table.c.t0, *columns)
            .where(table.c.tag_id == tag_id, table.c.t0 >= from_us, table.c.t0 < to_us)
            .order_by(table.c.t0)
        ).all()

    def minutes(self, tag_id: int, from_us: int, to_us: int) -> Iterator[tuple[int, bytes]]:
        """(day, data) of `rollup_minute`."""
        table = tables.minute
        if self.connection is None or tag_id < 0:
            return
        for row in self.connection.execute(
            select(table.c.t0, table.c.data)
            .where(table.c.tag_id == tag_id, table.c.t0 >= from_us, table.c.t0 < to_us)
            .order_by(table.c.t0)
        ):
            yield row.t0, row.data

    def dirty(self, tag_id: int, from_us: int, to_us: int) -> set[int]:
        """Days whose roll-ups do not tell all."""
        table = tables.dirty
        days = {day for day in memory.days_of(self.batches, tag_id) if from_us <= day < to_us}
        if self.connection is not None:
            days.update(
                self.connection.scalars(
                    select(table.c.t0).where(
                        table.c.tag_id == tag_id, table.c.t0 >= from_us, table.c.t0 < to_us
                    )
                )
            )
        return days

    def raw_from(self, tag_id: int) -> int:
        """From when on samples of the tag's class are kept; before there are only roll-ups."""
        if self.store is None or tag_id < 0:
            return TIME_MIN
        return int(self.meta.get(f"raw_from.{self.store.retention_of(tag_id)}", TIME_MIN))

    def _blocks(self, tag_id: int, from_us: int, to_us: int) -> list[Columns]:
        if self.connection is None:
            return []
        table = tables.block
        rows = self.connection.execute(
            select(table.c.t0, table.c.seq, table.c.data)
            .where(
                table.c.tag_id == tag_id,
                table.c.t0 < to_us,
                table.c.t0 >= max(from_us - MONTH_US_MAX, TIME_MIN),
                table.c.t1 >= from_us,
            )
            .order_by(table.c.seq)
        )
        parts = []
        for t0, seq, data in rows:
            try:
                part = decode(data)
            except BlockDamaged as error:
                if (tag_id, t0, seq) not in _told and len(_told) < 10_000:
                    _told.add((tag_id, t0, seq))
                    log.error("history_block_damaged", tag=tag_id, at=_moment(t0), why=str(error))
                part = Columns(np.array([t0]), np.array([np.nan]), np.array([DAMAGED], np.uint32))
            if part.times[0] < from_us or part.times[-1] >= to_us:
                low, high = np.searchsorted(part.times, (from_us, to_us))
                part = part.part(slice(int(low), int(high)))
            parts.append(part)
        return parts

    def _corrected(self, tag_id: int, whole: Columns, from_us: int, to_us: int, *, text: bool) -> Columns:
        if self.connection is None:
            return whole
        table = tables.correction
        newest: dict[int, Any] = {}
        for row in self.connection.execute(
            select(table)
            .where(table.c.tag_id == tag_id, table.c.time_us >= from_us, table.c.time_us < to_us)
            .order_by(table.c.id)
        ):
            newest[row.time_us] = row
        if not newest:
            return whole
        times = np.array(sorted(newest), np.int64)
        pool: dict[str, int] = {}
        values = [
            np.nan
            if (newest[at].text if text else newest[at].value) is None
            else float(pool.setdefault(newest[at].text, len(pool)) if text else newest[at].value)
            for at in times.tolist()
        ]
        quality = np.array([newest[at].quality for at in times.tolist()], np.uint32)
        put = Columns(times, np.array(values, np.float64), quality, tuple(pool))
        return join([whole.part(~np.isin(whole.times, times)), put])

    def _records(self) -> list[Record]:
        """What waits on disk and is not in the database yet."""
        if self._waiting is None:
            self._waiting = [
                found
                for path in (self._spill.segments()[-SEGMENTS_SHOWN:] if self._spill is not None else ())
                for _, found in read_segment(path)
                if isinstance(found, Record) and found.number > self.written
            ]
        return self._waiting

    def _waiting_of(self, path: str, kind: str, from_us: int, to_us: int) -> Iterator[Columns]:
        for record in self._records():
            place = next((n for n, key in enumerate(record.keys) if key[:2] == (path, kind)), None)
            if place is None:
                continue
            which = np.flatnonzero(record.batch.ids == place)
            if not len(which):
                continue
            low, high = int(which[0]), int(which[-1]) + 1
            batch = record.batch.part(slice(low, high)).part(record.batch.ids[low:high] == place)
            columns, _ = memory.of_tag((batch,), place, from_us, to_us, text=kind == Kind.TEXT.value)
            yield columns


@contextmanager
def look(store: SampleStore | None, engine: Engine | None, spill: Spill | None) -> Iterator[View]:
    """A view of this moment. While the database is away it shows what is in memory and on this disk."""
    connection = None
    try:
        if engine is not None:
            try:
                connection = engine.connect()
            except (SQLAlchemyError, HistoryAway):
                connection = None
        meta: dict[str, str] = {}
        if store is None:
            yield View(None, None, (), 0, {}, spill)
            return
        with store.lock:
            if connection is not None:
                # The first query: from now on the transaction shows this moment.
                table = tables.meta
                meta = dict(connection.execute(select(table.c.key, table.c.value)).all())
            view = View(store, connection, store.hot.batches, store.written, meta, spill)
        yield view
    finally:
        if connection is not None:
            connection.close()


def buckets_of(rows: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Buckets | None]]:
    """(day, its buckets, None where they are damaged)."""
    for day, data in rows:
        try:
            yield day, unpack(data, day)
        except BlockDamaged as error:
            log.error("history_rollup_damaged", day=_moment(day), why=str(error))
            yield day, None


def _moment(time_us: int) -> str:
    try:
        return datetime.fromtimestamp(time_us / 1_000_000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return str(time_us)
