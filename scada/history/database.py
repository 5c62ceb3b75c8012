"""Opening the two SQLite files: pragmas, schema version, and sentences for what may be wrong.

Nothing is written before everything is known to be fit: a folder that cannot be written, a file that is no
database and a database of another version are left exactly as they were.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

from scada.core.errors import StartError

BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another process (`scada user`) before its transaction fails."""
CHECK_SIZE_MAX = 64 * 1024 * 1024
"""A file up to this size is checked whole when it is opened (some 0.1 s); a larger one only by its schema."""
UPGRADING = threading.Lock()
"""Alembic keeps what it works on in globals: one upgrade at a time in a process."""
_MAGIC = b"SQLite format 3\x00"


def prepare_directory(directory: Path) -> None:
    """Make the data folder and see that it can be written.

    Raises:
        StartError: it cannot.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise StartError(
            f"the folder {directory} cannot be written ({error.strerror or error}): "
            "give this user the right to write there, or choose another project directory"
        ) from error


def make_engine(
    path: Path, synchronous: str, *, read_only: bool = False, connections: int = 1, incremental: bool = False
) -> Engine:
    """An engine with our pragmas. Each write transaction is IMMEDIATE: it waits at its begin or not at all.

    Args:
        incremental: what is deleted can be given back to the disk (`PRAGMA incremental_vacuum`); of a new file.
    """
    if not path.exists() and not read_only:
        # Accounts and who charged when are nobody else's business on this machine.
        path.touch(mode=0o600)
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the sqlite3 module
        cursor = connection.cursor()
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            if incremental:
                cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # counts before the first table only
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def inspect_file(path: Path, version: int, oldest: int, version_table: str) -> int:
    """See that an existing file is a whole database that this program knows; returns its version, 0: it is empty.

    Args:
        oldest: version that can still be taken over.
        version_table: of Alembic, where the database has one; else versions are in `schema_version`.

    Raises:
        StartError: not a database, damaged, or of a version that cannot be used; nothing was changed.
    """
    advice = (
        f"move {path.name} (with its -wal and -shm files) away and put a backup in its place; "
        "without one the program starts with an empty file"
    )
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise StartError(f"{path} is not a database: {advice}")
    except OSError as error:
        raise StartError(
            f"{path} cannot be read ({error.strerror}): give this user the right to read and write it"
        ) from error
    try:
        found = _version_of(path, version_table)
    except sqlite3.DatabaseError as error:
        raise StartError(f"{path} is damaged ({error}): {advice}") from error
    if found > version:
        raise StartError(
            f"{path} was written by a newer version of this program (schema {found}; this one knows {version}): "
            "start the newer version, or put back the backup from before the update"
        )
    if 0 < found < oldest:
        raise StartError(
            f"{path} was written by an older version of this program (schema {found}; this one needs {oldest}) "
            "and cannot be taken over: go on with the older version, or "
            f"move {path.name} (with its -wal and -shm files) away to begin with an empty file"
        )
    return found


def _version_of(path: Path, version_table: str) -> int:
    # Without a journal left over, `immutable` keeps SQLite from making -wal and -shm files beside it.
    journal = path.with_name(f"{path.name}-wal")
    how = "mode=ro" if journal.exists() and journal.stat().st_size else "immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5)
    try:
        if path.stat().st_size <= CHECK_SIZE_MAX:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if answer != "ok":
                raise sqlite3.DatabaseError(answer)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        if not tables:
            return 0
        if version_table in tables:
            query = f"SELECT CAST(max(version_num) AS INTEGER) FROM {version_table}"  # noqa: S608 (ours)
            (found,) = connection.execute(query).fetchone()
        elif "schema_version" in tables:
            (found,) = connection.execute("SELECT max(version) FROM schema_version").fetchone()
        else:
            raise sqlite3.DatabaseError("it holds other tables than ours")
        if not isinstance(found, int):
            raise sqlite3.DatabaseError("its version cannot be read")
        return found
    finally:
        connection.close()


def copy_file(path: Path, version: int) -> Path:
    """A whole copy of the file, its journal included, readable by its owner only."""
    copy = path.with_name(f"{path.name}.schema-{version}")
    half = copy.with_name(f"{copy.name}.part")
    try:
        half.unlink(missing_ok=True)
        os.close(os.open(half, os.O_CREAT | os.O_WRONLY, 0o600))
        source, target = sqlite3.connect(path), sqlite3.connect(half)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        half.replace(copy)
    except (OSError, sqlite3.Error) as error:
        half.unlink(missing_ok=True)
        raise StartError(
            f"{path} is of an older version and could not be copied before the upgrade ({error}): "
            "make room on the disk; nothing was changed"
        ) from error
    return copy
