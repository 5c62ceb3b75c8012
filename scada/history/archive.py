"""Reading what was kept: lists by key sets, newest first, off the loop.

A cursor names the last row of a page by its sort key, so a page costs the same however deep it lies and rows
that come meanwhile shift nothing. To callers it is an opaque text.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Engine, Select, func, select, tuple_

from scada.core.errors import BadRequest
from scada.core.message_ports import OutboxRow
from scada.core.ports import (
    Aggregate,
    AlarmFigures,
    CommandRow,
    Correction,
    DeedFilter,
    JournalFilter,
    Page,
    Point,
    SessionFilter,
    VisitFilter,
)
from scada.core.records import AlarmTransition, AuditRecord, TransactionRecord, VisitRecord
from scada.core.value import TimeUs
from scada.history import filters, schema
from scada.history.figures import figures
from scada.history.rows import to_audit, to_command, to_mail, to_transaction, to_transition, to_visit
from scada.history.samples import SampleHistory, query
from scada.history.sessions import search

LIMIT_MAX = 1_000
POINTS_MAX = 20_000
"""Bound of one curve: 16 times the pixels of a wide screen."""

PIXELS_MAX = 10_000
PATHS_MAX = 1_000
TIME_MAX_US = 2**62
"""Times beyond are no question but a mistake, and would overflow in the arithmetic of a span."""

T = TypeVar("T")


class SqlArchive:
    """Implements `scada.core.ports.Archive`.

    Args:
        engine: of `core.db`, for reading.
        pool: where queries run.
        priorities: level → priority class, for figures.
    """

    def __init__(
        self,
        engine: Engine,
        samples: SampleHistory,
        pool: ThreadPoolExecutor,
        priorities: Mapping[int, str],
    ) -> None:
        self._engine = engine
        self._samples = samples
        self._pool = pool
        self._priorities = priorities

    async def sessions(self, where: SessionFilter, limit: int, cursor: str | None) -> Page[TransactionRecord]:
        """Transactions, by their start.

        A page may hold less than `limit`, even nothing, and still have a next one: see `scada.history.sessions`.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        if not 1 <= limit <= LIMIT_MAX:
            raise BadRequest(f"limit is 1 to {LIMIT_MAX}")
        after = None if cursor is None else tuple(decode_cursor(cursor, "s", 2))

        def read() -> Page[TransactionRecord]:
            with self._engine.connect() as connection:
                rows, following = search(connection, where, limit, after)
            return Page(
                list(map(to_transaction, rows)), encode_cursor("s", *following) if following else None
            )

        return await self._run(read)

    async def visits(self, where: VisitFilter, limit: int, cursor: str | None) -> Page[VisitRecord]:
        """From plug-in to unplug, by the plug-in.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        table = schema.visit
        query = select(table).where(*filters.of_visits(where))
        query = query.order_by(table.c.began_us.desc(), table.c.id.desc())
        if cursor is not None:
            query = query.where(tuple_(table.c.began_us, table.c.id) < tuple_(*decode_cursor(cursor, "v", 2)))
        return await self._page(
            query, limit, to_visit, lambda last: encode_cursor("v", last.began_us, last.id)
        )

    async def alarm_journal(
        self, where: JournalFilter, limit: int, cursor: str | None
    ) -> Page[AlarmTransition]:
        """Rows of the alarm journal, by their number.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        table = schema.alarm_journal
        query = select(table).where(*filters.of_journal(where)).order_by(table.c.sequence.desc())
        if cursor is not None:
            query = query.where(table.c.sequence < decode_cursor(cursor, "a", 1)[0])
        return await self._page(query, limit, to_transition, lambda last: encode_cursor("a", last.sequence))

    async def alarm_figures(self, where: JournalFilter, from_us: TimeUs, to_us: TimeUs) -> AlarmFigures:
        """The figures of `from_us <= time < to_us`; of `where` site, branch, levels and role count.

        Raises:
            BadRequest: the span is empty.
        """
        if from_us >= to_us:
            raise BadRequest("the span of figures must end after it begins")

        def read() -> AlarmFigures:
            with self._engine.connect() as connection:
                return figures(connection, where, from_us, to_us, self._priorities)

        return await self._run(read)

    async def audit(self, where: DeedFilter, limit: int, cursor: str | None) -> Page[AuditRecord]:
        """Who did what, by the number of the row.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        table = schema.audit
        query = select(table).where(*filters.of_audit(where)).order_by(table.c.id.desc())
        if cursor is not None:
            query = query.where(table.c.id < decode_cursor(cursor, "u", 1)[0])
        return await self._page(query, limit, to_audit, lambda last: encode_cursor("u", last.id))

    async def commands(self, where: DeedFilter, limit: int, cursor: str | None) -> Page[CommandRow]:
        """Commands and their outcomes, by the time of issue.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        table = schema.command
        query = select(table).where(*filters.of_commands(where))
        query = query.order_by(table.c.issued_us.desc(), table.c.id.desc())
        if cursor is not None:
            key = tuple_(*decode_cursor(cursor, "c", 2, texts=1))
            query = query.where(tuple_(table.c.issued_us, table.c.id) < key)
        return await self._page(
            query, limit, to_command, lambda last: encode_cursor("c", last.issued_us, last.id)
        )

    async def outbox(self, limit: int, cursor: str | None) -> Page[OutboxRow]:
        """Mails, by their number.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        table = schema.outbox
        query = select(table).order_by(table.c.id.desc())
        if cursor is not None:
            query = query.where(table.c.id < decode_cursor(cursor, "o", 1)[0])
        return await self._page(query, limit, to_mail, lambda last: encode_cursor("o", last.id))

    async def points(self, path: str, from_us: TimeUs, to_us: TimeUs, limit: int) -> Sequence[Point]:
        """The newest `limit` samples of a tag in `from_us <= time < to_us`, oldest first.

        Raises:
            BadRequest: the limit is out of bounds.
        """
        if not 1 <= limit <= POINTS_MAX:
            raise BadRequest(f"limit is 1 to {POINTS_MAX}")
        return await self._run(lambda: self._samples.points(path, from_us, to_us, limit))

    async def curve(self, path: str, from_us: TimeUs, to_us: TimeUs, pixels: int) -> Sequence[Point]:
        """A tag's curve in `from_us <= time < to_us`, thinned, begun with the sample that held before.

        Of each pixel the first, last, lowest and highest sample are kept, and where a gap begins and ends.

        Raises:
            BadRequest: the width is out of bounds or the span is empty.
        """
        if not 1 <= pixels <= PIXELS_MAX:
            raise BadRequest(f"pixels are 1 to {PIXELS_MAX}")
        _see_span(from_us, to_us)

        def read() -> Sequence[Point]:
            with self._samples.view() as view:
                return query.curve(view, path, from_us, to_us, pixels)

        return await self._run(read)

    async def aggregates(
        self, path: str, from_us: TimeUs, to_us: TimeUs, step_us: int, *, interpolated: bool = False
    ) -> Sequence[Aggregate]:
        """What a register or a bit did in each step of a span; the last step is whole.

        Raises:
            BadRequest: too many steps, or the span is empty.
        """
        _see_span(from_us, to_us)
        if step_us <= 0 or -(-(to_us - from_us) // step_us) > query.STEPS_MAX:
            raise BadRequest(f"at most {query.STEPS_MAX} steps in a span")

        def read() -> Sequence[Aggregate]:
            with self._samples.view() as view:
                return query.aggregates(view, path, from_us, to_us, step_us, interpolated=interpolated)

        return await self._run(read)

    async def values_at(self, paths: Sequence[str], time_us: TimeUs) -> Mapping[str, Point]:
        """Path → the sample that held at a moment; a tag without one is left out.

        Raises:
            BadRequest: too many tags.
        """
        if len(paths) > PATHS_MAX:
            raise BadRequest(f"at most {PATHS_MAX} tags at once")

        def read() -> Mapping[str, Point]:
            with self._samples.view() as view:
                return query.values_at(view, paths, time_us)

        return await self._run(read)

    async def correct(self, corrections: Sequence[Correction]) -> None:
        """Put values in the place of samples, or where there were none; the samples themselves stay.

        Raises:
            BadRequest, NotFound, JournalError: see `SampleHistory.correct`.
        """
        await self._run(lambda: self._samples.correct(corrections))

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


def _see_span(from_us: TimeUs, to_us: TimeUs) -> None:
    if not -TIME_MAX_US < from_us < to_us < TIME_MAX_US:
        raise BadRequest("the span must end after it begins")


def encode_cursor(kind: str, *key: int | str) -> str:
    """A key as an opaque text. `kind` names the list."""
    return base64.urlsafe_b64encode(json.dumps([kind, *key]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kind: str, length: int, texts: int = 0) -> list[Any]:
    """The key in a cursor: integers, the last `texts` of them texts."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise BadRequest("the cursor is not one of ours") from None
    if not isinstance(parts, list) or len(parts) != length + 1 or parts[0] != kind:
        raise BadRequest("the cursor belongs to another list")
    key = parts[1:]
    numbers, words = key[: length - texts], key[length - texts :]
    if not all(type(part) is int and abs(part) < 2**63 for part in numbers) or not all(
        isinstance(part, str) and part.isprintable() for part in words
    ):
        raise BadRequest("the cursor is not one of ours")
    return key
