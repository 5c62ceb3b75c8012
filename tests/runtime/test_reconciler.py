"""A day is rebuilt: what came late fills gaps, what was recorded stays, what is open is listed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from scada.core import moment
from scada.core.errors import BadRequest
from scada.core.records import TransactionRecord, TransactionState
from scada.core.value import GOOD, TimeUs, is_good
from scada.history import CoreStore, open_core
from scada.runtime.bookkeeper import Bookkeeper
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.reconciler import USER, Reconciler
from scada.testing.clock import FakeClock
from scada.testing.plants import small_plant

ENERGY = "Depot.CP01.C1.Energy"


def at(text: str) -> TimeUs:
    time_us = moment.parse(text)
    assert time_us is not None
    return time_us


@dataclass
class World:
    store: CoreStore
    host: PlantHost
    clock: FakeClock
    reconciler: Reconciler


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    plant = small_plant(tmp_path)
    store = open_core(tmp_path / "data")
    clock = FakeClock(at("2026-03-03T10:00Z"))
    restart = store.restart()
    host = PlantHost(plant, restart, clock, store.journal, store.samples)
    books = Bookkeeper(plant, host, store.archive, store.sessions)
    reconciler = Reconciler(
        plant, host, store.archive, store.sessions, books, Documents(host, restart.documents)
    )
    task = asyncio.create_task(host.run())
    yield World(store, host, clock, reconciler)
    task.cancel()
    await asyncio.wait([task])
    await host.close()
    await asyncio.to_thread(store.close)


def session(number: int, **changes: object) -> TransactionRecord:
    values: dict[str, object] = {
        "id": number,
        "charger": "Depot.CP01",
        "connector": 1,
        "site": "Depot",
        "id_tag": "CARD1",
        "started_us": at("2026-03-03T12:00Z"),
        "stopped_us": at("2026-03-03T13:00Z"),
        "meter_start_wh": 20_000,
        "meter_stop_wh": 26_000,
        "energy_wh": 6_000,
        "state": TransactionState.CLOSED,
        "updated_us": at("2026-03-03T20:00Z"),
        "late": True,
    }
    return TransactionRecord(**(values | changes))  # type: ignore[arg-type]


async def test_registers_that_were_told_late_fill_the_gap(world: World) -> None:
    tag = world.host.tags[ENERGY]
    world.host.write([(tag, 20.0, GOOD, at("2026-03-03T10:00Z"))])
    world.host.cycle()
    world.clock.leap(7_170)
    world.host.write([(tag, 20.001, GOOD, at("2026-03-03T11:59:30Z"))])
    world.host.cycle()
    assert await asyncio.to_thread(world.store.samples.flush)
    world.store.journal.commit(
        [
            session(1),
            session(2, state=TransactionState.LOST_STOP, connector=2, meter_stop_wh=None, energy_wh=10),
        ]
    )
    world.clock.leap(75_630)
    report = await world.reconciler.rebuild("2026-03-03", "ann")
    # There is a sample near the start; the stop lies in a gap.
    assert report.filled == [(ENERGY, "2026-03-03T13:00:00.000Z", 26.0)]
    assert [(one.kind, one.session) for one in report.open] == [("lost_stop", 2)]
    assert (report.sessions, report.figures, report.by) == (2, 2, "ann")
    points = await world.store.archive.points(ENERGY, 0, at("2026-03-04T00:00Z"), 100)
    # Beside them the mark of the link that was lost meanwhile.
    assert [point.value for point in points if is_good(point.quality)] == [20.0, 20.001, 26.0]

    again = await world.reconciler.rebuild("2026-03-03", USER)
    assert (again.filled, again.figures) == ([], 0)
    assert world.reconciler.report("2026-03-03") == again


@pytest.mark.parametrize(("day", "said"), [("2026-03-99", "is no day"), ("2026-03-03", "not over yet")])
async def test_days_that_cannot_be_meant(world: World, day: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        await world.reconciler.rebuild(day, "ann")
