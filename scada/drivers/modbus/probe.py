"""What fits a device that nobody knows: units that answer, profiles whose values can be true, types and orders of a register."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scada.core.plant import ModbusEndpoint
from scada.drivers.modbus import sunspec
from scada.drivers.modbus.decode import Reading, all_ones, decode
from scada.drivers.modbus.link import Link, LinkLost, NoAnswer, Refused
from scada.drivers.modbus.planner import Block, plan, split
from scada.drivers.modbus.profile import BIT_FUNCTIONS, HOLDING, WORDS, Limits, Profile, Register

ORDERS = tuple((word, byte) for word in ("big", "little") for byte in ("big", "little"))
TELLING = ("VoltageL1", "VoltageL2", "VoltageL3", "Frequency")
"""Quantities that are not zero on a meter that is connected: they tell a profile that fits."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a profile fits.

    Attributes:
        good, read: registers whose value can be true, and all that were asked for.
        telling: of voltages and frequency, how many are as a mains has them.
        readings: quantity → reading.
    """

    profile: Profile
    good: int
    read: int
    telling: int
    readings: Mapping[str, Reading]

    @property
    def fits(self) -> bool:
        """Whether it is worth a try: nearly everything can be true, and what must not be zero is not."""
        named = sum(name in self.readings for name in TELLING)
        return (
            bool(self.good)
            and self.good >= 0.8 * self.read
            and (self.telling >= max(1, named // 2) or not named)
        )


async def scan(
    link: Link, endpoint: ModbusEndpoint, units: Iterable[int], told: Callable[[int], None] = lambda _: None
) -> list[tuple[int, str]]:
    """Units that answer anything at all, be it a refusal: (unit, what it said). Silent ones cost a time-out each."""
    found = []
    for unit in units:
        told(unit)
        for function in (HOLDING, 4):
            said = await _knock(link, unit, function)
            if said:
                found.append((unit, said))
                break
    return found


async def _knock(link: Link, unit: int, function: int) -> str:
    if not link.up:
        await link.connect()
    try:
        await link.read(unit, Block(function, 0, 1, ()))
    except Refused as refusal:
        return f"refuses function {function} at 0: {refusal}"
    except (NoAnswer, LinkLost):
        return ""
    return f"answers function {function} at 0"


async def read(link: Link, unit: int, profile: Profile) -> dict[str, Reading]:
    """Each quantity of a profile, as the device shows it now; one that it refuses has no value.

    Raises:
        LinkLost, NoAnswer: nobody is there.
    """
    registers = profile.registers
    if profile.sunspec:
        registers = sunspec.placed(profile, await models(link, unit))
    words: dict[str, Sequence[int]] = {}
    pending = list(plan(registers.values(), profile.limits))
    while pending:
        block = pending.pop()
        try:
            answer: Sequence[int] = await link.read(unit, block)
        except Refused:
            if len(pieces := split(block)) > 1:
                pending += pieces
            continue
        whole = len(answer) == block.count and not all_ones(answer)
        for register in block.registers:
            start = register.address - block.address
            words[register.name] = answer[start : start + register.words] if whole else ()
    return {name: _reading(register, registers, words) for name, register in registers.items()}


def _reading(
    register: Register, registers: Mapping[str, Register], words: Mapping[str, Sequence[int]]
) -> Reading:
    exponent = 0
    if register.scale_register:
        scale = registers[register.scale_register]
        power = decode(scale, words.get(scale.name, ())).value
        if not isinstance(power, float):
            return decode(register, ())
        exponent = round(power)
    return decode(register, words.get(register.name, ()), exponent)


async def models(link: Link, unit: int) -> dict[int, int]:
    """The SunSpec models of a device: id → address; none: it speaks no SunSpec."""
    walk = sunspec.ModelWalk()
    while walk.address is not None:
        try:
            walk.take(await link.read(unit, plan((sunspec.header("model", walk.address),), Limits())[0]))
        except Refused:
            walk.take(None)
    return walk.models


async def fits(
    link: Link, unit: int, profiles: Iterable[Profile], told: Callable[[str], None] = lambda _: None
) -> list[Fit]:
    """Each profile against the device, the best first."""
    out: list[Fit] = []
    for profile in profiles:
        told(profile.name)
        readings: dict[str, Reading] = {}
        with contextlib.suppress(NoAnswer, LinkLost):
            if not link.up:
                await link.connect()
            readings = await read(link, unit, profile)
        good = sum(one.value is not None for one in readings.values())
        out.append(Fit(profile, good, len(readings), sum(map(_telling, readings.items())), readings))
        await asyncio.sleep(0)
    return sorted(
        out, key=lambda fit: (-fit.fits, -fit.telling, -fit.good / max(1, fit.read), fit.profile.name)
    )


def _telling(item: tuple[str, Reading]) -> bool:
    name, reading = item
    if not isinstance(reading.value, float):
        return False
    if name == "Frequency":
        return 45 <= reading.value <= 65
    return name.startswith("Voltage") and 80 <= reading.value <= 500


async def guesses(link: Link, unit: int, function: int, address: int) -> list[tuple[str, str, str, Reading]]:
    """What a register may mean: (type, word order, byte order, reading) for each type and order that gives a number.

    Raises:
        LinkLost, NoAnswer, Refused: it cannot be read.
    """
    if function in BIT_FUNCTIONS:
        answer = await link.read(unit, Block(function, address, 1, ()))
        return [("bit", "", "", Reading(bool(answer[0])))]
    words = await link.read(unit, Block(function, address, 4, ()))
    base = Register(name="?", function=function, address=address, type="int16", words=1, low=-1e15, high=1e15)
    out: list[tuple[str, str, str, Reading]] = []
    for kind, size in WORDS.items():
        if kind == "bit":
            continue
        for word_order, byte_order in ORDERS:
            if size == 1 and word_order == "little":
                continue
            one = replace(base, type=kind, words=size, word_order=word_order, byte_order=byte_order)
            reading = decode(one, words[:size])
            if reading.value is not None:
                out.append((kind, word_order, byte_order, reading))
    return out
