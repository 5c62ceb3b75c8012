"""What keeps the store in shape, in short turns on its writer's thread: roll-ups, retention, limits of the disk."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Connection, Table, delete, exists, func, select, text, update

from scada.core.plant import HistorySettings, Retention
from scada.history.samples import rollups, tables
from scada.history.samples.buckets import DAY_US, HOUR_US
from scada.history.samples.disk import Disk
from scada.history.samples.partitions import drop_partitions, month_of
from scada.history.samples.store import SampleStore

TURN_S = 0.1
"""How long one turn may take; samples wait meanwhile."""
DAYS_A_STEP = 10
RETENTION_EVERY_US = HOUR_US
LIMIT_EVERY_US = 60_000_000
VACUUM_PAGES = 2_000
GIVE_UP_STEPS_MAX = 50
"""So many days are given up in one turn at most; the next turn goes on."""

log = structlog.get_logger()


class Keeper:
    """See the module.

    Args:
        settings: retention classes and limits.
    """

    def __init__(self, settings: HistorySettings, disk: Disk) -> None:
        self._settings = settings
        self._disk = disk
        self._retention_us = 0
        self._limit_us = 0
        self.given_up_days = 0

    def turn(self, store: SampleStore, now_us: int) -> bool:
        """Do a little; True if there is more to do at once."""
        until = time.monotonic() + TURN_S
        if now_us - self._limit_us >= LIMIT_EVERY_US or now_us < self._limit_us:
            self._limit_us = now_us
            self.limit(store)
        while days := rollups.due_days(store, now_us, DAYS_A_STEP):
            rollups.roll(store, days)
            with store.engine.begin() as connection:
                for tag_id, day in days:
                    rollups.join_small(store, connection, tag_id, day)
            if time.monotonic() > until:
                return True
        if now_us - self._retention_us >= RETENTION_EVERY_US or now_us < self._retention_us:
            self._retention_us = now_us
            self.retain(store, now_us)
        return False

    def retain(self, store: SampleStore, now_us: int) -> int:
        """Delete what is older than its class keeps it; returns how many rows."""
        gone = 0
        classes = {name: self._rule(name) for name in self._classes(store)}
        with store.engine.begin() as connection:
            # The month to come, so that its first sample does not wait for a partition.
            store.partition(connection, {month_of(now_us), month_of(now_us + 31 * DAY_US)})
            for table, name in (
                (tables.block, "raw_days"),
                (tables.minute, "minute_days"),
                (tables.day, "rollup_days"),
            ):
                kept = [getattr(rule, name) for rule in classes.values()]
                if kept and all(kept) and table is not tables.block:
                    gone += drop_partitions(connection, table.name, month_of(now_us - max(kept) * DAY_US))
                for class_name, rule in classes.items():
                    days = getattr(rule, name)
                    if days:
                        gone += self._delete(connection, table, class_name, _day(now_us) - days * DAY_US)
        if gone:
            log.info("history_retention", rows=gone)
            vacuum(store)
        return gone

    def limit(self, store: SampleStore) -> None:
        """Give up what is least precious while the store is larger than it may be, or the disk nearly full."""
        for _ in range(GIVE_UP_STEPS_MAX):
            over = self._settings.disk_bytes_max and size(store) > self._settings.disk_bytes_max
            tight = store.place.url is None and not self._disk.comfortable()
            if not (over or tight) or not self.give_up(store):
                return
            vacuum(store)

    def give_up(self, store: SampleStore) -> bool:
        """The oldest day of samples of the class that is kept shortest; with no samples left, of minutes."""
        order = sorted(self._classes(store), key=lambda name: self._rule(name).raw_days or 10**9)
        for table, ends in ((tables.block, tables.block.c.t1), (tables.minute, tables.minute.c.t0)):
            for name in order:
                with store.engine.begin() as connection:
                    oldest = connection.scalar(
                        select(func.min(ends)).where(table.c.tag_id.in_(_of_class(name)))
                    )
                    if oldest is None:
                        continue
                    cut = _day(oldest) + DAY_US
                    gone = self._delete(connection, table, name, cut, forced=True)
                self.given_up_days += 1
                log.warning("history_given_up", table=table.name, retention=name, rows=gone)
                return True
        return False

    def _delete(
        self, connection: Connection, table: Table, name: str, before_us: int, *, forced: bool = False
    ) -> int:
        of_class = table.c.tag_id.in_(_of_class(name))
        if table is not tables.block:
            return connection.execute(delete(table).where(of_class, table.c.t0 < before_us)).rowcount
        statement = delete(table).where(of_class, table.c.t1 < before_us)
        if not forced:
            # Not before its roll-ups are worked out.
            mark = tables.dirty
            statement = statement.where(
                ~exists().where(
                    mark.c.tag_id == table.c.tag_id, mark.c.t0 <= table.c.t1, mark.c.t0 > table.c.t0 - DAY_US
                )
            )
        gone = connection.execute(statement).rowcount
        if gone:
            _note_raw_from(connection, name, before_us)
        return gone

    def _classes(self, store: SampleStore) -> list[str]:
        with store.engine.connect() as connection:
            found = connection.scalars(select(tables.tag.c.retention).distinct()).all()
            connection.rollback()
            return list(found)

    def _rule(self, name: str) -> Retention:
        rules: Mapping[str, Retention] = self._settings.retention
        return rules.get(name) or rules["standard"]  # a class that a project no longer has


def size(store: SampleStore) -> int:
    """Bytes that the store takes."""
    with store.engine.connect() as connection:
        if store.place.url is not None:
            statement = "SELECT pg_database_size(current_database())"
        else:
            statement = (
                "SELECT (page_count - freelist_count) * page_size"
                " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
            )
        found = int(connection.scalar(text(statement)) or 0)
        connection.rollback()
        return found


def vacuum(store: SampleStore) -> None:
    """Give deleted pages of a file back to the disk. PostgreSQL does it by itself."""
    if store.place.url is not None:
        return
    raw = store.engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
        cursor.fetchall()
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
        cursor.fetchall()
        cursor.close()
    finally:
        raw.close()


def _of_class(name: str) -> Any:
    return select(tables.tag.c.id).where(tables.tag.c.retention == name)


def _note_raw_from(connection: Connection, name: str, before_us: int) -> None:
    """Queries read days before this from roll-ups, and nobody works those out anew."""
    table = tables.meta
    key = f"raw_from.{name}"
    old = connection.scalar(select(table.c.value).where(table.c.key == key))
    if old is None:
        connection.execute(table.insert().values(key=key, value=str(before_us)))
    elif int(old) < before_us:
        connection.execute(update(table).where(table.c.key == key).values(value=str(before_us)))


def _day(time_us: int) -> int:
    return time_us - time_us % DAY_US
