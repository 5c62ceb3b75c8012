"""A Modbus server: TCP, TLS or RTU over TCP, or any stream of RTU frames. Serves building systems, and simulated devices."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import Mapping

import structlog
from pymodbus.framer import FramerRTU

from scada.drivers.modbus.pdu import DEVICE_FAILURE, NO_TARGET, Space, answer, request_size

CONNECTIONS_MAX = 64
"""At once; a further one is closed."""
IDLE_S = 600.0
"""A connection that asks nothing for so long is closed."""
FRAME_MAX = 260

log = structlog.get_logger()


class ModbusServer:
    """Serves units on a port.

    Args:
        spaces: unit → its registers; 0 stands for every unit that is not there. Another unit is answered as by a gateway
            that does not reach it (RTU: not at all).
        rtu: frames of RTU instead of those of Modbus TCP.
    """

    def __init__(
        self,
        host: str,
        port: int,
        spaces: Mapping[int, Space],
        *,
        rtu: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._rtu, self._tls = host, port, rtu, tls
        self._spaces = dict(spaces)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None or not self._server.sockets:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken or not allowed.
        """
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, ssl=self._tls, limit=4 * FRAME_MAX
        )
        self._port = self.port

    async def close(self) -> None:
        """Stop listening and drop the clients."""
        if self._server is None:
            return
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._writers.add(writer)
        try:
            await self.serve(reader, writer)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes on a stream until it ends."""
        serve = self._serve_rtu if self._rtu else self._serve_tcp
        with contextlib.suppress(asyncio.IncompleteReadError):
            await serve(reader, writer)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(IDLE_S):
                head = await reader.readexactly(7)
                number, protocol, length, unit = struct.unpack(">HHHB", head)
                if protocol != 0 or not 2 <= length <= 254:
                    return  # not Modbus: nobody knows where the next frame begins
                request = await reader.readexactly(length - 1)
            said = await self._answer(unit, request)
            if said is None:
                said = bytes((request[0] | 0x80, NO_TARGET))
            writer.write(struct.pack(">HHHB", number, 0, len(said) + 1, unit) + said)
            await writer.drain()

    async def _serve_rtu(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frame = b""
        while True:
            async with asyncio.timeout(IDLE_S):
                more = await reader.read(FRAME_MAX)
            if not more:
                return
            frame += more
            size = request_size(frame)
            if size < 0 or len(frame) > FRAME_MAX:
                frame = b""
            if not 0 < size <= len(frame):
                continue
            whole, frame = frame[:size], b""
            if FramerRTU.compute_CRC(whole[:-2]) != int.from_bytes(whole[-2:], "big"):
                continue
            said = await self._answer(whole[0], whole[1:-2])
            if said is not None:
                said = whole[:1] + said
                writer.write(said + FramerRTU.compute_CRC(said).to_bytes(2, "big"))
                await writer.drain()

    async def _answer(self, unit: int, request: bytes) -> bytes | None:
        space = self._spaces.get(unit) or self._spaces.get(0)
        if space is None:
            return None
        try:
            return await answer(request, space)
        except Exception:
            log.exception("modbus_request_failed", unit=unit)
            return bytes((request[0] | 0x80, DEVICE_FAILURE))
