"""The core in the loop with a real database: requests, the board, on-call mails, restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scada.charging.sessions import StartTransaction, StopTransaction
from scada.core.access import Actor, Right
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.plant import Plant
from scada.core.ports import JournalFilter, SessionFilter
from scada.core.records import AlarmState
from scada.core.value import GOOD
from scada.history import CoreStore, open_core
from scada.runtime.host import PlantHost
from scada.runtime.requests import Acknowledge, WriteTag
from scada.testing import FakeClock, small_plant

ANN = Actor("ann", frozenset({Right.SEE, Right.OPERATE, Right.ACKNOWLEDGE}), "test")
GUS = Actor("gus", frozenset({Right.SEE}), "test")
FAULT = "Depot.CP01.C1.ErrorInternalError"
ERROR = "Depot.CP01.C1.ErrorCode"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return small_plant(tmp_path_factory.mktemp("plant"))


@asynccontextmanager
async def host_on(plant: Plant, data: Path, clock: FakeClock) -> AsyncIterator[tuple[PlantHost, CoreStore]]:
    store = open_core(data)
    host = PlantHost(plant, store.restart(), clock, store.journal, store.samples)
    try:
        yield host, store
    finally:
        await host.close()
        store.close()


def put(host: PlantHost, path: str, value: object) -> None:
    host.write([(host.tags[path], value, GOOD, host.clock.now_us())])  # type: ignore[list-item]


async def settled(host: PlantHost) -> None:
    """Everything that was asked so far is on disk and shown."""
    await host.request(WriteTag("Depot.Note", str(host.clock.now_us()), ANN))


async def test_an_alarm_is_shown_counted_mailed_and_survives(plant: Plant, tmp_path: Path) -> None:
    clock = FakeClock()
    async with host_on(plant, tmp_path, clock) as (host, store):
        put(host, ERROR, "InternalError")
        await settled(host)
        view = host.board.highest_unacknowledged()
        assert view is not None
        assert (view.path, view.state, view.journalled) == (FAULT, AlarmState.ACTIVE_UNACKNOWLEDGED, True)
        assert host.tags["Depot.Alarms.Unacknowledged"].value == 1
        assert host.tags["System.Alarms.Active"].value == 1
        queues = await store.outbox.claim(clock.now_us() + 60_000_000, 10)
        assert {queue.rows[0].record.recipient for queue in queues} == {
            "duty@depot.example",
            "astreinte@depot.example",
        }
    async with host_on(plant, tmp_path, clock) as (host, store):
        view = host.board.get(FAULT)
        assert view is not None
        assert view.state is AlarmState.ACTIVE_UNACKNOWLEDGED
        assert host.tags["Depot.Alarms.Unacknowledged"].value == 1
        assert await host.request(Acknowledge((FAULT,), ANN, "seen")) == [FAULT]
        put(host, ERROR, "NoError")
        await settled(host)
        assert host.board.get(FAULT) is None
        assert host.tags["Depot.Alarms.Active"].value == 0
        journal = (await store.archive.alarm_journal(JournalFilter(), 10, None)).items
        assert [row.event.value for row in reversed(journal)] == ["raised", "acknowledged", "returned"]
        assert [row.sequence for row in reversed(journal)] == [1, 2, 3]
        assert (journal[1].user, journal[1].comment) == ("ann", "seen")


async def test_a_transaction_goes_on_over_a_restart(plant: Plant, tmp_path: Path) -> None:
    clock = FakeClock()
    start = StartTransaction(
        charger="Depot.CP01", connector=1, id_tag="FLEET-0001", meter_start_wh=0, time_us=clock.now_us()
    )
    async with host_on(plant, tmp_path, clock) as (host, _):
        first = await host.request(start)
    async with host_on(plant, tmp_path, clock) as (host, store):
        assert host.tags["Depot.CP01.C1.TransactionId"].value == first.transaction_id
        assert await host.request(start) == first  # a retry whose answer was lost
        clock.leap(60)
        await host.request(
            StopTransaction(
                charger="Depot.CP01",
                transaction_id=first.transaction_id,
                meter_stop_wh=500,
                time_us=clock.now_us(),
            )
        )
        sessions = (await store.archive.sessions(SessionFilter(), 10, None)).items
        assert [(s.id, s.energy_wh) for s in sessions] == [(first.transaction_id, 500)]


async def test_wrong_requests_change_nothing(plant: Plant, tmp_path: Path) -> None:
    async with host_on(plant, tmp_path, FakeClock()) as (host, _):
        with pytest.raises(NotFound):
            await host.request(Acknowledge(("Depot.Nothing",), ANN))
        with pytest.raises(NotFound):
            await host.request(WriteTag("Depot.Nothing", 1, ANN))
        with pytest.raises(BadRequest):
            await host.request(WriteTag("Depot.CP01.C1.ActivePower", 1.0, ANN))
        with pytest.raises(BadRequest):
            await host.request(WriteTag("Depot.Note", 5, ANN))
        with pytest.raises(Denied):
            await host.request(WriteTag("Depot.Note", "mine", GUS))
        with pytest.raises(Denied):
            await host.request(Acknowledge((FAULT,), GUS))
        assert host.tags["Depot.Note"].value == ""


async def test_a_charger_is_offline_after_its_delay_only(plant: Plant, tmp_path: Path) -> None:
    clock = FakeClock()
    async with host_on(plant, tmp_path, clock) as (host, _):
        put(host, "Depot.CP01.Online", True)
        put(host, "Depot.CP01.Online", False)
        clock.leap(19)
        host.cycle()
        await settled(host)
        assert host.board.get("Depot.CP01.Online") is None
        clock.leap(1)
        host.cycle()
        await settled(host)
        assert host.board.get("Depot.CP01.Online") is not None


async def test_changes_reach_a_listener_once_a_cycle_and_one_that_fails_hurts_nobody(
    plant: Plant, tmp_path: Path
) -> None:
    async with host_on(plant, tmp_path, FakeClock()) as (host, _):
        host.cycle()
        seen: list[list[str]] = []

        def broken(_tags: object) -> None:
            raise RuntimeError("boom")

        host.subscribe_changes(broken)
        end = host.subscribe_changes(lambda tags: seen.append([tag.path for tag in tags]))
        put(host, "Depot.CP01.C1.ActivePower", 5.0)
        put(host, "Depot.CP01.C1.ActivePower", 6.0)
        host.cycle()
        host.cycle()
        assert seen == [["Depot.CP01.C1.ActivePower", "Depot.ChargingPower"]]
        end()
