"""What PostgreSQL has for certain need not stay in `core.db` for ever: old rows are deleted, a batch at a time.

A row goes when it is older than the setting, closed, waits for no feeding and reads in PostgreSQL as it does here. It
goes in the transaction that raises the floor of its list, so that a reader sees both or neither. What a restart needs
stays. Rows that PostgreSQL refused stay too; with `KEPT_MAX` of them below a floor nothing is deleted any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Text,
    bindparam,
    cast,
    delete,
    func,
    select,
    tuple_,
)

from scada.charging.sessions import CLOSED_REMEMBERED
from scada.charging.visits import VISITS_REMEMBERED
from scada.core.records import AlarmState, TransactionState
from scada.core.value import TimeUs
from scada.history import schema
from scada.history.floors import (
    COMMANDS,
    JOURNAL,
    KEPT_MAX,
    LISTINGS,
    SESSIONS,
    VISITS,
    Floor,
    Listing,
    floor_of,
    raise_floor,
)

BATCH = 500
"""Rows of one transaction: it holds the lock of `core.db` for some 30 ms."""

Fit = Callable[[Any, Any], Any]
log = structlog.get_logger()


class Pruner:
    """Goes through the lists, batch after batch; for the feeder's thread.

    Args:
        writer: of `core.db`; rows are deleted under `lock`.
        reader: of `core.db`.
        target: of PostgreSQL.
        fit: (type of the column, value) → the value as PostgreSQL was given it.
    """

    def __init__(
        self, writer: Engine, reader: Engine, lock: threading.Lock, target: Engine, fit: Fit
    ) -> None:
        self._writer, self._reader, self._lock, self._target, self._fit = writer, reader, lock, target, fit
        self._todo: list[Listing] = []
        self._after: tuple[Any, ...] | None = None
        self._full: set[str] = set()

    def begin(self) -> None:
        """Begin at the oldest row of every list; one that goes on is not begun anew, or the last lists never had a turn."""
        if not self._todo:
            self._todo, self._after = list(LISTINGS), None

    def step(self, before_us: TimeUs) -> bool:
        """Delete one batch of what is older; False: that was all, until `begin`.

        Raises:
            SQLAlchemyError: PostgreSQL or the disk; nothing of the batch was deleted.
        """
        if not self._todo:
            return False
        listing = self._todo[0]
        with self._reader.connect() as connection:
            rows = connection.execute(_candidates(listing, before_us, self._after)).all()
            keys = [getattr(row, listing.key.name) for row in rows]
            figures = _figures(connection, keys) if listing is SESSIONS else {}
        if rows:
            self._after = (getattr(rows[-1], listing.time.name), keys[-1])
            held = self._held(listing, rows, figures)
            if held and not self._delete(listing, held, figures):
                rows = []  # of this list nothing more
        if len(rows) < BATCH:
            self._todo.pop(0)
            self._after = None
        return bool(self._todo)

    def _held(self, listing: Listing, rows: Sequence[Any], figures: Mapping[int, Any]) -> list[Any]:
        """Those of the rows that PostgreSQL has as they are, with their figures."""
        keys = [getattr(row, listing.key.name) for row in rows]
        with self._target.connect() as target:
            there = _by_key(target, listing.table, listing.key, keys)
            theirs = _figures(target, list(figures)) if figures else {}
        found = []
        for row in rows:
            key = getattr(row, listing.key.name)
            same = self._same(listing.table, row, there.get(key))
            if same and key in figures:
                same = self._same(schema.session_figures, figures[key], theirs.get(key))
            if same:
                found.append(row)
        return found

    def _same(self, table: Any, ours: Any, theirs: Any) -> bool:
        return theirs is not None and all(
            theirs._mapping[column.name] == self._fit(column.type, ours._mapping[column.name])
            for column in table.columns
        )

    def _delete(self, listing: Listing, rows: Sequence[Any], figures: Mapping[int, Any]) -> bool:
        """Delete what has not changed since; False: too much would be kept below the floor."""
        keys = [getattr(row, listing.key.name) for row in rows]
        chosen = {"chosen": keys}
        named = listing.key.in_(bindparam("chosen", expanding=True))
        waits = select(schema.feed.c.position).where(
            schema.feed.c.source == listing.table.name, schema.feed.c.row_key == cast(listing.key, Text)
        )
        changed_us = max(_changed(listing, row, figures) for row in rows)
        with self._lock, self._writer.begin() as connection:
            old = floor_of(connection, listing) or Floor(0, 0, 0)
            connection.execute(delete(listing.table).where(named, ~waits.exists()), chosen)
            if listing is SESSIONS and figures:
                own = schema.session_figures
                left = select(schema.transaction.c.id).where(schema.transaction.c.id == own.c.id)
                ids = own.c.id.in_(bindparam("chosen", expanding=True))
                connection.execute(delete(own).where(ids, ~left.exists()), chosen)
            floor = Floor(
                max([old.lead, *(getattr(row, listing.names[0]) + 1 for row in rows)]),
                max([old.time_us, *(getattr(row, listing.time.name) for row in rows)]),
                max(old.changed_us, changed_us),
            )
            raise_floor(connection, listing, floor)
            kept = select(func.count()).where(listing.lead < floor.lead)
            if (connection.scalar(kept) or 0) <= KEPT_MAX:
                self._full.discard(listing.table.name)
                return True
            connection.rollback()
        if listing.table.name not in self._full:
            self._full.add(listing.table.name)
            log.error("too_many_kept", table=listing.table.name, rows=KEPT_MAX)
        return False


def _candidates(listing: Listing, before_us: TimeUs, after: tuple[Any, ...] | None) -> Any:
    """The next rows that may go, oldest first."""
    feed, key = schema.feed.c, listing.key
    waits = select(feed.position).where(feed.source == listing.table.name, feed.row_key == cast(key, Text))
    query = select(listing.table).where(
        listing.time < before_us, ~waits.exists(), *_may_go(listing, before_us)
    )
    if after is not None:
        query = query.where(tuple_(listing.time, key) > tuple_(*after))
    return query.order_by(listing.time, key).limit(BATCH)


def _may_go(listing: Listing, before_us: TimeUs) -> list[ColumnElement[bool]]:
    t, v, c, alarm = schema.transaction, schema.visit, schema.command, schema.alarm_state
    feed = schema.feed.c
    if listing is SESSIONS:
        closed = t.c.state != TransactionState.OPEN.value
        other = t.alias("newest")  # an alias, or it would be taken for the row itself
        newest = select(other.c.id).where(other.c.state != TransactionState.OPEN.value)
        newest = newest.order_by(other.c.id.desc()).offset(CLOSED_REMEMBERED - 1).limit(1)
        figures = select(feed.position).where(
            feed.source == schema.session_figures.name, feed.row_key == cast(t.c.id, Text)
        )
        return [closed, t.c.updated_us < before_us, t.c.id < newest.scalar_subquery(), ~figures.exists()]
    if listing is VISITS:
        ended = v.c.ended_us.is_not(None)
        other = v.alias("newest")
        newest = select(other.c.id).where(other.c.ended_us.is_not(None))
        newest = newest.order_by(other.c.id.desc()).offset(VISITS_REMEMBERED - 1).limit(1)
        named = select(t.c.id).where(t.c.visit == v.c.id)
        return [
            ended,
            v.c.ended_us < before_us,
            v.c.updated_us < before_us,
            v.c.id < newest.scalar_subquery(),
            ~named.exists(),
        ]
    if listing is JOURNAL:
        begun = select(alarm.c.first_out).where(alarm.c.state != AlarmState.NORMAL.value)
        return [schema.alarm_journal.c.sequence.not_in(begun)]
    if listing is COMMANDS:
        return [c.c.ended_us.is_not(None), c.c.ended_us < before_us]
    return []


def _changed(listing: Listing, row: Any, figures: Mapping[int, Any]) -> TimeUs:
    if listing is not SESSIONS:
        return int(getattr(row, listing.time.name))
    own = figures.get(row.id)
    return max(int(row.updated_us), int(own.computed_us) if own is not None else 0)


def _figures(connection: Connection, ids: Sequence[int]) -> dict[int, Any]:
    return _by_key(connection, schema.session_figures, schema.session_figures.c.id, ids)


def _by_key(connection: Connection, table: Any, key: Any, keys: Sequence[Any]) -> dict[Any, Any]:
    query = select(table).where(key.in_(bindparam("chosen", expanding=True)))
    return {row._mapping[key.name]: row for row in connection.execute(query, {"chosen": list(keys)})}
