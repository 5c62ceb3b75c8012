"""The journal: records to rows of `core.db`, one transaction a commit.

Within a type the rows keep their order; between types order does not matter, for all become visible at once.
A commit whose outcome the caller never learned may be repeated: rows with a key of their own are not doubled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.sqlite import Insert, insert

from scada.core.records import (
    AlarmTransition,
    AuditRecord,
    CommandRecord,
    OutboxRecord,
    Record,
    TransactionRecord,
)
from scada.history import schema
from scada.history.fit import row_of

Row = dict[str, Any]


def _replace(statement: Insert, key: str, columns: Sequence[str]) -> Insert:
    return statement.on_conflict_do_update(
        index_elements=[key], set_={name: statement.excluded[name] for name in columns}
    )


_INSERT_TRANSITION = insert(schema.alarm_journal).on_conflict_do_nothing(index_elements=["sequence"])
_PUT_ALARM = _replace(insert(schema.alarm_state), "alarm", ("state", "raised_us", "sequence"))
_PUT_TRANSACTION = _replace(
    insert(schema.transaction), "id", [c.name for c in schema.transaction.columns if c.name != "id"]
)
_INSERT_MAIL = insert(schema.outbox).on_conflict_do_nothing(index_elements=["message_id"])
_PUT_COMMAND = _replace(insert(schema.command), "id", ("ended_us", "outcome", "text"))
_INSERT_AUDIT = insert(schema.audit)


class SqlJournal:
    """Implements `scada.core.ports.Journal`.

    Args:
        engine: of `core.db`, for writing.
        lock: held by whoever writes to `core.db` in this process, so that nobody polls SQLite's lock.
    """

    def __init__(self, engine: Engine, lock: threading.Lock) -> None:
        self._engine = engine
        self._lock = lock

    def commit(self, records: Sequence[Record]) -> None:
        """Write all records in one transaction; on return they survive a power cut.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the disk or the database refused; nothing was written.
        """
        by_type: dict[type, list[Any]] = {}
        for record in records:
            by_type.setdefault(type(record), []).append(record)
        with self._lock, self._engine.begin() as connection:
            for kind, group in by_type.items():
                _WRITERS[kind](connection, group)


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_TRANSITION = _names(AlarmTransition)
_TRANSACTION = _names(TransactionRecord)
_MAIL = _names(OutboxRecord)
_COMMAND = _names(CommandRecord)
_AUDIT = _names(AuditRecord)


def _write_transitions(connection: Connection, records: Sequence[AlarmTransition]) -> None:
    rows = [row_of(record, _TRANSITION) for record in records]
    newest = {row["alarm"]: row for row in rows}
    states = [
        {name: row[name] for name in ("alarm", "state", "raised_us", "sequence")} for row in newest.values()
    ]
    connection.execute(_INSERT_TRANSITION, rows)
    connection.execute(_PUT_ALARM, states)


def _write_transactions(connection: Connection, records: Sequence[TransactionRecord]) -> None:
    newest = {record.id: record for record in records}
    connection.execute(_PUT_TRANSACTION, [row_of(record, _TRANSACTION) for record in newest.values()])


def _write_mails(connection: Connection, records: Sequence[OutboxRecord]) -> None:
    connection.execute(
        _INSERT_MAIL, [{**row_of(record, _MAIL), "next_try_us": record.created_us} for record in records]
    )


def _write_commands(connection: Connection, records: Sequence[CommandRecord]) -> None:
    rows = []
    for record in records:
        row = row_of(record, _COMMAND)
        row["issued_us"] = row.pop("time_us")
        row["ended_us"] = row["issued_us"] if record.outcome else None
        rows.append(row)
    connection.execute(_PUT_COMMAND, rows)


def _write_audit(connection: Connection, records: Sequence[AuditRecord]) -> None:
    connection.execute(_INSERT_AUDIT, [row_of(record, _AUDIT) for record in records])


_WRITERS: dict[type, Callable[[Connection, Any], None]] = {
    AlarmTransition: _write_transitions,
    TransactionRecord: _write_transactions,
    OutboxRecord: _write_mails,
    CommandRecord: _write_commands,
    AuditRecord: _write_audit,
}
