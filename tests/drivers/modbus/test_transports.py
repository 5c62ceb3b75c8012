"""Each way to a device, over real sockets and a pair of terminals, and how devices share a line."""

import asyncio
import contextlib
import os
import ssl
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scada.core.plant import ModbusEndpoint
from scada.core.value import Quality
from scada.drivers.modbus import Profile
from scada.drivers.modbus.decode import decode
from scada.drivers.modbus.imitation import ImitatedDevice
from scada.drivers.modbus.link import Link, LinkLost, NoAnswer
from scada.drivers.modbus.planner import plan
from scada.drivers.modbus.server import ModbusServer
from scada.identity.certificates import Authority

VALUES = {"VoltageL1": 231.5, "Power": 15_250.0}


async def voltage(link: Link, profile: Profile, unit: int = 1) -> object:
    register = profile.registers["VoltageL1"]
    return decode(register, await link.read(unit, plan((register,), profile.limits)[0])).value


def units(profile: Profile, *numbers: int) -> dict[int, ImitatedDevice]:
    def device(number: int) -> ImitatedDevice:
        return ImitatedDevice(profile, lambda: {"VoltageL1": 230.0 + number})

    return {number: device(number) for number in numbers}


@asynccontextmanager
async def listening(server: ModbusServer) -> AsyncIterator[int]:
    await server.start()
    try:
        yield server.port
    finally:
        await server.close()


def endpoint(port: int, transport: str, **how: Any) -> ModbusEndpoint:
    return ModbusEndpoint(profile="x", host="127.0.0.1", port=port, transport=transport, **how)


async def test_rtu_frames_over_tcp(sdm630: Profile) -> None:
    async with listening(ModbusServer("127.0.0.1", 0, units(sdm630, 1, 2), rtu=True)) as port:
        link = Link(endpoint(port, "rtu_tcp"), 0.3)
        await link.connect()
        assert await voltage(link, sdm630, 2) == pytest.approx(232)
        with pytest.raises(NoAnswer):
            await voltage(link, sdm630, 9)
        assert await voltage(link, sdm630, 1) == pytest.approx(231)
        link.close()


async def test_a_late_answer_on_a_line_is_not_taken_for_the_next_one(sdm630: Profile) -> None:
    """RTU frames have no number: what comes too late must have gone by before the next question."""
    calls = 0

    class Slow(ImitatedDevice):
        async def read(self, function: int, address: int, count: int) -> Any:
            nonlocal calls
            calls += 1
            if calls == 1:
                await asyncio.sleep(0.3)
                return [0x437A, 0] * (count // 2)  # 250 V
            return await super().read(function, address, count)

    device = Slow(sdm630, lambda: VALUES)
    async with listening(ModbusServer("127.0.0.1", 0, {1: device}, rtu=True)) as port:
        link = Link(endpoint(port, "rtu_tcp"), 0.2)
        await link.connect()
        with pytest.raises(NoAnswer):
            await voltage(link, sdm630)
        assert await voltage(link, sdm630) == pytest.approx(231.5)
        link.close()


async def test_tls_proves_the_device(sdm630: Profile, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "Test")
    authority.ensure()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for files in authority.server_files(["127.0.0.1"], 30):
        serving.load_cert_chain(files.chain, files.key)
    async with listening(ModbusServer("127.0.0.1", 0, units(sdm630, 1), tls=serving)) as port:
        trusting = ssl.create_default_context(cafile=str(authority.root_file))
        link = Link(endpoint(port, "tls"), 2.0, trusting)
        await link.connect()
        assert await voltage(link, sdm630) == pytest.approx(231)
        link.close()
        stranger = Link(endpoint(port, "tls"), 2.0, ssl.create_default_context())
        with pytest.raises(LinkLost):
            await stranger.connect()


@asynccontextmanager
async def serial_line(server: ModbusServer) -> AsyncIterator[str]:
    """A pair of terminals; the server speaks at the far end. Yields the name of the near end."""
    far, near = os.openpty()
    tty.setraw(far)
    tty.setraw(near)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    reading, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(far, "rb", 0))
    writing, flow = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(os.dup(far), "wb", 0)
    )
    writer = asyncio.StreamWriter(writing, flow, reader, loop)
    task = asyncio.create_task(server.serve(reader, writer))
    try:
        yield os.ttyname(near)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await task
        reading.close()
        writing.close()
        os.close(near)


async def test_a_serial_line(sdm630: Profile) -> None:
    server = ModbusServer("", 0, units(sdm630, 1, 2), rtu=True)
    async with serial_line(server) as name:
        link = Link(ModbusEndpoint(profile="x", host=name, transport="rtu", serial="19200-8N1"), 0.5)
        await link.connect()
        assert await voltage(link, sdm630, 1) == pytest.approx(231)
        assert await voltage(link, sdm630, 2) == pytest.approx(232)
        link.close()


async def test_a_serial_line_that_is_not_there() -> None:
    link = Link(ModbusEndpoint(profile="x", host="/dev/none", transport="rtu"), 0.2)
    with pytest.raises(LinkLost):
        await link.connect()


async def test_many_units_share_one_connection_in_fair_turns(drive: Any, until: Any, sdm630: Profile) -> None:
    """Twenty units behind a gateway, three of them silent: one connection, and everybody is heard."""
    turns: dict[int, int] = dict.fromkeys(range(1, 18), 0)

    def values(number: int) -> Any:
        def now() -> dict[str, float]:
            turns[number] += 1
            return {"VoltageL1": 200.0 + number, "Frequency": 50.0}

        return now

    server = ModbusServer("127.0.0.1", 0, {n: ImitatedDevice(sdm630, values(n)) for n in turns})
    async with (
        listening(server) as port,
        drive(*((f"M{n}", port, n) for n in range(1, 21)), poll_s=0.05) as host,
    ):
        await until(lambda: min(turns.values()) >= 8)
        assert max(turns.values()) <= min(turns.values()) * 2 + 4
        assert len(server._writers) == 1
        assert host.tags["Depot.M17.VoltageL1"].value == pytest.approx(217)
        assert host.tags["Depot.M20.Online"].value is not True


async def test_phases_transformers_and_direction_are_set_right(
    drive: Any, until: Any, sdm630: Profile
) -> None:
    readings = {
        "CurrentL1": 1.0,
        "CurrentL2": 2.0,
        "CurrentL3": 3.0,
        "Power": 100.0,
        "Import": 5.0,
        "Export": 7.0,
    }
    async with (
        listening(ModbusServer("127.0.0.1", 0, {1: ImitatedDevice(sdm630, lambda: readings)})) as port,
        drive(
            ("Grid", port, 1), ct_ratio=50.0, vt_ratio=2.0, phases=("L2", "L3", "L1"), inverted=True
        ) as host,
    ):
        await until(lambda: host.tags["Depot.Grid.CurrentL2"].quality == Quality.GOOD)
        tags = host.tags
        assert tags["Depot.Grid.CurrentL2"].value == pytest.approx(50)
        assert tags["Depot.Grid.CurrentL1"].value == pytest.approx(150)
        assert tags["Depot.Grid.ActivePower"].value == pytest.approx(-10)
        assert tags["Depot.Grid.EnergyImport"].value == pytest.approx(700)
