"""A door that chargers knock at: accepting in order, handshakes bounded, whoever comes and however many.

After a power cut everybody comes back at once. Connections are accepted one a turn of the loop, in the order in which
they came, so that the cryptography of thousands of handshakes is spread between everything else that has to be done.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import InvalidMessage
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING, OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

MESSAGE_BYTES_MAX = 256 * 1024
"""A larger message closes the connection with 1009 (message too big)."""
MESSAGES_BUFFERED = 16
OPEN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 4.0
OPENING_MAX = 1_000
"""Handshakes under way; at it further chargers wait in the system's queue."""
OPENING_GRACE_S = 10.0
"""While OPENING_MAX are under way, the oldest gives way to who waits, but not before it had so long."""
BACKLOG = 8_192
"""The system's queue of a door, as far as the system allows."""
ACCEPT_PAUSE_S = 0.5
"""After the system has refused to accept, for want of file handles for example."""

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

Admit = Callable[[ServerConnection, Request], Awaitable[Response | None]]
Refused = Callable[[str, str], None]
"""Told (address, reason) of what never became a request."""

log = structlog.get_logger()
_quiet = logging.getLogger("scada.websockets")
_quiet.setLevel(logging.CRITICAL)  # what chargers do wrong is told by us, once, and not with a trace each


class _Protocol(ServerProtocol):
    """A protocol that answers even what is no HTTP request: a charger's maker looks at the answer."""

    def send_eof(self) -> None:
        if self.state is CONNECTING and isinstance(self.handshake_exc, InvalidMessage):
            self.writes.append(_BAD_REQUEST)
        super().send_eof()


class Connection(ServerConnection):
    """A connection whose ordinary send spends no asynchronous context manager: a third of a message's cost.

    `send_data` and `drain` are websockets' own inner steps; tests/drivers/ocpp fails when they change.

    Attributes:
        heard_s: when the last bytes came (`time.monotonic`).
        ticket: what `_admit` has found out about it.
    """

    heard_s: float
    ticket: Any = None
    slot: object = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection stands."""
        self.heard_s = time.monotonic()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.heard_s = time.monotonic()
        super().data_received(data)

    async def send(self, message: Any, *, text: bool | None = None) -> None:
        """Send; anything but whole JSON bytes on an open connection takes the library's way."""
        protocol = self.protocol
        if text is not True or self.send_in_progress is not None or protocol.state is not OPEN:
            await super().send(message, text=text)
            return
        protocol.send_text(message)
        self.send_data()
        await self.drain()

    def send_ping(self) -> None:
        """Send a ping, unless the connection takes nothing at the moment; its pong counts as heard."""
        if self.protocol.state is OPEN and not self.paused:
            self.protocol.send_ping(b"")
            self.send_data()

    def abort(self) -> None:
        """Close without a handshake."""
        self.transport.abort()

    @property
    def address(self) -> str:
        """The charger's address, or empty."""
        peer = self.transport.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) and peer else ""


class Listener:
    """One door.

    Args:
        sock: bound and listening; a duplicate is used, so that the service can be started again.
        admit: looks at a request; a response refuses it.
        select: picks the subprotocol.
        serve: serves a connection whose handshake is done.
        context: of a TLS door: for the next connection.
    """

    def __init__(
        self,
        sock: socket.socket,
        admit: Admit,
        select: Callable[[Connection, Sequence[Subprotocol]], Subprotocol | None],
        serve: Callable[[Connection], Awaitable[None]],
        refused: Refused,
        context: Callable[[], ssl.SSLContext | None] | None = None,
    ) -> None:
        self._socket = sock
        self._admit, self._select, self._serve_connection = admit, select, serve
        self._refused, self._context = refused, context
        self._opening: OrderedDict[object, tuple[float, Callable[[], object]]] = OrderedDict()
        self._room = asyncio.Event()
        self._open: set[Connection] = set()
        self._server = Server(_no_server, self._handle, _quiet)
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving = False

    async def run(self) -> None:
        """Accept until cancelled; then close every connection."""
        sock = self._socket.dup()
        sock.setblocking(False)
        sock.listen(BACKLOG)
        self._serving = True
        self._server.is_serving = lambda: self._serving  # type: ignore[method-assign]
        try:
            await self._accept(sock)
        finally:
            self._serving = False
            sock.close()
            await self._close()

    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        failing = False
        while True:
            if len(self._opening) >= OPENING_MAX:
                await self._make_room()
            try:
                accepted, address = await loop.sock_accept(sock)
                failing = False
            except OSError as error:
                if not failing:
                    log.error("ocpp_cannot_accept", reason=str(error))
                failing = True
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            accepted.setblocking(False)
            slot = object()
            task = loop.create_task(self._take(accepted, str(address[0]) if address else "", slot))
            self._opening[slot] = (loop.time(), task.cancel)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(0)  # one a turn: everybody else has theirs

    async def _make_room(self) -> None:
        """Wait until a handshake ends; the oldest is ended when it has had its time."""
        loop = asyncio.get_running_loop()
        while len(self._opening) >= OPENING_MAX:
            slot, (began, end) = next(iter(self._opening.items()))
            left = began + OPENING_GRACE_S - loop.time()
            if left <= 0:
                self._done(slot)
                end()
                return
            self._room.clear()
            try:
                async with asyncio.timeout(left):
                    await self._room.wait()
            except TimeoutError:
                continue

    def _done(self, slot: object) -> None:
        if self._opening.pop(slot, None) is not None:
            self._room.set()

    async def _take(self, sock: socket.socket, address: str, slot: object) -> None:
        loop = asyncio.get_running_loop()
        context = self._context() if self._context else None
        if self._context and context is None:
            sock.close()
            self._done(slot)
            return
        connection: Connection | None = None

        def make() -> Connection:
            nonlocal connection
            connection = self._connection(slot)
            return connection

        try:
            await loop.connect_accepted_socket(
                make,
                sock,
                ssl=context,
                ssl_handshake_timeout=OPEN_TIMEOUT_S if context else None,
                ssl_shutdown_timeout=CLOSE_TIMEOUT_S if context else None,
            )
        except (OSError, TimeoutError) as error:
            # Of TLS: no common version or cipher, a certificate that is wrong, or a charger that does not trust ours.
            self._refused(address, f"tls: {getattr(error, 'reason', None) or type(error).__name__}")
            self._done(slot)
        except asyncio.CancelledError:
            self._done(slot)
            if connection is None:
                sock.close()
            raise

    def _connection(self, slot: object) -> Connection:
        def select(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
            return self._select(connection, offered)

        protocol = _Protocol(select_subprotocol=select, max_size=MESSAGE_BYTES_MAX, logger=_quiet)
        connection = Connection(
            protocol,
            self._server,
            ping_interval=None,
            ping_timeout=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_queue=MESSAGES_BUFFERED,
        )
        connection.slot = slot
        return connection

    async def _handle(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Connection)
        slot, connection.slot = connection.slot, None
        if slot in self._opening:
            self._opening[slot] = (self._opening[slot][0], connection.transport.abort)
        try:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S):
                    await connection.handshake(self._admit, None, None)
            finally:
                self._done(slot)
            if connection.protocol.state is not OPEN:
                if connection.protocol.handshake_exc is not None:
                    self._refused(connection.address, f"request: {connection.protocol.handshake_exc}")
                return
            self._open.add(connection)
            try:
                async with connection:
                    await self._serve_connection(connection)
            finally:
                self._open.discard(connection)
        except TimeoutError:
            self._refused(connection.address, "request: none came")
        except OSError:
            pass  # it is gone
        except Exception:
            log.exception("ocpp_connection_failed", address=connection.address)
        finally:
            # After an orderly close this does nothing; whichever other way it ended, cancelled too, no socket stays behind.
            connection.transport.abort()
            task = asyncio.current_task()
            if task is not None:
                self._server.handler_tasks.discard(task)

    async def _close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        closing = [asyncio.create_task(one.close(1001, "stopping")) for one in tuple(self._open)]
        waiting = [*closing, *self._server.handler_tasks, *self._tasks]
        if not waiting:
            return
        _, left = await asyncio.wait(waiting, timeout=CLOSE_TIMEOUT_S)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CLOSE_TIMEOUT_S)


async def _no_server() -> Any:
    raise NotImplementedError
