"""The HTTP server: uvicorn on a socket of ours, without its own signal handling."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

HTTP_STOP_TIMEOUT_S = 4.0


class HttpServer:
    """Serves an ASGI application; a new uvicorn for each restart of the service."""

    def __init__(self, application: Any, sock: socket.socket, **options: Any) -> None:
        """`options`: of uvicorn, besides or instead of our own."""
        self._application = application
        self._socket = sock
        self._options = options
        self._server: uvicorn.Server | None = None
        self._stopping = False
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled."""
        options: dict[str, Any] = {
            "log_config": None,
            "access_log": False,
            "server_header": False,
            "ws_max_size": 1 << 20,
            "timeout_graceful_shutdown": 2,
            "lifespan": "on",
            **self._options,
        }
        config = uvicorn.Config(self._application, **options)
        self._server = _QuietServer(config)
        # A duplicate: uvicorn closes what it is given, and a restart needs the port again.
        await self._server.serve([self._socket.dup()])
        if self._stopping:
            self._ended.set()
            await asyncio.get_running_loop().create_future()  # until cancelled with the other services

    async def stop(self) -> None:
        """Let requests under way end, for a moment, and close."""
        self._stopping = True
        if self._server is not None and self._server.started:
            self._server.should_exit = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), HTTP_STOP_TIMEOUT_S)


class _QuietServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the composition root."""
        yield
