"""The central system's end: listens for chargers, knows them by the URL, hands each to its station."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import socket
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import structlog
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.typing import Subprotocol

from scada.core.file_ports import FileExchange
from scada.core.plant import OCPP_IDENTITY, Plant
from scada.core.value import GOOD
from scada.drivers.ocpp.console import Console
from scada.drivers.ocpp.dialect import Dialect
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.trace import Trace
from scada.drivers.ocpp.v16 import DIALECT as V16
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter

MESSAGE_BYTES_MAX = 256 * 1024
"""A larger message closes the connection with 1009 (message too big)."""
MESSAGES_BUFFERED = 16
PING_INTERVAL_S = 30.0
PING_TIMEOUT_S = 30.0
OPEN_TIMEOUT_S = 20.0

DIALECTS: Mapping[str, Dialect] = {V16.version: V16}
"""By order of preference."""

log = structlog.get_logger()


class Connection(ServerConnection):
    """A connection whose ordinary send spends no asynchronous context manager: a third of a message's cost.

    `send_data` and `drain` are websockets' own inner steps; tests/drivers/ocpp fails when they change.
    """

    async def send(self, message: Any, *, text: bool | None = None) -> None:
        """Send; anything but whole JSON bytes on an open connection takes the library's way."""
        protocol = self.protocol
        if text is not True or self.send_in_progress is not None or protocol.state is not OPEN:
            await super().send(message, text=text)
            return
        protocol.send_text(message)
        self.send_data()
        await self.drain()


class OcppServer:
    """Serves the chargers of a plant.

    Args:
        secret: reads a secret by its reference (`env:NAME`, `file:PATH`).
        files: where chargers fetch and upload files; None: there is no file server.
    """

    def __init__(
        self,
        plant: Plant,
        host: PlantHost,
        router: CommandRouter,
        secret: Callable[[str], str | None],
        files: FileExchange | None = None,
    ) -> None:
        self._plant = plant
        self._host = host
        self._path = plant.network.ocpp_path.rstrip("/") + "/"
        self.stations: dict[str, Station] = {}
        self._passwords: dict[str, str] = {}
        trace = Trace(host.clock, sum(1 for _ in plant.chargers()))
        self.console = Console(plant, trace, self._dialect_of)
        for charger in plant.chargers():
            station = Station(charger, host, trace.tap(charger), files)
            self.stations[charger.identity] = station
            router.register(charger.path, station)
            if charger.basic_auth_ref:
                # An unreadable secret locks the charger out; it never lets it in without one.
                self._passwords[charger.identity] = secret(charger.basic_auth_ref) or ""
        self.listening = asyncio.Event()
        self._refused: dict[str, int] = {}

    def _dialect_of(self, charger: str) -> Dialect:
        station = self.stations[self._plant.chargers_by_path[charger].identity]
        return station.dialect or V16

    async def run(self, sock: socket.socket) -> None:
        """Listen until cancelled.

        Args:
            sock: bound; a duplicate is used, so that the service can be started again.
        """
        # Nobody is connected yet: delays of the offline alarms run from here.
        now_us = self._host.clock.now_us()
        online = [station.tag("Online") for station in self.stations.values()]
        self._host.write([(tag, False, GOOD, now_us) for tag in online if tag and tag.value is None])
        async with serve(
            self._serve,
            sock=sock.dup(),
            process_request=self._admit,
            select_subprotocol=self._select,
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=5,
            max_size=MESSAGE_BYTES_MAX,
            max_queue=MESSAGES_BUFFERED,
            server_header=None,
            create_connection=Connection,
        ):
            self.listening.set()
            log.info("ocpp_listening", address=sock.getsockname()[:2])
            await asyncio.get_running_loop().create_future()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let only chargers of the project in (OCPP-J 3.1, security profile 1)."""
        if getattr(request, "method", "GET") != "GET":
            return connection.respond(HTTPStatus.METHOD_NOT_ALLOWED, "use GET\n")
        path = request.path.partition("?")[0]
        identity = unquote(path[len(self._path) :]) if path.startswith(self._path) else ""
        if not OCPP_IDENTITY.match(identity) or identity not in self.stations:
            self._note_refusal(identity, "unknown")
            return connection.respond(HTTPStatus.NOT_FOUND, "no such charge point\n")
        if identity in self._passwords and not self._authenticated(identity, request):
            self._note_refusal(identity, "password")
            response = connection.respond(HTTPStatus.UNAUTHORIZED, "basic authentication\n")
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP", charset="UTF-8"'
            return response
        return None

    def _authenticated(self, identity: str, request: Request) -> bool:
        expected = self._passwords[identity]
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic" or not expected or ":" in identity:
            return False
        try:
            given = base64.b64decode(credentials, validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{identity}:{expected}".encode())

    def _note_refusal(self, identity: str, reason: str) -> None:
        # Once an identity, and a bound on how many are remembered: an attacker must not fill memory or log.
        count = self._refused.get(identity, 0)
        if count == 0 and len(self._refused) < 1_000:
            log.warning("ocpp_refused", identity=ascii(identity[:48]), reason=reason)
        if count or len(self._refused) < 1_000:
            self._refused[identity] = count + 1

    def _select(self, _connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        for version in DIALECTS:
            if version in offered:
                return Subprotocol(version)
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        identity = unquote(request.path.partition("?")[0][len(self._path) :])
        version = connection.subprotocol
        if version is None:
            offered = request.headers.get("Sec-WebSocket-Protocol")
            if offered is None and self._plant.security.allow_missing_subprotocol:
                version = Subprotocol(V16.version)
            else:
                # OCPP-J 3.2: complete the handshake without the header, then close at once.
                await connection.close(1002, "no common subprotocol")
                return
        await self.stations[identity].serve(connection, DIALECTS[version])
