"""Registers to readings and back. Pure. What cannot be right is no reading: a tag goes Bad, never wrong."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

from scada.core.value import Quality, Value
from scada.drivers.modbus.profile import BIT_FUNCTIONS, Register

EXPONENT_MAX = 10
"""Powers of ten that a scale register may hold (SunSpec `sunssf`)."""
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
        value: in the register's unit, a text or a bit; None: there is none, for the `reason`.
        quality: for the tag.
    """

    value: Value
    quality: Quality = Quality.GOOD
    reason: str = ""


def decode(register: Register, words: Sequence[int], exponent: int = 0) -> Reading:
    """The reading that the register's words hold (of a coil or discrete input: its bit).

    Args:
        exponent: power of ten out of its scale register.
    """
    if register.function in BIT_FUNCTIONS:
        if len(words) != 1:
            return _failure(f"{len(words)} bits of 1 came")
        return Reading(bool(words[0]))
    if len(words) != register.words or any(not 0 <= word <= 0xFFFF for word in words):
        return _failure(f"{len(words)} of {register.words} registers came")
    payload = _payload(register, words)
    if int.from_bytes(payload, "big") in register.absent:
        return Reading(None, Quality.BAD_NO_DATA, "the device says: not available")
    if register.type == "string":
        return _text(payload)
    raw = _raw(register, payload)
    if raw is None:
        return Reading(None, Quality.BAD_OUT_OF_RANGE, "no decimal digits")
    if register.choices:
        text = register.choices.get(int(raw))
        if text is None:
            return Reading(None, Quality.BAD_OUT_OF_RANGE, f"{int(raw)} means nothing")
        return Reading(text)
    if math.isnan(raw):
        return Reading(None, Quality.BAD_NO_DATA, "the device says: not a number")
    value = raw * register.scale * 10.0**exponent + register.offset
    if not register.low <= value <= register.high:
        return Reading(
            None,
            Quality.BAD_OUT_OF_RANGE,
            f"{value:g} {register.unit} is not within {register.low:g} to {register.high:g}",
        )
    return Reading(value)


def encode(register: Register, value: Value, exponent: int = 0) -> list[int]:
    """The words (of a coil or discrete input: the bit) for a value; one beyond the type's range becomes the nearest."""
    if register.function in BIT_FUNCTIONS:
        return [1 if value else 0]
    size = register.words * 2
    if register.type == "string":
        payload = str(value or "").encode("ascii", "replace")[:size].ljust(size, b"\0")
    elif isinstance(value, str):
        raw = next((raw for raw, text in register.choices.items() if text == value), 0)
        payload = _pack(register, float(raw))
    else:
        number = float(value or 0.0)
        payload = _pack(register, (number - register.offset) / register.scale / 10.0**exponent)
    words = list(struct.unpack(f">{register.words}H", payload))
    if register.byte_order == "little":
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    return words if register.word_order == "big" else words[::-1]


def resolution(register: Register, exponent: int = 0) -> float:
    """How far a value that was written and read again may differ: what the register cannot tell apart."""
    step = abs(register.scale) * 10.0**exponent
    if register.type.startswith("float"):
        return max(abs(register.low), abs(register.high)) * 2.0**-22
    return step * 0.5 * (1 + 1e-9)


def all_ones(words: Sequence[int]) -> bool:
    """Whether an answer is nothing but ones: that is no device that measures, but a bus without one."""
    return len(words) > 1 and all(word == 0xFFFF for word in words)


def _failure(reason: str) -> Reading:
    return Reading(None, Quality.BAD_DEVICE_FAILURE, reason)


def _payload(register: Register, words: Sequence[int]) -> bytes:
    ordered = words if register.word_order == "big" else words[::-1]
    if register.byte_order == "little":
        ordered = [word >> 8 | (word & 0xFF) << 8 for word in ordered]
    return struct.pack(f">{len(ordered)}H", *ordered)


def _raw(register: Register, payload: bytes) -> float | None:
    if register.type.startswith("bcd"):
        digits = payload.hex()
        return float(digits) if digits.isdecimal() else None
    raw: float = struct.unpack(_FORMATS[register.type], payload)[0]
    if register.bits is not None:
        first, last = register.bits
        raw = int(raw) >> first & (1 << last - first + 1) - 1
    return raw


def _pack(register: Register, raw: float) -> bytes:
    if register.type.startswith("float"):
        return struct.pack(_FORMATS[register.type], raw)
    size = register.words * 16
    if register.type.startswith("bcd"):
        digits = register.words * 4
        return bytes.fromhex(f"{min(max(round(raw), 0), 10**digits - 1):0{digits}d}")
    if register.bits is not None:
        first, last = register.bits
        return struct.pack(
            _FORMATS[register.type], min(max(round(raw), 0), (1 << last - first + 1) - 1) << first
        )
    signed = register.type.startswith("int")
    low, high = (-(2 ** (size - 1)), 2 ** (size - 1) - 1) if signed else (0, 2**size - 1)
    return struct.pack(_FORMATS[register.type], min(max(round(raw), low), high))


def _text(payload: bytes) -> Reading:
    text = payload.rstrip(b"\0 ").decode("latin-1")
    if not text.isprintable():
        return Reading(None, Quality.BAD_OUT_OF_RANGE, "is no text")
    return Reading(text)
