"""Databases of every version are brought to this one by the same steps, or left alone with a sentence."""

import sqlite3
import warnings
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from scada.core.errors import StartError
from scada.history import open_core, schema
from scada.history.upgrade import HEAD, open_core_database, upgrade

TOKEN_INDEX = "ix_charging_transaction_token"
SCHEMA_2 = (Path(__file__).parent / "core_schema_2.sql").read_text()


def _old(path: Path) -> None:
    """A file as schema 2 had it, with a transaction, a row of the journal and an account."""
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA_2)
    connection.execute(
        "INSERT INTO charging_transaction VALUES (7, 'Depot.CP01', 1, 'Depot', 'CARD1', 5000, 10, 'closed', 9000,"
        " 1210, 1200, 'Local', 'local', 'clock', 9000)"
    )
    connection.execute(
        "INSERT INTO alarm_journal VALUES (3, 4000, 'Depot.CP01.Online', 'Depot', 20, '', '', 'raised',"
        " 'active_unacknowledged', 4000, 3, '', '', '', '', NULL)"
    )
    connection.execute("INSERT INTO \"user\" VALUES ('ann', 'operator', 'x', 'en', 0)")
    connection.commit()
    connection.close()


def test_a_new_file_has_the_tables_that_the_program_reads(tmp_path: Path) -> None:
    engine = open_core_database(tmp_path / "core.db")
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"version_table": "core_version", "compare_type": True}
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an index of an expression cannot be read back
                found = compare_metadata(context, schema.core)
            assert [step for step in found if getattr(step[1], "name", "") != TOKEN_INDEX] == []
    finally:
        engine.dispose()
    indexes = [name for rows in _shape(tmp_path / "core.db").values() for (name, *_) in rows]
    assert TOKEN_INDEX in indexes


def test_making_it_twice_runs_nothing(tmp_path: Path) -> None:
    open_core_database(tmp_path / "core.db").dispose()
    engine = open_core_database(tmp_path / "core.db")
    try:
        with engine.begin() as connection:
            upgrade(connection)
            assert connection.exec_driver_sql("SELECT version_num FROM core_version").all() == [(str(HEAD),)]
    finally:
        engine.dispose()


def test_an_older_file_keeps_what_it_holds_and_a_copy_of_it_is_made(tmp_path: Path) -> None:
    _old(tmp_path / "core.db")
    store = open_core(tmp_path)
    try:
        restart = store.restart()
        (record,) = restart.transactions
        assert (record.id, record.energy_wh, record.flags, record.visit) == (7, 1200, "clock", 0)
        assert restart.next_sequence == 4
        assert [user.name for user in store.users.list()] == ["ann"]
    finally:
        store.close()
    copy = sqlite3.connect(tmp_path / "core.db.schema-2")
    assert copy.execute("SELECT version FROM schema_version").fetchall() == [(2,)]
    assert copy.execute("SELECT energy_wh FROM charging_transaction").fetchall() == [(1200,)]
    copy.close()
    assert (tmp_path / "core.db.schema-2").stat().st_mode & 0o77 == 0
    fresh, old = tmp_path / "fresh.db", tmp_path / "core.db"
    open_core_database(fresh).dispose()
    assert _shape(old) == _shape(fresh)


def test_schema_3_of_before_alembic_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "core.db"
    open_core_database(path).dispose()
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP VIEW sessions; DROP VIEW alarms; DROP VIEW energy_15min; DROP TABLE core_version; DROP TABLE session_figures; DROP TABLE feed; DROP TABLE feed_state;"
        "DROP INDEX ix_charging_transaction_site; DROP INDEX ix_charging_transaction_token;"
        "DROP INDEX ix_charging_transaction_odd; DROP INDEX ix_charging_transaction_vehicle;"
        "DROP INDEX ix_charging_transaction_updated;"
        'ALTER TABLE "user" DROP COLUMN theme; ALTER TABLE "user" DROP COLUMN must_change;'
        'ALTER TABLE "user" DROP COLUMN last_log_in_us;'
        "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY); INSERT INTO schema_version VALUES (3)"
    )
    connection.close()
    open_core_database(path).dispose()
    fresh = tmp_path / "fresh.db"
    open_core_database(fresh).dispose()
    left = _shape(path)
    left.pop("schema_version")
    assert left == _shape(fresh)
    assert (tmp_path / "core.db.schema-3").exists()


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "core.db"
    _old(path)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE visit (strange INTEGER)")  # the step that makes it must fail
    connection.commit()
    connection.close()
    before = _shape(path)
    with pytest.raises(StartError, match=r"already exists.*a copy of it is"):
        open_core_database(path)
    assert _shape(path) == before


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "core.db"
    open_core_database(path).dispose()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE core_version SET version_num = '99'")
    connection.commit()
    connection.close()
    with pytest.raises(StartError, match=rf"newer version .*schema 99; this one knows {HEAD}"):
        open_core_database(path)


def _shape(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Table → its columns and indexes."""
    connection = sqlite3.connect(path)
    try:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: [
                *sorted(row[1:3] for row in connection.execute(f'PRAGMA table_info("{name}")')),
                *sorted(row[1:2] for row in connection.execute(f'PRAGMA index_list("{name}")')),
            ]
            for name in names
        }
    finally:
        connection.close()
