"""The copy of `core.db` on PostgreSQL: what is committed here goes there, in order and each row once.

Triggers write the key of each changed row into `feed`, within the transaction of the change. The feeder reads some keys,
puts the rows as they are now to PostgreSQL in one transaction (by their keys, so a repeat changes nothing), and then deletes
those keys here. A crash between the two repeats; nothing is lost or doubled.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    Table,
    bindparam,
    delete,
    func,
    inspect,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, SQLAlchemyError

from scada.core.errors import StartError
from scada.core.value import TimeUs
from scada.history import prune, schema
from scada.history.floors import LISTINGS, floor_of
from scada.history.samples.engine import Place, explain, postgresql_engine
from scada.history.upgrade import VERSION_TABLE, upgrade

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        schema.visit,
        schema.transaction,
        schema.session_figures,
        schema.alarm_journal,
        schema.command,
        schema.audit,
    )
}
BATCH = 500
"""Keys of one transaction."""
POLL_S = 1.0
RETRY_FIRST_S, RETRY_MAX_S = 1.0, 60.0
PRUNE_EVERY_S, PRUNE_PAUSE_S = 600.0, 0.2
"""Between two looks for old rows, and between two batches of one."""
CLOSE_S = 10.0
REFUSED_MAX = 100
"""Rows that PostgreSQL takes for impossible and that are named in the log; what follows is only counted."""
_INT32 = 2**31 - 1

log = structlog.get_logger()


def arm(engine: Engine, lock: threading.Lock) -> str:
    """Have every change noted from now on, and all that is there already, once; returns who this `core.db` is."""
    with lock, engine.begin() as connection:
        known = {row.name: row.value for row in connection.execute(select(schema.feed_state))}
        for name, table in TABLES.items():
            (key,) = table.primary_key.columns
            for event in ("INSERT", "UPDATE"):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER IF NOT EXISTS feed_{name}_{event.lower()} AFTER {event} ON {name} BEGIN "  # noqa: S608 (ours)
                    f"INSERT INTO feed (source, row_key) VALUES ('{name}', NEW.{key.name}); END"
                )
            if "armed" not in known:
                connection.exec_driver_sql(
                    f"INSERT INTO feed (source, row_key) SELECT '{name}', {key.name} FROM {name} ORDER BY 2"  # noqa: S608
                )
        identity = known.get("identity") or uuid.uuid4().hex
        for name, value in (("identity", identity), ("armed", "1")):
            if name not in known:
                connection.execute(schema.feed_state.insert().values(name=name, value=value))
    return identity


def disarm(engine: Engine, lock: threading.Lock) -> None:
    """Note nothing any more: there is no PostgreSQL. When there is one again, everything is fed anew."""
    with lock, engine.begin() as connection:
        armed = select(schema.feed_state.c.name).where(schema.feed_state.c.name == "armed")
        if connection.execute(armed).one_or_none() is None:
            return
        for name in TABLES:
            for event in ("insert", "update"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS feed_{name}_{event}")
        connection.execute(delete(schema.feed))
        connection.execute(delete(schema.feed_state).where(schema.feed_state.c.name == "armed"))


class Feeder:
    """Feeds in a thread of its own until it is closed.

    Args:
        writer: of `core.db`; its keys are read and deleted under `lock`.
        reader: of `core.db`.
        local_us: how long `core.db` keeps what PostgreSQL has; None: for ever.

    Attributes:
        state: what is wrong, as a sentence; empty: nothing is.
        waiting: keys that wait, at the last look.
        refused: rows that PostgreSQL took for impossible and that it does not have.
    """

    def __init__(
        self,
        place: Place,
        writer: Engine,
        reader: Engine,
        lock: threading.Lock,
        local_us: TimeUs | None = None,
    ) -> None:
        if place.url is None:
            raise ValueError("there is nowhere to feed to")
        self._place, self._writer, self._reader, self._lock = place, writer, reader, lock
        self._identity = arm(writer, lock)
        self._target = postgresql_engine(place.url, 1)
        self._pruner = prune.Pruner(writer, reader, lock, self._target, _fit)
        self._local_us, self._prune_at = local_us, 0.0
        self._prepared = False
        self._stop = threading.Event()
        self._even_at = time.monotonic()
        self.state = ""
        self.waiting = 0
        self.refused = 0
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._thread.start()

    @property
    def lag_s(self) -> float:
        """How long it is since nothing waited."""
        return 0.0 if not self.waiting else time.monotonic() - self._even_at

    def wait_even(self, timeout_s: float) -> bool:
        """Wait until nothing waits any more; False: not in time."""
        deadline = time.monotonic() + timeout_s
        first = select(schema.feed.c.position).limit(1)
        while True:
            with self._reader.connect() as connection:
                if connection.execute(first).one_or_none() is None:
                    return True
            if time.monotonic() > deadline:
                return False
            self._stop.wait(0.05)

    def close(self) -> None:
        """End; what waits is fed by the next run."""
        self._stop.set()
        self._thread.join(CLOSE_S)
        self._target.dispose()

    def _run(self) -> None:
        pause_s = RETRY_FIRST_S
        while not self._stop.is_set():
            try:
                number = self.feed()
                pause_s = RETRY_FIRST_S
                if self.state:
                    log.info("feed_works_again", waiting=self.waiting)
                self.state = ""
                if number == 0:
                    self._even_at, self.waiting = time.monotonic(), 0
                if number < BATCH:
                    self._stop.wait(PRUNE_PAUSE_S if self._prune() else POLL_S)
            except Exception as error:
                text = self._sentence(error)
                if text != self.state:
                    log.error("feed_fails", reason=text)
                self._prepared = False
                self._count()
                self.state = text
                self._stop.wait(pause_s)
                pause_s = min(pause_s * 2, RETRY_MAX_S)

    def feed(self) -> int:
        """Feed one batch; how many keys it had.

        Raises:
            SQLAlchemyError, StartError: PostgreSQL or the disk; nothing was fed twice or lost.
        """
        with self._reader.connect() as connection:
            keys = connection.execute(select(schema.feed).order_by(schema.feed.c.position).limit(BATCH)).all()
            if not keys:
                if not self._prepared:
                    self._prepare()
                return 0
            rows = _rows(connection, keys)
        if not self._prepared:
            self._prepare()
        with self._target.begin() as target:
            for name, found in rows.items():
                self._put(target, TABLES[name], found)
        last = keys[-1].position
        with self._lock, self._writer.begin() as own:
            own.execute(delete(schema.feed).where(schema.feed.c.position <= last))
        self._count()
        return len(keys)

    def _prune(self) -> bool:
        """Delete a batch of what PostgreSQL has long had; there is more to look at."""
        if self._local_us is None:
            return False
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_EVERY_S
            self._pruner.begin()
        return self._pruner.step(time.time_ns() // 1_000 - self._local_us)

    def _count(self) -> None:
        try:
            with self._reader.connect() as connection:
                first, last = connection.execute(
                    select(func.min(schema.feed.c.position), func.max(schema.feed.c.position))
                ).one()
        except SQLAlchemyError:
            return
        self.waiting = 0 if first is None else last - first + 1

    def _prepare(self) -> None:
        """See that the database is ours or empty, and bring it to this version."""
        with self._target.begin() as connection:
            names = set(inspect(connection).get_table_names())
            ours = VERSION_TABLE in names or any(name.startswith("history_") for name in names)
            if names and not ours:
                raise StartError(
                    f"{self._place} holds other tables than ours ({', '.join(sorted(names)[:3])}): "
                    "give the history a database of its own"
                )
            upgrade(connection)
            self._see_older(connection)
            owner = connection.exec_driver_sql(
                "SELECT value FROM feed_source WHERE name = 'identity'"
            ).scalar()
            if owner is None:
                connection.execute(
                    sql("INSERT INTO feed_source (name, value) VALUES ('identity', :value)"),
                    {"value": self._identity},
                )
            elif owner != self._identity:
                raise StartError(
                    f"{self._place} is fed by another core.db: give each project a database of its own, or, if that "
                    "core.db is gone, delete the row 'identity' of its table feed_source"
                )
        self._prepared = True

    def _see_older(self, connection: Connection) -> None:
        """What was deleted here must be there."""
        with self._reader.connect() as own:
            known = [(listing, floor_of(own, listing)) for listing in LISTINGS]
        for listing, floor in known:
            if floor is None:
                continue
            older = select(listing.lead).where(listing.lead < floor.lead).limit(1)
            if connection.execute(older).one_or_none() is None:
                raise StartError(
                    f"{self._place} does not have the older records that core.db no longer keeps "
                    f"(table {listing.table.name}): name the database that had them, or put its backup in place"
                )

    def _put(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        statement = insert(table)
        key = [column.name for column in table.primary_key.columns]
        rest = {one.name: statement.excluded[one.name] for one in table.columns if one.name not in key}
        put = statement.on_conflict_do_update(index_elements=key, set_=rest)
        fit = [
            {name: value if name in key else _fit(table.c[name].type, value) for name, value in row.items()}
            for row in rows
        ]
        try:
            with connection.begin_nested():
                connection.execute(put, fit)
        except DataError:
            for row in fit:  # one impossible row must not hold up all others; it stays in core.db
                try:
                    with connection.begin_nested():
                        connection.execute(put, row)
                except DataError as error:
                    self.refused += 1
                    if self.refused <= REFUSED_MAX:
                        log.error(
                            "feed_row_refused", table=table.name, key=row[key[0]], error=str(error.orig)
                        )

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, SQLAlchemyError):
            return explain(self._place, error)
        return str(error)


def _rows(connection: Connection, keys: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    """Table → the rows that the keys name, as they are now; in order of their first change."""
    wanted: dict[str, dict[str, None]] = {}
    for key in keys:
        wanted.setdefault(key.source, {})[key.row_key] = None
    found: dict[str, list[dict[str, Any]]] = {}
    for name, ids in wanted.items():
        table = TABLES[name]
        (column,) = table.primary_key.columns
        chosen = [int(one) if isinstance(column.type, Integer) else one for one in ids]
        query = select(table).where(column.in_(bindparam("chosen", expanding=True)))
        rows = connection.execute(query, {"chosen": chosen}).all()
        if rows:
            found[name] = [dict(row._mapping) for row in rows]
    return found


def _fit(kind: Any, value: Any) -> Any:
    """What SQLite takes and PostgreSQL does not: NUL in a text, more than 32 bits in an integer column."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    if isinstance(value, int) and isinstance(kind, Integer) and not isinstance(kind, BigInteger):
        return max(-_INT32 - 1, min(value, _INT32))
    return value
