"""Firmware for four chargers in waves, with everything real: file server, REST, a supervisor that is killed half-way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scada.simulator import ChargePoint, charge_point, maintenance
from scada.simulator.maintenance import Update
from scada.testing import small_plant, until
from scada.testing.ports import free_port
from scada.testing.processes import Supervisor, supervisor
from scada.testing.system import PASSWORD

CHARGERS = ("Depot.CP01", "Depot.CP02", "Depot.CP03", "Depot.CP04")
WORN = "Depot.CP02"
FIRMWARE = b"firmware version 9.1.0\n" + b"\0" * 100_000


class Rest:
    """The REST interface of the supervisor that runs."""

    def __init__(self, running: Supervisor) -> None:
        base = f"{running.addresses['http']}/api/v1"
        self._http = httpx2.AsyncClient(base_url=base, auth=("admin", PASSWORD), trust_env=False, timeout=60)

    async def get(self, path: str) -> Any:
        return (await self._http.get(path)).raise_for_status().json()

    async def post(self, path: str, **more: Any) -> Any:
        return (await self._http.post(path, **more)).raise_for_status().json()

    async def close(self) -> None:
        await self._http.aclose()


@asynccontextmanager
async def chargers(folder: Path, url: str) -> AsyncIterator[dict[str, ChargePoint]]:
    plant, keep = small_plant(folder), folder / "chargers"
    keep.mkdir()
    made = {
        path: ChargePoint(plant.chargers_by_path[path], url, keep, speed=10, boot_s=0.2) for path in CHARGERS
    }

    async def nothing(_order: Update, tell: Callable[[str], None]) -> bytes:
        tell("Downloading")
        return b""  # its flash takes nothing any more

    made[WORN].maintenance._fetch = nothing  # type: ignore[assignment,method-assign]
    tasks = [asyncio.create_task(point.run()) for point in made.values()]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def eventually(ask: Callable[[], Awaitable[Any]], right: Callable[[Any], bool]) -> Any:
    loop = asyncio.get_running_loop()
    end = loop.time() + 40
    while not right(found := await ask()):
        assert loop.time() < end, found
        await asyncio.sleep(0.1)
    return found


def table(campaign: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {row["charger"]: (row["wave"], row["state"]) for row in campaign["results"]}


@pytest.mark.timeout(180)
async def test_a_roll_out_stops_at_a_failure_goes_on_when_told_and_survives_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charge_point, "RECONNECT_MAX_S", 1.0)
    monkeypatch.setattr(maintenance, "INSTALL_S", 0.1)
    small_plant(tmp_path)
    project = tmp_path / "project"
    ports = (free_port(), free_port(), free_port())

    def start() -> Any:
        return supervisor(project, "--no-simulate", ports=ports)

    async def everybody(points: dict[str, ChargePoint]) -> None:
        for point in points.values():
            await until(lambda point=point: point.online, "charger online", 40)  # type: ignore[misc]

    async with chargers(tmp_path, f"ws://127.0.0.1:{ports[1]}/ocpp") as points:
        with contextlib.ExitStack() as stack:
            running = await asyncio.to_thread(stack.enter_context, start())
            rest = Rest(running)
            await everybody(points)
            await eventually(lambda: rest.get(f"/tags/{WORN}.Firmware"), lambda one: one["value"])
            before = (await rest.get(f"/tags/{WORN}.Firmware"))["value"]
            await rest.post("/firmware", params={"name": "fw-9.bin"}, content=FIRMWARE)
            order = {
                "name": "nine",
                "command": "UpdateFirmware",
                "arguments": {"file": "fw-9.bin"},
                "targets": list(CHARGERS),
                "waves": ["1", "1"],
            }
            number = (await rest.post("/campaigns", json=order))["id"]

            async def campaign() -> Any:
                return await rest.get(f"/campaigns/{number}")

            stopped = await eventually(campaign, lambda one: one["phase"] == "stopped")
            assert table(stopped) == {
                "Depot.CP01": (1, "done"),
                WORN: (2, "failed"),
                "Depot.CP03": (3, "waiting"),
                "Depot.CP04": (3, "waiting"),
            }
            (bad,) = (row for row in stopped["results"] if row["charger"] == WORN)
            assert "InstallationFailed" in bad["text"]
            assert points["Depot.CP03"].hardware.state.firmware != "9.1.0", "the next wave has not begun"

            log = await rest.post(
                "/commands", json={"command": "GetDiagnostics", "target": WORN, "arguments": {}}
            )
            assert log["outcome"] == "done", log
            (kept,) = (await rest.get("/files/diagnostics"))["items"]
            content = await rest._http.get(f"/files/diagnostics/{kept['id']}")
            assert content.status_code == 200, content.text
            assert b"log of DEPOT-CP02" in content.content
            assert b"firmware InstallationFailed" in content.content

            # The last wave is under way when the supervisor dies; the chargers go on by themselves.
            monkeypatch.setattr(maintenance, "INSTALL_S", 1.5)
            await rest.post(f"/campaigns/{number}/resume")
            last = [points["Depot.CP03"].maintenance, points["Depot.CP04"].maintenance]
            await until(lambda: all(one.firmware_status[1] == "Installing" for one in last), "they install")
            running.process.kill()
            await asyncio.to_thread(running.process.wait)
            await rest.close()
        for path in ("Depot.CP03", "Depot.CP04"):
            state = points[path].hardware.state
            await until(lambda state=state: state.firmware == "9.1.0", "it has installed")  # type: ignore[misc]

        with contextlib.ExitStack() as stack:
            running = await asyncio.to_thread(stack.enter_context, start())
            rest = Rest(running)
            await everybody(points)
            done = await eventually(campaign, lambda one: one["phase"] == "done")
            assert {path: state for path, (_, state) in table(done).items()} == {
                path: "failed" if path == WORN else "done" for path in CHARGERS
            }
            assert done["counts"]["done"] == 3
            assert all(row["attempts"] == 1 for row in done["results"]), "nobody was updated twice"
            # Those that have not booted since are shown as they were last known.
            for path in CHARGERS:
                told = await rest.get(f"/tags/{path}.Firmware")
                assert told["value"] == (before if path == WORN else "9.1.0"), told
            await rest.close()
