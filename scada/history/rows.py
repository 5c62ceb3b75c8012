"""Rows of `core.db` back to records."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from scada.alarming.alarm import AlarmSnapshot
from scada.core.message_ports import OutboxRow
from scada.core.ports import CommandRow, UserRow
from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    AuditRecord,
    Channel,
    CommandRecord,
    DocumentRecord,
    EscalationRecord,
    HoldKind,
    HoldRecord,
    OutboxRecord,
    RetainedRecord,
    SessionFigures,
    TransactionRecord,
    TransactionState,
    VisitRecord,
)

_AUDIT_FIELDS = tuple(field.name for field in fields(AuditRecord))
_MAIL_FIELDS = tuple(field.name for field in fields(OutboxRecord))


def to_transition(row: Any) -> AlarmTransition:
    """A row of the alarm journal."""
    values = dict(row._mapping)
    values["event"] = AlarmEvent(values["event"])
    values["state"] = AlarmState(values["state"])
    return AlarmTransition(**values)


def to_transaction(row: Any) -> TransactionRecord:
    """A transaction."""
    values = dict(row._mapping)
    values["state"] = TransactionState(values["state"])
    return TransactionRecord(**values)


def to_visit(row: Any) -> VisitRecord:
    """A visit."""
    return VisitRecord(**row._mapping)


def to_figures(row: Any) -> SessionFigures:
    """Figures of a transaction."""
    return SessionFigures(**row._mapping)


def to_alarm(row: Any) -> AlarmSnapshot:
    """Where an alarm stands."""
    values = dict(row._mapping)
    values["state"] = AlarmState(values["state"])
    values["leads"] = bool(values["leads"])
    return AlarmSnapshot(**values)


def to_hold(row: Any) -> HoldRecord:
    """Something that an operator holds."""
    values = dict(row._mapping)
    values["kind"] = HoldKind(values["kind"])
    return HoldRecord(**values)


def to_retained(row: Any) -> RetainedRecord:
    """A value that survives restarts."""
    return RetainedRecord(**row._mapping)


def to_document(row: Any) -> DocumentRecord:
    """A small state."""
    return DocumentRecord(**row._mapping)


def to_escalation(row: Any) -> EscalationRecord:
    """How far an escalation has come."""
    return EscalationRecord(**row._mapping)


def to_audit(row: Any) -> AuditRecord:
    """A deed."""
    return AuditRecord(**{name: getattr(row, name) for name in _AUDIT_FIELDS})


def to_command(row: Any) -> CommandRow:
    """A command with its outcome."""
    values = dict(row._mapping)
    values["time_us"] = values.pop("issued_us")
    ended_us = values.pop("ended_us")
    return CommandRow(record=CommandRecord(**values), ended_us=ended_us)


def to_mail(row: Any) -> OutboxRow:
    """A mail with what became of it."""
    values = {name: getattr(row, name) for name in _MAIL_FIELDS}
    values["channel"] = Channel(values["channel"])
    return OutboxRow(
        id=row.id,
        record=OutboxRecord(**values),
        state=row.state,
        attempts=row.attempts,
        next_try_us=row.next_try_us,
        last_answer=row.last_answer,
        subject=row.subject,
        text=row.text,
        sent_with=row.sent_with,
        sent_us=row.sent_us,
    )


def to_user(row: Any) -> UserRow:
    """An account."""
    return UserRow(
        name=row.name,
        role=row.role,
        password_hash=row.password_hash,
        language=row.language,
        disabled=row.disabled,
        theme=row.theme,
        must_change=row.must_change,
        last_log_in_us=row.last_log_in_us,
    )
