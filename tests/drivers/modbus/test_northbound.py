"""Tags for building systems, read and written by a foreign client over a real socket."""

import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from scada.core.errors import ProjectError
from scada.core.plant import ModbusServerSettings, ModbusSettings, Plant, Site
from scada.core.tag import Source, TagDefinition, WriteRule
from scada.core.value import GOOD, Kind, Quality
from scada.drivers.modbus.northbound import Northbound, load_map
from scada.drivers.modbus.register_map import FILE, SLOT
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.runtime.plant_core import Restart
from scada.runtime.router import CommandRouter

SITE = Site(path="D", label={}, timezone="UTC", limit_a=1, feeders=(), chargers=(), meters=())


def tag(path: str, kind: Kind = Kind.REGISTER, **how: Any) -> TagDefinition:
    return TagDefinition(path=path, kind=kind, source=how.pop("source", Source.DRIVER), **how)


TAGS = (
    tag("D.Power", unit="kW"),
    tag("D.Online", Kind.BIT),
    tag("D.Status", Kind.TEXT, choices=("Available", "Charging")),
    tag("D.Name", Kind.TEXT),
    tag("D.Cap", source=Source.INTERNAL, initial=5.0, write=WriteRule(low=0, high=50)),
    tag("D.Locked", source=Source.INTERNAL, initial=5.0, write=WriteRule()),
)


def plant(folder: Path, tags: tuple[TagDefinition, ...] = TAGS, *patterns: str) -> Plant:
    server = ModbusServerSettings(host="127.0.0.1", port=0, tags=patterns or ("D.**",), writable=("D.Cap",))
    return Plant(
        name="T",
        label={},
        languages=("en",),
        timezone="UTC",
        sites=(SITE,),
        tags=tags,
        levels=(),
        modbus=ModbusSettings(server=server),
        directory=folder,
    )


class Nothing:
    def commit(self, records: Any) -> None:
        pass

    def append(self, samples: Any) -> None:
        pass


@contextlib.asynccontextmanager
async def served(one: Plant) -> AsyncIterator[tuple[PlantHost, AsyncModbusTcpClient]]:
    host = PlantHost(one, Restart(), SystemClock(), Nothing(), Nothing())
    northbound = Northbound(one, host, CommandRouter(host))
    await northbound.server.start()
    client = AsyncModbusTcpClient("127.0.0.1", port=northbound.server.port, timeout=5, retries=0)
    assert await client.connect()
    try:
        yield host, client
    finally:
        client.close()
        await northbound.server.close()
        await host.close()


def value(words: list[int], slot: int) -> tuple[float, int]:
    high, low, quality, _ = words[slot * SLOT : slot * SLOT + SLOT]
    return struct.unpack(">f", struct.pack(">HH", high, low))[0], quality


async def test_a_building_system_reads_what_is_offered_and_writes_what_is_named(tmp_path: Path) -> None:
    async with served(plant(tmp_path)) as (host, client):
        tags = host.tags
        host.write([(tags["D.Power"], 12.5, GOOD, 1), (tags["D.Online"], True, GOOD, 1)])
        host.write([(tags["D.Status"], "Charging", GOOD, 1)])
        answer = await client.read_input_registers(0, count=6 * SLOT, device_id=1)
        words = list(answer.registers)
        assert [value(words, slot) for slot in (1, 2, 3, 4)] == [(12.5, 0), (1, 0), (1, 0), (5, 0)]
        assert value(words, 0)[0] > 0  # counts seconds
        bits = await client.read_discrete_inputs(0, count=6, device_id=7)
        assert list(bits.bits[:6]) == [False, False, True, False, False, False]
        host.write([(tags["D.Power"], 12.5, int(Quality.BAD_DEVICE_FAILURE), 2)])
        bad, quality = value(list((await client.read_holding_registers(SLOT, count=SLOT)).registers), 0)
        assert bad != bad
        assert quality == 2

        wanted = list(struct.unpack(">HH", struct.pack(">f", 32.0)))
        assert not (await client.write_registers(4 * SLOT, wanted)).isError()
        assert tags["D.Cap"].value == 32
        too_much = list(struct.unpack(">HH", struct.pack(">f", 99.0)))
        assert (await client.write_registers(4 * SLOT, too_much)).exception_code == 3
        assert (await client.write_registers(5 * SLOT, wanted)).exception_code == 2  # not named
        assert (await client.write_register(4 * SLOT, 1)).exception_code == 2  # half a value
        assert (await client.read_input_registers(6 * SLOT, count=1)).exception_code == 2
        assert (tags["D.Cap"].value, tags["D.Locked"].value) == (32, 5)


def test_addresses_stay_whatever_comes_and_goes(tmp_path: Path) -> None:
    before = {entry.tag: entry.slot for entry in load_map(plant(tmp_path))}
    assert before == {"D.Power": 1, "D.Online": 2, "D.Status": 3, "D.Cap": 4, "D.Locked": 5}
    after = load_map(plant(tmp_path, (tag("D.Another"), *TAGS[1:])))
    slots = {entry.tag: entry.slot for entry in after}
    assert slots == {**before, "D.Another": 6}
    assert after[0].definition is None  # D.Power is gone; nobody else gets its registers
    back = load_map(plant(tmp_path, (tag("D.New"), tag("D.Another"), *TAGS)))
    assert {entry.tag: entry.slot for entry in back} == {**slots, "D.New": 7}


def test_a_damaged_map_is_not_guessed_at(tmp_path: Path) -> None:
    load_map(plant(tmp_path))
    file = tmp_path / "data" / FILE
    file.write_text(file.read_text().replace("\n2,", "\n1,"))
    with pytest.raises(ProjectError, match="there twice"):
        load_map(plant(tmp_path))


def test_more_tags_than_registers_is_told(tmp_path: Path) -> None:
    many = tuple(tag(f"D.T{number}") for number in range(16_400))
    with pytest.raises(ProjectError, match="do not fit"):
        load_map(replace(plant(tmp_path), tags=many))
