"""Serves the HMI of a plant whose devices say hostile things: a process for the tests of this folder.

Argument: a directory. Prints the port.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from pathlib import Path

import uvicorn
from conftest import make_world  # type: ignore[import-not-found, unused-ignore]
from fastapi import FastAPI

from scada.hmi import mount
from scada.runtime.clock import SystemClock

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'`${alert(3)}`{{alert(4)}}"


async def main() -> None:
    world = make_world(Path(sys.argv[1]), SystemClock())
    for charger in world.services.plant.chargers():
        world.write(f"{charger.path}.Online", True)
        world.write(f"{charger.path}.Model", HOSTILE)
        world.write(f"{charger.path}.Vendor", HOSTILE)
        for connector in charger.connectors:
            world.write(f"{connector.path}.Status", "Faulted")
            world.write(f"{connector.path}.Faulted", True)
            world.write(f"{connector.path}.VendorErrorCode", HOSTILE)
            world.write(f"{connector.path}.IdTag", HOSTILE)
    application = FastAPI()
    hmi = mount(application, world.services)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    async def move() -> None:
        for number in itertools.count():
            world.write("Depot.CP01.C1.ActivePower", float(number % 7))
            await asyncio.sleep(0.1)

    server = uvicorn.Server(uvicorn.Config(application, log_level="error"))
    tasks = [asyncio.create_task(run()) for run in (world.host.run, hmi.run, move)]
    await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()


asyncio.run(main())
