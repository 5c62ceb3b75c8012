"""Connecting as a charge point: for simulated chargers and, later, for bridges and the proxy's upstream."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from scada.drivers.ocpp import schemas
from scada.drivers.ocpp.peer import Handler, Peer, PeerClosed, Socket

MESSAGE_BYTES_MAX = 1 << 20


async def connect_peer(
    url: str,
    identity: str,
    handlers: Mapping[str, Handler],
    *,
    subprotocol: str = "ocpp1.6",
    password: str | None = None,
    tls: ssl.SSLContext | None = None,
    ping_s: float | None = 30.0,
    offer: str | None = None,
    wrap: Callable[[Socket], Socket] | None = None,
) -> Peer:
    """Open a connection to a central system at `url`/`identity`.

    Handlers get payloads that the version's schema has accepted.

    Args:
        password: of basic authentication (security profiles 1 and 2).
        tls: for `wss:` only: whom to trust, and of profile 3 the charger's own certificate (see `tls_context`);
            None: the roots of the system.
        ping_s: interval of our pings; None: none.
        offer: what to offer instead of `subprotocol`, as the raw header; empty: nothing. For simulated chargers.
        wrap: puts something between connection and peer, for simulated chargers.

    Raises:
        PeerClosed: it could not be opened; the text says why.
    """
    headers = {}
    if offer:
        headers["Sec-WebSocket-Protocol"] = offer
    secure = url.startswith("wss:")
    if tls is not None and not secure:
        raise PeerClosed(f"{identity} cannot connect to {url}: TLS needs a URL that begins with wss:")
    if password is not None:
        credentials = base64.b64encode(f"{identity}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    try:
        socket = await connect(
            f"{url.rstrip('/')}/{quote(identity, safe='')}",
            subprotocols=[Subprotocol(subprotocol)] if offer is None else None,
            additional_headers=headers,
            compression=None,
            proxy=None,
            max_size=MESSAGE_BYTES_MAX,
            ping_interval=ping_s,
            ssl=(tls or True) if secure else None,
            create_connection=_offering(subprotocol) if offer else None,
        )
    except (OSError, TimeoutError, WebSocketException) as error:
        raise PeerClosed(f"{identity} cannot connect to {url}: {error}") from error
    checked = {action: _checked(subprotocol, action, handler) for action, handler in handlers.items()}
    return Peer(wrap(socket) if wrap is not None else socket, subprotocol, checked, name=identity)


def abort(socket: Socket) -> None:
    """Break a connection as a power cut does: without close frame."""
    transport = getattr(socket, "transport", None)
    if transport is not None:
        transport.abort()


async def ping(socket: Socket) -> None:
    """Send a ping; its answer is not waited for.

    Raises:
        ConnectionError: the connection is gone.
    """
    send = getattr(socket, "ping", None)
    if send is None:
        return
    try:
        await send()
    except WebSocketException as error:
        raise PeerClosed(str(error)) from None


def _offering(subprotocol: str) -> type[ClientConnection]:
    """A connection that offers a subprotocol in a header of its own, and takes it where the server does."""

    class Offering(ClientConnection):
        def __init__(self, protocol: ClientProtocol, **more: Any) -> None:
            protocol.available_subprotocols = [Subprotocol(subprotocol)]
            super().__init__(protocol, **more)

    return Offering


def tls_context(
    root: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """How a charge point speaks TLS (OCPP 1.6 security whitepaper, profiles 2 and 3): version 1.2 at least.

    Args:
        root: PEM of whom it trusts; None: the roots of the system.
        certificate: PEM of its own chain, leaf first (security profile 3), with its private key in `key`.

    Raises:
        OSError, ssl.SSLError: a file cannot be read, or does not hold what it should.
    """
    context = ssl.create_default_context(cafile=root)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def _checked(version: str, action: str, handler: Handler) -> Handler:
    async def check_then_handle(body: dict[str, object]) -> dict[str, object]:
        schemas.check_request(version, action, body)
        return await handler(body)

    return check_then_handle
