"""Monthly partitions on PostgreSQL: made when a sample of the month comes and one month ahead, dropped whole."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from scada.history.samples.tables import PARTITIONED

FIRST, LAST = 2000 * 12, 2200 * 12
"""Months outside of these years share one partition: they come from clocks that are wrong."""


def month_of(time_us: int) -> int:
    """Months since the year 0."""
    moment = datetime.fromtimestamp(min(max(time_us // 1_000_000, -(10**9)), 10**10), UTC)
    return moment.year * 12 + moment.month - 1


def months_of(times_us: Iterable[int]) -> set[int]:
    """The months in which these times lie."""
    return set(map(month_of, times_us))


def start_us(month: int) -> int:
    """When a month begins."""
    return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


def make_partitions(connection: Connection, months: set[int], known: set[int]) -> set[int]:
    """Make what is missing; returns what is there now. Nothing on SQLite."""
    if connection.dialect.name != "postgresql":
        return known
    wanted = {month for month in months if FIRST <= month < LAST} - known
    for month in sorted(wanted):
        for table in PARTITIONED:
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {table}_y{month // 12}m{month % 12 + 1:02} PARTITION OF {table} "
                    f"FOR VALUES FROM ({start_us(month)}) TO ({start_us(month + 1)})"
                )
            )
    return known | wanted


def partitions(connection: Connection) -> list[tuple[str, str, int]]:
    """(name, table, month) of each that stands for a month."""
    if connection.dialect.name != "postgresql":
        return []
    found = connection.execute(
        text(
            "SELECT child.relname, parent.relname FROM pg_inherits"
            " JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent"
        )
    )
    out = []
    for name, table in found:
        match = re.fullmatch(r".*_y(\d{4})m(\d\d)", name)
        if table in PARTITIONED and match:
            out.append((name, table, int(match[1]) * 12 + int(match[2]) - 1))
    return out


def drop_partitions(connection: Connection, table: str, before: int) -> int:
    """Drop those of a table that end before a month begins; returns how many."""
    names = [name for name, of, month in partitions(connection) if of == table and month < before]
    for name in names:
        connection.execute(text(f"DROP TABLE {name}"))
    return len(names)
