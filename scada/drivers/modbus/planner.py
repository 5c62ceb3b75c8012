"""Merges wanted registers into the fewest block reads that a device allows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scada.drivers.modbus.profile import Limits, Register


@dataclass(frozen=True, slots=True)
class Block:
    """One read request and what it brings; `registers` in order of address."""

    function: int
    address: int
    count: int
    registers: tuple[Register, ...]


def plan(wanted: Iterable[Register], limits: Limits) -> tuple[Block, ...]:
    """The reads that bring every wanted register, each exactly once.

    Going up from the lowest address and filling each block as far as it goes gives the fewest blocks: any other
    plan has to break at or before the same places. A register wider than `registers_max` is read alone all
    the same: the device's answer says what is wrong with the profile.
    """
    blocks: list[Block] = []
    group: list[Register] = []
    end = 0
    for register in sorted(set(wanted), key=lambda r: (r.function, r.address, r.end, r.name)):
        fits = (
            group
            and register.function == group[0].function
            and register.address - end <= limits.hole_max
            and max(end, register.end) - group[0].address <= limits.count_max(register.function)
        )
        if not fits:
            if group:
                blocks.append(_block(group))
            group, end = [], 0
        group.append(register)
        end = max(end, register.end)
    if group:
        blocks.append(_block(group))
    return tuple(blocks)


def split(block: Block) -> tuple[Block, ...]:
    """A refused block in two, so that a few refusals find the register that the device does not have.

    At its widest hole, which is the likeliest thing to be refused; else in the middle. A block of one register comes
    back as it is.
    """
    registers = block.registers
    if len(registers) < 2:
        return (block,)
    ends = [registers[0].end]
    for register in registers[1:]:
        ends.append(max(ends[-1], register.end))
    holes = [registers[place].address - ends[place - 1] for place in range(1, len(registers))]
    widest = max(holes)
    place = holes.index(widest) + 1 if widest > 0 else len(registers) // 2
    return _block(registers[:place]), _block(registers[place:])


def _block(registers: Iterable[Register]) -> Block:
    members = tuple(registers)
    address = members[0].address
    return Block(members[0].function, address, max(r.end for r in members) - address, members)
