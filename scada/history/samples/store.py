"""The one writer of the sample store: dictionary, journal, blocks. Called on one thread.

A batch is one row of the journal, and in memory for queries (`hot`). When enough has gathered it is made into
blocks, in one transaction with the marks of the days whose roll-ups have to be worked out anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, bindparam, delete, event, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from scada.core.value import Kind, TimeUs, Value
from scada.history.samples import tables
from scada.history.samples.batch import Batch, pack, unpack
from scada.history.samples.buckets import DAY_US
from scada.history.samples.codec import BLOCK_MAX, BlockDamaged, Columns, encode
from scada.history.samples.engine import Place, prepare, writer_engine
from scada.history.samples.hot import Hot
from scada.history.samples.partitions import make_partitions, months_of

HOT_MAX = 4_000_000
"""Samples in memory and in the journal at which blocks are made, whatever their size: some 100 MB."""
HOT_SOON = 512
"""Blocks are made once there are so many samples a tag: full blocks."""
HOT_AGE_US = DAY_US
"""A sample is in a block after a day at the latest."""
BLOCK_MIN = 256
"""A tag with fewer waits for the next time, as long as there is room."""
INSERT_ROWS = 500
JOURNAL_ROW = 50_000

Key = tuple[str, str, str]
"""(path, kind, retention class) of a tag."""


class SampleStore:
    """Samples in a database.

    Args:
        hot_max: see `HOT_MAX`.

    Raises:
        HistoryAway, StartError: see `engine.prepare`.

    Attributes:
        lock: held while a transaction and what queries see of it (`hot`, `written`) change together.
        written: number of the newest batch that is in the database.
    """

    def __init__(self, place: Place, *, hot_max: int = HOT_MAX) -> None:
        self.place = place
        self.engine: Engine = writer_engine(place)
        try:
            prepare(place, self.engine)
            self.lock = threading.Lock()
            self.hot = Hot()
            self.hot_max = hot_max
            self.written = 0
            self._sequence = 0
            self.damaged: list[str] = []
            self._ids: dict[tuple[str, str], int] = {}
            self._classes: dict[int, str] = {}
            self._kinds: dict[int, str] = {}
            self._block_us: dict[int, int] = {}
            self._text_ids: set[int] = set()
            self._months: set[int] = set()
            self._load()
        except BaseException:
            self.engine.dispose()
            raise

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def ids(self, keys: Sequence[Key]) -> list[int]:
        """Numbers of tags in the dictionary; new ones are entered, all in one transaction."""
        new = {(path, kind): retention for path, kind, retention in keys if (path, kind) not in self._ids}
        moved = [
            {"b_id": self._ids[path, kind], "b_class": retention}
            for path, kind, retention in keys
            if (path, kind) in self._ids and self._classes[self._ids[path, kind]] != retention
        ]
        if new or moved:
            with self.engine.begin() as connection:
                if new:
                    rows = [{"path": p, "kind": k, "retention": r} for (p, k), r in new.items()]
                    connection.execute(insert(tables.tag), rows)
                if moved:
                    connection.execute(
                        update(tables.tag)
                        .where(tables.tag.c.id == bindparam("b_id"))
                        .values(retention=bindparam("b_class")),
                        moved,
                    )
            # Only now: a commit that failed must leave no numbers behind that another tag will get.
            with self.engine.connect() as connection:
                self._load_dictionary(connection)
        return [self._ids[path, kind] for path, kind, _ in keys]

    def entries(self, path: str) -> list[tuple[int, str]]:
        """(number, kind) of what a path stands for, oldest first: its kind may have changed."""
        return sorted(
            (self._ids[path, kind.value], kind.value) for kind in Kind if (path, kind.value) in self._ids
        )

    def partition(self, connection: Connection, months: set[int]) -> None:
        """See that there are partitions for these months."""
        made = make_partitions(connection, months, self._months)
        if made != self._months:
            event.listen(connection, "commit", lambda _connection: self._months.update(made), once=True)

    def kind_of(self, tag_id: int) -> str:
        """What sort of value a tag holds."""
        return self._kinds[tag_id]

    def retention_of(self, tag_id: int) -> str:
        """The class of a tag."""
        return self._classes[tag_id]

    def write(self, batch: Batch, number: int) -> bool:
        """Take a batch in, once: False if its number is not above that of the last one."""
        if number <= self.written:
            return False
        with self.engine.begin() as connection:
            if len(batch):
                connection.execute(insert(tables.hot), [_journal_row(batch)])
            self._set_written(connection, number)
        with self.lock:
            if len(batch):
                self.hot.add(batch)
            self.written = number
        return True

    def due(self, now_us: TimeUs) -> bool:
        """Whether blocks should be made."""
        hot = self.hot
        if not hot.count:
            return False
        enough = min(self.hot_max, max(HOT_SOON * max(len(self._active()), 1), self.hot_max // 20))
        return hot.count >= enough or now_us - self._oldest() > HOT_AGE_US + DAY_US // 24

    def compact(self, now_us: TimeUs, *, everything: bool = False) -> int:
        """Make blocks of what has gathered; returns how many.

        Args:
            everything: also of tags with few samples.
        """
        whole = self.hot.whole()
        if whole is None:
            return 0
        stretches = whole.stretches()
        least = 1 if everything else self._least([high - low for _, low, high in stretches])
        old_us = now_us - HOT_AGE_US
        rows: list[dict[str, Any]] = []
        stays = np.zeros(len(whole), bool)
        news: list[dict[str, Any]] = []
        days: set[tuple[int, int]] = set()
        self._sequence = sequence = max(self._sequence + 1, self.written, now_us)
        for tag_id, low, high in stretches:
            if high - low < least and int(whole.times[low:high].min()) > old_us:
                stays[low:high] = True
                continue
            columns = whole.cut(low, high, text=tag_id in self._text_ids)
            made = self._blocks(tag_id, columns, sequence)
            rows += made
            if tag_id not in self._text_ids:
                days.update((tag_id, day) for day in (np.unique(columns.times // DAY_US) * DAY_US).tolist())
            news.append(_newest(tag_id, columns, max(row["t1"] for row in made)))
        rest = [whole.part(stays)] if stays.any() else []
        with self.engine.connect() as connection:
            self.partition(connection, months_of(row["t0"] for row in rows))
            insert_many(connection, tables.block, rows)
            self.mark_dirty(connection, days)
            self._note_newest(connection, news)
            connection.execute(delete(tables.hot))
            for batch in rest:
                connection.execute(insert(tables.hot), [_journal_row(piece) for piece in _pieces(batch)])
            self.lock.acquire()  # from before the commit until the memory agrees, no query begins
            try:
                connection.commit()
                self.hot.replace(rest)
            finally:
                self.lock.release()
        for row in news:
            self._block_us[row["b_id"]] = max(
                row["block_us"], self._block_us.get(row["b_id"], row["block_us"])
            )
        return len(rows)

    def mark_dirty(self, connection: Connection, days: Iterable[tuple[int, int]]) -> None:
        """The roll-ups of these (tag, day) no longer tell all."""
        rows = [{"tag_id": tag_id, "t0": day} for tag_id, day in sorted(days)]
        make = sqlite_insert if self.place.url is None else postgresql_insert
        statement = make(tables.dirty).on_conflict_do_nothing()
        for at in range(0, len(rows), INSERT_ROWS):
            connection.execute(statement, rows[at : at + INSERT_ROWS])

    def last_values(self) -> list[tuple[str, Value, TimeUs]]:
        """(path, value, time) of the newest sample of each tag that has one with a value."""
        found: dict[str, tuple[Value, TimeUs]] = {}

        def offer(path: str, value: Value, time_us: int) -> None:
            if path not in found or found[path][1] <= time_us:
                found[path] = (value, time_us)

        names: dict[int, tuple[str, str]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(select(tables.tag).order_by(tables.tag.c.id)):
                names[row.id] = (row.path, row.kind)
                if row.last_us is not None:
                    offer(row.path, to_value(row.kind, row.last_value, row.last_text), row.last_us)
        whole = self.hot.whole()
        for tag_id, low, high in whole.stretches() if whole is not None else ():
            path, kind = names[tag_id]
            newest = _newest(tag_id, whole.cut(low, high, text=kind == Kind.TEXT.value), 0)  # type: ignore[union-attr]
            if newest["last_us"] is not None:
                offer(path, to_value(kind, newest["last_value"], newest["last_text"]), newest["last_us"])
        return [(path, value, time_us) for path, (value, time_us) in found.items()]

    def _load(self) -> None:
        with self.engine.connect() as connection:
            self._load_dictionary(connection)
            written = connection.scalar(select(tables.meta.c.value).where(tables.meta.c.key == "written"))
            self.written = int(written or 0)
            for row in connection.execute(select(tables.hot).order_by(tables.hot.c.id)):
                try:
                    self.hot.add(unpack(row.data))
                except BlockDamaged as error:
                    # It stays in the database for whoever can read it; `scada history check` names it.
                    self.damaged.append(f"row {row.id} of the journal ({row.n} samples): {error}")
            connection.rollback()

    def _load_dictionary(self, connection: Connection) -> None:
        table = tables.tag
        for row in connection.execute(
            select(table.c.id, table.c.path, table.c.kind, table.c.retention, table.c.block_us)
        ):
            self._ids[row.path, row.kind] = row.id
            self._classes[row.id] = row.retention
            self._kinds[row.id] = row.kind
            if row.block_us is not None:
                self._block_us[row.id] = row.block_us
            if row.kind == Kind.TEXT.value:
                self._text_ids.add(row.id)
        self.hot.text_ids = np.array(sorted(self._text_ids), np.int32)

    def _set_written(self, connection: Connection, number: int) -> None:
        connection.execute(
            update(tables.meta).where(tables.meta.c.key == "written").values(value=str(number))
        )

    def _active(self) -> npt.NDArray[np.int32]:
        return np.unique(np.concatenate([np.unique(batch.ids) for batch in self.hot.batches]))

    def _oldest(self) -> int:
        # Of the first batch: what came late may be much older, and is no reason to hurry.
        return int(self.hot.batches[0].times.max())

    def _least(self, sizes: Sequence[int]) -> int:
        """From how many samples on a tag gets blocks now, so that at most half of what memory may hold stays."""
        counts = np.array(sizes)
        for least in (BLOCK_MIN, 64, 16):
            if counts[counts < least].sum() <= self.hot_max // 2:
                return least
        return 1

    def _blocks(self, tag_id: int, columns: Columns, sequence: int) -> list[dict[str, Any]]:
        """Rows: late samples apart from those that follow what is in blocks, none across the end of a month."""
        if np.any(columns.times[1:] < columns.times[:-1]):
            columns = columns.part(np.argsort(columns.times, kind="stable"))
        late = int(np.searchsorted(columns.times, self._block_us.get(tag_id, -(2**63)), side="left"))
        months = columns.times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
        cuts = {0, late, len(columns), *(np.flatnonzero(np.diff(months)) + 1).tolist()}
        ends = sorted(cuts)
        rows = []
        for low, high in pairwise(ends):
            pieces = -(-(high - low) // BLOCK_MAX)
            bounds = [low + (high - low) * k // pieces for k in range(pieces + 1)]
            rows += [block_row(tag_id, columns.part(slice(a, b)), sequence) for a, b in pairwise(bounds)]
        # Blocks that begin at the same moment need different numbers.
        for place, row in enumerate(rows):
            row["seq"] = sequence * 1_000 + place
        return rows

    def _note_newest(self, connection: Connection, news: list[dict[str, Any]]) -> None:
        table = tables.tag
        blocks = [{"b_id": row["b_id"], "b_us": row["block_us"]} for row in news]
        if blocks:
            connection.execute(
                update(table)
                .where(
                    table.c.id == bindparam("b_id"),
                    table.c.block_us.is_(None) | (table.c.block_us < bindparam("b_us")),
                )
                .values(block_us=bindparam("b_us")),
                blocks,
            )
        lasts = [row for row in news if row["last_us"] is not None]
        if lasts:
            connection.execute(
                update(table)
                .where(
                    table.c.id == bindparam("b_id"),
                    table.c.last_us.is_(None) | (table.c.last_us <= bindparam("b_last")),
                )
                .values(
                    last_us=bindparam("b_last"),
                    last_value=bindparam("b_value"),
                    last_text=bindparam("b_text"),
                ),
                [
                    {
                        "b_id": row["b_id"],
                        "b_last": row["last_us"],
                        "b_value": row["last_value"],
                        "b_text": row["last_text"],
                    }
                    for row in lasts
                ],
            )


def block_row(tag_id: int, columns: Columns, sequence: int) -> dict[str, Any]:
    """A row of `history_block`."""
    values = columns.values if not columns.texts else columns.values[:0]
    values = values[~np.isnan(values)]
    some = len(values) > 0
    return {
        "tag_id": tag_id,
        "t0": int(columns.times[0]),
        "seq": sequence,
        "t1": int(columns.times[-1]),
        "n": len(columns),
        "vmin": float(values.min()) if some else None,
        "vmax": float(values.max()) if some else None,
        "vavg": _mean(values) if some else None,
        "quality": int(columns.quality.max()),
        "data": encode(columns),
    }


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(values.mean())
    return mean if np.isfinite(mean) else None


def insert_many(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows in portions of a bounded size."""
    statement = insert(table)
    for at in range(0, len(rows), INSERT_ROWS):
        connection.execute(statement, rows[at : at + INSERT_ROWS])


def to_value(kind: str, value: float | None, text: str | None) -> Value:
    """A value as its tag holds it."""
    if kind == Kind.TEXT.value:
        return text
    if value is None:
        return None
    return bool(value) if kind == Kind.BIT.value else value


def _newest(tag_id: int, columns: Columns, block_us: int) -> dict[str, Any]:
    present = np.flatnonzero(~np.isnan(columns.values))
    if not len(present):
        return {"b_id": tag_id, "block_us": block_us, "last_us": None, "last_value": None, "last_text": None}
    times = columns.times[present]
    at = present[len(times) - 1 - int(np.argmax(times[::-1]))]
    value = float(columns.values[at])
    return {
        "b_id": tag_id,
        "block_us": block_us,
        "last_us": int(columns.times[at]),
        "last_value": None if columns.texts else value,
        # PostgreSQL takes no NUL in a text; the block has it as it came.
        "last_text": columns.texts[int(value)].replace("\0", "\ufffd") if columns.texts else None,
    }


def _journal_row(batch: Batch) -> dict[str, Any]:
    return {
        "n": len(batch),
        "t0": int(batch.times.min()),
        "t1": int(batch.times.max()),
        "data": pack(batch),
    }


def _pieces(batch: Batch) -> list[Batch]:
    return [batch.part(slice(at, at + JOURNAL_ROW)) for at in range(0, len(batch), JOURNAL_ROW)]
