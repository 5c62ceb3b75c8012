"""The supervisor is killed while cars charge, again and again: sessions go on, nothing is lost or doubled.

Judged by the chargers' own books: each transaction that a charger began and ended is there once, with its
meter readings.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scada.core.plant import Plant
from scada.simulator import ChargePoint, Vehicle, charge_point
from scada.simulator.queue import Message
from scada.testing import small_plant, until
from scada.testing.ports import free_port
from scada.testing.processes import Supervisor, supervisor
from scada.testing.system import PASSWORD

CHARGERS = ("Depot.CP01", "Depot.CP03", "Depot.CP06")


@dataclass
class Book:
    """What a charger did, as it wrote it down itself: key → start and stop."""

    starts: dict[str, dict[str, Any]] = field(default_factory=dict)
    stops: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, message: Message) -> None:
        if message.action == "StartTransaction":
            self.starts[message.key] = message.payload
        elif message.action == "StopTransaction":
            self.stops[message.key] = message.payload


@asynccontextmanager
async def chargers(
    plant: Plant, url: str, folder: Path
) -> AsyncIterator[dict[str, tuple[ChargePoint, Book]]]:
    folder.mkdir(exist_ok=True)
    made: dict[str, tuple[ChargePoint, Book]] = {}
    tasks = []
    for path in CHARGERS:
        point = ChargePoint(plant.chargers_by_path[path], url, folder, speed=100, tick_s=0.1)
        book = Book()
        queue = point.hardware.queue
        queue.put = _noted(queue.put, book)  # type: ignore[method-assign]
        made[path] = (point, book)
        tasks.append(asyncio.create_task(point.run()))
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _noted(put: Any, book: Book) -> Any:
    def noting(message: Message) -> None:
        book.note(message)
        put(message)

    return noting


def car(number: int) -> Vehicle:
    token = f"FLEET-000{1 + number % 8}"
    return Vehicle(
        name=f"Car {number}",
        battery_kwh=80,
        soc=20,
        phases=3,
        current_max_a=16,
        dc_power_max_kw=0,
        id_tag=token,
    )


async def begin(point: ChargePoint, connector: int, number: int) -> None:
    vehicle = car(number)
    point.plug_in(connector, vehicle)
    # Offline the charger knows the token out of its cache, or lets nobody charge.
    await point.identify(connector, vehicle.id_tag)


async def sessions(running: Supervisor) -> list[dict[str, Any]]:
    async with httpx2.AsyncClient(trust_env=False, auth=("admin", PASSWORD)) as client:
        answer = await client.get(f"{running.addresses['http']}/api/v1/sessions", params={"limit": 1000})
        return list(answer.json()["items"])


async def test_killed_while_cars_charge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charge_point, "RECONNECT_MAX_S", 1.0)
    plant = small_plant(tmp_path)
    project = tmp_path / "project"
    ports = (free_port(), free_port(), free_port())
    url = f"ws://127.0.0.1:{ports[1]}/ocpp"
    rng = random.Random(20261121)
    cars = iter(range(1000))

    def start() -> Any:
        return supervisor(project, "--no-simulate", ports=ports)

    async with chargers(plant, url, tmp_path / "chargers") as points:

        async def everybody_online() -> None:
            for point, _ in points.values():
                await until(lambda point=point: point.online, "charger online", 40)  # type: ignore[misc]

        async def something_happens() -> None:
            point, _ = points[rng.choice(CHARGERS)]
            connector = rng.choice(list(point.hardware.outlets))
            if point.hardware.outlets[connector].state.vehicle is None:
                await begin(point, connector, next(cars))
            else:
                point.unplug(connector)
            await asyncio.sleep(rng.uniform(0, 0.15))

        for _ in range(4):
            async with AsyncExitStack() as stack:
                running = await asyncio.to_thread(stack.enter_context, start())
                await everybody_online()
                for _ in range(rng.randrange(4, 12)):
                    await something_happens()
                running.process.kill()  # at whatever it was doing
                await asyncio.to_thread(running.process.wait)
            for _ in range(2):  # and life goes on without it
                await something_happens()

        async with AsyncExitStack() as stack:
            running = await asyncio.to_thread(stack.enter_context, start())
            await everybody_online()
            for point, _ in points.values():
                await until(lambda point=point: not len(point.hardware.queue), "queue empty", 60)  # type: ignore[misc]
            _judge(await sessions(running), {path: book for path, (_, book) in points.items()})
            # The cars that still charge can be seen charging, and stopped.
            for point, _ in points.values():
                for number, outlet in point.hardware.outlets.items():
                    if outlet.state.transaction is not None:
                        point.unplug(number)
            for point, _ in points.values():
                await until(lambda point=point: not len(point.hardware.queue), "queue empty", 60)  # type: ignore[misc]
            told = await sessions(running)
            _judge(told, {path: book for path, (_, book) in points.items()})
            assert all(session["state"] == "closed" for session in told)
            assert len(told) >= 8


def _judge(told: list[dict[str, Any]], books: dict[str, Book]) -> None:
    for path, book in books.items():
        here = [session for session in told if session["charger"] == path]
        by_start = {(s["connector"], s["id_tag"], s["meter_start_wh"], s["started"]): s for s in here}
        assert len(by_start) == len(here), f"{path}: a session is there twice"
        assert len(here) == len(book.starts), f"{path}: {len(here)} sessions, {len(book.starts)} transactions"
        for key, begun in book.starts.items():
            matching = [
                s
                for s in here
                if s["connector"] == begun["connectorId"]
                and s["meter_start_wh"] == begun["meterStart"]
                and s["started"] == begun["timestamp"]
            ]
            assert len(matching) == 1, f"{path}: {begun} is not there once"
            session, ended = matching[0], book.stops.get(key)
            assert session["flags"] == []
            if ended is None:
                assert session["state"] == "open"
            else:
                assert session["state"] == "closed"
                assert session["meter_stop_wh"] == ended["meterStop"]
                assert session["energy_wh"] == ended["meterStop"] - begun["meterStart"]
                assert session["reason"] == ended["reason"]
