"""Working out the roll-ups of days that are over, from their samples; and joining blocks that stayed small.

A day whose samples changed is marked (`rollup_dirty`) in the transaction that changes them, and queries read
it from its samples until it is worked out. So a roll-up is right or marked, never nearly right.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from scada.core.value import Kind
from scada.history.samples import buckets, tables
from scada.history.samples.buckets import DAY_US, HOUR_US, MINUTE_US, QUARTER_US
from scada.history.samples.codec import BLOCK_MAX, BlockDamaged, Columns, decode, join
from scada.history.samples.hot import days_of
from scada.history.samples.partitions import months_of
from scada.history.samples.query import carried
from scada.history.samples.store import SampleStore, block_row, insert_many
from scada.history.samples.view import View, look

GRACE_US = 10 * MINUTE_US
"""A day is worked out so long after its end: what chargers send late usually comes within this."""
SMALL = 256
SMALL_MAX = 8
"""So many blocks below `SMALL` samples in a month of a tag are joined."""

Day = tuple[int, int]
"""(tag, first microsecond of the day)."""


def due_days(store: SampleStore, now_us: int, limit: int) -> list[Day]:
    """Marked days that are over, whose samples are all in blocks."""
    table = tables.dirty
    with store.engine.connect() as connection:
        rows = connection.execute(
            select(table.c.tag_id, table.c.t0)
            .where(table.c.t0 <= now_us - DAY_US - GRACE_US)
            .order_by(table.c.t0, table.c.tag_id)
            .limit(limit)
        ).all()
        connection.rollback()
    batches = store.hot.batches
    return [(tag_id, day) for tag_id, day in rows if day not in days_of(batches, tag_id)]


def roll(store: SampleStore, days: list[Day]) -> int:
    """Work out these days and take their marks away; returns how many."""
    if not days:
        return 0
    made: list[tuple[Day, dict[str, Any] | None]] = []
    with look(store, store.engine, None) as view:
        if view.connection is None:
            return 0
        for tag_id, day in days:
            if day < view.raw_from(tag_id):
                made.append(((tag_id, day), None))  # its samples are gone: what was worked out before stands
            else:
                made.append(((tag_id, day), worked_out(view, tag_id, store.kind_of(tag_id), day)))
    with store.engine.begin() as connection:
        store.partition(connection, months_of(day for _, day in days))
        for (tag_id, day), row in made:
            if row is not None:
                _put(store, connection, tag_id, day, row)
            connection.execute(
                delete(tables.dirty).where(tables.dirty.c.tag_id == tag_id, tables.dirty.c.t0 == day)
            )
    return len(made)


def worked_out(view: View, tag_id: int, kind: str, day: int) -> dict[str, Any]:
    """The roll-ups of a day out of its samples; empty where there are none."""
    entry = (tag_id, kind)
    columns = view.raw("", entry, day, day + DAY_US)
    if kind == Kind.TEXT.value or not len(columns):
        return {}
    carry = carried(view.before("", entry, day))
    decimals = buckets.decimals_of(columns)

    def of(step_us: int) -> buckets.Buckets:
        return buckets.rounded(buckets.compute(columns, day, step_us, DAY_US // step_us, carry), decimals)

    whole = of(DAY_US)

    def number(name: str) -> float | None:
        value = float(getattr(whole, name)[0])
        return None if np.isnan(value) else value

    return {
        "minutes": buckets.pack(of(MINUTE_US), day, MINUTE_US),
        "hours": buckets.pack(of(HOUR_US), day, HOUR_US),
        "quarters": buckets.pack(of(QUARTER_US), day, QUARTER_US),
        "samples": len(columns),
        "n": int(whole.n[0]),
        "vmin": number("vmin"),
        "vmax": number("vmax"),
        "vavg": number("mean"),
        "vlast": number("last"),
        "weighted": number("weighted"),
        "covered_us": int(whole.covered_us[0]),
        "held": int(whole.held[0]),
    }


def _put(store: SampleStore, connection: Connection, tag_id: int, day: int, row: dict[str, Any]) -> None:
    table = tables.day
    here = (table.c.tag_id == tag_id, table.c.t0 == day)
    old = connection.execute(select(table.c.held, table.c.vlast).where(*here)).one_or_none()
    if old is None or (old.held, old.vlast) != (row.get("held"), row.get("vlast")):
        # The next day begins with what this one held at its end.
        following = connection.scalar(
            select(table.c.t0).where(table.c.tag_id == tag_id, table.c.t0 > day).order_by(table.c.t0).limit(1)
        )
        if following is not None:
            store.mark_dirty(connection, [(tag_id, following)])
    minute = tables.minute
    connection.execute(delete(table).where(*here))
    connection.execute(delete(minute).where(minute.c.tag_id == tag_id, minute.c.t0 == day))
    if row:
        values = {name: value for name, value in row.items() if name != "minutes"}
        connection.execute(insert(table).values(tag_id=tag_id, t0=day, **values))
        connection.execute(insert(minute).values(tag_id=tag_id, t0=day, data=row["minutes"]))


def join_small(store: SampleStore, connection: Connection, tag_id: int, day: int) -> int:
    """Join the small blocks of a tag in the month of a day; returns how many became fewer."""
    table = tables.block
    month = datetime.fromtimestamp(day / 1_000_000, UTC).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    begin = int(month.timestamp()) * 1_000_000
    end = (
        int(month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1).timestamp())
        * 1_000_000
    )
    mine = (table.c.tag_id == tag_id, table.c.t0 >= begin, table.c.t0 < end, table.c.n < SMALL)
    rows = connection.execute(
        select(table.c.t0, table.c.seq, table.c.data).where(*mine).order_by(table.c.seq)
    ).all()
    if len(rows) < SMALL_MAX:
        return 0
    try:
        whole = join([decode(row.data) for row in rows])
    except BlockDamaged:
        return 0  # it stays as it is, for `scada history check`
    for row in rows:
        connection.execute(
            delete(table).where(table.c.tag_id == tag_id, table.c.t0 == row.t0, table.c.seq == row.seq)
        )
    insert_many(connection, table, rows_of(tag_id, whole, max(row.seq for row in rows)))
    return len(rows)


def rows_of(tag_id: int, columns: Columns, sequence: int) -> list[dict[str, Any]]:
    """Samples as full blocks."""
    return [
        block_row(tag_id, columns.part(slice(at, at + BLOCK_MAX)), sequence)
        for at in range(0, len(columns), BLOCK_MAX)
    ]
