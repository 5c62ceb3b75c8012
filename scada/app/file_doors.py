"""The file server's services: slots, and the doors that the project opens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping

from scada.app.doors import port_of
from scada.app.http import HttpServer
from scada.core.plant import Plant
from scada.files import FileServer
from scada.files.http import CONNECTIONS_MAX
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost

HTTP, FTP = "files_http", "files_ftp"
"""Names of the doors' sockets."""


class FileDoors:
    """The file server of a plant with its doors; `server` is None where the project opens none.

    Args:
        sockets: listening; of the doors `HTTP` and `FTP`, where they are open.
    """

    def __init__(
        self, plant: Plant, host: PlantHost, documents: Documents, sockets: Mapping[str, socket.socket]
    ) -> None:
        self._sockets = {name: sockets[name] for name in (HTTP, FTP) if name in sockets}
        self.server: FileServer | None = None
        self._http: HttpServer | None = None
        if not self._sockets:
            return
        ports = {name.removeprefix("files_"): port_of(sock) for name, sock in self._sockets.items()}
        listening = plant.files.host or plant.network.host
        self.server = FileServer(plant.files, plant.directory, host, documents, ports, listening)
        if HTTP in self._sockets:
            tls = self.server.tls
            keys = {"ssl_certfile": tls[0], "ssl_keyfile": tls[1]} if tls else {}
            self._http = HttpServer(
                self.server.http,
                self._sockets[HTTP],
                lifespan="off",
                ws="none",
                limit_concurrency=CONNECTIONS_MAX,
                **keys,
            )

    def services(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Name → what runs until it is cancelled."""
        if self.server is None:
            return {}
        return {"Files": self._run}

    async def stop(self) -> None:
        """Let transfers under way end, for a moment, and close."""
        if self._http is not None:
            await self._http.stop()

    async def _run(self) -> None:
        assert self.server is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(self.server.run(), name="file slots")
            if self._http is not None:
                group.create_task(self._http.run(), name="files http")
            if FTP in self._sockets:
                group.create_task(self.server.run_ftp(self._sockets[FTP]), name="files ftp")
