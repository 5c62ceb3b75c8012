"""A file server with both doors on free ports of 127.0.0.1, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scada.app.doors import listening_sockets
from scada.app.file_doors import FileDoors
from scada.core.effects import Event
from scada.core.plant import FileSettings
from scada.files import FileServer
from scada.history import open_core
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.testing.clock import FakeClock
from scada.testing.plants import small_plant

CHARGER = "Depot.CP01"
HOUR_US = 3600 * 1_000_000
SETTINGS = FileSettings(
    http_port=0, ftp_port=0, upload_bytes_max=300_000, received_bytes_max=400_000, firmware_bytes_max=500_000
)


@dataclass
class Files:
    """A file server with both doors open on 127.0.0.1."""

    server: FileServer
    clock: FakeClock
    project: Path
    events: list[Event] = field(default_factory=list)

    def firmware(self, name: str, content: bytes) -> bytes:
        """Put a file into the firmware folder."""
        folder = self.project / "firmware"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        return content

    async def offer(self, name: str, scheme: str = "http") -> str:
        """The URL of a slot to fetch a firmware file."""
        return (await self.server.offer(name, CHARGER, scheme, self.clock.now_us() + HOUR_US)).url

    async def receive(self, scheme: str = "http", purpose: str = "diagnostics") -> str:
        """The URL of a slot to upload a file."""
        return (await self.server.receive(CHARGER, purpose, scheme, self.clock.now_us() + HOUR_US)).url

    async def kept(self) -> list[bytes]:
        """What the files from chargers hold, newest first."""
        files = await self.server.received()
        return [(await self.server.received_path(one.id))[1].read_bytes() for one in files]

    def drafts(self) -> list[Path]:
        """Parts of files that lie about."""
        return list((self.project / "data" / "files" / ".incoming").iterdir())


@asynccontextmanager
async def file_server(folder: Path, settings: FileSettings = SETTINGS) -> AsyncIterator[Files]:
    """Start one below a folder of the test's, and stop it at the end of the block."""
    plant = small_plant(folder, files=settings)
    data = folder / "data"
    async with AsyncExitStack() as stack:
        store = open_core(data)
        stack.push_async_callback(asyncio.to_thread, store.close)
        clock = FakeClock()
        restart = store.restart()
        host = PlantHost(plant, restart, clock, store.journal, store.samples)
        stack.push_async_callback(host.close)
        sockets = stack.enter_context(listening_sockets(plant))
        doors = FileDoors(plant, host, Documents(host, restart.documents), sockets)
        assert doors.server is not None
        files = Files(doors.server, clock, plant.directory)
        host.events.subscribe(files.events.append)
        task = asyncio.ensure_future(doors.services()["Files"]())
        try:
            yield files
        finally:
            await doors.stop()
            task.cancel()
            await asyncio.wait([task])
