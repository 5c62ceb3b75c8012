"""A central system without its doors: host, journal on a real database, OCPP server on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from scada.app.doors import file_sockets
from scada.app.file_doors import FileDoors
from scada.core.plant import Plant
from scada.drivers.ocpp.server import OcppServer
from scada.files import FileServer
from scada.history import CoreStore, open_core
from scada.runtime.clock import SystemClock
from scada.runtime.documents import Documents
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
    files: FileServer | None = None


@asynccontextmanager
async def central_system(
    plant: Plant, data: Path, secrets: dict[str, str] | None = None
) -> AsyncIterator[Central]:
    """Start one on a free port of 127.0.0.1 and stop it at the end of the block."""
    store = open_core(data)
    restart = store.restart()
    host = PlantHost(plant, restart, SystemClock(), store.journal, store.samples)
    router = CommandRouter(host)
    with socket.create_server(("127.0.0.1", 0)) as sock, file_sockets(plant) as sockets:
        files = FileDoors(plant, host, Documents(host, restart.documents), sockets)
        ocpp = OcppServer(plant, host, router, (secrets or {}).get, files.server)
        sock.setblocking(False)
        tasks = [asyncio.create_task(host.run()), asyncio.create_task(ocpp.run(sock))]
        tasks += [asyncio.create_task(service()) for service in files.services().values()]  # type: ignore[arg-type]
        try:
            await ocpp.listening.wait()
            url = f"ws://127.0.0.1:{sock.getsockname()[1]}{plant.network.ocpp_path}"
            yield Central(plant, host, router, store, ocpp, url, files.server)
        finally:
            await files.stop()
            for task in reversed(tasks):
                task.cancel()
            await asyncio.wait(tasks)
            await host.close()
            await asyncio.to_thread(store.close)
