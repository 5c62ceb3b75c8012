"""The outbox: messages that wait, those under way, and what became of each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, case, func, or_, select, update

from scada.core.message_ports import OutboxKey, OutboxQueue
from scada.core.records import Channel
from scada.core.value import SECOND_US, TimeUs
from scada.history import schema
from scada.history.fit import fit
from scada.history.rows import to_mail

QUEUE_ROWS_MAX = 2_000
"""Rows of one recipient that are looked at together; the rest goes with the message after."""
SENT_MAX = 1_000
HOUR_US = 3600 * SECOND_US
_IDS_MAX = 500

T = TypeVar("T")
_table = schema.outbox
_pending = _table.c.state.in_(("waiting", "held"))


class SqlOutbox:
    """Implements `scada.core.ports.OutboxStore`.

    Args:
        engine: of `core.db`, for writing.
        lock: held by whoever writes to `core.db` in this process.
        pool: where it runs.
    """

    def __init__(self, engine: Engine, lock: threading.Lock, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._lock = lock
        self._pool = pool

    async def claim(
        self,
        now_us: TimeUs,
        limit: int,
        channels: Collection[Channel] = tuple(Channel),
        busy: Collection[OutboxKey] = (),
    ) -> Sequence[OutboxQueue]:
        """Queues in which a row is due, the one with the oldest row first."""
        names = [channel.value for channel in channels]
        query = (
            select(_table.c.contact, _table.c.recipient, _table.c.channel)
            .where(_pending, _table.c.next_try_us <= now_us, _table.c.channel.in_(names))
            .group_by(_table.c.contact, _table.c.recipient, _table.c.channel)
            .order_by(func.min(_table.c.id))
            .limit(limit + len(busy))
        )

        def read() -> list[OutboxQueue]:
            with self._lock, self._engine.connect() as connection:
                keys = [
                    (row.contact, row.recipient, Channel(row.channel)) for row in connection.execute(query)
                ]
                free = [key for key in keys if key not in busy][:limit]
                return [_queue(connection, key, now_us) for key in free]

        return await self._run(read)

    async def bind(self, carrier: int, row_ids: Sequence[int]) -> None:
        """Make rows one message; on return that survives a power cut."""

        def write(connection: Connection) -> None:
            for begin in range(0, len(row_ids), _IDS_MAX):
                ids = row_ids[begin : begin + _IDS_MAX]
                connection.execute(update(_table).where(_table.c.id.in_(ids)).values(sent_with=carrier))

        await self._write(write)

    async def hold(self, row_ids: Sequence[int], until_us: TimeUs, answer: str) -> None:
        """Keep rows back until a moment."""

        def write(connection: Connection) -> None:
            for begin in range(0, len(row_ids), _IDS_MAX):
                ids = row_ids[begin : begin + _IDS_MAX]
                connection.execute(
                    update(_table)
                    .where(_table.c.id.in_(ids), _pending)
                    .values(state="held", next_try_us=until_us, last_answer=fit(answer))
                )

        await self._write(write)

    async def settle(
        self,
        carrier: int,
        *,
        state: str,
        answer: str,
        next_try_us: TimeUs,
        subject: str,
        text: str = "",
        sent_us: TimeUs = 0,
        bound: bool = False,
    ) -> None:
        """Note how a try of a message ended, in one transaction; on return it survives a power cut."""
        own = _table.c.id == carrier
        values: dict[str, Any] = {
            # What was kept back stays marked as such until it is gone, so that its digest can say so.
            "state": _table.c.state if state == "waiting" else state,
            "attempts": _table.c.attempts + 1,
            "last_answer": fit(answer),
            "next_try_us": next_try_us,
            "subject": fit(subject),
            "text": case((own, fit(text)), else_=""),
            "sent_us": sent_us,
        }
        if state == "waiting":
            values["sent_with"] = _table.c.sent_with if bound else 0
        else:
            values["sent_with"] = case((own, 0), else_=_table.c.sent_with)
        statement = update(_table).where(or_(own, _table.c.sent_with == carrier), _pending).values(values)
        await self._write(lambda connection: connection.execute(statement))

    async def _write(self, work: Callable[[Connection], object]) -> None:
        def write() -> None:
            with self._lock, self._engine.begin() as connection:
                work(connection)

        await self._run(write)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _queue(connection: Connection, key: OutboxKey, now_us: TimeUs) -> OutboxQueue:
    rows = connection.execute(
        select(_table)
        .where(_pending, *_of(key))
        .order_by((_table.c.sent_with != 0).desc(), _table.c.urgent.desc(), _table.c.id)
        .limit(QUEUE_ROWS_MAX)
    ).all()
    sent = connection.scalars(
        select(_table.c.sent_us)
        .where(
            *_of(key),
            _table.c.state == "sent",
            _table.c.sent_with == 0,
            _table.c.sent_us > now_us - HOUR_US,
        )
        .order_by(_table.c.sent_us)
        .limit(SENT_MAX)
    ).all()
    return OutboxQueue(rows=sorted(map(to_mail, rows), key=lambda row: row.id), sent_us=sent)


def _of(key: OutboxKey) -> list[ColumnElement[bool]]:
    contact, recipient, channel = key
    return [_table.c.contact == contact, _table.c.recipient == recipient, _table.c.channel == channel.value]
