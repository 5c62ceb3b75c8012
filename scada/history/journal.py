"""The journal: records to rows of `core.db`, one transaction a commit.

Within a type the rows keep their order; between types order does not matter, for all become visible at once.
A commit whose outcome the caller never learned may be repeated: rows with a key of their own are not doubled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, case, delete, or_
from sqlalchemy.dialects.sqlite import Insert, insert

from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    AuditRecord,
    CommandRecord,
    DocumentRecord,
    EscalationRecord,
    HoldRecord,
    OutboxRecord,
    Record,
    RetainedRecord,
    SessionFigures,
    TransactionRecord,
    VisitRecord,
)
from scada.history import schema
from scada.history.fit import fit, row_of

Row = dict[str, Any]


def _put(table: Table, *names: str) -> Insert:
    """Insert a row, or replace the named columns (none: all but the key) of the one that has its key."""
    key = [column.name for column in table.primary_key]
    names = names or tuple(column.name for column in table.columns if column.name not in key)
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=key, set_={name: statement.excluded[name] for name in names}
    )


def _put_alarm() -> Insert:
    """The newest row of an alarm. Who acknowledged stays for the occurrence, while it is acknowledged."""
    table = schema.alarm_state
    statement = insert(table)
    new = statement.excluded
    asks = or_(*(new.state == state.value for state in AlarmState if state.unacknowledged))
    who = case(
        (new.acknowledged_by != "", new.acknowledged_by),
        (or_(new.raised_us != table.c.raised_us, asks), ""),
        else_=table.c.acknowledged_by,
    )
    columns = {column.name: new[column.name] for column in table.columns if column.name != "alarm"}
    return statement.on_conflict_do_update(index_elements=["alarm"], set_={**columns, "acknowledged_by": who})


_INSERT_TRANSITION = insert(schema.alarm_journal).on_conflict_do_nothing(index_elements=["sequence"])
_PUT_ALARM = _put_alarm()
_PUT_HOLD = _put(schema.hold)
_DELETE_HOLD = delete(schema.hold).where(
    schema.hold.c.kind == bindparam("of_kind"), schema.hold.c.path == bindparam("at_path")
)
_PUT_RETAINED = _put(schema.retained)
_PUT_DOCUMENT = _put(schema.document)
_DELETE_DOCUMENT = delete(schema.document).where(
    schema.document.c.kind == bindparam("of_kind"), schema.document.c.key == bindparam("with_key")
)
_PUT_ESCALATION = _put(schema.escalation)
_PUT_TRANSACTION = _put(schema.transaction)
_PUT_VISIT = _put(schema.visit)
_PUT_FIGURES = _put(schema.session_figures)
_INSERT_MAIL = insert(schema.outbox).on_conflict_do_nothing(index_elements=["message_id"])
_PUT_COMMAND = _put(schema.command, "ended_us", "outcome", "text")
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
_HOLD = tuple(name for name in _names(HoldRecord) if name != "active")
_RETAINED = _names(RetainedRecord)
_DOCUMENT = _names(DocumentRecord)
_ESCALATION = _names(EscalationRecord)
_TRANSACTION = _names(TransactionRecord)
_VISIT = _names(VisitRecord)
_FIGURES = _names(SessionFigures)
_MAIL = _names(OutboxRecord)
_COMMAND = _names(CommandRecord)
_AUDIT = _names(AuditRecord)


def _write_transitions(connection: Connection, records: Sequence[AlarmTransition]) -> None:
    rows = [row_of(record, _TRANSITION) for record in records]
    states: dict[str, Row] = {}
    for record, row in zip(records, rows, strict=True):
        states[record.alarm] = _state_row(record, row, states.get(record.alarm))
    connection.execute(_INSERT_TRANSITION, rows)
    connection.execute(_PUT_ALARM, list(states.values()))


def _state_row(record: AlarmTransition, row: Row, before: Row | None) -> Row:
    """Where an alarm stands after a row of the journal.

    Args:
        before: where it stood after the row before, if that is of the same commit.
    """
    who = ""
    if record.event is AlarmEvent.ACKNOWLEDGED:
        who = row["user"]
    elif before and before["raised_us"] == row["raised_us"] and not record.state.unacknowledged:
        who = before["acknowledged_by"]
    kept = ("alarm", "state", "raised_us", "sequence", "first_out", "value", "user", "comment", "until_us")
    return {**{name: row[name] for name in kept}, "changed_us": row["time_us"], "acknowledged_by": who}


def _write_holds(connection: Connection, records: Sequence[HoldRecord]) -> None:
    newest = {(record.kind, record.path): record for record in records}
    puts = [row_of(record, _HOLD) for record in newest.values() if record.active]
    ends = [
        {"of_kind": record.kind.value, "at_path": fit(record.path)}
        for record in newest.values()
        if not record.active
    ]
    if puts:
        connection.execute(_PUT_HOLD, puts)
    if ends:
        connection.execute(_DELETE_HOLD, ends)


def _write_retained(connection: Connection, records: Sequence[RetainedRecord]) -> None:
    newest = {record.path: record for record in records}
    connection.execute(_PUT_RETAINED, [row_of(record, _RETAINED) for record in newest.values()])


def _write_documents(connection: Connection, records: Sequence[DocumentRecord]) -> None:
    newest = {(record.kind, record.key): record for record in records}
    puts = [row_of(record, _DOCUMENT) for record in newest.values() if record.body]
    ends = [
        {"of_kind": fit(record.kind), "with_key": fit(record.key)}
        for record in newest.values()
        if not record.body
    ]
    if puts:
        connection.execute(_PUT_DOCUMENT, puts)
    if ends:
        connection.execute(_DELETE_DOCUMENT, ends)


def _write_escalations(connection: Connection, records: Sequence[EscalationRecord]) -> None:
    newest = {(record.alarm, record.profile): record for record in records}
    connection.execute(_PUT_ESCALATION, [row_of(record, _ESCALATION) for record in newest.values()])


def _write_transactions(connection: Connection, records: Sequence[TransactionRecord]) -> None:
    newest = {record.id: record for record in records}
    connection.execute(_PUT_TRANSACTION, [row_of(record, _TRANSACTION) for record in newest.values()])


def _write_visits(connection: Connection, records: Sequence[VisitRecord]) -> None:
    newest = {record.id: record for record in records}
    connection.execute(_PUT_VISIT, [row_of(record, _VISIT) for record in newest.values()])


def _write_figures(connection: Connection, records: Sequence[SessionFigures]) -> None:
    newest = {record.id: record for record in records}
    connection.execute(_PUT_FIGURES, [row_of(record, _FIGURES) for record in newest.values()])


def _write_mails(connection: Connection, records: Sequence[OutboxRecord]) -> None:
    connection.execute(
        _INSERT_MAIL,
        [
            {**row_of(record, _MAIL), "next_try_us": fit(max(record.created_us, record.not_before_us))}
            for record in records
        ],
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
    HoldRecord: _write_holds,
    RetainedRecord: _write_retained,
    DocumentRecord: _write_documents,
    EscalationRecord: _write_escalations,
    TransactionRecord: _write_transactions,
    VisitRecord: _write_visits,
    SessionFigures: _write_figures,
    OutboxRecord: _write_mails,
    CommandRecord: _write_commands,
    AuditRecord: _write_audit,
}
