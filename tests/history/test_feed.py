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
from scada.history import CoreStore, open_core
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

    def make(folder: str = "data", url: str | None = None) -> CoreStore:
        secret = server.url(database) if url is None else url
        store = open_core(tmp_path / folder, history=SETTINGS, project="Test", secret=lambda _: secret)
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
    store.journal.commit([charging(1), charging(2**40), charging(3, connector=2**40)])
    even(store)
    assert server.execute("SELECT id FROM charging_transaction ORDER BY id", database) == [(1,), (3,)]
    assert store.feeder is not None
    assert store.feeder.refused == 1


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
