"""Rows reach real databases by key: new ones, changed ones, and after each kind of trouble all of them, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine

from scada.app.exports import Exports, next_run
from scada.core import moment
from scada.core.plant import Export
from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    AuditRecord,
    Record,
    SessionFigures,
    TransactionRecord,
    TransactionState,
)
from scada.core.value import SECOND_US, TimeUs
from scada.history import CoreStore, Exporter, ExportError, open_core
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.requests import Note
from scada.testing.clock import FakeClock
from scada.testing.plants import small_plant
from scada.testing.postgresql import PostgreSql

EVERYTHING = Export(name="bi", url="env:BI", what=("sessions", "alarms", "audit", "energy"))
QUARTER = 900 * SECOND_US


def at(text: str) -> TimeUs:
    time_us = moment.parse(text)
    assert time_us is not None
    return time_us


T0 = at("2026-03-03T10:00Z")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    started = PostgreSql()
    yield started
    started.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bi.db'}"
    postgresql: PostgreSql = request.getfixturevalue("server")
    return postgresql.url(postgresql.database())


@dataclass
class World:
    store: CoreStore
    host: PlantHost
    clock: FakeClock
    exports: Exports

    async def put(self, *records: Record) -> None:
        await self.host.request(Note(records))

    def tag(self, name: str) -> object:
        return self.host.tags[f"System.{name}"].value


@asynccontextmanager
async def running(directory: Path, secret: Callable[[], str | None], export: Export) -> AsyncIterator[World]:
    plant = replace(small_plant(directory), exports=(export,))
    store = open_core(plant.directory / "data")
    clock = FakeClock(T0 + 2 * QUARTER)
    restart = store.restart()
    host = PlantHost(plant, restart, clock, store.journal, store.samples)
    exports = Exports(plant, host, Documents(host, restart.documents), lambda _: secret(), store.older)
    task = asyncio.create_task(host.run())
    try:
        yield World(store, host, clock, exports)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await host.close()
        await asyncio.to_thread(store.close)


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as connection:
            result = connection.exec_driver_sql(query)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def session(number: int, **changes: Any) -> TransactionRecord:
    values: dict[str, Any] = {
        "id": number,
        "charger": "Depot.CP01",
        "connector": 1,
        "site": "Depot",
        "id_tag": "CARD1",
        "started_us": T0,
        "meter_start_wh": 10,
        "updated_us": T0 + number,
    }
    return TransactionRecord(**(values | changes))


def figures(number: int, *quarters: tuple[TimeUs, int], **changes: Any) -> SessionFigures:
    values: dict[str, Any] = {
        "id": number,
        "computed_us": T0 + QUARTER,
        "quarters": json.dumps(quarters),
        "cost": "1.20",
    }
    return SessionFigures(**(values | changes))


def alarm(number: int) -> AlarmTransition:
    return AlarmTransition(
        sequence=number,
        time_us=T0 + number * 1_000,
        alarm="Depot.CP01.Online",
        site="Depot",
        level=20,
        event=AlarmEvent.RAISED,
        state=AlarmState.ACTIVE_UNACKNOWLEDGED,
        raised_us=T0,
        comment="odd \x00 text",
    )


async def test_new_rows_come_changed_ones_replace_and_a_restart_goes_on(tmp_path: Path, url: str) -> None:
    stopped = {"stopped_us": T0 + QUARTER, "state": TransactionState.CLOSED, "energy_wh": 3_000}
    async with running(tmp_path, lambda: url, EVERYTHING) as world:
        await world.put(
            session(1, **stopped),
            session(2),
            figures(1, (T0, 1_000), (T0 + QUARTER, 2_000)),
            alarm(1),
            AuditRecord(time_us=T0, user="ann", origin="hmi", action="Login", object="", outcome="ok"),
        )
        assert await world.exports.attempt(EVERYTHING), world.exports.state
        project = small_plant(tmp_path).name
        rows = ask(url, "SELECT project, id, state, energy_wh, cost FROM sessions ORDER BY id")
        assert [row[:4] for row in rows] == [(project, 1, "closed", 3_000), (project, 2, "open", 0)]
        assert (Decimal(rows[0][4]), rows[1][4]) == (Decimal("1.20"), None)
        assert ask(url, "SELECT quarter_us, energy_wh FROM energy_15min ORDER BY 1") == [
            (T0, 1_000),
            (T0 + QUARTER, 2_000),
        ]
        assert ask(url, "SELECT who, action FROM audit") == [("ann", "Login")]
        (told,) = ask(url, "SELECT time, comment FROM alarms")
        assert str(told[0]).startswith("2026-03-03 10:00:00.001")
        assert told[1] == "odd \ufffd text"
        # Figures that are worked out anew replace theirs; what another project has there stays.
        ask(url, "INSERT INTO sessions (project, id, state) VALUES ('Other', 1, 'open')")
        world.clock.leap(60)
        await world.put(
            session(2, updated_us=T0 + QUARTER, **{**stopped, "energy_wh": 500}),
            figures(1, (T0, 2_900), computed_us=T0 + 2 * QUARTER),
            alarm(2),
        )
        assert await world.exports.attempt(EVERYTHING)
        assert ask(url, "SELECT quarter_us, energy_wh FROM energy_15min") == [(T0, 2_900)]
        assert ask(url, "SELECT project, energy_wh FROM sessions WHERE state = 'open'") == [("Other", None)]
    ask(url, "DELETE FROM alarms WHERE sequence = 1")
    async with running(tmp_path, lambda: url, EVERYTHING) as world:
        await world.put(alarm(3))
        assert await world.exports.attempt(EVERYTHING)
        # It went on after 2: what somebody deleted there does not come again …
        assert ask(url, "SELECT sequence FROM alarms ORDER BY 1") == [(2,), (3,)]
        ask(url, "DROP TABLE alarms")
        assert await world.exports.attempt(EVERYTHING)
        # … but a table that is gone is filled anew.
        assert ask(url, "SELECT sequence FROM alarms ORDER BY 1") == [(1,), (2,), (3,)]
        assert ask(url, "SELECT count(*) FROM sessions") == [(3,)]


async def test_more_than_a_batch_and_none_twice(tmp_path: Path, url: str) -> None:
    export = replace(EVERYTHING, prefix="ev_")
    async with running(tmp_path, lambda: url, export) as world:
        ended = [
            session(n, updated_us=T0, stopped_us=T0 + 1, state=TransactionState.CLOSED)
            for n in range(1, 1_202)
        ]
        await world.put(*ended, *(alarm(n) for n in range(1, 1_002)))
        await world.put(*(figures(n, (T0, n), (T0 + QUARTER, 1)) for n in range(1, 252)))
        assert await world.exports.attempt(export), world.exports.state
        for table, number in (("sessions", 1_201), ("alarms", 1_001), ("audit", 0), ("energy_15min", 502)):
            assert ask(url, f"SELECT count(*) FROM ev_{table}") == [(number,)], table
        assert ask(url, "SELECT sum(energy_wh) FROM ev_energy_15min") == [(251 * 252 / 2 + 251,)]


async def test_another_target_begins_anew(tmp_path: Path) -> None:
    targets = [f"sqlite:///{name}.db" for name in ("one", "two")]
    export = replace(EVERYTHING, what=("alarms",))
    for number, target in enumerate(targets, 1):
        async with running(tmp_path, lambda: target, export) as world:  # noqa: B023 (used at once)
            await world.put(alarm(number))
            assert await world.exports.attempt(export)
    found = [
        ask(f"sqlite:///{tmp_path / 'project' / name}.db", "SELECT count(*) FROM alarms")
        for name in ("one", "two")
    ]
    assert found == [[(1,)], [(2,)]]


async def test_a_server_that_goes_away_is_told_and_caught_up_with(tmp_path: Path) -> None:
    server = PostgreSql()
    try:
        url = server.url(server.database())
        async with running(tmp_path, lambda: url, EVERYTHING) as world:
            await world.put(alarm(1))
            assert await world.exports.attempt(EVERYTHING)
            server.stop()
            await world.put(alarm(2))
            assert not await world.exports.attempt(EVERYTHING)
            assert world.tag("ExportsOk") is False
            assert str(world.tag("ExportsState")).startswith("bi: ")
            server.start()
            assert await world.exports.attempt(EVERYTHING)
            assert (world.tag("ExportsOk"), world.tag("ExportsState")) == (True, "")
            assert ask(url, "SELECT count(*) FROM alarms") == [(2,)]
    finally:
        server.close()


async def test_the_service_runs_what_is_due_and_ends(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bi.db'}"
    async with running(tmp_path, lambda: url, EVERYTHING) as world:
        await world.put(alarm(1))
        task = asyncio.create_task(world.exports.run())
        async with asyncio.timeout(20):
            while not (tmp_path / "bi.db").exists() or not ask(
                url, "SELECT 1 FROM sqlite_master WHERE name='alarms'"
            ):
                await asyncio.sleep(0.02)
            while not ask(url, "SELECT 1 FROM alarms"):
                await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "set env:BI"),
        ("nonsense", "cannot be used"),
        ("sqlite://", "names no file"),
        ("sqlite:///data/core.db", "own data"),
        ("oracle://ann:secret@db/x", "no driver for oracle"),
        ("nosuch://ann:secret@db/x", "no driver for nosuch"),
        ("postgresql://ann:secret@127.0.0.1:1/x", "ann:***@127.0.0.1"),
    ],
)
async def test_a_bad_url_is_told_without_its_password(tmp_path: Path, url: str | None, said: str) -> None:
    async with running(tmp_path, lambda: url, EVERYTHING) as world:
        assert not await world.exports.attempt(EVERYTHING)
        assert said in str(world.tag("ExportsState"))
        assert "secret" not in str(world.tag("ExportsState"))


def test_a_table_of_another_program_is_left_alone(tmp_path: Path) -> None:
    open_core(tmp_path / "data").close()
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    ask(url, "CREATE TABLE alarms (wakeup TEXT)")
    exporter = Exporter(tmp_path, url, "P")
    with pytest.raises(ExportError, match="another make"):
        exporter.prepare(["sessions", "alarms"])
    exporter.close()
    assert ask(url, "SELECT count(*) FROM alarms") == [(0,)]


@pytest.mark.parametrize(
    ("at_min", "done", "now", "due"),
    [
        (None, "2026-03-03T10:00Z", "2026-03-03T10:01Z", "2026-03-03T10:15Z"),
        (None, "2026-03-03T12:00Z", "2026-03-03T10:01Z", "2026-03-03T10:16Z"),  # the clock was set back
        (90, "2026-03-03T00:31Z", "2026-03-03T10:00Z", "2026-03-04T00:30Z"),
        (90, "2026-03-02T00:31Z", "2026-03-03T10:00Z", "2026-03-03T00:30Z"),  # missed: at once
        (90, "2026-03-02T00:31Z", "2026-03-03T00:10Z", "2026-03-03T00:30Z"),
        (150, "2026-03-28T01:31Z", "2026-03-28T20:00Z", "2026-03-29T01:00Z"),  # 02:30 is skipped that night
    ],
)
def test_when_an_export_is_due(at_min: int | None, done: str, now: str, due: str) -> None:
    export = replace(EVERYTHING, at_min=at_min)
    assert moment.text(next_run(export, ZoneInfo("Europe/Paris"), at(done), at(now))) == moment.text(at(due))
