"""What core.db has reaches PostgreSQL, in order and once, whatever dies in between."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from scada.core.database import Sample, TagDatabase
from scada.core.plant import HistorySettings
from scada.core.records import (
    AlarmTransition,
    AuditRecord,
    CommandRecord,
    SessionFigures,
    TransactionRecord,
    TransactionState,
    VisitRecord,
)
from scada.core.tag import HistoryRule, Source, TagDefinition
from scada.core.value import GOOD, Kind
from scada.history import CoreStore, feed, open_core, upgrade
from scada.history.samples import Place, parse_url
from scada.testing.postgresql import PostgreSql

PROGRAM = Path(__file__).with_name("feed_program.py")
EVEN_S = 20.0
SETTINGS = HistorySettings(url="env:URL")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    started = PostgreSql()
    yield started
    started.close()


@pytest.fixture
def database(server: PostgreSql) -> str:
    return server.database()


Open = Callable[..., CoreStore]


@pytest.fixture
def open_store(server: PostgreSql, database: str, tmp_path: Path) -> Iterator[Open]:
    opened: list[CoreStore] = []

    def make(folder: str = "data", url: str | None = None, *, begin_feed: bool = True) -> CoreStore:
        secret = server.url(database) if url is None else url
        store = open_core(tmp_path / folder, history=SETTINGS, project="Test", secret=lambda _: secret)
        if begin_feed:
            store.begin_feed()
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


def even(store: CoreStore) -> None:
    assert store.feeder is not None
    assert store.feeder.wait_even(EVEN_S), store.feeder.state


def until_state(store: CoreStore, words: str) -> None:
    assert store.feeder is not None
    deadline = time.monotonic() + EVEN_S
    while words not in store.feeder.state:
        assert time.monotonic() < deadline, store.feeder.state
        time.sleep(0.05)


def test_every_kind_of_record_and_every_change(
    server: PostgreSql,
    database: str,
    open_store: Open,
    charging: Callable[..., TransactionRecord],
    transition: Callable[..., AlarmTransition],
) -> None:
    store = open_store()
    command = CommandRecord(
        id="c1", time_us=5, name="Reset", target="Depot.CP01", arguments="{}", user="ann", origin="hmi"
    )
    visit = VisitRecord(id=1, charger="Depot.CP01", connector=1, site="Depot", began_us=1)
    store.journal.commit(
        [
            charging(1),
            visit,
            command,
            transition(1),
            SessionFigures(id=1, computed_us=1, cost="1.00"),
            AuditRecord(time_us=1, user="ann", origin="hmi", action="write", object="x\x00y"),
        ]
    )
    even(store)
    store.journal.commit(
        [
            charging(1, state=TransactionState.CLOSED, energy_wh=700),
            replace(visit, ended_us=9),
            replace(command, outcome="done"),
        ]
    )
    even(store)

    def rows(query: str) -> list[object]:
        return [tuple(row) for row in server.execute(query, database)]

    assert rows("SELECT id, state, energy_wh FROM charging_transaction") == [(1, "closed", 700)]
    assert rows("SELECT id, ended_us FROM visit") == [(1, 9)]
    assert rows("SELECT id, outcome FROM command") == [("c1", "done")]
    assert rows("SELECT sequence FROM alarm_journal") == [(1,)]
    assert rows('SELECT "user", object FROM audit') == [("ann", "x\ufffdy")]
    assert rows("SELECT id, cost FROM sessions") == [(1, 1)]


def test_what_was_there_before_is_fed_too(
    server: PostgreSql,
    database: str,
    open_store: Open,
    tmp_path: Path,
    charging: Callable[..., TransactionRecord],
) -> None:
    before = open_core(tmp_path / "data")
    before.journal.commit([charging(number) for number in range(1, 1_201)])
    before.close()
    store = open_store()
    even(store)
    assert server.execute("SELECT count(*), max(id) FROM charging_transaction", database) == [(1_200, 1_200)]
    assert store.feeder is not None
    assert (store.feeder.waiting, store.feeder.lag_s) == (0, 0.0)


def test_a_row_that_postgresql_cannot_take_holds_up_none(
    server: PostgreSql, database: str, open_store: Open, charging: Callable[..., TransactionRecord]
) -> None:
    store = open_store()
    impossible = CommandRecord(
        id="a\x00", time_us=5, name="Reset", target="Depot.CP01", arguments="{}", user="ann", origin="hmi"
    )
    store.journal.commit([impossible, replace(impossible, id="b"), charging(3, connector=2**40)])
    even(store)
    assert server.execute("SELECT id FROM command", database) == [("b",)]
    assert server.execute("SELECT id FROM charging_transaction", database) == [(3,)]
    assert store.feeder is not None
    assert store.feeder.refused == 1


def test_numbers_of_more_than_32_bits(
    server: PostgreSql,
    database: str,
    open_store: Open,
    charging: Callable[..., TransactionRecord],
    transition: Callable[..., AlarmTransition],
) -> None:
    large = 2**40
    store = open_store()
    visit = VisitRecord(id=large, charger="Depot.CP01", connector=1, site="Depot", began_us=1)
    figures = SessionFigures(id=large, computed_us=1)
    store.journal.commit(
        [
            charging(large, visit=large, reservation=large),
            visit,
            figures,
            transition(large, first_out=large),
        ]
    )
    even(store)
    assert store.feeder is not None
    assert store.feeder.refused == 0
    session = "SELECT t.id, t.visit, t.reservation, v.id, f.id FROM charging_transaction t, visit v, session_figures f"
    assert server.execute(session, database) == [(large,) * 5]
    assert server.execute("SELECT sequence, first_out FROM alarms", database) == [(large, large)]


def test_a_database_of_before_is_widened_and_keeps_its_rows_and_views(
    server: PostgreSql, database: str, open_store: Open, charging: Callable[..., TransactionRecord]
) -> None:
    url = server.url(database).replace("postgresql:", "postgresql+psycopg:")
    config = Config()
    config.set_main_option("script_location", str(upgrade._SCRIPTS))
    config.attributes["version_table"] = upgrade.VERSION_TABLE
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "5")
    engine.dispose()
    server.execute(
        "INSERT INTO charging_transaction (id, connector, charger) VALUES (2147483647, 1, 'Depot.CP09')",
        database,
    )
    store = open_store()
    store.journal.commit([charging(2**31)])
    even(store)
    found = server.execute("SELECT id, charger FROM sessions ORDER BY id", database)
    assert found == [(2**31 - 1, "Depot.CP09"), (2**31, "Depot.CP01")]


@pytest.mark.parametrize("records_first", [True, False])
def test_samples_and_records_share_a_database_in_either_order(
    server: PostgreSql,
    database: str,
    open_store: Open,
    charging: Callable[..., TransactionRecord],
    tmp_path: Path,
    *,
    records_first: bool,
) -> None:
    def tables() -> set[str]:
        return {name for (name,) in server.execute("SELECT tablename FROM pg_tables", database)}

    before = [(7,)] if records_first else []
    if records_first:  # fed while samples were still kept in history.db
        plain = open_core(tmp_path / "data")
        place = Place(tmp_path / "data", parse_url(server.url(database)), "Test")
        feeder = feed.Feeder(place, plain._writer, plain._reader, plain._lock)
        plain.journal.commit([charging(7)])
        assert feeder.wait_even(EVEN_S), feeder.state
        feeder.close()
        plain.close()
        assert "sample_hot" not in tables()
    store = open_store(begin_feed=records_first)
    now_us = time.time_ns() // 1_000
    power = TagDefinition(path="Depot.Power", kind=Kind.REGISTER, source=Source.DRIVER, history=HistoryRule())
    store.samples.append([Sample(TagDatabase([power])["Depot.Power"], 7.0, GOOD, now_us)])
    assert store.samples.flush(EVEN_S), store.samples.state
    assert server.execute("SELECT count(*) FROM sample_hot", database) == [(1,)]
    if not records_first:
        assert "charging_transaction" not in tables()
        store.begin_feed()
    store.journal.commit([charging(1)])
    even(store)
    numbers = "SELECT id FROM charging_transaction ORDER BY id"
    assert server.execute(numbers, database) == sorted([(1,), *before])
    assert store.samples.state == ""
    store.close()
    again = open_store()
    again.journal.commit([charging(2)])
    even(again)
    assert [point.value for point in again.samples.points("Depot.Power", now_us, now_us + 1, 9)] == [7.0]
    assert server.execute(numbers, database) == sorted([(1,), (2,), *before])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("test@", "nobody_here@"), "user or the password is wrong"),
        (lambda url: url.replace("/history", "/nohistory"), "no such database"),
        (lambda url: url.replace("host=", "host=/nowhere"), "cannot be reached"),
    ],
)
def test_a_wrong_url_is_said_and_the_plant_runs_on(
    server: PostgreSql,
    database: str,
    open_store: Open,
    charging: Callable[..., TransactionRecord],
    change: Callable[[str], str],
    said: str,
) -> None:
    store = open_store(url=change(server.url(database)))
    store.journal.commit([charging(1)])
    until_state(store, said)
    assert store.restart().next_transaction == 2
    feeder = store.feeder
    assert feeder is not None
    deadline = time.monotonic() + EVEN_S
    while not feeder.waiting:  # counted at each try
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert feeder.waiting == 1


def test_a_foreign_database_is_left_alone(server: PostgreSql, database: str, open_store: Open) -> None:
    server.execute("CREATE TABLE recipes (id int)", database)
    store = open_store()
    until_state(store, "other tables than ours (recipes)")
    assert server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database) == [(1,)]


def test_two_projects_do_not_share_a_database(open_store: Open) -> None:
    even(open_store())
    until_state(open_store("other"), "fed by another core.db")


def test_without_postgresql_nothing_is_noted(
    open_store: Open, tmp_path: Path, charging: Callable[..., TransactionRecord]
) -> None:
    first = open_store()
    even(first)
    first.close()
    plain = open_core(tmp_path / "data")
    plain.begin_feed()
    plain.journal.commit([charging(1)])
    with plain._reader.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM feed").scalar() == 0
    plain.close()


def test_sigkill_here_and_a_crash_there(server: PostgreSql, database: str, tmp_path: Path) -> None:
    chance = random.Random(11)
    acknowledged = 0
    for turn in range(4):
        command = [sys.executable, str(PROGRAM), str(tmp_path), server.url(database)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            while not first.startswith("from"):  # lines of the log
                first = process.stdout.readline()
            assert int(first.split()[1]) > acknowledged
            time.sleep(chance.uniform(0.2, 0.6))
            if turn == 1:
                server.stop()  # at once, without goodbye
                server.start()
                time.sleep(0.3)
            process.kill()
            acknowledged = max(
                [acknowledged, *map(int, filter(str.isdigit, process.stdout.read().splitlines()))]
            )
    store = open_core(tmp_path, history=SETTINGS, project="Test", secret=lambda _: server.url(database))
    store.begin_feed()
    try:
        even(store)
        last = store.restart().next_transaction - 1
        assert last >= acknowledged > 20
        query = "SELECT min({0}), max({0}), count(*) FROM {1}"
        assert server.execute(query.format("id", "charging_transaction"), database) == [(1, last, last)]
        numbers = query.format("CAST(object AS integer)", "audit")
        assert server.execute(numbers, database) == [(1, last, last)]
    finally:
        store.close()
