"""200 simulated meters, read once a second: 10 gateways of 20 units, all registers, tags and history on.

The meters are another process. Lateness: how long after it was due a meter had its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from scada import resources
from scada.drivers.modbus import Profile, load_profile
from scada.drivers.modbus.device import Device
from scada.drivers.modbus.driver import ModbusDriver
from scada.drivers.modbus.imitation import ImitatedDevice
from scada.drivers.modbus.link import Link
from scada.drivers.modbus.server import ModbusServer
from scada.project import load
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.runtime.plant_core import Restart
from scada.runtime.router import CommandRouter
from tests.bench.report import figure

GATEWAYS, UNITS = 10, 20
WARM_S, SECONDS = 5.0, 20.0
PROJECT = '[project]\nname = "B"\ntimezone = "UTC"\n[[sites]]\ntag = "S"\nlimit_a = 5000\n'


class _Nothing:
    def commit(self, records: object) -> None:
        pass

    def append(self, samples: object) -> None:
        pass


def _profile() -> Profile:
    return load_profile(resources.folder("config") / "drivers" / "modbus" / "eastron-sdm630.toml")


def _meters(ready: Connection) -> None:
    async def serve() -> None:
        profile, began = _profile(), time.monotonic()

        def values() -> dict[str, float]:
            now = time.monotonic() - began
            shown = dict.fromkeys(profile.registers, 100.0 + now % 7)
            return shown | {"Frequency": 50.0, "Import": 1000 + now}

        servers = [
            ModbusServer(
                "127.0.0.1", 0, {unit: ImitatedDevice(profile, values) for unit in range(1, UNITS + 1)}
            )
            for _ in range(GATEWAYS)
        ]
        for server in servers:
            await server.start()
        ready.send([server.port for server in servers])
        await asyncio.get_running_loop().create_future()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


def main() -> None:
    """Measure and print."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_meters, args=(there,), daemon=True)
    process.start()
    try:
        ports = here.recv()
        with TemporaryDirectory() as folder:
            asyncio.run(_read(Path(folder), ports))
    finally:
        process.terminate()
        process.join()


async def _read(folder: Path, ports: list[int]) -> None:
    (folder / "project.toml").write_text(PROJECT)
    (folder / "chargers.csv").write_text("site,tag,identity,type,plug,current_a,power_kw\n")
    rows = [
        f"S,M{port}_{unit},other,eastron-sdm630,127.0.0.1,{port},{unit}"
        for port in ports
        for unit in range(1, UNITS + 1)
    ]
    (folder / "meters.csv").write_text("site,tag,role,profile,host,port,unit\n" + "\n".join(rows) + "\n")
    plant = load(folder)
    host = PlantHost(plant, Restart(), SystemClock(), _Nothing(), _Nothing())
    driver = ModbusDriver(plant, host, CommandRouter(host), {"eastron-sdm630": _profile()})
    late_ms: list[float] = []
    _watch(late_ms)
    tasks = [asyncio.create_task(driver.run()), asyncio.create_task(host.run())]
    await asyncio.sleep(WARM_S)
    late_ms.clear()
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(SECONDS)
    passed, used = time.monotonic() - began, time.process_time() - cpu
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await host.close()
    late_ms.sort()
    figure("modbus", "cpu_pct_200_meters", 100 * used / passed, "%")
    figure("modbus", "reads_per_s", len(late_ms) / passed, "1/s")
    figure("modbus", "lateness_p50_ms", late_ms[len(late_ms) // 2], "ms")
    figure("modbus", "lateness_p99_ms", late_ms[int(len(late_ms) * 0.99)], "ms")


def _watch(late_ms: list[float]) -> None:
    """Note how late each turn is."""
    turn = Device.turn

    async def timed(self: Device, link: Link) -> bool:
        late_ms.append((asyncio.get_running_loop().time() - self.due_s) * 1000)
        return await turn(self, link)

    Device.turn = timed  # type: ignore[method-assign]
