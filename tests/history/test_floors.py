"""What core.db no longer keeps is found as if it were there: lists over the floor, PostgreSQL away, a kill at any moment."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql

from scada.core.errors import BadRequest, Unavailable
from scada.core.plant import HistorySettings
from scada.core.ports import DeedFilter, JournalFilter, Page, SessionFilter, VisitFilter
from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    AuditRecord,
    CommandRecord,
    Record,
    SessionFigures,
    TransactionRecord,
    TransactionState,
    VisitRecord,
)
from scada.history import CoreStore, Exporter, export, feed, floors, older, open_core, pages, prune
from scada.history.samples.engine import parse_url, postgresql_engine
from scada.testing.postgresql import PostgreSql

PROGRAM = Path(__file__).with_name("prune_program.py")
EVEN_S = 20.0
NOW = 1_000_000
"""Times of the records are small numbers; what began before `NOW` is old."""
LATER = 2 * NOW


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    started = PostgreSql()
    yield started
    started.close()


def open_fed(folder: Path, url: str) -> CoreStore:
    """A store whose own feeder deletes nothing: the tests do that step by step."""
    history = HistorySettings(url="env:URL", local_days=100_000)
    return open_core(folder, history=history, project="Test", secret=lambda _: url)


def even(store: CoreStore) -> None:
    store.begin_feed()
    assert store.feeder is not None
    assert store.feeder.wait_even(EVEN_S), store.feeder.state


def deletes(store: CoreStore, url: str, before_us: int = NOW) -> None:
    """Delete everything that may go."""
    target = postgresql_engine(parse_url(url), 1)
    pruner = prune.Pruner(store._writer, store._reader, store._lock, target, feed._fit)
    pruner.begin()
    while pruner.step(before_us):
        pass
    target.dispose()


def count(store: CoreStore, table: str) -> int:
    with store._reader.connect() as connection:
        return int(connection.scalar(sql(f"SELECT count(*) FROM {table}")) or 0)


def charging(number: int, **changes: Any) -> TransactionRecord:
    record = TransactionRecord(
        id=number,
        charger="Depot.CP01",
        connector=1,
        site="Depot",
        id_tag="CARD1",
        started_us=1_000 * number,
        stopped_us=1_000 * number + 500,
        state=TransactionState.CLOSED,
        meter_start_wh=10,
        energy_wh=number,
    )
    return replace(record, **changes)


def transition(number: int, **changes: Any) -> AlarmTransition:
    row = AlarmTransition(
        sequence=number,
        time_us=1_000 * number,
        alarm="Depot.CP01.Online",
        site="Depot",
        level=20,
        event=AlarmEvent.RAISED,
        state=AlarmState.ACTIVE_UNACKNOWLEDGED,
        raised_us=1_000 * number,
    )
    return replace(row, **changes)


def story(chance: random.Random) -> list[Record]:
    """Some years in small: ties, late and open ones, visits with several sessions, alarms that stand."""
    records: list[Record] = []
    for number in range(1, 301):
        began_us = 5_000 * (number - number % 3) + (NOW if chance.random() < 0.1 else 0)
        open_now = chance.random() < 0.03
        records.append(
            charging(
                number,
                charger=f"Depot.CP0{chance.randint(1, 3)}",
                site=chance.choice(["Depot", "North"]),
                started_us=began_us,
                stopped_us=None if open_now else began_us + 900,
                state=TransactionState.OPEN if open_now else TransactionState.CLOSED,
                visit=number // 2,
                id_tag=chance.choice(["CARD1", "card1", "CARD2"]),
                flags=chance.choice(["", "", "clock"]),
                reason=chance.choice(["Local", "Remote"]),
                updated_us=NOW + 9 if chance.random() < 0.05 else began_us,
            )
        )
        if chance.random() < 0.8:
            records.append(
                SessionFigures(
                    id=number, computed_us=began_us, cost="1.20", quarters=f"[[{began_us}, {number}]]"
                )
            )
    for number in range(1, 151):
        ended_us = None if chance.random() < 0.02 else 10_000 * number + 900
        records.append(
            VisitRecord(
                id=number,
                charger=f"Depot.CP0{number % 3}",
                connector=1,
                site="Depot",
                began_us=10_000 * number,
                ended_us=ended_us,
            )
        )
    for number in range(1, 301):
        alarm = chance.choice(["Depot.CP01.Online", "Depot.CP01", "Depot.CP012.Fault", "North.Power"])
        state = chance.choice(list(AlarmState))
        records.append(
            transition(
                number,
                time_us=5_000 * number + 1_000 * chance.randint(-9, 9),
                raised_us=5_000 * number,
                alarm=alarm,
                site=alarm.partition(".")[0],
                state=state,
                event=chance.choice(list(AlarmEvent)),
                level=chance.randint(0, 29),
                first_out=chance.randint(1, number),
                user=chance.choice(["", "ann"]),
            )
        )
        user = chance.choice(["ann", "bob"])
        records.append(
            AuditRecord(time_us=5_000 * number, user=user, origin="hmi", action="write", object="x\x00y")
        )
        order = CommandRecord(
            id=f"{chance.getrandbits(40):010x}",
            time_us=5_000 * (number - number % 4),
            name="Reset",
            target="Depot.CP01",
            arguments="{}",
            user=user,
            origin="hmi",
        )
        records += [order] if number % 20 == 0 else [order, replace(order, outcome="done")]
    return records


@dataclass
class Two:
    """The same records twice: `whole` has everything, `cut` has deleted what it may."""

    folder: Path
    whole: CoreStore
    cut: CoreStore
    server: PostgreSql
    url: str


@pytest.fixture(scope="module")
def two(server: PostgreSql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    url = server.url(server.database())
    records = story(random.Random(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prune, "BATCH", 11)
        for module in ("prune", "store"):
            patch.setattr(f"scada.history.{module}.CLOSED_REMEMBERED", 20)
            patch.setattr(f"scada.history.{module}.VISITS_REMEMBERED", 20)
        patch.setattr(pages, "WINDOW", 17)
        whole, cut = open_core(folder / "whole" / "data"), open_fed(folder / "cut" / "data", url)
        for store in (whole, cut):
            store.journal.commit(records)
        even(cut)
        deletes(cut, url)
        yield Two(folder, whole, cut, server, url)
        whole.close()
        cut.close()


def test_most_goes_and_what_a_restart_needs_stays(two: Two) -> None:
    for table in ("charging_transaction", "visit", "alarm_journal", "audit", "command"):
        assert 20 <= count(two.cut, table) < count(two.whole, table) * 0.6, table
    assert two.cut.restart() == two.whole.restart()
    with two.cut._reader.connect() as connection:
        alone = "SELECT count(*) FROM session_figures WHERE id NOT IN (SELECT id FROM charging_transaction)"
        assert connection.scalar(sql(alone)) == 0
    deletes(two.cut, two.url)  # once more changes nothing
    assert two.cut.restart() == two.whole.restart()


Read = Callable[[CoreStore, int, str | None], Awaitable[Page[Any]]]

_spans = st.none() | st.integers(0, LATER)
_chargers = st.sampled_from(["", "Depot.CP01", "Depot.CP02"])
_sessions = st.builds(
    SessionFilter,
    charger=_chargers,
    site=st.sampled_from(["", "Depot", "North"]),
    id_tag=st.sampled_from(["", "CARD1"]),
    flags=st.sampled_from([(), ("any",), ("clock",)]),
    text=st.sampled_from(["", "remote"]),
    visit=st.sampled_from([0, 0, 7]),
    state=st.sampled_from([None, TransactionState.OPEN, TransactionState.CLOSED]),
    energy_min_wh=st.none() | st.integers(0, 300),
    ended_from_us=_spans,
    from_us=_spans,
    to_us=_spans,
)
_visits = st.builds(VisitFilter, charger=_chargers, open=st.none() | st.booleans(), from_us=_spans)
_journal = st.builds(
    JournalFilter,
    branch=st.sampled_from(["", "Depot.CP01", "Depot"]),
    level_min=st.integers(0, 10),
    user=st.sampled_from(["", "ann"]),
    text=st.sampled_from(["", "FAULT"]),
    from_us=_spans,
    to_us=_spans,
)
_deeds = st.builds(DeedFilter, user=st.sampled_from(["", "ann"]), from_us=_spans, to_us=_spans)


def _reads() -> st.SearchStrategy[Read]:
    return st.one_of(
        _sessions.map(lambda where: lambda store, *at: store.archive.sessions(where, *at)),
        _visits.map(lambda where: lambda store, *at: store.archive.visits(where, *at)),
        _journal.map(lambda where: lambda store, *at: store.archive.alarm_journal(where, *at)),
        _deeds.map(lambda where: lambda store, *at: store.archive.audit(where, *at)),
        _deeds.map(lambda where: lambda store, *at: store.archive.commands(where, *at)),
    )


async def everything(store: CoreStore, read: Read, limit: int) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = await read(store, limit, cursor)
        assert page.complete
        found += [told(one) for one in page.items]
        cursor = page.next
        if cursor is None:
            return found
        assert len(page.items) <= limit


def told(one: Any) -> Any:
    """A deed as PostgreSQL can hold it."""
    return replace(one, object=one.object.replace("\x00", "\ufffd")) if isinstance(one, AuditRecord) else one


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(read=_reads(), limit=st.sampled_from([1, 3, 10, 50, 1_000]))
async def test_lists_over_the_floor_are_those_of_a_database_that_keeps_all(
    two: Two, read: Read, limit: int
) -> None:
    limit = limit if limit > 1 else 40
    assert await everything(two.cut, read, limit) == await everything(two.whole, read, limit)


async def test_spans_single_sessions_sums_and_figures_are_the_same(two: Two) -> None:
    for where in (SessionFilter(), SessionFilter(charger="Depot.CP02"), SessionFilter(from_us=NOW // 3)):
        for limit in (7, 10_000):
            there = await two.whole.sessions.span(where, limit)
            assert list(await two.cut.sessions.span(where, limit)) == list(there)
            assert there
    for number in (1, 2, 150, 299, 300, 301):
        assert await two.cut.sessions.session(number) == await two.whole.sessions.session(number)
    for span in ((0, LATER), (NOW // 2, LATER), (LATER, 2 * LATER)):
        assert await two.cut.archive.energy_wh("", *span) == await two.whole.archive.energy_wh("", *span)
        assert await two.cut.archive.energy_wh("North", *span) == await two.whole.archive.energy_wh(
            "North", *span
        )
        for branch in ("", "Depot.CP01"):
            journal = JournalFilter(branch=branch)
            found = await two.cut.archive.alarm_figures(journal, *span)
            assert found == await two.whole.archive.alarm_figures(journal, *span)


def exported(two: Two, name: str, kind: str) -> list[tuple[Any, ...]]:
    """The rows of a target that is filled from the begin."""
    target = two.folder / f"{name}-{kind}.db"
    older = two.cut.older if name == "cut" else None
    exporter = Exporter(two.folder / name, f"sqlite:///{target}", "P", older=older)
    exporter.prepare([kind])
    cursor, more = (0, 0), True
    while more:
        step = exporter.step(kind, cursor, LATER)
        cursor, more = step.cursor, step.more
    exporter.close()
    with contextlib.closing(sqlite3.connect(target)) as connection:
        (table,) = (
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        )
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    return sorted(rows)


@pytest.mark.parametrize("kind", ["sessions", "alarms", "audit", "energy"])
def test_an_export_that_begins_now_has_all_rows(two: Two, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = dataclasses.replace(export._SHAPES[kind], batch=37)
    monkeypatch.setattr(export, "_SHAPES", {**export._SHAPES, kind: shape})
    whole = exported(two, "whole", kind)
    assert len(whole) >= 200
    assert exported(two, "cut", kind) == whole


async def test_what_no_record_can_hold_is_a_bad_request(two: Two) -> None:
    with pytest.raises(BadRequest):
        await two.cut.archive.audit(DeedFilter(user="a\x00"), 10, None)


async def test_a_server_that_is_away_is_said_and_asked_again_later(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "PAUSE_S", 0.5)
    archive, anything = two.cut.archive, DeedFilter()
    two.server.stop()
    try:
        page = await archive.audit(anything, 1_000, None)
        assert not page.complete
        assert len(page.items) == count(two.cut, "audit")
        assert (await archive.audit(DeedFilter(from_us=LATER // 2 + 9_000), 1_000, None)).complete
        assert (await archive.sessions(SessionFilter(state=TransactionState.OPEN), 100, None)).complete
        for asks in (
            two.cut.sessions.session(1),
            two.cut.sessions.span(SessionFilter(), 10),
            archive.alarm_figures(JournalFilter(), 0, LATER),
            archive.energy_wh("", 0, LATER),
        ):
            with pytest.raises(Unavailable, match="older records cannot be read now"):
                await asks
    finally:
        two.server.start()
    deadline = time.monotonic() + EVEN_S
    while not (page := await archive.audit(anything, 1_000, None)).complete:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(page.items) == count(two.whole, "audit")


async def test_without_its_postgresql_the_older_ones_are_missing_and_that_is_said(
    server: PostgreSql, tmp_path: Path
) -> None:
    url = server.url(server.database())
    deed = AuditRecord(time_us=5, user="ann", origin="hmi", action="write", object="x")
    store = open_fed(tmp_path, url)
    store.journal.commit([deed, deed, replace(deed, time_us=NOW)])
    even(store)
    deletes(store, url)
    store.close()

    plain = open_core(tmp_path)
    plain.begin_feed()
    page = await plain.archive.audit(DeedFilter(), 10, None)
    assert ([one.time_us for one in page.items], page.complete) == ([NOW], False)
    plain.close()

    other = open_fed(tmp_path, server.url(server.database()))  # an empty one is no place to go on
    other.begin_feed()
    assert other.feeder is not None
    deadline = time.monotonic() + EVEN_S
    while "does not have the older records" not in other.feeder.state:
        assert time.monotonic() < deadline, other.feeder.state
        time.sleep(0.05)
    assert not (await other.archive.audit(DeedFilter(), 10, None)).complete
    other.close()


async def test_rows_that_wait_or_differ_there_stay_here(server: PostgreSql, tmp_path: Path) -> None:
    name = server.database()
    url = server.url(name)
    store = open_fed(tmp_path, url)
    deed = AuditRecord(time_us=5, user="ann", origin="hmi", action="write", object="x")
    store.journal.commit([deed] * 4)
    even(store)
    assert store.feeder is not None
    store.feeder.close()
    server.execute("UPDATE audit SET outcome = 'other' WHERE id = 1", name)
    server.execute("DELETE FROM audit WHERE id = 2", name)
    with store._writer.begin() as connection:
        connection.execute(sql("UPDATE audit SET outcome = 'changed' WHERE id = 3"))  # waits in `feed`
    deletes(store, url)
    with store._reader.connect() as connection:
        assert list(connection.scalars(sql("SELECT id FROM audit ORDER BY id"))) == [1, 2, 3]
    page = await store.archive.audit(DeedFilter(), 10, None)
    assert [one.outcome for one in page.items] == ["ok", "changed", "ok", "ok"]
    store.close()


def test_with_too_many_kept_nothing_is_deleted(
    server: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url(server.database())
    store = open_fed(tmp_path, url)
    monkeypatch.setattr(prune, "CLOSED_REMEMBERED", 1)
    monkeypatch.setattr(prune, "KEPT_MAX", 2)
    opened = {"state": TransactionState.OPEN, "stopped_us": None}
    store.journal.commit([charging(n, **(opened if n < 4 else {})) for n in range(1, 9)])
    even(store)
    deletes(store, url)
    assert count(store, "charging_transaction") == 8
    with store._reader.connect() as connection:
        assert floors.floors(connection) == {}
    store.journal.commit([charging(3)])
    even(store)
    deletes(store, url)
    assert count(store, "charging_transaction") == 3
    store.close()


def deleting(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        return (
            connection.execute("SELECT 1 FROM feed_state WHERE name = 'floor:audit'").fetchone() is not None
        )


async def test_sigkill_while_it_deletes_loses_and_doubles_nothing(server: PostgreSql, tmp_path: Path) -> None:
    name = server.database()
    chance = random.Random(5)
    acknowledged = 0
    for _ in range(2):
        command = [sys.executable, str(PROGRAM), str(tmp_path), server.url(name)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            while not line.startswith("from"):  # lines of the log
                line = process.stdout.readline()
            deadline = time.monotonic() + EVEN_S
            while not deleting(tmp_path / "core.db"):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(chance.uniform(0.0, 0.4))
            process.kill()
            acknowledged = max(
                [acknowledged, *map(int, filter(str.isdigit, process.stdout.read().splitlines()))]
            )
    store = open_fed(tmp_path, server.url(name))
    even(store)
    last = store.restart().next_transaction - 1
    assert last >= acknowledged > 50
    assert count(store, "charging_transaction") < last
    assert count(store, "audit") < last
    rows = await store.sessions.span(SessionFilter(), 1_000_000)
    assert [row.record.id for row in rows] == list(range(1, last + 1))
    deeds = await everything(store, lambda one, *at: one.archive.audit(DeedFilter(), *at), 1_000)
    assert [int(one.object) for one in deeds] == list(range(last, 0, -1))
    store.close()
