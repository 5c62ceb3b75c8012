"""The plant's tags for building systems that know nothing but Modbus."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Sequence
from pathlib import Path

import structlog

from scada.core import csv_text
from scada.core.access import Actor, Right
from scada.core.command import CommandResult
from scada.core.errors import BadRequest, Denied, NotFound, ScadaError
from scada.core.plant import Plant
from scada.core.tag import Tag
from scada.core.value import Kind
from scada.drivers.modbus.pdu import BUSY, DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE, Fault
from scada.drivers.modbus.profile import COIL, HOLDING
from scada.drivers.modbus.register_map import (
    COLUMNS,
    FILE,
    SLOT,
    Entry,
    build,
    number_of,
    read_kept,
    rows,
    value_of,
    words_of,
)
from scada.drivers.modbus.server import ModbusServer
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter

ACTOR = Actor("modbus", frozenset((Right.SEE, Right.OPERATE)), "modbus")
"""Who writes through this door. The protocol knows no users: what may be written is named tag by tag."""
WRITE_WAIT_S = 3.0
"""How long a write waits for the outcome of its command; after it the answer is an acknowledgement (5)."""
WRITES_MAX = 20
"""Writes under way at once; a further one is told that we are busy (6)."""
ACKNOWLEDGE = 5

log = structlog.get_logger()


def load_map(plant: Plant) -> tuple[Entry, ...]:
    """The register map of a plant, kept in its data so that addresses stay as they are.

    Raises:
        ProjectError: the kept map is damaged, or there are too many tags.
    """
    path = plant.directory / "data" / FILE
    kept = read_kept(path.read_text(encoding="utf-8-sig")) if path.exists() else {}
    entries = build(plant, kept)
    if any(entry.tag not in kept for entry in entries):
        _save(path, entries, plant.languages[0])
    return entries


def _save(path: Path, entries: Sequence[Entry], language: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(csv_text.lines([COLUMNS, *rows(entries, language)]), encoding="utf-8", newline="")
    draft.replace(path)


class Northbound:
    """Serves the map as unit 1, and as any other: building systems differ in what they ask.

    Raises:
        ProjectError: see `load_map`.
    """

    def __init__(self, plant: Plant, host: PlantHost, router: CommandRouter) -> None:
        settings = plant.modbus.server
        self._host, self._router = host, router
        self._slots: dict[int, Tag] = {}
        self._writable: dict[int, Tag] = {}
        for entry in load_map(plant):
            if entry.definition is not None:
                self._slots[entry.slot] = host.tags[entry.tag]
                if entry.writable:
                    self._writable[entry.slot] = host.tags[entry.tag]
        self._last = max(self._slots, default=0)
        self._writes: set[asyncio.Task[CommandResult | None]] = set()
        self.server = ModbusServer(settings.host or plant.network.host, settings.port or 0, {0: self})

    async def run(self) -> None:
        """Serve until cancelled."""
        await self.server.start()
        log.info("modbus_listening", port=self.server.port, tags=len(self._slots))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.server.close()

    async def read(self, function: int, address: int, count: int) -> Sequence[int]:
        """Bits of slots, or words; what is beyond the last slot is refused, an empty slot is Bad."""
        last = self._last + 1
        if address + count > (last * SLOT if function in (HOLDING, 4) else last):
            raise Fault(ILLEGAL_ADDRESS)
        if function not in (HOLDING, 4):
            return [self._bit(slot, function) for slot in range(address, address + count)]
        first = address // SLOT
        words: list[int] = []
        for slot in range(first, (address + count - 1) // SLOT + 1):
            words += self._words(slot)
        return words[address - first * SLOT :][:count]

    def _words(self, slot: int) -> Sequence[int]:
        if slot == 0:
            seconds = float(self._host.clock.now_us() // 1_000_000 % 65536)
            return (*struct.unpack(">HH", struct.pack(">f", seconds)), 0, 0)
        tag = self._slots.get(slot)
        return words_of(tag) if tag is not None else (0x7FC0, 0, 2, 0)

    def _bit(self, slot: int, function: int) -> int:
        tag = self._slots.get(slot)
        if (
            tag is None
            or tag.definition.kind is not Kind.BIT
            or (function == COIL and slot not in self._writable)
        ):
            return 0
        return int(bool(number_of(tag)))

    async def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """A coil, or the value of one slot, where it is named as writable."""
        if function == COIL:
            slot, number = address, float(values[0])
        else:
            slot, number = address // SLOT, float("nan")
            if address % SLOT == 0 and len(values) == 2:
                (number,) = struct.unpack(">f", struct.pack(">HH", *values))
        tag = self._writable.get(slot)
        if tag is None or len(values) != (1 if function == COIL else 2):
            raise Fault(ILLEGAL_ADDRESS)
        value = value_of(tag.definition, number) if math.isfinite(number) else None
        if value is None:
            raise Fault(ILLEGAL_VALUE)
        if len(self._writes) >= WRITES_MAX:
            raise Fault(BUSY)
        task = asyncio.create_task(
            self._router.write(tag.path, value, ACTOR), name=f"modbus write {tag.path}"
        )
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        task.add_done_callback(_seen)
        done, _ = await asyncio.wait((task,), timeout=WRITE_WAIT_S)
        if not done:
            raise Fault(ACKNOWLEDGE)
        _judge(task)


def _judge(task: asyncio.Task[CommandResult | None]) -> None:
    """Raise the Fault that an outcome is answered with; none: it was done."""
    try:
        result = task.result()
    except BadRequest:
        raise Fault(ILLEGAL_VALUE) from None
    except (Denied, NotFound):
        raise Fault(ILLEGAL_ADDRESS) from None
    except ScadaError:
        raise Fault(DEVICE_FAILURE) from None
    if result is not None and not result.outcome.ok:
        raise Fault(DEVICE_FAILURE)


def _seen(task: asyncio.Task[CommandResult | None]) -> None:
    """An outcome that nobody waits for any more is in the journal."""
    if not task.cancelled():
        task.exception()
