"""The whole simulated site: chargers, life, meters and mail as `scada simulate` runs them."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scada import resources
from scada.core.errors import StartError
from scada.core.plant import Meter, ModbusEndpoint, Plant
from scada.drivers.modbus.decode import decode
from scada.drivers.modbus.link import Link, LinkLost
from scada.drivers.modbus.planner import plan
from scada.drivers.modbus.profile import load_profile
from scada.simulator import AlreadyRunning, SimulationOptions, run_simulation, site
from scada.testing.ports import free_port


def options_of(tmp_path: Path, url: str = "ws://127.0.0.1:1/ocpp", **changes: Any) -> SimulationOptions:
    return replace(
        SimulationOptions(ocpp_url=url, state_dir=tmp_path / "sim", mail_dir=tmp_path / "mail", speed=60),
        **changes,
    )


def with_meters(plant: Plant, *meters: Meter) -> Plant:
    return replace(plant, sites=(replace(plant.sites[0], meters=meters),))


@asynccontextmanager
async def simulation(plant: Plant, options: SimulationOptions) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run_simulation(plant, options))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def read(port: int, unit: int) -> dict[str, float]:
    profile = load_profile(resources.folder("config") / "drivers" / "modbus" / "eastron-sdm630.toml")
    (block,) = plan(profile.registers.values(), profile.limits)
    link = Link(ModbusEndpoint(profile=profile.name, host="127.0.0.1", port=port), 1.0)
    await link.connect()
    try:
        words = await link.read(unit, block)
    finally:
        link.close()
    readings = {r.name: decode(r, words[r.address : r.address + r.words]).value for r in block.registers}
    return {name: value for name, value in readings.items() if isinstance(value, float)}


async def test_a_visitor_sees_life_at_once(
    plant: Plant, central: Any, until: Any, tmp_path: Path, meter: Any
) -> None:
    port = free_port()
    plant = with_meters(
        plant,
        meter("Grid", "grid", port, 1),
        meter("Building", "building", port, 2),
        meter("Far", "other", port, 3, host="192.0.2.1"),
    )
    async with central.up(), simulation(plant, options_of(tmp_path, central.url)):
        await until(lambda: len(central.peers) == 3)
        await until(lambda: len(central.of("StartTransaction")) >= 3, 12)
        await until(lambda: len(central.of("StatusNotification", status="Charging")) >= 3)
        await until(lambda: central.of("MeterValues", connectorId=1))
        async with asyncio.timeout(10):
            while True:
                grid, building = await read(port, 1), await read(port, 2)
                if grid["Power"] > building["Power"] + 3_000:
                    break
                await asyncio.sleep(0.1)
        assert building["Power"] > 5_000
        assert grid["Import"] > 0
        assert 48 < grid["Frequency"] < 52
    assert (tmp_path / "sim" / "chargers.db").exists()


async def test_the_next_life_begins_where_the_last_ended(
    plant: Plant, central: Any, until: Any, tmp_path: Path
) -> None:
    options = options_of(tmp_path, central.url, speed=1)
    async with central.up():
        async with simulation(plant, options):
            await until(lambda: len(central.of("StartTransaction")) >= 3, 12)
        begun = len(central.of("StartTransaction"))
        central.calls.clear()
        async with simulation(plant, options):
            await until(lambda: len(central.of("StatusNotification", status="Charging")) >= begun)
        assert not central.of("StopTransaction")


async def test_only_one_simulation_of_a_project(plant: Plant, tmp_path: Path) -> None:
    options = options_of(tmp_path)
    program = (
        "import fcntl, sys\n"
        "file = open(sys.argv[1], 'a+')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    options.state_dir.mkdir()
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        str(options.state_dir / "lock"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        await holder.stdout.readline()
        with pytest.raises(AlreadyRunning, match="runs already"):
            await run_simulation(plant, options)
    finally:
        holder.stdin.close()
        await holder.wait()
    with pytest.raises(TimeoutError):  # now it runs
        await asyncio.wait_for(run_simulation(plant, options), 0.5)


async def test_ports_in_use_are_told_in_a_sentence(plant: Plant, tmp_path: Path, meter: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match="smtp_port"):
            await run_simulation(plant, options_of(tmp_path, smtp_port=port))
        with pytest.raises(StartError, match=r"meters\.csv"):
            await run_simulation(with_meters(plant, meter("Grid", "grid", port)), options_of(tmp_path))


async def test_a_folder_that_cannot_be_written_is_told(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "sim").write_text("a file stands in the way")
    with pytest.raises(StartError, match="cannot write"):
        await run_simulation(plant, options_of(tmp_path))


async def test_it_ends_when_nobody_needs_it_any_more(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "ORPHAN_AFTER_S", 0.1)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    async with asyncio.timeout(10):
        await run_simulation(plant, options_of(tmp_path, parent_pid=gone.pid))


async def test_it_stays_while_its_parent_lives(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "ORPHAN_AFTER_S", 0.1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run_simulation(plant, options_of(tmp_path, parent_pid=os.getpid())), 2.5)


async def test_a_charger_lives_by_its_recipe(plant: Plant, tmp_path: Path, central: Any, until: Any) -> None:
    recipes = {"CP02": "hici_long_model"}
    plant = replace(plant, simulation=replace(plant.simulation, recipes=recipes))
    async with central.up(), simulation(plant, options_of(tmp_path, central.url)):
        await until(lambda: len(central.of("BootNotification")) == 3)
        models = {
            name: body["chargePointModel"] for name, _, body in central.calls if "chargePointModel" in body
        }
        assert models["DEPOT-CP02"] == "HC-AC-Wallbox-22kW-2024"
        assert models["DEPOT-CP01"] == "Pillar Duo"


async def test_a_recipe_that_does_not_exist_is_told(plant: Plant, tmp_path: Path) -> None:
    recipes = {"CP02": "hici_long_modell"}
    plant = replace(plant, simulation=replace(plant.simulation, recipes=recipes))
    with pytest.raises(StartError, match=r"hici_long_modell.*CP02; perhaps hici_long_model$"):
        await run_simulation(plant, options_of(tmp_path))


async def test_a_charger_without_ocpp_is_a_device_beside_the_others(plant: Plant, tmp_path: Path) -> None:
    port = free_port()
    place = plant.sites[0].chargers[0]
    box = replace(
        place,
        path="Depot.W1",
        name="W1",
        identity="",
        connectors=place.connectors[:1],
        modbus=ModbusEndpoint(profile="generic-charger", host="127.0.0.1", port=port, unit_id=5),
    )
    plant = replace(plant, sites=(replace(plant.sites[0], chargers=(box,), meters=()),))
    profile = load_profile(resources.folder("config") / "drivers" / "modbus" / "generic-charger.toml")
    async with simulation(plant, options_of(tmp_path)) as task:
        link = Link(ModbusEndpoint(profile="generic-charger", host="127.0.0.1", port=port), 2.0)
        async with asyncio.timeout(15):
            while not link.up and not task.done():
                with contextlib.suppress(LinkLost):
                    await link.connect()
                await asyncio.sleep(0.05)
        assert not task.done()
        status = profile.registers["Status"]
        assert decode(status, await link.read(5, plan((status,), profile.limits)[0])).value == "Available"
        link.close()
