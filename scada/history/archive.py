"""Reading what was kept: lists by key sets, newest first, off the loop.

A cursor names the last row of a page by its sort key, so a page costs the same however deep it lies and rows
that come meanwhile shift nothing. To callers it is an opaque text.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Engine, Select, func, select, tuple_

from scada.core.errors import BadRequest
from scada.core.ports import OutboxRow, Page, Point, SessionFilter
from scada.core.records import AlarmTransition, TransactionRecord
from scada.core.value import TimeUs
from scada.history import schema
from scada.history.rows import to_mail, to_transaction, to_transition
from scada.history.samples import SampleWriter

LIMIT_MAX = 1_000
POINTS_MAX = 20_000
"""Bound of one curve: 16 times the pixels of a wide screen."""

T = TypeVar("T")


class SqlArchive:
    """Implements `scada.core.ports.Archive`.

    Args:
        engine: of `core.db`, for reading.
        pool: where queries run.
    """

    def __init__(self, engine: Engine, samples: SampleWriter, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._samples = samples
        self._pool = pool

    async def sessions(self, where: SessionFilter, limit: int, cursor: str | None) -> Page[TransactionRecord]:
        """Transactions, by their start.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        table = schema.transaction
        query = select(table).where(*_conditions(where))
        query = query.order_by(table.c.started_us.desc(), table.c.id.desc())
        if cursor is not None:
            query = query.where(tuple_(table.c.started_us, table.c.id) < tuple_(*_decode(cursor, "s", 2)))
        return await self._page(
            query, limit, to_transaction, lambda last: _encode("s", last.started_us, last.id)
        )

    async def alarm_journal(
        self, limit: int, cursor: str | None, site: str = "", alarm: str = ""
    ) -> Page[AlarmTransition]:
        """Rows of the alarm journal, by their number.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        table = schema.alarm_journal
        query = select(table).order_by(table.c.sequence.desc())
        if site:
            query = query.where(table.c.site == site)
        if alarm:
            query = query.where(table.c.alarm == alarm)
        if cursor is not None:
            query = query.where(table.c.sequence < _decode(cursor, "a", 1)[0])
        return await self._page(query, limit, to_transition, lambda last: _encode("a", last.sequence))

    async def outbox(self, limit: int, cursor: str | None) -> Page[OutboxRow]:
        """Mails, by their number.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        table = schema.outbox
        query = select(table).order_by(table.c.id.desc())
        if cursor is not None:
            query = query.where(table.c.id < _decode(cursor, "o", 1)[0])
        return await self._page(query, limit, to_mail, lambda last: _encode("o", last.id))

    async def points(self, path: str, from_us: TimeUs, to_us: TimeUs, limit: int) -> Sequence[Point]:
        """The newest `limit` samples of a tag in `from_us <= time < to_us`, oldest first.

        Raises:
            BadRequest: the limit is out of bounds.
        """
        if not 1 <= limit <= POINTS_MAX:
            raise BadRequest(f"limit is 1 to {POINTS_MAX}")
        return await self._run(lambda: self._samples.points(path, from_us, to_us, limit))

    async def energy_wh(self, site: str, from_us: TimeUs, to_us: TimeUs) -> tuple[int, int]:
        """(energy, number of transactions) of those that started in `from_us <= time < to_us`."""
        table = schema.transaction
        # total(), not sum(): a row with an impossible meter must not end the query with an overflow.
        query = select(func.total(table.c.energy_wh), func.count()).where(
            table.c.started_us >= from_us, table.c.started_us < to_us
        )
        if site:
            query = query.where(table.c.site == site)

        def read() -> tuple[int, int]:
            with self._engine.connect() as connection:
                energy, number = connection.execute(query).one()
                return int(energy), int(number)

        return await self._run(read)

    async def _page(
        self,
        query: Select[Any],
        limit: int,
        make: Callable[[Any], T],
        cursor_of: Callable[[Any], str],
    ) -> Page[T]:
        if not 1 <= limit <= LIMIT_MAX:
            raise BadRequest(f"limit is 1 to {LIMIT_MAX}")

        def read() -> Page[T]:
            with self._engine.connect() as connection:
                rows = connection.execute(query.limit(limit + 1)).all()
            more = len(rows) > limit
            rows = rows[:limit]
            return Page([make(row) for row in rows], cursor_of(rows[-1]) if more else None)

        return await self._run(read)

    async def _run(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, read)


def _conditions(where: SessionFilter) -> list[ColumnElement[bool]]:
    columns = schema.transaction.c
    conditions: list[ColumnElement[bool]] = []
    if where.site:
        conditions.append(columns.site == where.site)
    if where.charger:
        conditions.append(columns.charger == where.charger)
    if where.connector is not None:
        conditions.append(columns.connector == where.connector)
    if where.id_tag:
        conditions.append(func.lower(columns.id_tag) == where.id_tag.lower())
    if where.state is not None:
        conditions.append(columns.state == where.state.value)
    if where.from_us is not None:
        conditions.append(columns.started_us >= where.from_us)
    if where.to_us is not None:
        conditions.append(columns.started_us < where.to_us)
    return conditions


def _encode(kind: str, *key: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([kind, *key]).encode()).decode().rstrip("=")


def _decode(cursor: str, kind: str, length: int) -> list[int]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise BadRequest("the cursor is not one of ours") from None
    if not isinstance(parts, list) or len(parts) != length + 1 or parts[0] != kind:
        raise BadRequest("the cursor belongs to another list")
    key = parts[1:]
    if not all(type(part) is int and abs(part) < 2**63 for part in key):
        raise BadRequest("the cursor is not one of ours")
    return key
