"""`core.db` and its copy on PostgreSQL brought to the present schema by Alembic, and by nothing else.

An older file is copied before it is touched; all steps run in one transaction, so a step that fails changes nothing.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DatabaseError

from scada.core.errors import StartError
from scada.history.database import UPGRADING, copy_file, inspect_file, make_engine

HEAD = 7
"""The newest step in `migrations/core`."""
OLDEST = 2
"""The oldest schema that can be taken over."""
VERSION_TABLE = "core_version"
_NEWEST = f"SELECT max(CAST(version_num AS INTEGER)) FROM {VERSION_TABLE}"  # noqa: S608 (ours)
_SCRIPTS = Path(__file__).parent / "migrations" / "core"


def open_core_database(path: Path) -> Engine:
    """Open or make `core.db`; an older one is upgraded, after a copy of it was put beside it.

    Raises:
        StartError: not a database, damaged, of a newer version, or it could not be copied or upgraded. The file is
            as it was.
    """
    found = 0
    if path.exists() and path.stat().st_size:
        found = inspect_file(path, HEAD, OLDEST, VERSION_TABLE)
    copy = copy_file(path, found) if 0 < found < HEAD else None
    engine = make_engine(path, "FULL")
    if found == HEAD:
        return engine
    try:
        with engine.begin() as connection:
            upgrade(connection)
    except DatabaseError as error:
        engine.dispose()
        kept = f"; it is as it was, and a copy of it is {copy}" if copy else ""
        raise StartError(
            f"{path} cannot be used ({error.orig}): see that this user may write it, that the disk is not full "
            f"and that no other program holds it{kept}"
        ) from error
    return engine


def upgrade(connection: Connection) -> None:
    """Run the steps that a database has not had yet, within the transaction of `connection`.

    Raises:
        StartError: a newer version of the program wrote it.
        sqlalchemy.exc.DatabaseError: a step failed; the transaction must be rolled back.
    """
    # Imported here: a database that is up to date, which is nearly every start, does without.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    names = inspect(connection).get_table_names()
    if VERSION_TABLE in names:
        found = connection.exec_driver_sql(_NEWEST).scalar()
        if isinstance(found, int) and found > HEAD:
            raise StartError(
                f"the database was written by a newer version of this program (schema {found}; this one knows {HEAD})"
            )
    elif "schema_version" in names:
        before = connection.exec_driver_sql("SELECT max(version) FROM schema_version").scalar()
        with UPGRADING:
            command.stamp(config, str(before))
    with UPGRADING:
        command.upgrade(config, "head")
