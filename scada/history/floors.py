"""Down to where `core.db` keeps everything: below its floor a list has rows that only PostgreSQL still has.

Below the floor `core.db` may still hold rows (those that a restart needs, those that PostgreSQL does not have): they
are the newest state, and what PostgreSQL holds under their keys does not count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, Text, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from scada.core.value import TimeUs
from scada.history import schema

KEPT_MAX = 10_000
"""Rows of a list that may be kept below its floor; with more nothing is deleted any more."""


class binary(FunctionElement[str]):  # noqa: N801 (a function of SQL)
    """A text that is compared byte by byte, as SQLite does, whatever the collation of a PostgreSQL database."""

    inherit_cache = True
    type = Text()


@compiles(binary)
def _plain(element: Any, compiler: Any, **more: Any) -> str:
    return str(compiler.process(element.clauses, **more))


@compiles(binary, "postgresql")
def _collated(element: Any, compiler: Any, **more: Any) -> str:
    return f'({compiler.process(element.clauses, **more)}) COLLATE "C"'


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of `core.db` that is fed to PostgreSQL.

    Attributes:
        order: what it is ordered by; the first is what its floor is about.
        names: of the same columns.
        time: by which rows grow old.
    """

    table: Table
    key: Column[Any]
    order: tuple[ColumnElement[Any], ...]
    names: tuple[str, ...]
    time: Column[int]

    @property
    def lead(self) -> Column[Any]:
        """The first of `order`."""
        return self.table.c[self.names[0]]

    def place(self, row: Any) -> tuple[Any, ...]:
        """Where a row stands in the list."""
        return tuple(getattr(row, name) for name in self.names)


def _listing(table: Table, time: Column[int], *order: Column[Any]) -> Listing:
    (key,) = table.primary_key.columns
    exact = tuple(binary(column) if isinstance(column.type, Text) else column for column in order)
    return Listing(table, key, exact, tuple(column.name for column in order), time)


_t, _v, _j, _a, _c = (
    table.c
    for table in (schema.transaction, schema.visit, schema.alarm_journal, schema.audit, schema.command)
)
SESSIONS = _listing(schema.transaction, _t.started_us, _t.started_us, _t.id)
VISITS = _listing(schema.visit, _v.began_us, _v.began_us, _v.id)
JOURNAL = _listing(schema.alarm_journal, _j.time_us, _j.sequence)
AUDIT = _listing(schema.audit, _a.time_us, _a.id)
COMMANDS = _listing(schema.command, _c.issued_us, _c.issued_us, _c.id)
LISTINGS: Sequence[Listing] = (SESSIONS, VISITS, JOURNAL, AUDIT, COMMANDS)


@dataclass(frozen=True, slots=True)
class Floor:
    """What of a list was deleted: only rows below `lead`, of up to `time_us`.

    Attributes:
        changed_us: when the last change was among what was deleted, for readers in the order of changes.
    """

    lead: int
    time_us: TimeUs
    changed_us: TimeUs


def floors(connection: Connection) -> Mapping[str, Floor]:
    """Table → its floor; a list that is whole has none."""
    state = schema.feed_state
    rows = connection.execute(select(state).where(state.c.name.startswith("floor:", autoescape=True)))
    return {row.name.partition(":")[2]: Floor(*json.loads(row.value)) for row in rows}


def floor_of(connection: Connection, listing: Listing) -> Floor | None:
    """The floor of one list."""
    state = schema.feed_state
    query = select(state.c.value).where(state.c.name == f"floor:{listing.table.name}")
    value = connection.execute(query).scalar()
    return None if value is None else Floor(*json.loads(value))


def raise_floor(connection: Connection, listing: Listing, floor: Floor) -> None:
    """Note it, within the transaction that deletes."""
    statement = insert(schema.feed_state).values(
        name=f"floor:{listing.table.name}", value=json.dumps([floor.lead, floor.time_us, floor.changed_us])
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
    )


def kept_below(connection: Connection, listing: Listing, floor: Floor) -> list[Any]:
    """Keys of the rows that are still here below the floor; they are few (`KEPT_MAX`)."""
    return list(connection.scalars(select(listing.key).where(listing.lead < floor.lead)))
