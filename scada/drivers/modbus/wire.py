"""Modbus TCP over pymodbus, in both roles: `Link` asks devices, `MeterServer` is some."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from scada.drivers.modbus.decode import encode
from scada.drivers.modbus.planner import Block
from scada.drivers.modbus.profile import Profile

# The package logs each lost answer as an error; the driver says it once, in the product's words.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

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


class Link:
    """A connection to a gateway or device. One request at a time.

    Args:
        timeout_s: bound of connecting and of each answer.
    """

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._host, self._port, self._timeout_s = host, port, timeout_s
        self._client: AsyncModbusTcpClient | None = None

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
        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            timeout=self._timeout_s,
            retries=0,  # the next poll is the retry
            reconnect_delay=0,  # the driver reconnects, with its own back-off
        )
        client.set_max_no_responses(1_000_000_000)  # one silent unit does not cut off the others
        _survive_rubbish(client)
        if not await client.connect():
            client.close()
            raise LinkLost(f"no connection to {self._host}:{self._port}")
        self._client = client

    async def read(self, unit_id: int, block: Block) -> list[int]:
        """Read a block: its words, as many as came (the decoder knows what a wrong number means).

        Raises:
            LinkLost: the connection is gone.
            NoAnswer: silence, rubbish, or a gateway that cannot reach the unit.
            Refused: the device answered with an exception.
        """
        client = self._client
        if client is None or not client.connected:
            raise LinkLost("not connected")
        read = client.read_holding_registers if block.function == 3 else client.read_input_registers
        try:
            async with asyncio.timeout(self._timeout_s * 2):  # its own bound failing, this one holds
                answer = await read(block.address, count=block.count, device_id=unit_id)
        except (ModbusException, TimeoutError, OSError) as error:
            if not client.connected:
                raise LinkLost("the connection was lost") from error
            raise NoAnswer("no usable answer") from error
        if answer.isError():
            code = int(getattr(answer, "exception_code", 0))
            if code in _UNREACHABLE:
                raise NoAnswer(_EXCEPTIONS[code])
            raise Refused(code)
        if answer.function_code != block.function:
            raise NoAnswer(f"an answer to function {answer.function_code} instead of {block.function}")
        return list(answer.registers)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _survive_rubbish(client: AsyncModbusTcpClient) -> None:
    """Turn an undecodable frame into the failure of the request that waits.

    pymodbus 3.16 raises it inside the protocol's call-back, which ends the connection with a traceback in the
    log and leaves the request to its time-out.
    """
    transaction = client.ctx
    take = transaction.callback_data

    def guarded(data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        try:
            return take(data, addr)
        except Exception as error:
            if not transaction.response_future.done():
                transaction.response_future.set_exception(ModbusException(str(error)))
            return len(data)

    transaction.callback_data = guarded  # type: ignore[method-assign]


Values = Callable[[], Mapping[str, float]]
"""Quantity → value in the unit that the profile gives it in, as it is now; missing ones read as 0."""


class MeterServer:
    """A Modbus TCP server with devices that answer as their profiles say.

    Args:
        units: unit id → (profile, values); a read of another unit is answered as a gateway would.
    """

    def __init__(self, host: str, port: int, units: Mapping[int, tuple[Profile, Values]]) -> None:
        self._host, self._port = host, port
        self._units = dict(units)
        self._server: ModbusTcpServer | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None or self._server.transport is None:
            return self._port
        listener = cast(asyncio.Server, self._server.transport)
        return int(listener.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken or not allowed.
        """
        devices = [_device(unit, profile, values) for unit, (profile, values) in self._units.items()]
        if 0 not in self._units:
            devices.append(_stand_in())
        server = ModbusTcpServer(devices, address=(self._host, self._port))
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self._host}:{self._port}") from error
        self._server = server

    async def close(self) -> None:
        """Stop listening and drop the clients."""
        if self._server is not None:
            self._port = self.port
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None


def _device(unit: int, profile: Profile, values: Values) -> SimDevice:
    blocks: dict[int, list[SimData]] = {}
    for function in (3, 4):
        registers = [r for r in profile.registers.values() if r.function == function]
        start = min((r.address for r in registers), default=0)
        count = max((r.end for r in registers), default=1) - start
        blocks[function] = [SimData(start, count=count, values=0, datatype=DataType.REGISTERS, readonly=True)]

    async def refresh(
        function: int,
        start: int,
        address: int,
        count: int,
        current: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if written is not None:
            return ExcCodes.ILLEGAL_ADDRESS
        now = values()
        for register in profile.registers.values():
            if (
                register.function == function
                and address < register.end
                and register.address < address + count
            ):
                offset = register.address - start
                current[offset : offset + register.words] = encode(register, now.get(register.name, 0.0))
        return None

    return SimDevice(id=unit, action=refresh, simdata=(_bits(), _bits(), blocks[3], blocks[4]))


def _stand_in() -> SimDevice:
    """Answers for every unit that is not there."""

    async def refuse(*_: object) -> ExcCodes:
        return ExcCodes.GATEWAY_NO_RESPONSE

    everything = [SimData(0, count=65536, values=0, datatype=DataType.REGISTERS)]
    return SimDevice(id=0, action=refuse, simdata=(_bits(), _bits(), everything, everything))


def _bits() -> list[SimData]:
    return [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
