"""Registers to readings and back. Pure. What cannot be right is no reading: a tag goes Bad, never wrong."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

from scada.core.value import Quality
from scada.drivers.modbus.profile import Register

_FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
    "int64": ">q",
    "uint64": ">Q",
    "float64": ">d",
}


class Reading(NamedTuple):
    """A decoded register.

    Attributes:
        value: in the register's unit; None: there is none, for the `reason`.
        quality: for the tag.
    """

    value: float | None
    quality: Quality = Quality.GOOD
    reason: str = ""


def decode(register: Register, words: Sequence[int]) -> Reading:
    """The reading that the register's words hold."""
    if len(words) != register.words or any(not 0 <= word <= 0xFFFF for word in words):
        return Reading(None, Quality.BAD_DEVICE_FAILURE, f"{len(words)} of {register.words} registers came")
    ordered = words if register.word_order == "big" else words[::-1]
    raw = struct.unpack(_FORMATS[register.type], struct.pack(f">{len(ordered)}H", *ordered))[0]
    value = float(raw) * register.scale
    if math.isnan(value):
        return Reading(None, Quality.BAD_NO_DATA, "the device says: not a number")
    if not register.low <= value <= register.high:
        return Reading(
            None,
            Quality.BAD_OUT_OF_RANGE,
            f"{value:g} {register.unit} is not within {register.low:g} to {register.high:g}",
        )
    return Reading(value)


def encode(register: Register, value: float) -> list[int]:
    """The words that a device sends for a value; one beyond the type's range becomes the nearest it can hold."""
    layout = _FORMATS[register.type]
    raw = value / register.scale
    if register.type.startswith("float"):
        packed = struct.pack(layout, raw)
    else:
        bits = register.words * 16
        low, high = (
            (0, 2**bits - 1) if register.type.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        )
        packed = struct.pack(layout, min(max(round(raw), low), high))
    words = list(struct.unpack(f">{register.words}H", packed))
    return words if register.word_order == "big" else words[::-1]
