"""Transactions and what was worked out of them: the search, whole spans, and what waits to be worked out.

A page of the search costs the same however many transactions there are. Conditions without an index are asked of
`WINDOW` rows at a time, and after `SEARCH_S` the page ends with what was found and the place to go on from.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, and_, exists, select, tuple_

from scada.core.ports import SessionFilter
from scada.core.records import SessionFigures, TransactionRecord, TransactionState, VisitRecord
from scada.core.session_ports import SessionRow
from scada.core.value import TimeUs
from scada.history import filters, schema
from scada.history.rows import to_figures, to_transaction, to_visit

WINDOW = 5_000
"""Rows that are looked through in one go."""
SEARCH_S = 0.06
"""How long one page may look through rows; at least one window it does."""
IDS_MAX = 500
CHUNK = 1_000
"""Rows of a span that are read at once."""

T = TypeVar("T")
Key = tuple[int, int]
"""(started_us, id): what the list is ordered by."""

_table = schema.transaction
_key = tuple_(_table.c.started_us, _table.c.id)


def search(
    connection: Connection, where: SessionFilter, limit: int, after: tuple[Any, ...] | None
) -> tuple[Sequence[Any], Key | None]:
    """(rows, place after which the next page begins; None: there is nothing more), newest first."""
    base, rest = filters.of_sessions(where)
    ordered = select(_table).order_by(_table.c.started_us.desc(), _table.c.id.desc())
    ends = time.monotonic() + SEARCH_S
    found: list[Any] = []
    while True:
        query = ordered.where(*base, *rest)
        if after is not None:
            query = query.where(_key < tuple_(*after))
        edge = _edge(connection, base, after) if rest else None
        if edge is not None:
            query = query.where(_key >= tuple_(*edge))
        found += connection.execute(query.limit(limit + 1 - len(found))).all()
        if len(found) > limit:
            last = found[limit - 1]
            return found[:limit], (last.started_us, last.id)
        if edge is None:
            return found, None
        after = edge
        if len(found) == limit or time.monotonic() > ends:
            return found, edge


def _edge(connection: Connection, base: Sequence[Any], after: tuple[Any, ...] | None) -> Key | None:
    """The last key of the next window; None: there are fewer rows than that."""
    query: Select[Any] = (
        select(_table.c.started_us, _table.c.id)
        .where(*base)
        .order_by(_table.c.started_us.desc(), _table.c.id.desc())
        .limit(1)
        .offset(WINDOW - 1)
    )
    if after is not None:
        query = query.where(_key < tuple_(*after))
    row = connection.execute(query).one_or_none()
    return (row.started_us, row.id) if row is not None else None


class SqlSessions:
    """Implements `scada.core.session_ports.SessionStore`.

    Args:
        engine: of `core.db`, for reading.
        pool: where queries run.
    """

    def __init__(self, engine: Engine, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._pool = pool

    async def session(self, number: int) -> SessionRow | None:
        """A transaction with what belongs to it."""

        def read() -> SessionRow | None:
            with self._engine.connect() as connection:
                row = connection.execute(select(_table).where(_table.c.id == number)).one_or_none()
                if row is None:
                    return None
                return _joined(connection, [row])[0]

        return await self._run(read)

    async def span(self, where: SessionFilter, limit: int) -> Sequence[SessionRow]:
        """All of a filter, oldest first; of more than `limit` the oldest."""
        return await self._run(lambda: list(self.walk(where, limit)))

    def walk(self, where: SessionFilter, limit: int) -> Iterator[SessionRow]:
        """The same, one after another, for the caller's thread: memory stays small however many there are."""
        base, rest = filters.of_sessions(where)
        ordered = select(_table).where(*base, *rest).order_by(_table.c.started_us, _table.c.id)
        after: Key | None = None
        while limit > 0:
            query = ordered.limit(min(CHUNK, limit))
            if after is not None:
                query = query.where(_key > tuple_(*after))
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
                yield from _joined(connection, rows)
            if len(rows) < CHUNK:
                return
            limit -= len(rows)
            after = (rows[-1].started_us, rows[-1].id)

    async def unfigured(self, since_us: TimeUs, limit: int) -> Sequence[TransactionRecord]:
        """Ended transactions that changed since a moment and whose figures are missing or older than the change."""
        figures = schema.session_figures
        done = exists().where(figures.c.id == _table.c.id, figures.c.computed_us >= _table.c.updated_us)
        query = (
            select(_table)
            .where(_table.c.updated_us >= since_us, _table.c.state != TransactionState.OPEN.value, ~done)
            .order_by(_table.c.updated_us)
            .limit(limit)
        )

        def read() -> list[TransactionRecord]:
            with self._engine.connect() as connection:
                return list(map(to_transaction, connection.execute(query)))

        return await self._run(read)

    async def beside(self, record: TransactionRecord, limit: int = 10) -> Sequence[TransactionRecord]:
        """Other transactions at the same charger whose time has something in common with this one's."""
        conditions = [_table.c.charger == record.charger, _table.c.id != record.id]
        if record.stopped_us is not None:
            conditions.append(_table.c.started_us < record.stopped_us)
        # Newest first: one that began before and still ran is among the last that began.
        query = select(_table).where(and_(*conditions)).order_by(_table.c.started_us.desc()).limit(limit * 5)

        def read() -> list[TransactionRecord]:
            with self._engine.connect() as connection:
                near = map(to_transaction, connection.execute(query))
                return [one for one in near if one.stopped_us is None or one.stopped_us > record.started_us]

        return (await self._run(read))[:limit]

    async def _run(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, read)


def _joined(connection: Connection, rows: Sequence[Any]) -> list[SessionRow]:
    """Rows with their figures and visits."""
    figures: dict[int, SessionFigures] = {}
    visits: dict[int, VisitRecord] = {}
    ids = [row.id for row in rows]
    of_visits = sorted({row.visit for row in rows if row.visit})
    for begin in range(0, len(ids), IDS_MAX):
        part = ids[begin : begin + IDS_MAX]
        query = select(schema.session_figures).where(schema.session_figures.c.id.in_(part))
        figures |= {row.id: to_figures(row) for row in connection.execute(query)}
    for begin in range(0, len(of_visits), IDS_MAX):
        part = of_visits[begin : begin + IDS_MAX]
        visit_query = select(schema.visit).where(schema.visit.c.id.in_(part))
        visits |= {row.id: to_visit(row) for row in connection.execute(visit_query)}
    return [
        SessionRow(to_transaction(row), figures.get(row.id), visits.get(row.visit) if row.visit else None)
        for row in rows
    ]
