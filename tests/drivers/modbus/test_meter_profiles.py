"""The shipped profiles: held against the register table, and each read from a device that answers as it says."""

import asyncio
import csv
from pathlib import Path

import pytest

from scada import resources
from scada.core.plant import ModbusEndpoint
from scada.core.value import Value
from scada.drivers.modbus import Profile, load_profile, sunspec
from scada.drivers.modbus.decode import decode, resolution
from scada.drivers.modbus.imitation import ImitatedDevice
from scada.drivers.modbus.link import Link, Refused
from scada.drivers.modbus.planner import plan
from scada.drivers.modbus.profile import Limits
from scada.drivers.modbus.server import ModbusServer

FOLDER = resources.folder("config") / "drivers" / "modbus"
PROFILES = sorted(path.stem for path in FOLDER.glob("*.toml"))
TABLE = Path(__file__).with_name("meter-registers.csv")
"""Meters of makers, as other open projects read them; `source` says which."""
PROFILE_OF = {
    "ABB B21/B23/B24 (A/B series)": "abb-b21-b23-b24",
    "Carlo Gavazzi EM24": "carlo-gavazzi-em24",
    "Carlo Gavazzi EM330/EM340/ET340": "carlo-gavazzi-em330",
    "Chint DTSU666": "chint-dtsu666",
    "Eastron SDM630 (SDM230/220/120 share low block)": "eastron-sdm630",
    "Eastron SDM72D-M v2": "eastron-sdm72d-m-v2",
    "Inepro PRO380": "inepro-pro380",
    "Janitza B23/B24": "janitza-b23-b24",
    "Janitza UMG604": "janitza-umg604",
    "Janitza UMG96RM-E (also UMG801/512 19000-block)": "janitza-umg96rm-e",
    "Lovato DMG610": "lovato-dmg610",
    "Phoenix Contact EEM (0x8000 block)": "phoenix-contact-eem",
    "Schneider iEM3155/3255 (iEM3000)": "schneider-iem3000",
    "Siemens PAC2200": "siemens-pac2200",
    "Socomec Countis/Diris (3-phase block 0xC550)": "socomec-countis-diris",
}
READINGS: dict[str, Value] = {
    **{f"Voltage{phase}": 229.0 + place for place, phase in enumerate(("L1", "L2", "L3"))},
    **{f"Current{phase}": 12.5 + place for place, phase in enumerate(("L1", "L2", "L3"))},
    **{f"Power{phase}": -2_900.0 - place for place, phase in enumerate(("L1", "L2", "L3"))},
    "Power": -8_703.0,
    "Import": 12_345.0,
    "Export": 678.0,
    "Energy": 4_321.0,
    "Frequency": 49.9,
    "Temperature": 31.0,
    "Status": "Charging",
    "ErrorCode": 7.0,
    "CurrentLimit": 16.0,
    "Enable": 1.0,
    "FailsafeCurrent": 6.0,
    "FailsafeTimeout": 60.0,
    "Manufacturer": "Maker",
    "Model": "Meter 3",
    "SerialNumber": "12345",
}


def rows() -> list[dict[str, str]]:
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_meter_of_the_table_has_a_profile_that_says_the_same() -> None:
    seen: dict[str, set[str]] = {}
    for row in rows():
        name = PROFILE_OF[row["meter"]]
        register = load_profile(FOLDER / f"{name}.toml").registers[row["quantity"]]
        seen.setdefault(name, set()).add(row["quantity"])
        assert register.function == int(row["function_code"]), row
        assert register.address == int(row["address_dec"]), row
        assert register.type == row["type"], row
        if register.words > 1:
            assert row["word_order"].startswith(register.word_order), row
        assert register.scale == pytest.approx(1 / float(row["divide_by"].split()[0])), row
        assert register.unit == row["unit"], row
    assert len(seen) == 15
    for name, quantities in seen.items():
        assert set(load_profile(FOLDER / f"{name}.toml").registers) == quantities


@pytest.mark.parametrize("name", PROFILES)
async def test_what_a_device_of_the_profile_shows_is_what_is_read(name: str) -> None:
    profile = load_profile(FOLDER / f"{name}.toml")
    kinds = [one.ids[:1] for one in profile.sunspec if one.ids != (1,)]
    for models in kinds or [()]:
        await read_all(profile, models)


async def read_all(profile: Profile, models: tuple[int, ...]) -> None:
    values = dict(READINGS)
    if profile.nature == "charger":
        values["Power"] = 8_703.0
    server = ModbusServer("127.0.0.1", 0, {1: ImitatedDevice(profile, lambda: values, models=models)})
    await server.start()
    link = Link(ModbusEndpoint(profile=profile.name, host="127.0.0.1", port=server.port), 2.0)
    try:
        await link.connect()
        registers = profile.registers
        if profile.sunspec:
            registers = sunspec.placed(profile, await models_of(link))
        words = {}
        for block in plan(registers.values(), profile.limits):
            answer = await link.read(1, block)
            for register in block.registers:
                start = register.address - block.address
                words[register.name] = answer[start : start + register.words]
        for register in registers.values():
            wanted = values.get(register.name)
            if wanted is None:
                continue
            exponent = 0
            if register.scale_register:
                scale = registers[register.scale_register]
                exponent = int(float(decode(scale, words[scale.name]).value or 0))
            seen = decode(register, words[register.name], exponent).value
            if isinstance(wanted, str):
                assert seen == wanted, register.name
            else:
                near = max(resolution(register, exponent), abs(float(wanted or 0)) * 1e-6)
                assert float(seen or 0) == pytest.approx(wanted, abs=near), register.name
        assert len(set(READINGS) & set(registers)) >= 9
    finally:
        link.close()
        await server.close()


async def models_of(link: Link) -> dict[int, int]:
    walk = sunspec.ModelWalk()
    while walk.address is not None:
        try:
            walk.take(await link.read(1, plan((sunspec.header("model", walk.address),), Limits())[0]))
        except Refused:
            walk.take(None)
        await asyncio.sleep(0)
    return walk.models
