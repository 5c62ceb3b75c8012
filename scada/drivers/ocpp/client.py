"""Connecting as a charge point: for simulated chargers and, later, for bridges and the proxy's upstream."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from scada.drivers.ocpp import schemas
from scada.drivers.ocpp.peer import Handler, Peer, PeerClosed

MESSAGE_BYTES_MAX = 1 << 20


async def connect_peer(
    url: str,
    identity: str,
    handlers: Mapping[str, Handler],
    *,
    subprotocol: str = "ocpp1.6",
    password: str | None = None,
) -> Peer:
    """Open a connection to a central system at `url`/`identity`.

    Handlers get payloads that the version's schema has accepted.

    Raises:
        PeerClosed: it could not be opened; the text says why.
    """
    headers = {}
    if password is not None:
        credentials = base64.b64encode(f"{identity}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    try:
        socket = await connect(
            f"{url.rstrip('/')}/{quote(identity, safe='')}",
            subprotocols=[Subprotocol(subprotocol)],
            additional_headers=headers,
            compression=None,
            proxy=None,
            max_size=MESSAGE_BYTES_MAX,
            ping_interval=30,
        )
    except (OSError, TimeoutError, WebSocketException) as error:
        raise PeerClosed(f"{identity} cannot connect to {url}: {error}") from error
    checked = {action: _checked(subprotocol, action, handler) for action, handler in handlers.items()}
    return Peer(socket, subprotocol, checked, name=identity)


def _checked(version: str, action: str, handler: Handler) -> Handler:
    async def check_then_handle(body: dict[str, object]) -> dict[str, object]:
        schemas.check_request(version, action, body)
        return await handler(body)

    return check_then_handle
