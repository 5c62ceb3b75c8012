"""A peer at its bounds, over a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from scada.drivers.ocpp.peer import INBOX_MAX, Peer
from scada.testing import until


async def test_a_connection_that_goes_while_its_inbox_is_full_ends() -> None:
    held = asyncio.Event()
    ended = asyncio.Event()
    peers: list[Peer] = []

    async def hold(_body: dict[str, Any]) -> dict[str, Any]:
        await held.wait()
        return {}

    async def handle(socket: ServerConnection) -> None:
        peer = Peer(socket, "ocpp1.6", {"Heartbeat": hold}, name="full")
        peers.append(peer)
        await peer.run()
        ended.set()

    async with serve(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = await connect(f"ws://127.0.0.1:{port}", proxy=None, compression=None)
        for number in range(INBOX_MAX + 5):
            await client.send(f'[2,"{number}","Heartbeat",{{}}]')
        await until(lambda: peers and len(peers[0]._inbox) == INBOX_MAX, "the inbox is full")
        client.transport.abort()
        await asyncio.wait_for(client.wait_closed(), 5)
        held.set()  # the worker finds nobody to answer to
        async with asyncio.timeout(10):
            await ended.wait()
