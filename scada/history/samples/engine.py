"""Opening the sample store on SQLite or PostgreSQL: whose it is, its version, and sentences for what may be wrong.

Nothing is written before it is known that the database is ours or empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from scada.core.errors import StartError
from scada.history.database import UPGRADING, copy_file, inspect_file, make_engine
from scada.history.samples import tables

MIGRATIONS = Path(__file__).parents[1] / "migrations" / "samples"
HEAD = 2
"""The newest step in `migrations/samples`."""
VERSION_TABLE = "history_version"
_NEWEST = f"SELECT CAST(max(version_num) AS INTEGER) FROM {VERSION_TABLE}"  # noqa: S608 (ours)
CORE_VERSION_TABLE = "core_version"
APPLICATION = "ev-scada samples"
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 120_000
"""A statement that the server has not answered by then has failed."""
READERS = 3
_LOCK_KEY = 0x5343414441
"""Of the advisory lock that the one writer of a PostgreSQL database holds."""


class HistoryAway(Exception):
    """The database cannot be used now; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where samples are kept.

    Attributes:
        directory: the project's `data` folder.
        url: of a PostgreSQL database; None: `history.db` in the folder.
        project: name of the project; a database of another one is refused.
        migrations, head: folder of the versions, and the newest of them.
    """

    directory: Path
    url: URL | None = None
    project: str = ""
    migrations: Path = MIGRATIONS
    head: int = HEAD

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return self.directory / "history.db"

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True) if self.url else str(self.path)


def parse_url(text: str) -> URL:
    """The URL of a PostgreSQL database, with its driver.

    Raises:
        StartError: it is none. The text is not repeated, for it may hold a password.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        url = None
    if (
        url is None
        or url.drivername not in {"postgresql", "postgres", "postgresql+psycopg"}
        or not url.database
    ):
        raise StartError(
            "the URL of the history database cannot be used: it looks like postgresql://user:password@host:5432/database"
        )
    return url.set(drivername="postgresql+psycopg")


def writer_engine(place: Place) -> Engine:
    """An engine for the one writer."""
    if place.url is None:
        return make_engine(place.path, "NORMAL", incremental=True)
    engine = postgresql_engine(place.url, 1)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_try_advisory_lock({_LOCK_KEY})")
            (alone,) = cursor.fetchone()
        connection.commit()
        if not alone:
            connection.close()
            raise HistoryAway(f"another program writes to {place}: one project, one writer")

    return engine


def reader_engine(place: Place) -> Engine:
    """An engine for queries, each transaction of which sees one state of the database."""
    if place.url is None:
        return make_engine(place.path, "NORMAL", read_only=True, connections=READERS)
    return postgresql_engine(place.url, READERS, isolation_level="REPEATABLE READ")


def postgresql_engine(
    url: URL, connections: int, connect_timeout_s: int = CONNECT_TIMEOUT_S, **more: Any
) -> Engine:
    """An engine with our bounds: on connecting, on a statement, and on a server that has gone without a word."""
    options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c client_min_messages=warning"
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": connect_timeout_s,
            "options": options,
            "application_name": "ev-scada",
            # A server that vanishes without a word is noticed within half a minute.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
        **more,
    )


def prepare(place: Place, engine: Engine) -> None:
    """See that the database is ours, and bring it to this program's version; a backup first.

    Raises:
        HistoryAway: it cannot be used; nothing was changed.
        StartError: the same of `history.db`.
    """
    found = 0
    if place.url is None and place.path.exists() and place.path.stat().st_size:
        found = inspect_file(place.path, place.head, 1, VERSION_TABLE)
    try:
        with engine.connect() as connection:
            if place.url is not None:
                found = _version_of(place, connection)
            if found:
                _see_owner(place, connection)
            connection.rollback()
        if found == place.head:
            return
        if found and place.url is None:
            copy_file(place.path, found)
        with engine.begin() as connection:
            _upgrade(place, connection)
            if not found:
                rows = {"application": APPLICATION, "project": place.project, "written": "0"}
                connection.execute(
                    tables.meta.insert(), [{"key": key, "value": value} for key, value in rows.items()]
                )
    except HistoryAway as error:
        if place.url is None:
            raise StartError(str(error)) from error
        raise
    except SQLAlchemyError as error:
        if place.url is None:
            raise StartError(explain(place, error)) from error
        raise HistoryAway(explain(place, error)) from error


def _version_of(place: Place, connection: Connection) -> int:
    """The version on PostgreSQL, 0 of a database without our tables."""
    names = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in names:
        # The copy of core.db may live in the same database; nothing else may.
        if names and CORE_VERSION_TABLE not in names:
            raise HistoryAway(
                f"{place} holds other tables than ours ({', '.join(sorted(names)[:3])}): "
                "give the history a database of its own"
            )
        return 0
    found = connection.exec_driver_sql(_NEWEST).scalar()
    if isinstance(found, int) and found > place.head:
        raise HistoryAway(
            f"{place} was written by a newer version of this program (schema {found}; this one knows "
            f"{place.head}): start the newer version, or put back the backup from before the update"
        )
    return int(found or 0)


def _upgrade(place: Place, connection: Connection) -> None:
    # Imported here: a database that is up to date, which is nearly every start, does without.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(place.migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    with UPGRADING:
        command.upgrade(config, "head")


def _see_owner(place: Place, connection: Connection) -> None:
    if not inspect(connection).has_table(tables.meta.name):
        raise HistoryAway(
            f"{place} was written before the first release: move it away to begin with an empty one"
        )
    owner = {row.key: row.value for row in connection.execute(select(tables.meta.c.key, tables.meta.c.value))}
    if owner.get("application") != APPLICATION:
        raise HistoryAway(f"{place} belongs to another program: give the history a database of its own")
    if place.project and owner.get("project") and owner["project"] != place.project:
        raise HistoryAway(
            f"{place} holds the history of project '{owner['project']}', not of '{place.project}': "
            "give each project a database of its own"
        )


_SENTENCES: Sequence[tuple[str, str]] = (
    ("28P01", "the user or the password is wrong: see the URL"),
    ("28000", "this user may not log in from here: see the URL and the server's pg_hba.conf"),
    ("3D000", "there is no such database on the server: create it, or correct the name in the URL"),
    ("42501", "this user has not the right: GRANT CREATE, USAGE ON SCHEMA public and own the tables"),
    ("53100", "the disk of the server is full"),
    ("53300", "the server takes no more connections"),
    ("57P03", "the server is just starting or stopping"),
    ("25006", "the server is read-only (a standby?): name the primary in the URL"),
)


def explain(place: Place, error: SQLAlchemyError) -> str:
    """What an error of the database means, in a sentence."""
    original = error.orig if isinstance(error, DBAPIError) else None
    code = getattr(original, "sqlstate", None)
    text = " ".join(str(original or error).split())[:300]
    for known, sentence in _SENTENCES:
        if code == known:
            return f"{place} cannot be used: {sentence}"
    if place.url is not None:
        # While it connects the server's code does not come through, only its words.
        for words, known in (
            ("password authentication failed", "28P01"),
            ("no password supplied", "28P01"),
            ("pg_hba.conf", "28000"),
            ("does not exist", "3D000" if "database" in text else "28P01"),
            ("too many", "53300"),
            ("starting up", "57P03"),
            ("shutting down", "57P03"),
        ):
            if words in text:
                return f"{place} cannot be used: {dict(_SENTENCES)[known]}"
        return (
            f"{place} cannot be reached: see that the server runs and that host and port are right ({text})"
        )
    return f"{place} cannot be used ({text}): see that this user may write it and that the disk is not full"
