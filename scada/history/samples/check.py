"""`scada history check | compact`: looking through a store while nothing else writes to it.

What cannot be read is never deleted: a repair moves it into files beside the database, and the rest is readable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import delete, func, select

from scada.history.samples import tables
from scada.history.samples.batch import unpack
from scada.history.samples.buckets import DAY_US
from scada.history.samples.codec import BlockDamaged, decode
from scada.history.samples.keeper import vacuum
from scada.history.samples.rollups import SMALL, due_days, join_small, roll, worked_out
from scada.history.samples.spill import Record, Spill, read_segment
from scada.history.samples.store import SampleStore
from scada.history.samples.view import look

FINDINGS_MAX = 1_000
"""More are counted, not listed."""
DAYS_A_STEP = 50


@dataclass
class Findings:
    """What a look through the store has found.

    Attributes:
        problems: in words, each with its place.
        overlaps: blocks that begin before their predecessor ends: late samples, no mistake.
        repaired: problems that are mended.
    """

    blocks: int = 0
    samples: int = 0
    hot: int = 0
    rollups: int = 0
    overlaps: int = 0
    waiting: int = 0
    repaired: int = 0
    more: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, problem: str) -> None:
        """Note a problem."""
        if len(self.problems) < FINDINGS_MAX:
            self.problems.append(problem)
        else:
            self.more += 1


def check(store: SampleStore, *, repair: bool) -> Findings:
    """Read all blocks, roll-ups and what waits; compare each roll-up with its samples."""
    found = Findings()
    damaged = store.place.directory / "damaged"
    _journal(store, found, damaged if repair else None)
    spill = Spill(store.place.directory / "spill", 2**62)
    for path in spill.segments():
        for place, record in read_segment(path):
            if isinstance(record, Record):
                found.waiting += len(record.batch)
            else:
                found.add(f"{path.name} at {place}: {record}")
    with store.engine.connect() as connection:
        names = {row.id: row.path for row in connection.execute(select(tables.tag.c.id, tables.tag.c.path))}
        orphans = set(connection.scalars(select(tables.block.c.tag_id).distinct())) - set(names)
        connection.rollback()
    for tag_id in sorted(orphans):
        found.add(f"there are blocks of a tag {tag_id} that the dictionary does not know")
    for tag_id, name in names.items():
        _blocks(store, tag_id, name, found, damaged if repair else None)
    for tag_id, name in names.items():
        _rollups(store, tag_id, name, found, repair=repair)
    if repair:
        _roll_all(store)
    return found


def compact(store: SampleStore, now_us: int, say: Callable[[str], None] = lambda _: None) -> int:
    """Make blocks of everything, work out what is due, join small blocks, give room back; returns the blocks made."""
    made = store.compact(now_us, everything=True)
    say(f"{made} blocks made of the journal")
    _roll_all(store, now_us)
    joined = 0
    with store.engine.connect() as connection:
        months = connection.execute(
            select(tables.block.c.tag_id, func.min(tables.block.c.t0).label("t0"))
            .where(tables.block.c.n < SMALL)
            .group_by(tables.block.c.tag_id, tables.block.c.t0 / (28 * DAY_US))
        ).all()
        connection.rollback()
    for at in range(0, len(months), DAYS_A_STEP):
        with store.engine.begin() as connection:
            for row in months[at : at + DAYS_A_STEP]:
                joined += join_small(store, connection, row.tag_id, row.t0)
    say(f"{joined} small blocks joined")
    vacuum(store)
    return made


def _roll_all(store: SampleStore, now_us: int = 2**62) -> None:
    while days := due_days(store, now_us, DAYS_A_STEP):
        roll(store, days)


def _journal(store: SampleStore, found: Findings, damaged: Path | None) -> None:
    table = tables.hot
    with store.engine.begin() as connection:
        for row in connection.execute(select(table).order_by(table.c.id)).all():
            try:
                found.hot += len(unpack(row.data))
            except BlockDamaged as error:
                found.add(f"row {row.id} of the journal ({row.n} samples): {error}")
                if damaged is not None:
                    _put_aside(damaged, f"journal-{row.id}", row.data)
                    connection.execute(delete(table).where(table.c.id == row.id))
                    found.repaired += 1


def _blocks(store: SampleStore, tag_id: int, name: str, found: Findings, damaged: Path | None) -> None:
    table = tables.block
    with store.engine.begin() as connection:
        last = None
        rows = connection.execute(
            select(table).where(table.c.tag_id == tag_id).order_by(table.c.t0, table.c.seq)
        ).yield_per(200)
        bad = []
        for row in rows:
            found.blocks += 1
            found.samples += row.n
            if last is not None and row.t0 <= last:
                found.overlaps += 1
            last = max(row.t1, last if last is not None else row.t1)
            problem = _problem(row)
            if problem:
                found.add(f"{name}: the block from {_text(row.t0)} ({row.n} samples): {problem}")
                bad.append(row)
        rows.close()
        for row in bad if damaged is not None else ():
            assert damaged is not None
            _put_aside(damaged, f"block-{tag_id}-{row.t0}-{row.seq}", row.data)
            connection.execute(
                delete(table).where(table.c.tag_id == tag_id, table.c.t0 == row.t0, table.c.seq == row.seq)
            )
            first, end = row.t0 - row.t0 % DAY_US, row.t1
            store.mark_dirty(connection, {(tag_id, day) for day in range(first, end + 1, DAY_US)})
            found.repaired += 1


def _problem(row: object) -> str:
    try:
        columns = decode(row.data)  # type: ignore[attr-defined]
    except BlockDamaged as error:
        return str(error)
    said = (row.t0, row.t1, row.n)  # type: ignore[attr-defined]
    if (int(columns.times[0]), int(columns.times[-1]), len(columns)) != said:
        return "it does not hold what its row says"
    return "" if not np.any(np.diff(columns.times) < 0) else "its samples are not in order"


def _rollups(store: SampleStore, tag_id: int, name: str, found: Findings, *, repair: bool) -> None:
    table = tables.day
    wrong: set[tuple[int, int]] = set()
    with look(store, store.engine, None) as view:
        marked = view.dirty(tag_id, -(2**62), 2**62)
        raw_from = view.raw_from(tag_id)
        for row in view.days(
            tag_id, max(raw_from, -(2**62)), 2**62, table.c.n, table.c.hours, table.c.quarters
        ):
            found.rollups += 1
            if row.t0 in marked:
                continue
            right = worked_out(view, tag_id, store.kind_of(tag_id), row.t0)
            if (row.n, row.hours, row.quarters) != (
                right.get("n"),
                right.get("hours"),
                right.get("quarters"),
            ):
                found.add(f"{name}: the roll-up of {_text(row.t0)} is not that of its samples")
                wrong.add((tag_id, row.t0))
    if repair and wrong:
        with store.engine.begin() as connection:
            store.mark_dirty(connection, wrong)
        found.repaired += len(wrong)


def _put_aside(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / name).write_bytes(data)


def _text(time_us: int) -> str:
    return str(np.datetime64(time_us, "us"))
