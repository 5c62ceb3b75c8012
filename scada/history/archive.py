"""Reading what was kept: lists by key sets, newest first, off the loop.

A cursor names the last row of a page by its sort key, so a page costs the same however deep it lies and rows
that come meanwhile shift nothing. To callers it is an opaque text.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Double, Engine, cast, func, select

from scada.core.errors import BadRequest, Unavailable
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
from scada.history.floors import AUDIT, COMMANDS, JOURNAL, SESSIONS, VISITS
from scada.history.older import LONG_TIMEOUT_S, Older
from scada.history.pages import Wanted, below, page
from scada.history.rows import to_audit, to_command, to_mail, to_transaction, to_transition, to_visit
from scada.history.samples import SampleHistory, query
from scada.history.sessions import wanted

LIMIT_MAX = 1_000
POINTS_MAX = 20_000
"""Bound of one curve: 16 times the pixels of a wide screen."""

PIXELS_MAX = 10_000
EVEN_S = 5.0
"""How long figures wait for the feeding."""
PATHS_MAX = 1_000
TIME_MAX_US = 2**62
"""Times beyond are no question but a mistake, and would overflow in the arithmetic of a span."""

T = TypeVar("T")


class SqlArchive:
    """Implements `scada.core.ports.Archive`.

    Args:
        engine: of `core.db`, for reading.
        older: what it no longer keeps.
        pool: where queries run.
        priorities: level → priority class, for figures.
    """

    def __init__(
        self,
        engine: Engine,
        older: Older,
        samples: SampleHistory,
        pool: ThreadPoolExecutor,
        priorities: Mapping[int, str],
    ) -> None:
        self._engine = engine
        self._older = older
        self._samples = samples
        self._pool = pool
        self._priorities = priorities

    async def sessions(self, where: SessionFilter, limit: int, cursor: str | None) -> Page[TransactionRecord]:
        """Transactions, by their start.

        A page may hold less than `limit`, even nothing, and still have a next one: see `scada.history.pages`.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        return await self._page(wanted(where), "s", limit, cursor, to_transaction)

    async def visits(self, where: VisitFilter, limit: int, cursor: str | None) -> Page[VisitRecord]:
        """From plug-in to unplug, by the plug-in.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        of = Wanted(VISITS, filters.of_visits(where), (), where.from_us, here=where.open is True)
        return await self._page(of, "v", limit, cursor, to_visit)

    async def alarm_journal(
        self, where: JournalFilter, limit: int, cursor: str | None
    ) -> Page[AlarmTransition]:
        """Rows of the alarm journal, by their number.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        of = Wanted(JOURNAL, filters.of_journal(where), (), where.from_us)
        return await self._page(of, "a", limit, cursor, to_transition)

    async def alarm_figures(self, where: JournalFilter, from_us: TimeUs, to_us: TimeUs) -> AlarmFigures:
        """The figures of `from_us <= time < to_us`; of `where` site, branch, levels and role count.

        Raises:
            BadRequest: the span is empty.
            Unavailable: rows are in PostgreSQL only, and it cannot be read, or it is too far behind.
        """
        if from_us >= to_us:
            raise BadRequest("the span of figures must end after it begins")

        def read() -> AlarmFigures:
            with self._engine.connect() as connection:
                under = below(connection, Wanted(JOURNAL, ()))
                if under is None:
                    return figures(connection, where, from_us, to_us, self._priorities)
            # One that stands at the end may have come at any time: they are counted where all rows are.
            self._see_even()
            return self._older.ask(
                lambda other: figures(other, where, from_us, to_us, self._priorities),
                under.identity,
                LONG_TIMEOUT_S,
            )

        return await self._run(read)

    async def audit(self, where: DeedFilter, limit: int, cursor: str | None) -> Page[AuditRecord]:
        """Who did what, by the number of the row.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        of = Wanted(AUDIT, filters.of_audit(where), (), where.from_us)
        return await self._page(of, "u", limit, cursor, to_audit)

    async def commands(self, where: DeedFilter, limit: int, cursor: str | None) -> Page[CommandRow]:
        """Commands and their outcomes, by the time of issue.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        of = Wanted(COMMANDS, filters.of_commands(where), (), where.from_us)
        return await self._page(of, "c", limit, cursor, to_command, texts=1)

    async def outbox(self, limit: int, cursor: str | None) -> Page[OutboxRow]:
        """Mails, by their number.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
        """
        _see_limit(limit)
        table = schema.outbox
        query = select(table).order_by(table.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(table.c.id < decode_cursor(cursor, "o", 1)[0])

        def read() -> Page[OutboxRow]:
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
            shown = rows[:limit]
            return Page(
                list(map(to_mail, shown)), encode_cursor("o", shown[-1].id) if len(rows) > limit else None
            )

        return await self._run(read)

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
        """(energy, number of transactions) of those that started in `from_us <= time < to_us`.

        Raises:
            Unavailable: some are no longer in `core.db`, and PostgreSQL cannot be read.
        """
        table = schema.transaction
        # Added up as floats: a row with an impossible meter must not end the query with an overflow.
        query = select(func.sum(cast(table.c.energy_wh, Double)), func.count()).where(
            table.c.started_us >= from_us, table.c.started_us < to_us
        )
        if site:
            query = query.where(table.c.site == site)

        def read() -> tuple[int, int]:
            with self._engine.connect() as connection:
                energy, number = connection.execute(query).one()
                under = below(connection, Wanted(SESSIONS, (), (), from_us))
            if under is not None:
                there = query.where(*under.conditions)
                more = self._older.ask(lambda other: other.execute(there).one(), under.identity)
                energy, number = (energy or 0) + (more[0] or 0), number + more[1]
            return int(energy or 0), int(number)

        return await self._run(read)

    def _see_even(self) -> None:
        """Wait until PostgreSQL has the rows of the alarm journal that are here now.

        Raises:
            Unavailable: it has not within `EVEN_S`.
        """
        feed = schema.feed.c
        mine = feed.source == schema.alarm_journal.name
        ends = time.monotonic() + EVEN_S
        with self._engine.connect() as connection:
            last = connection.scalar(select(func.max(feed.position)).where(mine))
        while last is not None:
            with self._engine.connect() as connection:
                first = connection.scalar(select(func.min(feed.position)).where(mine))
            if first is None or first > last:
                return
            if time.monotonic() > ends:
                raise Unavailable(
                    "PostgreSQL does not have the newest rows of the alarm journal yet: see System.FeedState"
                )
            time.sleep(0.05)

    async def _page(
        self,
        of: Wanted,
        kind: str,
        limit: int,
        cursor: str | None,
        make: Callable[[Any], T],
        texts: int = 0,
    ) -> Page[T]:
        _see_limit(limit)
        after = None if cursor is None else tuple(decode_cursor(cursor, kind, len(of.listing.names), texts))

        def read() -> Page[T]:
            found = page(self._engine, self._older, of, limit, after)
            following = encode_cursor(kind, *found.next) if found.next is not None else None
            return Page(list(map(make, found.rows)), following, found.complete)

        return await self._run(read)

    async def _run(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, read)


def _see_limit(limit: int) -> None:
    if not 1 <= limit <= LIMIT_MAX:
        raise BadRequest(f"limit is 1 to {LIMIT_MAX}")


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
