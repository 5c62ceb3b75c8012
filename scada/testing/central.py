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
    tls_url: str
    files: FileServer | None = None


@asynccontextmanager
async def central_system(
    plant: Plant, data: Path, secrets: dict[str, str] | None = None
) -> AsyncIterator[Central]:
    """Start one on free ports of 127.0.0.1 and stop it at the end of the block."""
    store = open_core(data)
    restart = store.restart()
    host = PlantHost(plant, restart, SystemClock(), store.journal, store.samples)
    router = CommandRouter(host)
    documents = Documents(host, restart.documents)
    with (
        socket.create_server(("127.0.0.1", 0)) as sock,
        socket.create_server(("127.0.0.1", 0)) as tls,
        file_sockets(plant) as sockets,
    ):
        files = FileDoors(plant, host, documents, sockets)
        ocpp = OcppServer(plant, host, router, (secrets or {}).get, documents, files.server)
        secure = tls if plant.network.ocpps_port is not None else None
        for one in (sock, tls):
            one.setblocking(False)
        tasks = [asyncio.create_task(host.run()), asyncio.create_task(ocpp.run(sock, secure))]
        tasks += [asyncio.create_task(service()) for service in files.services().values()]  # type: ignore[arg-type]
        try:
            opened = asyncio.create_task(ocpp.listening.wait())
            await asyncio.wait([opened, tasks[1]], return_when=asyncio.FIRST_COMPLETED)
            if tasks[1].done():
                opened.cancel()
                await tasks[1]
            path = plant.network.ocpp_path
            yield Central(
                plant,
                host,
                router,
                store,
                ocpp,
                f"ws://127.0.0.1:{sock.getsockname()[1]}{path}",
                f"wss://127.0.0.1:{tls.getsockname()[1]}{path}",
                files.server,
            )
        finally:
            await files.stop()
            for task in reversed(tasks):
                task.cancel()
            await asyncio.wait(tasks)
            await host.close()
            await asyncio.to_thread(store.close)
