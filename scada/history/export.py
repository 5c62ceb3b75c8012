"""Plain rows for other tools: what is new in `core.db` goes to any database that SQLAlchemy knows, by key.

A batch deletes the rows of its keys in the target and inserts them as they are now, in one transaction: a repeat
changes nothing, and it needs no words that only some databases know. Nothing else there is touched. Documented in docs/sql.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Double,
    Engine,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    create_engine,
    delete,
    insert,
    inspect,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from scada.core.errors import Unavailable
from scada.core.value import TimeUs
from scada.history.database import make_engine
from scada.history.floors import AUDIT, JOURNAL, SESSIONS, Floor, Listing, floor_of
from scada.history.older import LONG_TIMEOUT_S, Older, identity_of
from scada.history.samples.engine import Place, explain, postgresql_engine

BATCH = 500
"""Rows of one transaction; of `energy` sessions are counted, each with its quarters."""
SESSIONS_BATCH = 100
INSERT_MAX = 1_000
"""Rows of one statement."""
LOCK_TIMEOUT_S = 5
"""How long an SQLite target that another program writes is waited for."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Cursor = tuple[int, int]
"""Up to where rows were taken: (number, 0) of journals; (time of the change, id) of what changes later."""

_INT, _TEXT, _TIME, _BIT, _MONEY = BigInteger(), Text(), DateTime(timezone=True), Boolean(), "money"
_REAL: Double[float] = Double()


@dataclass(frozen=True, slots=True)
class _Shape:
    """Rows of one kind.

    Attributes:
        table: in the target, after the prefix.
        key: numbers; with the project's name they are the primary key there.
        whole: the column by which rows are replaced.
        rows: query for the rows that `:chosen` names.
        listing: the list that they are of; `journal`: in order of its key, else of changes.
    """

    listing: Listing
    table: str
    key: tuple[str, ...]
    whole: str
    columns: Mapping[str, Any]
    news: str
    rows: str
    batch: int = BATCH

    @property
    def journal(self) -> bool:
        """Rows never change."""
        return self.listing in (JOURNAL, AUDIT)

    def older(self, cursor: Cursor, floor: Floor | None) -> bool:
        """After the cursor come rows that `core.db` no longer has."""
        if floor is None:
            return False
        return cursor[0] < floor.lead if self.journal else cursor[0] <= floor.changed_us


def _columns(**kinds: str) -> dict[str, Any]:
    known = {"i": _INT, "r": _REAL, "t": _TEXT, "w": _TIME, "b": _BIT, "m": _MONEY}
    return {name: known[kind] for name, kind in kinds.items()}


def _journal(table: str, number: str) -> str:
    return (
        f"SELECT {number} AS id, {number} AS major, 0 AS minor FROM {table} "  # noqa: S608 (ours)
        f"WHERE {number} > :major ORDER BY {number} LIMIT :limit"
    )


def _changes(table: str, column: str) -> str:
    return (
        f"SELECT * FROM (SELECT id, {column} AS major, id AS minor FROM {table} "  # noqa: S608 (ours)
        f"WHERE ({column}, id) > (:major, :minor) ORDER BY {column}, id LIMIT :limit) AS changes"
    )


_FIGURES = _changes("session_figures", "computed_us")
_SHAPES: Mapping[str, _Shape] = {
    "sessions": _Shape(
        SESSIONS,
        "sessions",
        ("id",),
        "id",
        _columns(
            id="i", site="t", charger="t", connector="i", visit="i", token="t", parent="t", vehicle="t", plan="t",  # noqa: S106 (a column)
            state="t", started="w", stopped="w", duration_s="r", charging_s="r", meter_start_wh="i", meter_stop_wh="i",
            energy_wh="i", correction_wh="i", power_mean_kw="r", power_max_kw="r", soc_start="r", soc_end="r",
            reason="t", authorized_by="t", ordered_by="t", stopped_by="t", stop_condition="t", late="b", tariff="t",
            cost="m", currency="t", station_start_wh="i", station_stop_wh="i", meter_difference_wh="i", flags="t",
            figure_flags="t",
        ),
        f"SELECT * FROM ({_changes('charging_transaction', 'updated_us')} UNION ALL {_FIGURES}) AS news "  # noqa: S608
        "ORDER BY major, minor LIMIT :limit",
        "SELECT * FROM sessions WHERE id IN ({})",
    ),
    "alarms": _Shape(
        JOURNAL,
        "alarms",
        ("sequence",),
        "sequence",
        _columns(
            sequence="i", time="w", alarm="t", site="t", level="i", domain="t", nature="t", event="t", state="t",
            raised="w", first_out="i", value="t", who="t", origin="t", comment="t", until="w",
        ),
        _journal("alarm_journal", "sequence"),
        "SELECT * FROM alarms WHERE sequence IN ({})",
    ),
    "audit": _Shape(
        AUDIT,
        "audit",
        ("id",),
        "id",
        _columns(
            id="i", time="w", who="t", origin="t", action="t", object="t", before="t", after="t", outcome="t"
        ),
        _journal("audit", "id"),
        'SELECT id, time_us AS time, "user" AS who, origin, action, object, old AS before, new AS after, outcome '
        "FROM audit WHERE id IN ({})",
    ),
    "energy": _Shape(
        SESSIONS,
        "energy_15min",
        ("session", "quarter_us"),
        "session",
        _columns(
            session="i", quarter_us="i", quarter="w", site="t", charger="t", connector="i", token="t", vehicle="t",  # noqa: S106
            plan="t", energy_wh="r",
        ),
        _FIGURES,
        "SELECT * FROM energy_15min WHERE session IN ({})",
        SESSIONS_BATCH,
    ),
}  # fmt: skip


class ExportError(Exception):
    """Rows cannot be exported now; the text says why and what to do, and holds no password."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a batch did: rows written, up to where; `more`: there is more to take."""

    cursor: Cursor
    rows: int
    more: bool


class Exporter:
    """Takes rows from `core.db` of a project to one target. Blocks; for one thread.

    Args:
        directory: of the project; an SQLite target is relative to it.
        url: of the target.
        project: stands in each row, so that many projects share a database.
        prefix: of the names of tables.
        older: what `core.db` no longer has.

    Raises:
        ExportError: the URL cannot be used.
    """

    def __init__(
        self, directory: Path, url: str, project: str, prefix: str = "", older: Older | None = None
    ) -> None:
        self._older = older or Older(None)
        self._url = _target(directory, url)
        self._project = project
        metadata = MetaData()
        money = String(40) if self._url.get_backend_name() == "sqlite" else Numeric(18, 6)
        self._tables = {
            kind: Table(
                prefix + shape.table,
                metadata,
                Column("project", String(100), primary_key=True),
                *(
                    Column(
                        name,
                        money if type_ is _MONEY else type_,
                        primary_key=name in shape.key,
                        autoincrement=False,
                    )
                    for name, type_ in shape.columns.items()
                ),
            )
            for kind, shape in _SHAPES.items()
        }
        self._engine = self._open()
        self._source = make_engine(directory / "data" / "core.db", "FULL", read_only=True)

    @property
    def target(self) -> str:
        """Where it goes, without the password."""
        return self._url.render_as_string(hide_password=True)

    def prepare(self, kinds: Sequence[str]) -> frozenset[str]:
        """Make the tables that are not there; which of them are empty because of that.

        Raises:
            ExportError: a table is another program's, or the target cannot be used.
        """
        made: set[str] = set()
        try:
            with self._engine.begin() as connection:
                seen = inspect(connection)
                for kind in kinds:
                    table = self._tables[kind]
                    if not seen.has_table(table.name):
                        table.create(connection)
                        made.add(kind)
                        continue
                    names = {column["name"] for column in seen.get_columns(table.name)}
                    missing = [column.name for column in table.columns if column.name not in names]
                    if missing:
                        raise ExportError(
                            f"{self.target} has a table '{table.name}' of another make (without {', '.join(missing[:3])}): "
                            "give the export another database, or a prefix"
                        )
        except SQLAlchemyError as error:
            raise ExportError(self._sentence(error)) from error
        return frozenset(made)

    def step(self, kind: str, cursor: Cursor, until_us: TimeUs) -> Step:
        """Take one batch of what comes after `cursor`.

        Args:
            until_us: what changed later waits for the next run, so that a run ends.

        Raises:
            ExportError: nothing of the batch was written.
        """
        shape, table = _SHAPES[kind], self._tables[kind]
        try:
            with self._source.connect() as connection:
                place = {"major": cursor[0], "minor": cursor[1], "limit": shape.batch}
                parts = [_news(shape, place)(connection)]
                under = shape.older(cursor, floor_of(connection, shape.listing))
                identity = identity_of(connection)
                if under:
                    parts.append(self._older.ask(_news(shape, place), identity, LONG_TIMEOUT_S))
                news, full = _first(parts, shape.batch)
                if not news:
                    return Step(cursor, 0, False)
                chosen = sorted({number for *_, number in news})
                rows = self._rows(connection, shape, chosen)
                gone = _gone(connection, shape, chosen) if under else []
            if gone:
                rows += self._older.ask(
                    lambda other: self._rows(other, shape, gone), identity, LONG_TIMEOUT_S
                )
        except Unavailable as error:
            raise ExportError(str(error)) from error
        except SQLAlchemyError as error:
            raise ExportError(f"core.db cannot be read: {error}") from error
        try:
            with self._engine.begin() as connection:
                ours = table.c.project == self._project
                connection.execute(delete(table).where(ours, table.c[shape.whole].in_(chosen)))
                for begin in range(0, len(rows), INSERT_MAX):
                    connection.execute(insert(table), rows[begin : begin + INSERT_MAX])
        except SQLAlchemyError as error:
            raise ExportError(self._sentence(error)) from error
        major, minor, _ = news[-1]
        more = full and (shape.journal or major <= until_us)
        return Step((major, minor), len(rows), more)

    def close(self) -> None:
        """Let go of both databases."""
        self._engine.dispose()
        self._source.dispose()

    def _rows(self, connection: Connection, shape: _Shape, chosen: Sequence[int]) -> list[dict[str, Any]]:
        marks = ", ".join(str(int(one)) for one in chosen)
        found = connection.execute(sql(shape.rows.format(marks)))
        exact = self._url.get_backend_name() != "sqlite"
        return [
            {"project": self._project}
            | {name: _fit(type_, row[name], exact) for name, type_ in shape.columns.items()}
            for row in found.mappings()
        ]

    def _open(self) -> Engine:
        backend = self._url.get_backend_name()
        if backend == "postgresql" and self._url.get_driver_name() == "psycopg":
            return postgresql_engine(self._url, 1)
        waits = {"timeout": LOCK_TIMEOUT_S} if backend == "sqlite" else {}
        try:
            return create_engine(self._url, poolclass=NullPool, connect_args=waits)
        except (SQLAlchemyError, ImportError) as error:
            raise ExportError(
                f"no driver for {self._url.drivername} is installed: add its package to this environment"
            ) from error

    def _sentence(self, error: SQLAlchemyError) -> str:
        text = explain(Place(Path(), self._url), error)
        password = self._url.password
        return text.replace(str(password), "***") if password else text


def _news(shape: _Shape, place: Mapping[str, int]) -> Callable[[Connection], list[tuple[int, int, int]]]:
    return lambda other: [(row.major, row.minor, row.id) for row in other.execute(sql(shape.news), place)]


def _first(
    parts: Sequence[list[tuple[int, int, int]]], batch: int
) -> tuple[list[tuple[int, int, int]], bool]:
    """(what comes first of parts that are each in order, whether there may be more): as far as all of them reach."""
    ends = [part[-1] for part in parts if len(part) == batch]
    found = sorted({one for part in parts for one in part if not ends or one <= min(ends)})
    return found[:batch], bool(ends) or len(found) > batch


def _gone(connection: Connection, shape: _Shape, chosen: Sequence[int]) -> list[int]:
    """Those that `core.db` no longer has."""
    key = shape.listing.key
    found = set(connection.scalars(select(key).where(key.in_(chosen))))
    return [one for one in chosen if one not in found]


def _target(directory: Path, text: str) -> URL:
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise ExportError(
            "the URL of the export cannot be used: it looks like postgresql://user:password@host/database "
            "or sqlite:////path/to/file.db"
        ) from None
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise ExportError("the URL of the export names no file: sqlite:////path/to/file.db")
        path = (directory / url.database).resolve()
        if path.is_relative_to((directory / "data").resolve()):
            raise ExportError(f"{path} lies among the project's own data: export to another folder")
        return url.set(database=str(path))
    return url


def _fit(kind: Any, value: Any, exact: bool) -> Any:
    """A value of SQLite as the target's column takes it; times are UTC."""
    if value is None:
        return None
    if kind is _MONEY:
        return Decimal(str(value)) if exact else str(value)
    if kind is _TIME:
        if isinstance(value, datetime):
            # Milliseconds, as the views of SQLite tell them.
            half = timedelta(microseconds=500)
            return _EPOCH + timedelta(milliseconds=(value - _EPOCH + half) // timedelta(milliseconds=1))
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return _EPOCH + timedelta(microseconds=value)
    if kind is _BIT:
        return bool(value)
    if isinstance(value, str):  # PostgreSQL takes no NUL
        return value.replace("\x00", "\ufffd")
    return value
