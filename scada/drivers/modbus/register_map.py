"""Which register holds which tag, for building systems. Pure.

Each tag has a slot of four registers, the same as input and as holding registers, high word first:

    0, 1   value, float32: of a bit 0 or 1, of a text with choices the number of its choice from 0; Bad: not a number
    2      quality: 0 Good, 1 Uncertain, 2 Bad
    3      0

A bit is besides the discrete input with the number of its slot. Slot 0 counts seconds: who sees it stand knows that we
are gone. A tag keeps its slot for ever: new ones come behind, and that of a tag that is gone stays empty.
"""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scada.core.errors import Problem, ProjectError
from scada.core.path import matcher
from scada.core.plant import ModbusServerSettings, Plant
from scada.core.tag import Tag, TagDefinition
from scada.core.value import GOOD, Kind, is_bad

SLOT = 4
SLOTS_MAX = 65536 // SLOT
FILE = "modbus_map.csv"
"""In the project's `data`; keep it with the project's backups: building systems are set up by it."""
COLUMNS = ("slot", "register", "discrete_input", "tag", "kind", "unit", "choices", "writable", "label")


@dataclass(frozen=True, slots=True)
class Entry:
    """A slot. `definition`: None: the tag is gone, or is not offered any more."""

    slot: int
    tag: str
    definition: TagDefinition | None
    writable: bool = False


def build(plant: Plant, kept: Mapping[str, int]) -> tuple[Entry, ...]:
    """The map of a plant, by slot.

    Args:
        kept: tag → slot, of an earlier map.

    Raises:
        ProjectError: there are more tags than slots.
    """
    settings = plant.modbus.server
    offered = _offered(plant, settings)
    writable = [matcher(pattern) for pattern in settings.writable]
    slots = dict(kept)
    free = max(slots.values(), default=0) + 1
    for path in offered:
        if path not in slots:
            slots[path] = free
            free += 1
    if free > SLOTS_MAX:
        reason = f"{free - 1} tags do not fit: there are {SLOTS_MAX - 1} slots"
        raise ProjectError([Problem("project.toml", "modbus.server.tags", reason)])
    return tuple(
        Entry(
            slot,
            path,
            offered.get(path),
            path in offered and offered[path].write is not None and any(match(path) for match in writable),
        )
        for path, slot in sorted(slots.items(), key=lambda item: item[1])
    )


def _offered(plant: Plant, settings: ModbusServerSettings) -> dict[str, TagDefinition]:
    """The tags that a building system can read as numbers, in the order of the plant."""
    matches = [matcher(pattern) for pattern in settings.tags]
    return {
        tag.path: tag
        for tag in plant.tags
        if (tag.kind is not Kind.TEXT or tag.choices) and any(match(tag.path) for match in matches)
    }


def read_kept(text: str) -> dict[str, int]:
    """Tag → slot out of the file of an earlier map.

    Raises:
        ProjectError: it is damaged. Nothing is guessed: a tag in another's register would be a lie.
    """
    kept: dict[str, int] = {}
    seen: set[int] = set()
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), 2):
        tag, slot = row.get("tag") or "", row.get("slot") or ""
        if (
            not tag
            or not slot.isdecimal()
            or not 1 <= int(slot) < SLOTS_MAX
            or int(slot) in seen
            or tag in kept
        ):
            raise ProjectError(
                [
                    Problem(
                        FILE,
                        f"row {line}",
                        "is no slot with a tag, or there twice",
                        "take it from a backup",
                        line,
                    )
                ]
            )
        kept[tag] = int(slot)
        seen.add(int(slot))
    return kept


def rows(entries: Iterable[Entry], language: str) -> list[tuple[str, ...]]:
    """The map as a table, without its head (`COLUMNS`)."""
    out: list[tuple[str, ...]] = []
    for entry in entries:
        tag = entry.definition
        bit = tag is not None and tag.kind is Kind.BIT
        out.append(
            (
                str(entry.slot),
                str(entry.slot * SLOT),
                str(entry.slot) if bit else "",
                entry.tag,
                tag.kind.value if tag else "gone",
                tag.unit if tag else "",
                " ".join(f"{number}={text}" for number, text in enumerate(tag.choices)) if tag else "",
                "yes" if entry.writable else "",
                (tag.label.get(language) or next(iter(tag.label.values()), "")) if tag else "",
            )
        )
    return out


def words_of(tag: Tag) -> Sequence[int]:
    """The four registers of a tag."""
    value = number_of(tag)
    quality = 2 if value is None else int(tag.quality != GOOD)
    high, low = struct.unpack(">HH", struct.pack(">f", float("nan") if value is None else value))
    return high, low, quality, 0


def number_of(tag: Tag) -> float | None:
    """A tag's value as a number; None: it is Bad, or there is none."""
    value, choices = tag.value, tag.definition.choices
    if value is None or is_bad(tag.quality):
        return None
    if isinstance(value, str):
        return float(choices.index(value)) if value in choices else None
    number = float(value)
    return number if abs(number) < 3.4e38 else None  # what a float32 holds; NaN is none


def value_of(definition: TagDefinition, number: float) -> float | bool | str | None:
    """What a number that is written means for a tag; None: nothing."""
    if definition.kind is Kind.BIT:
        return bool(number) if number in (0, 1) else None
    if definition.kind is Kind.TEXT:
        place = int(number) if number.is_integer() else -1
        return definition.choices[place] if 0 <= place < len(definition.choices) else None
    return number
