"""Values of tags: kinds, quality and time.

Quality is the OPC UA status code itself (OPC 10000-4 7.39, OPC 10000-8 6.3), so that nothing is lost
on the way to an OPC UA client. It is kept as a plain integer: the hot path compares, it never decodes.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TypeAlias

TimeUs: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""

Value: TypeAlias = bool | float | int | str | None
"""What a tag holds: Bit → bool, Register → float or int, Text → str; None before the first value."""

SECOND_US = 1_000_000


class Kind(Enum):
    """What sort of value a tag holds."""

    BIT = "bit"
    REGISTER = "register"
    TEXT = "text"


class Quality(IntEnum):
    """The OPC UA status codes that the product uses."""

    GOOD = 0x00000000
    GOOD_LOCAL_OVERRIDE = 0x00960000
    UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE = 0x408F0000
    UNCERTAIN_LAST_USABLE_VALUE = 0x40900000
    UNCERTAIN_ENGINEERING_UNITS_EXCEEDED = 0x40940000
    UNCERTAIN_SUB_NORMAL = 0x40950000
    BAD_NO_COMMUNICATION = 0x80310000
    BAD_WAITING_FOR_INITIAL_DATA = 0x80320000
    BAD_OUT_OF_RANGE = 0x803C0000
    BAD_CONFIGURATION_ERROR = 0x80890000
    BAD_DEVICE_FAILURE = 0x808B0000
    BAD_SENSOR_FAILURE = 0x808C0000
    BAD_OUT_OF_SERVICE = 0x808D0000
    BAD_NO_DATA = 0x809B0000


GOOD = int(Quality.GOOD)
_SEVERITY = 0xC0000000
_BAD = 0x80000000

_NAMES = {
    quality.value: "".join(word.capitalize() for word in quality.name.split("_")) for quality in Quality
}


def is_good(quality: int) -> bool:
    """Whether the severity bits say Good."""
    return not quality & _SEVERITY


def is_bad(quality: int) -> bool:
    """Whether the severity bits say Bad."""
    return bool(quality & _BAD)


def quality_name(quality: int) -> str:
    """The name of the status code as OPC UA writes it, for example `BadNoCommunication`."""
    return _NAMES.get(quality) or f"0x{quality:08X}"
