"""A central system without its doors: host, journal on a real database, OCPP server on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from scada.core.plant import Plant
from scada.drivers.ocpp.server import OcppServer
from scada.history import CoreStore, open_core
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter


@dataclass
class Central:
    """What a test talks to."""

    plant: Plant
    host: PlantHost
    router: CommandRouter
    store: CoreStore
    ocpp: OcppServer
    url: str


@asynccontextmanager
async def central_system(
    plant: Plant, data: Path, secrets: dict[str, str] | None = None
) -> AsyncIterator[Central]:
    """Start one on a free port of 127.0.0.1 and stop it at the end of the block."""
    store = open_core(data)
    host = PlantHost(plant, store.restart(), SystemClock(), store.journal, store.samples)
    router = CommandRouter(host)
    ocpp = OcppServer(plant, host, router, (secrets or {}).get)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        tasks = [asyncio.create_task(host.run()), asyncio.create_task(ocpp.run(sock))]
        try:
            await ocpp.listening.wait()
            port = sock.getsockname()[1]
            yield Central(plant, host, router, store, ocpp, f"ws://127.0.0.1:{port}{plant.network.ocpp_path}")
        finally:
            for task in reversed(tasks):
                task.cancel()
            await asyncio.wait(tasks)
            await host.close()
            await asyncio.to_thread(store.close)
