"""Rows of `core.db` back to records."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from scada.core.ports import OutboxRow, UserRow
from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    OutboxRecord,
    TransactionRecord,
    TransactionState,
)

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


def to_mail(row: Any) -> OutboxRow:
    """A mail with what became of it."""
    return OutboxRow(
        id=row.id,
        record=OutboxRecord(**{name: getattr(row, name) for name in _MAIL_FIELDS}),
        state=row.state,
        attempts=row.attempts,
        next_try_us=row.next_try_us,
        last_answer=row.last_answer,
        subject=row.subject,
        text=row.text,
    )


def to_user(row: Any) -> UserRow:
    """An account."""
    return UserRow(
        name=row.name,
        role=row.role,
        password_hash=row.password_hash,
        language=row.language,
        disabled=row.disabled,
    )
