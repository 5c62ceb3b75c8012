"""Stories of drivers: over real sockets, with moments of people made short."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from scada.core.plant import Plant, Simulation
from scada.simulator import ChargePoint, life
from scada.simulator.life import Life


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    async def moment(_self: Life, low_s: float, high_s: float) -> None:
        await asyncio.sleep((low_s + high_s) / 200)

    monkeypatch.setattr(Life, "_moment", moment)
    monkeypatch.setattr(life, "FIRST_VISITS", 0)


Live = Callable[..., Any]


@pytest.fixture
def live(plant: Plant, point_of: Any) -> Live:
    @asynccontextmanager
    async def run(
        arrivals: float = 0.0, faults: float = 0.0, speed: float = 1.0, tokens: Any = None
    ) -> AsyncIterator[ChargePoint]:
        changed = replace(
            plant,
            simulation=Simulation(arrivals_per_hour=arrivals, faults_per_hour=faults),
            tokens=plant.tokens if tokens is None else tokens,
        )
        async with AsyncExitStack() as stack:
            point = await stack.enter_async_context(point_of(speed=speed))
            task = asyncio.create_task(Life(changed, [point], speed, seed=1).run())
            try:
                yield point
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    return run


async def test_vehicles_come_charge_and_leave(central: Any, live: Live, until: Any) -> None:
    async with central.up(), live(arrivals=10.0, speed=3600.0):
        await until(lambda: len(central.of("StopTransaction")) >= 3)
        assert {stop["reason"] for stop in central.of("StopTransaction")} <= {"Local", "EVDisconnected"}
        starts = {start["idTag"] for start in central.of("StartTransaction")}
        assert starts <= {f"TOKEN-{n}" for n in range(8)}
        assert central.statuses(1)[:2] == ["Available", "Preparing"]


async def test_who_is_refused_stands_a_while_and_leaves(
    central: Any, live: Live, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "BAD_TOKEN_SHARE", 1.0)
    central.blocked |= {"LOST", life.STRANGER}
    async with central.up(), live(arrivals=3600.0):
        await until(lambda: central.of("Authorize"))
        await until(lambda: central.statuses(1)[-2:] == ["Preparing", "Available"])
        assert not central.of("StartTransaction")


async def test_whom_the_control_room_lets_in_comes(central: Any, live: Live, until: Any) -> None:
    async with central.up(), live() as point:
        await until(lambda: point.online)
        await central.call("RemoteStartTransaction", {"connectorId": 2, "idTag": "TOKEN-5"})
        await until(lambda: central.of("StartTransaction", connectorId=2, idTag="TOKEN-5"))
        await until(lambda: central.last(2) == "Charging")
        await central.call("RemoteStopTransaction", {"transactionId": 1})
        await until(lambda: central.last(2) == "Available")


async def test_a_visit_goes_on_in_the_next_life(central: Any, live: Live, until: Any, vehicle: Any) -> None:
    async with central.up():
        async with live() as point:
            await until(lambda: point.online)
            point.plug_in(1, vehicle(stay_s=7_200.0))
            await point.identify(1, "TOKEN-1")
            await until(lambda: central.of("StartTransaction"))
        async with live(speed=7_200.0):
            await until(lambda: central.of("StopTransaction", transactionId=1))
            await until(lambda: central.last(1) == "Available")
    assert central.transactions == 1


async def test_things_go_wrong_and_right_again(central: Any, live: Live, until: Any) -> None:
    async with central.up(), live(faults=40_000.0) as point:
        await until(lambda: point.online)
        await until(lambda: central.of("StatusNotification", status="Faulted"))
        fault = central.of("StatusNotification", status="Faulted")[0]
        assert fault["errorCode"] != "NoError"
        assert fault["vendorErrorCode"]
        number = fault["connectorId"]
        await until(lambda: central.last(number) == "Available")
