"""Serves the HMI of a plant whose devices say hostile things: a process for the tests of this folder.

Arguments: a directory; `flood`: the plant has 10,000 more alarms, which come when the directory has a file `now`.
Prints the port.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from dataclasses import replace
from pathlib import Path

import uvicorn
from conftest import make_world  # type: ignore[import-not-found, unused-ignore]
from fastapi import FastAPI

from scada.core.file_ports import FileShelf
from scada.core.value import GOOD
from scada.drivers.ocpp.console import Console
from scada.drivers.ocpp.trace import Trace
from scada.drivers.ocpp.v16 import DIALECT
from scada.hmi import mount
from scada.runtime.clock import SystemClock
from scada.testing.file_server import file_server

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'`${alert(3)}`{{alert(4)}}"


async def main() -> None:
    folder, flood = Path(sys.argv[1]), "flood" in sys.argv[2:]
    async with file_server(folder / "files") as files:
        await serve(folder, files.server, flood=flood)


async def serve(folder: Path, shelf: FileShelf, *, flood: bool) -> None:
    world = make_world(folder, SystemClock(), flood=flood)
    for charger in world.services.plant.chargers():
        world.host.core.link(
            charger.path, True, world.host.clock.now_us()
        )  # else its values grow old and Bad
        world.write(f"{charger.path}.Online", True)
        world.write(f"{charger.path}.Model", HOSTILE)
        world.write(f"{charger.path}.Vendor", HOSTILE)
        for connector in charger.connectors:
            world.write(f"{connector.path}.Status", "Faulted")
            world.write(f"{connector.path}.Faulted", True)
            world.write(f"{connector.path}.VendorErrorCode", HOSTILE)
            world.write(
                f"{connector.path}.ErrorCode", "OverVoltage" if connector.number == 1 else "OtherError"
            )
            world.write(f"{connector.path}.Temperature", 21.5)
            world.write(f"{connector.path}.IdTag", HOSTILE)
    console = Console(world.services.plant, Trace(world.host.clock, 8), lambda _: DIALECT)
    site = replace(world.services.plant.sites[0], station_screen=frozenset({"state"}))
    plant = replace(world.services.plant, sites=(site,))
    world.services = replace(world.services, console=console, plant=plant, files=shelf)
    application = FastAPI()
    hmi = mount(application, world.services)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    async def move() -> None:
        for number in itertools.count():
            world.write("Depot.CP01.C1.ActivePower", float(number % 7))
            await asyncio.sleep(0.1)

    async def pour() -> None:
        while not (folder / "now").exists():
            await asyncio.sleep(0.02)
        tags, now_us = world.host.tags, world.host.clock.now_us()
        world.host.write([(tag, True, GOOD, now_us) for tag in tags.select("Depot.Flood.*")])

    server = uvicorn.Server(uvicorn.Config(application, log_level="error"))
    tasks = [asyncio.create_task(run()) for run in (world.host.run, hmi.run, move)]
    if flood:
        tasks.append(asyncio.create_task(pour()))
    await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()


asyncio.run(main())
