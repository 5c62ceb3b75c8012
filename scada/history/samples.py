"""Samples of tags into `history.db`, by a thread of its own.

`append` only puts into a queue: the plant never waits for this disk. While the disk refuses, the queue keeps
what it has up to its bound, then gives up the oldest and counts it (`dropped`).
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import structlog
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import SQLAlchemyError

from scada.core.database import Sample
from scada.core.ports import Point
from scada.core.tag import Tag
from scada.core.value import Kind, TimeUs, Value
from scada.history import schema
from scada.history.database import make_engine, open_database, prepare_directory
from scada.history.fit import fit

QUEUE_MAX = 500_000
"""Samples that may wait for the disk; past it the oldest are given up."""
FLUSH_EVERY_S = 1.0
FLUSH_ROWS = 5_000
"""So many waiting samples are written before the second is over."""
TRANSACTION_ROWS_MAX = 50_000
RETRY_FIRST_S = 0.5
RETRY_MAX_S = 30.0
CLOSE_TIMEOUT_S = 10.0
READERS = 3

_INSERT = "INSERT INTO sample_hot (tag_id, time_us, value, text, quality) VALUES (?, ?, ?, ?, ?)"

_Row = tuple[int, int, float | None, str | None, int]

_LOW, _HIGH = float("-inf"), float("inf")
_TIME_MIN, _TIME_MAX = -(2**63), 2**63

log = structlog.get_logger()


class SampleWriter:
    """Implements `scada.core.ports.SampleSink`, and reads back what it wrote.

    Args:
        directory: the project's `data` folder.

    Raises:
        StartError: see `scada.history.store.open_core`.

    Attributes:
        dropped: samples given up because the queue was full.
        failing: whether the last write failed.
    """

    def __init__(self, directory: Path, *, queue_max: int = QUEUE_MAX) -> None:
        prepare_directory(directory)
        path = directory / "history.db"
        self._engine = open_database(
            path, schema.history, schema.history_version, schema.HISTORY_VERSION, "NORMAL"
        )
        self._reader = make_engine(path, "NORMAL", read_only=True, connections=READERS)
        self._queue: deque[Sample] = deque()
        self._queue_max = queue_max
        self._changed = threading.Condition()
        self._closing = False
        self._flush_now = False
        self._writing = False
        self._thread: threading.Thread | None = None
        self._ids: dict[tuple[str, str], int] = {}
        self._numeric: dict[Tag, int] = {}
        """Tags that hold numbers → id: the short way of nearly every sample."""
        self.dropped = 0
        self.failing = False

    def append(self, samples: Sequence[Sample]) -> None:
        """Take samples over. Never waits for the disk, never raises."""
        with self._changed:
            if self._closing:
                self.dropped += len(samples)
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="history", daemon=True)
                self._thread.start()
            self._queue.extend(samples)
            self._trim()
            if len(self._queue) >= FLUSH_ROWS:
                self._changed.notify()

    def flush(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Wait until what was appended is written; False if the time is over first."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._flush_now = True
            self._changed.notify_all()
            while self._queue or self._writing:
                left = deadline - time.monotonic()
                if left <= 0 or self._thread is None:
                    return False
                self._changed.wait(left)
        return True

    def close(self) -> None:
        """Write what waits, in at most `CLOSE_TIMEOUT_S`, and close the file."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT_S)
            if self._thread.is_alive():
                log.error("history_not_closed", waiting=len(self._queue))
                return
        self._reader.dispose()
        self._engine.dispose()

    def last_values(self) -> list[tuple[str, Value, TimeUs]]:
        """(path, value, time) of the newest sample of each tag that has one with a value."""
        table = schema.sample_hot
        newest = (
            select(table.c.time_us, table.c.value, table.c.text)
            .where(table.c.value.is_not(None) | table.c.text.is_not(None))
            .order_by(table.c.time_us.desc(), table.c.id.desc())
            .limit(1)
        )
        found: dict[str, tuple[Value, TimeUs]] = {}
        with self._reader.connect() as connection:
            for tag_id, path, kind in connection.execute(select(schema.tag).order_by(schema.tag.c.id)).all():
                row = connection.execute(newest.where(table.c.tag_id == tag_id)).one_or_none()
                if row is not None and (path not in found or found[path][1] <= row.time_us):
                    found[path] = (_to_value(kind, row.value, row.text), row.time_us)
        return [(path, value, time_us) for path, (value, time_us) in found.items()]

    def points(self, path: str, from_us: TimeUs, to_us: TimeUs, limit: int) -> list[Point]:
        """The newest `limit` samples of a tag in `from_us <= time < to_us`, oldest first. Blocks."""
        table = schema.sample_hot
        with self._reader.connect() as connection:
            tags = connection.execute(select(schema.tag).where(schema.tag.c.path == path)).all()
            rows = []
            for tag_id, _, kind in tags:
                query = (
                    select(table.c.time_us, table.c.id, table.c.value, table.c.text, table.c.quality)
                    .where(table.c.tag_id == tag_id, table.c.time_us >= from_us, table.c.time_us < to_us)
                    .order_by(table.c.time_us.desc(), table.c.id.desc())
                    .limit(limit)
                )
                rows += [(*row, kind) for row in connection.execute(query)]
        rows.sort(key=lambda row: (row[0], row[1]))
        return [
            Point(time_us, _to_value(kind, value, text), quality)
            for time_us, _, value, text, quality, kind in rows[-limit:]
        ]

    def _run(self) -> None:
        retry_s = RETRY_FIRST_S
        while True:
            batch = self._next_batch()
            if not batch:
                return
            try:
                self._write(batch)
            except (SQLAlchemyError, OSError) as error:
                self._failed(batch, error)
                with self._changed:
                    if self._closing:
                        return
                    self._changed.wait_for(lambda: self._closing, retry_s)
                retry_s = min(retry_s * 2, RETRY_MAX_S)
                continue
            except Exception:
                # Not the disk but the content: to try it again would hold up everything behind it.
                log.exception("history_batch_lost", samples=len(batch))
                self.dropped += len(batch)
                self._forget_ids()
            retry_s = RETRY_FIRST_S
            self._written()

    def _next_batch(self) -> list[Sample]:
        """What is to be written next; empty when the writer is closed and nothing waits."""

        def due() -> bool:
            return self._closing or self._flush_now or len(self._queue) >= FLUSH_ROWS

        with self._changed:
            while True:
                self._changed.wait_for(due, FLUSH_EVERY_S)
                self._flush_now = False
                if self._queue:
                    break
                self._changed.notify_all()
                if self._closing:
                    return []
            self._writing = True
            count = min(len(self._queue), TRANSACTION_ROWS_MAX)
            return [self._queue.popleft() for _ in range(count)]

    def _written(self) -> None:
        with self._changed:
            self._writing = False
            self._changed.notify_all()
        if self.failing:
            self.failing = False
            log.info("history_works_again", dropped=self.dropped)

    def _failed(self, batch: list[Sample], error: Exception) -> None:
        with self._changed:
            self._writing = False
            self._queue.extendleft(reversed(batch))
            self._trim()
        self._forget_ids()  # entries of the dictionary may have been rolled back
        if not self.failing:
            self.failing = True
            log.error("history_failed", error=str(error))

    def _forget_ids(self) -> None:
        self._ids.clear()
        self._numeric.clear()

    def _trim(self) -> None:
        excess = len(self._queue) - self._queue_max
        if excess > 0:
            for _ in range(excess):
                self._queue.popleft()
            self.dropped += excess

    def _write(self, batch: Sequence[Sample]) -> None:
        known = self._numeric
        with self._engine.begin() as connection:
            rows = [
                (known[sample[0]], sample[3], sample[1], None, sample[2])
                if sample[0] in known
                and type(sample[1]) is float
                and _LOW < sample[1] < _HIGH
                and _TIME_MIN < sample[3] < _TIME_MAX
                else self._to_row(connection, sample)
                for sample in batch
            ]
            connection.exec_driver_sql(_INSERT, rows)

    def _to_row(self, connection: Connection, sample: Sample) -> _Row:
        tag, value, quality, source_us = sample
        definition = tag.definition
        key = (tag.path, definition.kind.value)
        tag_id = self._ids.get(key) or self._new_id(connection, key)
        time_us = fit(source_us)
        if value is None:
            return tag_id, time_us, None, None, quality
        if definition.kind is Kind.TEXT:
            return tag_id, time_us, None, fit(str(value)), quality
        self._numeric[tag] = tag_id
        return tag_id, time_us, _to_float(value), None, quality

    def _new_id(self, connection: Connection, key: tuple[str, str]) -> int:
        path, kind = key
        table = schema.tag
        found = connection.scalar(select(table.c.id).where(table.c.path == path, table.c.kind == kind))
        if found is None:
            result = connection.execute(insert(table).values(path=path, kind=kind))
            found = result.inserted_primary_key[0]  # type: ignore[index]
        self._ids[key] = found
        return int(found)


def _to_float(value: bool | float | str) -> float | None:
    """A number for the file; what is none (NaN, infinity, too large) is kept as absent, its quality stands."""
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _to_value(kind: str, value: float | None, text: str | None) -> Value:
    if kind == Kind.TEXT.value:
        return text
    if value is None:
        return None
    return bool(value) if kind == Kind.BIT.value else value
