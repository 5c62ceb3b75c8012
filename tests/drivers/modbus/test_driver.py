"""The driver against devices on real sockets: good ones, silent ones, rubbish."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from scada.core.errors import ProjectError
from scada.core.plant import Meter, ModbusEndpoint
from scada.core.value import GOOD, Quality, is_bad
from scada.drivers.modbus import Profile
from scada.drivers.modbus.driver import ModbusDriver
from scada.drivers.modbus.imitation import ImitatedDevice, Values
from scada.drivers.modbus.server import ModbusServer
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter

VALUES = {
    "Power": 15_250.0,
    "CurrentL1": 22.0,
    "CurrentL2": 21.0,
    "CurrentL3": 23.0,
    "VoltageL1": 231.5,
    "Frequency": 50.01,
    "Import": 1234.5,
}

BYTES = 148
"""What the one read of all test tags brings: registers 0 to 73."""


@asynccontextmanager
async def device(server: ModbusServer) -> AsyncIterator[int]:
    await server.start()
    try:
        yield server.port
    finally:
        await server.close()


def served(profile: Profile, values: Values) -> ModbusServer:
    return ModbusServer("127.0.0.1", 0, {1: ImitatedDevice(profile, values)})


def good(host: PlantHost, path: str) -> Callable[[], bool]:
    return lambda: host.tags[path].quality == GOOD


def is_(host: PlantHost, path: str, value: object) -> Callable[[], bool]:
    return lambda: host.tags[path].value == value and host.tags[path].quality == GOOD


async def test_a_meters_readings_are_tags(drive: Any, until: Any, sdm630: Profile) -> None:
    values = dict(VALUES)
    async with (
        device(served(sdm630, lambda: values)) as port,
        drive(("Grid", port, 1)) as host,
    ):
        await until(good(host, "Depot.Grid.ActivePower"))
        assert host.tags["Depot.Grid.ActivePower"].value == pytest.approx(15.25)
        assert host.tags["Depot.Grid.VoltageL1"].value == pytest.approx(231.5)
        assert host.tags["Depot.Grid.EnergyImport"].value == pytest.approx(1234.5)
        assert host.tags["Depot.Grid.Online"].value is True
        round_trip = host.tags["Depot.Grid.RoundTrip"].value
        assert isinstance(round_trip, float)
        assert 0 <= round_trip < 200
        values["CurrentL1"] = 88.0
        await until(is_(host, "Depot.Grid.CurrentL1", 88.0))
        assert host.tags["Depot.Grid.Errors"].value == 0


async def test_a_meter_goes_away_and_comes_back(drive: Any, until: Any, sdm630: Profile) -> None:
    server = served(sdm630, lambda: VALUES)
    await server.start()
    async with drive(("Grid", server.port, 1)) as host:
        await until(is_(host, "Depot.Grid.Online", True))
        await server.close()
        await until(is_(host, "Depot.Grid.Online", False))
        power = host.tags["Depot.Grid.ActivePower"]
        assert power.quality == Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE
        assert power.value == pytest.approx(15.25)
        assert host.tags["Depot.Grid.Errors"].value
        await server.start()
        await until(is_(host, "Depot.Grid.Online", True))
        await until(good(host, "Depot.Grid.ActivePower"))
    await server.close()


async def test_a_silent_unit_does_not_stop_its_neighbour(drive: Any, until: Any, sdm630: Profile) -> None:
    answered = 0

    def values() -> dict[str, float]:
        nonlocal answered
        answered += 1
        return VALUES

    async with (
        device(served(sdm630, values)) as port,
        drive(("Grid", port, 1), ("Missing", port, 7)) as host,
    ):
        await until(is_(host, "Depot.Missing.Online", False))
        before = answered
        await until(lambda: answered > before + 10)
        assert host.tags["Depot.Grid.Online"].value is True
        assert is_bad(host.tags["Depot.Missing.ActivePower"].quality)


async def test_a_gateway_that_is_not_there_does_not_stop_others(
    drive: Any, until: Any, sdm630: Profile
) -> None:
    server = served(sdm630, lambda: VALUES)
    await server.start()
    gone = server.port
    await server.close()
    async with (
        device(served(sdm630, lambda: VALUES)) as port,
        drive(("Gone", gone, 1), ("Grid", port, 1)) as host,
    ):
        await until(is_(host, "Depot.Grid.Online", True))
        await until(is_(host, "Depot.Gone.Online", False))


async def test_a_refused_register_costs_only_its_own_tag(drive: Any, until: Any, sdm630: Profile) -> None:
    partial = replace(sdm630, registers={k: r for k, r in sdm630.registers.items() if r.address < 70})
    async with (
        device(served(partial, lambda: VALUES)) as port,
        drive(("Grid", port, 1)) as host,
    ):
        await until(good(host, "Depot.Grid.ActivePower"))
        assert host.tags["Depot.Grid.CurrentL3"].quality == GOOD
        assert host.tags["Depot.Grid.Frequency"].quality == Quality.BAD_DEVICE_FAILURE
        assert host.tags["Depot.Grid.EnergyImport"].quality == Quality.BAD_DEVICE_FAILURE
        assert host.tags["Depot.Grid.Online"].value is True


async def test_a_device_that_refuses_everything_is_offline(drive: Any, until: Any, sdm630: Profile) -> None:
    elsewhere = {k: replace(r, function=3) for k, r in sdm630.registers.items()}
    partial = replace(
        sdm630, registers={k: replace(r, address=r.address + 1000) for k, r in elsewhere.items()}
    )
    async with (
        device(served(partial, lambda: VALUES)) as port,
        drive(("Grid", port, 1)) as host,
    ):
        await until(is_(host, "Depot.Grid.Online", False))
        assert host.tags["Depot.Grid.ActivePower"].quality == Quality.BAD_DEVICE_FAILURE


async def test_impossible_readings_go_bad_one_by_one(drive: Any, until: Any, sdm630: Profile) -> None:
    values = dict(VALUES)
    async with (
        device(served(sdm630, lambda: values)) as port,
        drive(("Grid", port, 1)) as host,
    ):
        await until(good(host, "Depot.Grid.Frequency"))
        values |= {"Frequency": 1e30, "CurrentL1": float("nan")}
        await until(lambda: host.tags["Depot.Grid.Frequency"].quality == Quality.BAD_OUT_OF_RANGE)
        assert host.tags["Depot.Grid.Frequency"].value == pytest.approx(50.01)
        assert host.tags["Depot.Grid.CurrentL1"].quality == Quality.BAD_NO_DATA
        assert host.tags["Depot.Grid.CurrentL2"].quality == GOOD
        values |= VALUES
        await until(good(host, "Depot.Grid.Frequency"))


def _answer(request: bytes, pdu: bytes, *, tid: bytes | None = None, unit: int | None = None) -> bytes:
    head = (tid or request[:2]) + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big")
    return head + bytes([request[6] if unit is None else unit]) + pdu


RUBBISH: dict[str, Callable[[bytes], bytes]] = {
    "silence": lambda _: b"",
    "noise": lambda _: bytes(range(7, 250)),
    "text": lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "wrong transaction": lambda r: _answer(r, bytes([4, BYTES]) + bytes(BYTES), tid=b"\xee\xee"),
    "wrong unit": lambda r: _answer(r, bytes([4, BYTES]) + bytes(BYTES), unit=99),
    "too short": lambda r: _answer(r, bytes([4, 4, 0, 1, 0, 2])),
    "too long": lambda r: _answer(r, bytes([4, 200]) + bytes(200)),
    "odd length": lambda r: _answer(r, bytes([4, BYTES - 1]) + bytes(BYTES - 1)),
    "cut off": lambda r: _answer(r, bytes([4, BYTES]) + bytes(BYTES))[:60],
    "unknown function": lambda r: _answer(r, bytes([77, 1, 2, 3])),
    "wrong function": lambda r: _answer(r, bytes([3, BYTES]) + bytes(BYTES)),
    "exception without code": lambda r: _answer(r, bytes([0x84])),
    "unknown exception": lambda r: _answer(r, bytes([0x84, 99])),
}


@pytest.mark.parametrize("kind", RUBBISH)
async def test_rubbish_is_never_a_value(drive: Any, until: Any, sdm630: Profile, kind: str) -> None:
    """A device that was good begins to talk rubbish; the one beside it goes on."""
    good_now = True

    async def answer(request: bytes, port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            return await reader.readexactly(9 + BYTES)
        finally:
            writer.close()

    async with device(served(sdm630, lambda: VALUES)) as port:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while len(request := await reader.read(12)) == 12:
                    writer.write(await answer(request, port) if good_now else RUBBISH[kind](request))
            except ConnectionError:
                pass
            finally:
                writer.close()

        rubbish = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with (
            rubbish,
            drive(("Odd", rubbish.sockets[0].getsockname()[1], 1), ("Grid", port, 1)) as host,
        ):
            await until(is_(host, "Depot.Odd.Online", True))
            seen: set[object] = {host.tags["Depot.Odd.VoltageL1"].value}
            good_now = False
            await until(is_(host, "Depot.Odd.Online", False))
            seen.add(host.tags["Depot.Odd.VoltageL1"].value)
            assert seen == {231.5}
            assert host.tags["Depot.Odd.VoltageL1"].quality != GOOD
            assert host.tags["Depot.Grid.VoltageL1"].quality == GOOD
            good_now = True
            await until(good(host, "Depot.Odd.VoltageL1"))


async def test_slow_bytes_are_put_together(drive: Any, until: Any, sdm630: Profile) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while len(request := await reader.read(12)) == 12:
                answer = _answer(request, bytes([4, BYTES]) + bytes(BYTES))
                for start in range(0, len(answer), 40):
                    writer.write(answer[start : start + 40])
                    await writer.drain()
                    await asyncio.sleep(0.005)
        except ConnectionError:
            pass
        finally:
            writer.close()

    slow = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with slow, drive(("Grid", slow.sockets[0].getsockname()[1], 1)) as host:
        await until(good(host, "Depot.Grid.CurrentL1"))
        assert host.tags["Depot.Grid.Frequency"].quality == Quality.BAD_OUT_OF_RANGE  # 0 Hz


async def test_a_profile_that_is_not_there_is_told(drive: Any, sdm630: Profile) -> None:
    async with drive() as host:
        lost = Meter(
            path="Depot.X",
            name="X",
            site="Depot",
            role="other",
            modbus=ModbusEndpoint(profile="nobodys", host="127.0.0.1"),
            label={},
        )
        site = replace(host.plant.sites[0], meters=(lost,))
        with pytest.raises(ProjectError, match="nobodys"):
            ModbusDriver(replace(host.plant, sites=(site,)), host, CommandRouter(host), {sdm630.name: sdm630})


async def test_nothing_but_ones_and_a_single_wild_reading_are_no_values(
    drive: Any, until: Any, sdm630: Profile
) -> None:
    values = dict(VALUES)
    ones = False

    class Device(ImitatedDevice):
        async def read(self, function: int, address: int, count: int) -> Any:
            return [0xFFFF] * count if ones else await super().read(function, address, count)

    signed = {name: replace(one, type="int32", scale=0.1) for name, one in sdm630.registers.items()}
    profile = replace(sdm630, registers=signed)
    async with (
        device(ModbusServer("127.0.0.1", 0, {1: Device(profile, lambda: values)})) as port,
        drive(("Grid", port, 1), profile=profile) as host,
    ):
        energy = host.tags["Depot.Grid.EnergyImport"]
        await until(good(host, "Depot.Grid.EnergyImport"))
        ones = True  # -0.1 W, were it true
        await until(lambda: host.tags["Depot.Grid.ActivePower"].quality == Quality.BAD_DEVICE_FAILURE)
        ones = False
        await until(good(host, "Depot.Grid.ActivePower"))
        values["Import"] = 1234.5 + 2_000_000
        await until(lambda: energy.quality == Quality.BAD_OUT_OF_RANGE)
        assert energy.value == pytest.approx(1234.5)
        await until(is_(host, "Depot.Grid.EnergyImport", pytest.approx(2_001_234.5)))  # told again: believed
