"""A line to Modbus devices, over pymodbus: TCP, TLS, RTU over TCP, or RTU over a serial line. One request at a time."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import termios
from typing import Any

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerSocket, FramerType
from pymodbus.pdu import ModbusPDU

from scada.core.plant import ModbusEndpoint
from scada.drivers.modbus.planner import Block
from scada.drivers.modbus.profile import BIT_FUNCTIONS, COIL, HOLDING, Register

# The package logs each lost answer as an error; the driver says it once, in the product's words.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

SERIAL = re.compile(r"(\d{3,7})-([78])([NEO])([12])\Z")
"""Speed, bits, parity, stop bits: `9600-8N1`."""
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not respond",
}
_UNREACHABLE = frozenset((10, 11))
_DIVISIBLE = frozenset((2, 3))


class LinkLost(ConnectionError):
    """There is no connection to the gateway."""


class NoAnswer(TimeoutError):
    """The device did not answer, or not so that it can be understood."""


class Refused(Exception):
    """The device answered with an exception (Modbus Application Protocol V1.1b3, 7).

    Attributes:
        divisible: whether a smaller request may be answered (illegal address or value).
    """

    def __init__(self, code: int) -> None:
        super().__init__(_EXCEPTIONS.get(code, f"exception {code}"))
        self.divisible = code in _DIVISIBLE


def line_of(endpoint: ModbusEndpoint) -> tuple[str, str, int]:
    """What devices that share a connection have in common: transport, host (or serial device), port."""
    serial = endpoint.transport == "rtu"
    return endpoint.transport, endpoint.host, 0 if serial else endpoint.port


class Link:
    """A connection to a gateway, a device or a serial line. One request at a time.

    Args:
        endpoint: of any device on the line: how it is reached.
        timeout_s: bound of connecting and of each answer.
        tls: of transport `tls`; Modbus/TCP Security wants a certificate of the client too.
    """

    def __init__(self, endpoint: ModbusEndpoint, timeout_s: float, tls: ssl.SSLContext | None = None) -> None:
        self._endpoint, self._timeout_s, self._tls = endpoint, timeout_s, tls
        self._client: AsyncModbusTcpClient | AsyncModbusSerialClient | None = None
        self._rtu = endpoint.transport in ("rtu", "rtu_tcp")
        self._quiet_until_s = 0.0

    def __str__(self) -> str:
        endpoint = self._endpoint
        return endpoint.host if endpoint.transport == "rtu" else f"{endpoint.host}:{endpoint.port}"

    @property
    def up(self) -> bool:
        """Whether the connection stands."""
        return self._client is not None and self._client.connected

    async def connect(self) -> None:
        """Open the connection.

        Raises:
            LinkLost: it could not be opened.
        """
        self.close()
        client = self._make()
        client.set_max_no_responses(1_000_000_000)  # one silent unit does not cut off the others
        _survive_rubbish(client)
        try:
            async with asyncio.timeout(self._timeout_s * 2):  # its own bound failing, this one holds
                opened = await client.connect()
        except (OSError, TimeoutError, ModbusException, ValueError, termios.error):
            opened = False  # the last two: a serial device that cannot be set so
        if not opened:
            client.close()
            raise LinkLost(f"no connection to {self}")
        self._client = client

    def _make(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        endpoint = self._endpoint
        # The next poll is the retry; the driver reconnects, with its own back-off.
        common: dict[str, Any] = {"timeout": self._timeout_s, "retries": 0, "reconnect_delay": 0}
        if endpoint.transport == "rtu":
            match = SERIAL.match(endpoint.serial)
            assert match is not None
            return AsyncModbusSerialClient(
                endpoint.host,
                baudrate=int(match[1]),
                bytesize=int(match[2]),
                parity=match[3],
                stopbits=int(match[4]),
                **common,
            )
        if endpoint.transport == "tls":
            context = self._tls or ssl.create_default_context()
            secure = AsyncModbusTlsClient(endpoint.host, port=endpoint.port, sslctx=context, **common)
            # The package's own framer of TLS takes what comes at once for a frame, be it a part of one.
            secure.ctx.framer = FramerSocket(secure.ctx.framer.decoder)
            return secure
        framer = FramerType.RTU if endpoint.transport == "rtu_tcp" else FramerType.SOCKET
        return AsyncModbusTcpClient(endpoint.host, port=endpoint.port, framer=framer, **common)

    async def read(self, unit_id: int, block: Block) -> list[int]:
        """Read a block: its words (or bits), as many as came (the decoder knows what a wrong number means).

        Raises:
            LinkLost: the connection is gone.
            NoAnswer: silence, rubbish, or a gateway that cannot reach the unit.
            Refused: the device answered with an exception.
        """
        client = self._connected()
        read = {
            1: client.read_coils,
            2: client.read_discrete_inputs,
            3: client.read_holding_registers,
            4: client.read_input_registers,
        }[block.function]
        answer = await self._ask(
            read(block.address, count=block.count, device_id=unit_id), unit_id, block.function
        )
        if block.function not in BIT_FUNCTIONS:
            return list(answer.registers)
        # Bits come in whole bytes.
        whole = -(-block.count // 8) * 8
        bits = [int(bit) for bit in answer.bits]
        return bits[: block.count] if len(bits) == whole else bits[:0]

    async def write(self, unit_id: int, register: Register, words: list[int]) -> None:
        """Write a coil or the words of a holding register.

        Raises:
            As `read`.
        """
        client = self._connected()
        address = register.address
        if register.function == COIL:
            await self._ask(client.write_coil(address, bool(words[0]), device_id=unit_id), unit_id, 5)
        elif len(words) == 1:
            await self._ask(client.write_register(address, words[0], device_id=unit_id), unit_id, 6)
        else:
            assert register.function == HOLDING
            await self._ask(client.write_registers(address, words, device_id=unit_id), unit_id, 16)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> Any:
        client = self._client
        if client is None or not client.connected:
            raise LinkLost("not connected")
        return client

    async def _ask(self, request: Any, unit_id: int, function: int) -> ModbusPDU:
        client = self._client
        assert client is not None
        wait_s = self._quiet_until_s - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        try:
            async with asyncio.timeout(self._timeout_s * 2):
                answer: ModbusPDU = await request
        except (ModbusException, TimeoutError, OSError) as error:
            if not client.connected:
                raise LinkLost("the connection was lost") from error
            self._expect_late_bytes()
            raise NoAnswer("no usable answer") from error
        if answer.isError():
            code = int(getattr(answer, "exception_code", 0))
            if code in _UNREACHABLE:
                raise NoAnswer(_EXCEPTIONS[code])
            raise Refused(code)
        if answer.function_code != function or answer.dev_id != unit_id:
            self._expect_late_bytes()
            raise NoAnswer(f"an answer of unit {answer.dev_id} to function {answer.function_code}")
        return answer

    def _expect_late_bytes(self) -> None:
        """RTU frames carry no number: a late answer must have gone by before the next request, or it would be taken for its."""
        if self._rtu:
            self._quiet_until_s = asyncio.get_running_loop().time() + self._timeout_s


def _survive_rubbish(client: Any) -> None:
    """Turn an undecodable frame into the failure of the request that waits.

    pymodbus 3.16 raises it inside the protocol's call-back, which ends the connection with a traceback in the
    log and leaves the request to its time-out.
    """
    transaction = client.ctx
    take = transaction.callback_data

    def guarded(data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        try:
            return int(take(data, addr))
        except Exception as error:
            if not transaction.response_future.done():
                transaction.response_future.set_exception(ModbusException(str(error)))
            return len(data)

    transaction.callback_data = guarded
