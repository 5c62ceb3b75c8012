"""The store of a project: opens its databases and hands out what implements the core's ports."""

from __future__ import annotations

import asyncio
import builtins
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from scada.alarming.engine import AlarmSnapshot
from scada.charging.sessions import CLOSED_REMEMBERED
from scada.core.ports import OutboxRow, UserRow
from scada.core.records import AlarmState, TransactionState
from scada.core.value import TimeUs
from scada.history import schema
from scada.history.archive import SqlArchive
from scada.history.database import make_engine, open_database, prepare_directory
from scada.history.journal import SqlJournal
from scada.history.rows import to_mail, to_transaction, to_user
from scada.history.samples import SampleWriter
from scada.runtime.plant_core import Restart

READERS = 3
"""Threads, and connections, for queries. More queries than these wait in line."""


class CoreStore:
    """Everything that outlives a run.

    Attributes:
        journal: for the commit gate.
        users, outbox, archive: see `scada.core.ports`.
        samples: for the plant host; its thread begins with the first sample.
    """

    def __init__(self, directory: Path, writer: Engine, samples: SampleWriter) -> None:
        self._writer = writer
        self._reader = make_engine(directory / "core.db", "FULL", read_only=True, connections=READERS)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="archive")
        self.samples = samples
        self.journal = SqlJournal(writer, self._lock)
        self.users = SqlUsers(writer, self._lock)
        self.outbox = SqlOutbox(writer, self._lock, self._pool)
        self.archive = SqlArchive(self._reader, samples, self._pool)

    def restart(self) -> Restart:
        """What an earlier run left: where numbers go on, alarms that are not normal, transactions."""
        table, journal, alarm = schema.transaction, schema.alarm_journal, schema.alarm_state
        is_open = table.c.state == TransactionState.OPEN.value
        with self._reader.connect() as connection:
            next_sequence = 1 + (connection.scalar(select(func.max(journal.c.sequence))) or 0)
            next_transaction = 1 + (connection.scalar(select(func.max(table.c.id))) or 0)
            last = journal.c.sequence == alarm.c.sequence
            alarms = connection.execute(
                select(
                    alarm.c.alarm,
                    alarm.c.state,
                    alarm.c.raised_us,
                    journal.c.time_us,
                    journal.c.value,
                    journal.c.user,
                    journal.c.comment,
                )
                .join_from(alarm, journal, last)
                .where(alarm.c.state != AlarmState.NORMAL.value)
                .order_by(alarm.c.sequence)
            ).all()
            rows = [
                *connection.execute(select(table).where(is_open)),
                *connection.execute(
                    select(table).where(~is_open).order_by(table.c.id.desc()).limit(CLOSED_REMEMBERED)
                ),
            ]
        return Restart(
            next_sequence=next_sequence,
            next_transaction=next_transaction,
            alarms=[
                AlarmSnapshot(
                    alarm=path,
                    state=AlarmState(state),
                    raised_us=raised_us,
                    changed_us=time_us,
                    value=value,
                    user=user,
                    comment=comment,
                )
                for path, state, raised_us, time_us, value, user, comment in alarms
            ],
            # By id: the book forgets the first of them first.
            transactions=sorted(map(to_transaction, rows), key=lambda record: record.id),
        )

    def close(self) -> None:
        """Write the samples that wait, and close the files. Blocks; call it off the loop or at the very end."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.samples.close()
        self._reader.dispose()
        self._writer.dispose()


class SqlOutbox:
    """Implements `scada.core.ports.OutboxStore`."""

    def __init__(self, engine: Engine, lock: threading.Lock, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._lock = lock
        self._pool = pool

    async def claim(self, now_us: TimeUs, limit: int) -> Sequence[OutboxRow]:
        """Rows that are due, oldest first. One sender only."""
        table = schema.outbox
        query = (
            select(table)
            .where(table.c.state == "waiting", table.c.next_try_us <= now_us)
            .order_by(table.c.id)
            .limit(limit)
        )

        def read() -> list[OutboxRow]:
            with self._lock, self._engine.connect() as connection:
                return [to_mail(row) for row in connection.execute(query)]

        return await asyncio.get_running_loop().run_in_executor(self._pool, read)

    async def settle(
        self, row_id: int, *, state: str, answer: str, next_try_us: TimeUs, subject: str, text: str = ""
    ) -> None:
        """Note how a try ended; on return it survives a power cut."""
        table = schema.outbox
        statement = (
            update(table)
            .where(table.c.id == row_id)
            .values(
                state=state,
                attempts=table.c.attempts + 1,
                last_answer=answer,
                next_try_us=next_try_us,
                subject=subject,
                text=text,
            )
        )

        def write() -> None:
            with self._lock, self._engine.begin() as connection:
                connection.execute(statement)

        await asyncio.get_running_loop().run_in_executor(self._pool, write)


class SqlUsers:
    """Implements `scada.core.ports.UserStore`."""

    def __init__(self, engine: Engine, lock: threading.Lock) -> None:
        self._engine = engine
        self._lock = lock

    def get(self, name: str) -> UserRow | None:
        """The account, or None."""
        with self._lock, self._engine.connect() as connection:
            row = connection.execute(select(schema.user).where(schema.user.c.name == name)).one_or_none()
        return to_user(row) if row else None

    def list(self) -> builtins.list[UserRow]:
        """All accounts by name."""
        with self._lock, self._engine.connect() as connection:
            return [to_user(row) for row in connection.execute(select(schema.user).order_by("name"))]

    def put(self, user: UserRow) -> None:
        """Make or replace an account."""
        values = {
            "role": user.role,
            "password_hash": user.password_hash,
            "language": user.language,
            "disabled": user.disabled,
        }
        statement = insert(schema.user).values(name=user.name, **values)
        with self._lock, self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))

    def remove(self, name: str) -> bool:
        """Delete an account; False if there was none."""
        with self._lock, self._engine.begin() as connection:
            return connection.execute(delete(schema.user).where(schema.user.c.name == name)).rowcount > 0


def open_core(directory: Path) -> CoreStore:
    """Open the databases of a project's `data` folder, or make them.

    Raises:
        StartError: the folder cannot be written, a file is damaged or of a newer version. Nothing was changed.
    """
    prepare_directory(directory)
    writer = open_database(
        directory / "core.db", schema.core, schema.core_version, schema.CORE_VERSION, "FULL"
    )
    try:
        samples = SampleWriter(directory)
    except BaseException:
        writer.dispose()
        raise
    return CoreStore(directory, writer, samples)
