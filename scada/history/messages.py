"""The message log: every frame between us and the chargers, beside the samples, with a retention of its own.

One thread writes (`put`, `forget`), queries run in the archive's threads. Frames come here without their secrets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, delete, func, insert, or_, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from scada.core.device_ports import FrameFilter, TracedFrame
from scada.core.errors import BadRequest, Unavailable
from scada.core.ports import Page
from scada.core.value import TimeUs
from scada.history.archive import LIMIT_MAX, decode_cursor, encode_cursor
from scada.history.database import make_engine
from scada.history.fit import fit
from scada.history.samples.engine import Place, explain, postgresql_engine, reader_engine
from scada.history.samples.tables import message

SCAN_MAX = 20_000
"""Frames that one question looks through for a text; where more might hold it, the page has a next one."""
FORGET_BATCH = 5_000


class SqlMessages:
    """Implements `scada.core.device_ports.MessageLog`.

    Args:
        place: where samples are kept too. Its tables are made by who opens the samples; before that, and while the
            database is away, each call fails and changes nothing.
        pool: where queries run.
    """

    def __init__(self, place: Place, pool: ThreadPoolExecutor) -> None:
        self._place, self._pool = place, pool
        self._writer: Engine = (
            make_engine(place.path, "NORMAL") if place.url is None else postgresql_engine(place.url, 1)
        )
        self._reader = reader_engine(place)

    def put(self, frames: Sequence[TracedFrame]) -> None:
        """Write frames, all or none. Blocks. Raises Unavailable."""
        rows = [
            {
                "time_us": frame.time_us,
                "charger": frame.charger,
                "identity": frame.identity,
                "sent": frame.sent,
                "kind": frame.kind,
                "action": _text(frame.action),
                "message_id": _text(frame.message_id),
                "body": _text(frame.text),
            }
            for frame in frames
        ]
        try:
            with self._writer.begin() as connection:
                connection.execute(insert(message), rows)
        except SQLAlchemyError as error:
            raise Unavailable(f"the message log cannot be written: {explain(self._place, error)}") from error

    def forget(self, before_us: TimeUs, rows_max: int) -> int:
        """Delete some of the oldest frames: those before a moment, and those above a number of rows.

        Returns how many; 0: there are none left to delete. Blocks. Raises Unavailable.
        """
        try:
            with self._writer.begin() as connection:
                newest = connection.scalar(select(func.max(message.c.id))) or 0
                old = (
                    select(message.c.id)
                    .where(or_(message.c.time_us < before_us, message.c.id <= newest - rows_max))
                    .order_by(message.c.id)
                    .limit(FORGET_BATCH)
                )
                return connection.execute(delete(message).where(message.c.id.in_(old))).rowcount
        except SQLAlchemyError as error:
            raise Unavailable(f"the message log cannot be written: {explain(self._place, error)}") from error

    async def frames(
        self, where: FrameFilter, from_us: TimeUs, to_us: TimeUs, limit: int, cursor: str | None
    ) -> Page[TracedFrame]:
        """Frames of `from_us <= time < to_us`, newest first; `where.after` counts nothing here.

        A page may hold less than `limit`, even nothing, and still have a next one: a text is looked for in a bounded
        number of frames at a time.

        Raises:
            BadRequest: the cursor is not ours, or the limit is out of bounds.
            Unavailable: the database is away.
        """
        if not 1 <= limit <= LIMIT_MAX:
            raise BadRequest(f"limit is 1 to {LIMIT_MAX}")
        after = None if cursor is None else tuple(decode_cursor(cursor, "m", 2))

        def read() -> Page[TracedFrame]:
            try:
                with self._reader.connect() as connection:
                    return _page(connection, where, from_us, to_us, limit, after)
            except SQLAlchemyError as error:
                raise Unavailable(
                    f"the message log cannot be read now: {explain(self._place, error)}"
                ) from error

        return await asyncio.get_running_loop().run_in_executor(self._pool, read)

    def close(self) -> None:
        """Let go of the database."""
        self._writer.dispose()
        self._reader.dispose()


def _page(
    connection: Any,
    where: FrameFilter,
    from_us: TimeUs,
    to_us: TimeUs,
    limit: int,
    after: tuple[int, ...] | None,
) -> Page[TracedFrame]:
    table = message
    span = [table.c.time_us >= from_us, table.c.time_us < to_us]
    if where.charger:
        span.append(table.c.charger == where.charger)
    if after is not None:
        span.append(tuple_(table.c.time_us, table.c.id) < tuple_(*after))
    order = (table.c.time_us.desc(), table.c.id.desc())
    conditions = []
    if where.sent is not None:
        conditions.append(table.c.sent == where.sent)
    if where.kinds:
        conditions.append(table.c.kind.in_(sorted(where.kinds)))
    if where.actions:
        conditions.append(func.lower(table.c.action).in_(sorted(one.lower() for one in where.actions)))
    if where.text:
        conditions.append(table.c.body.icontains(where.text, autoescape=True))
    if not conditions:
        rows = connection.execute(select(table).where(*span).order_by(*order).limit(limit + 1)).all()
        following = rows[limit - 1] if len(rows) > limit else None
        return Page(list(map(_frame, rows[:limit])), _cursor(following))
    # Only so many frames are looked at for what no index knows.
    looked = select(table).where(*span).order_by(*order).limit(SCAN_MAX).subquery()
    edge = connection.execute(
        select(looked.c.time_us, looked.c.id).order_by(looked.c.time_us, looked.c.id).limit(1)
    ).one_or_none()
    if edge is None:
        return Page([], None)
    seen = [*span, tuple_(table.c.time_us, table.c.id) >= tuple_(edge.time_us, edge.id)]
    rows = connection.execute(select(table).where(*seen, *conditions).order_by(*order).limit(limit + 1)).all()
    if len(rows) > limit:
        return Page(list(map(_frame, rows[:limit])), _cursor(rows[limit - 1]))
    older = [*span, tuple_(table.c.time_us, table.c.id) < tuple_(edge.time_us, edge.id)]
    more = connection.execute(select(table.c.id).where(*older).limit(1)).one_or_none()
    return Page(list(map(_frame, rows)), _cursor(edge) if more else None)


def _cursor(row: Any) -> str | None:
    return None if row is None else encode_cursor("m", row.time_us, row.id)


def _frame(row: Any) -> TracedFrame:
    return TracedFrame(
        sequence=row.id,
        time_us=row.time_us,
        charger=row.charger,
        identity=row.identity,
        sent=row.sent,
        kind=row.kind,
        action=row.action,
        message_id=row.message_id,
        text=row.body,
    )


def _text(text: str) -> str:
    """As both databases take it: PostgreSQL knows no character 0."""
    return str(fit(text)).replace("\0", "\N{REPLACEMENT CHARACTER}")
