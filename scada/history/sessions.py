"""Transactions and what was worked out of them: one, whole spans, and what waits to be worked out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, and_, exists, func, select

from scada.core.ports import SessionFilter
from scada.core.records import SessionFigures, TransactionRecord, TransactionState, VisitRecord
from scada.core.session_ports import SessionRow
from scada.core.value import TimeUs
from scada.history import filters, schema
from scada.history.floors import SESSIONS
from scada.history.older import LONG_TIMEOUT_S, Older, identity_of
from scada.history.pages import Wanted, below, walk
from scada.history.rows import to_figures, to_transaction, to_visit

IDS_MAX = 500
CHUNK = 1_000
"""Rows of a span that are read at once."""

T = TypeVar("T")
_table = schema.transaction


def wanted(where: SessionFilter) -> Wanted:
    """A filter, as it is asked of the list."""
    base, rest = filters.of_sessions(where)
    return Wanted(SESSIONS, base, rest, where.from_us, here=where.state is TransactionState.OPEN)


class SqlSessions:
    """Implements `scada.core.session_ports.SessionStore`.

    Args:
        engine: of `core.db`, for reading.
        older: what it no longer keeps.
        pool: where queries run.
    """

    def __init__(self, engine: Engine, older: Older, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._older = older
        self._pool = pool

    async def session(self, number: int) -> SessionRow | None:
        """A transaction with what belongs to it.

        Raises:
            Unavailable: it is no longer in `core.db`, and PostgreSQL cannot be read.
        """
        query = select(_table).where(_table.c.id == number)

        def read() -> SessionRow | None:
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
                there: Sequence[Any] = ()
                if not rows and number <= (connection.scalar(select(func.max(_table.c.id))) or 0):
                    under = below(connection, Wanted(SESSIONS, ()))
                    if under is not None:
                        there = self._older.ask(lambda other: other.execute(query).all(), under.identity)
                found = self._joined(connection, [*rows, *there], there)
            return found[0] if found else None

        return await self._run(read)

    async def span(self, where: SessionFilter, limit: int) -> Sequence[SessionRow]:
        """All of a filter, oldest first; of more than `limit` the oldest.

        Raises:
            Unavailable: see `walk`.
        """
        return await self._run(lambda: list(self.walk(where, limit)))

    def walk(self, where: SessionFilter, limit: int) -> Iterator[SessionRow]:
        """The same, one after another, for the caller's thread: memory stays small however many there are.

        Raises:
            Unavailable: some are no longer in `core.db`, and PostgreSQL cannot be read.
        """
        return walk(self._engine, self._older, wanted(where), limit, CHUNK, self._joined)

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
        """Other transactions at the same charger whose time has something in common with this one's.

        Of those that `core.db` keeps: it keeps what changed lately, and nobody asks about older ones.
        """
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

    def _joined(self, connection: Connection, rows: Sequence[Any], there: Sequence[Any]) -> list[SessionRow]:
        """Rows with what belongs to them; of those from PostgreSQL it lies there, but for visits that are still here."""
        elsewhere = {row.id for row in there}
        found = _joined(connection, [row for row in rows if row.id not in elsewhere], {})
        theirs = [row for row in rows if row.id in elsewhere]
        if theirs:
            told = _visits(connection, {row.visit for row in theirs})
            found += self._older.ask(
                lambda other: _joined(other, theirs, told), identity_of(connection), LONG_TIMEOUT_S
            )
        return sorted(found, key=lambda one: (one.record.started_us, one.record.id))

    async def _run(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, read)


def _joined(connection: Connection, rows: Sequence[Any], told: Mapping[int, VisitRecord]) -> list[SessionRow]:
    """Rows with their figures and visits.

    Args:
        told: visits that are known already.
    """
    figures: dict[int, SessionFigures] = {}
    ids = [row.id for row in rows]
    for begin in range(0, len(ids), IDS_MAX):
        part = ids[begin : begin + IDS_MAX]
        query = select(schema.session_figures).where(schema.session_figures.c.id.in_(part))
        figures |= {row.id: to_figures(row) for row in connection.execute(query)}
    visits = {**_visits(connection, {row.visit for row in rows} - set(told)), **told}
    return [
        SessionRow(to_transaction(row), figures.get(row.id), visits.get(row.visit) if row.visit else None)
        for row in rows
    ]


def _visits(connection: Connection, numbers: Set[int]) -> dict[int, VisitRecord]:
    wanted = sorted(numbers - {0})
    found: dict[int, VisitRecord] = {}
    for begin in range(0, len(wanted), IDS_MAX):
        query = select(schema.visit).where(schema.visit.c.id.in_(wanted[begin : begin + IDS_MAX]))
        found |= {row.id: to_visit(row) for row in connection.execute(query)}
    return found
