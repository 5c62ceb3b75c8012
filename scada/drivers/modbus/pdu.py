"""The serving side of Modbus requests (Modbus Application Protocol V1.1b3, 6): bytes in, bytes out. No sockets here."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol

from scada.drivers.modbus.profile import BITS_MAX, COIL, DISCRETE, HOLDING, INPUT, REGISTERS_MAX

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE, BUSY = 1, 2, 3, 4, 6
NO_TARGET = 11
"""Gateway target device failed to respond: the unit is not there."""
_WRITE_BITS_MAX, _WRITE_REGISTERS_MAX = 1968, 123


class Fault(Exception):
    """A request is answered with an exception.

    Attributes:
        code: see clause 7.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class Space(Protocol):
    """The registers of one unit."""

    async def read(self, function: int, address: int, count: int) -> Sequence[int]:
        """The bits or words of a table. Raises Fault."""
        ...

    async def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """Write coils (function 1) or holding registers (function 3). Raises Fault."""
        ...


async def answer(request: bytes, space: Space) -> bytes:
    """The answer to a request, both without address and checksum."""
    function = request[0] if request else 0
    try:
        if function in (COIL, DISCRETE, HOLDING, INPUT):
            return await _read(function, request, space)
        if function in (5, 6):
            return await _write_one(function, request, space)
        if function in (15, 16):
            return await _write_many(function, request, space)
    except Fault as fault:
        return bytes((function | 0x80, fault.code))
    return bytes((function | 0x80, ILLEGAL_FUNCTION))


async def _read(function: int, request: bytes, space: Space) -> bytes:
    if len(request) != 5:
        raise Fault(ILLEGAL_VALUE)
    address, count = struct.unpack(">HH", request[1:])
    most = BITS_MAX if function in (COIL, DISCRETE) else REGISTERS_MAX
    if not 1 <= count <= most:
        raise Fault(ILLEGAL_VALUE)
    if address + count > 65536:
        raise Fault(ILLEGAL_ADDRESS)
    values = await space.read(function, address, count)
    if function in (HOLDING, INPUT):
        payload = struct.pack(f">{count}H", *values)
    else:
        payload = bytes(
            sum(1 << place for place, bit in enumerate(values[start : start + 8]) if bit)
            for start in range(0, count, 8)
        )
    return bytes((function, len(payload))) + payload


async def _write_one(function: int, request: bytes, space: Space) -> bytes:
    if len(request) != 5:
        raise Fault(ILLEGAL_VALUE)
    address, value = struct.unpack(">HH", request[1:])
    if function == 5:
        if value not in (0, 0xFF00):
            raise Fault(ILLEGAL_VALUE)
        await space.write(COIL, address, [1 if value else 0])
    else:
        await space.write(HOLDING, address, [value])
    return request


async def _write_many(function: int, request: bytes, space: Space) -> bytes:
    if len(request) < 7:
        raise Fault(ILLEGAL_VALUE)
    address, count, size = struct.unpack(">HHB", request[1:6])
    bits = function == 15
    most, wanted = (_WRITE_BITS_MAX, -(-count // 8)) if bits else (_WRITE_REGISTERS_MAX, count * 2)
    if not 1 <= count <= most or size != wanted or len(request) != 6 + size:
        raise Fault(ILLEGAL_VALUE)
    if address + count > 65536:
        raise Fault(ILLEGAL_ADDRESS)
    if bits:
        values = [request[6 + place // 8] >> place % 8 & 1 for place in range(count)]
        await space.write(COIL, address, values)
    else:
        await space.write(HOLDING, address, struct.unpack(f">{count}H", request[6:]))
    return request[:5]


def request_size(frame: bytes) -> int:
    """How long an RTU request is, address and checksum with it; 0: not known yet, -1: it is none."""
    if len(frame) < 2:
        return 0
    if frame[1] in (1, 2, 3, 4, 5, 6):
        return 8
    if frame[1] in (15, 16):
        return 9 + frame[6] if len(frame) > 6 else 0
    return -1
