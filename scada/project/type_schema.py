"""What may stand in device types: templates of tags with their thresholds, alarms and expressions."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from scada.project.alarm_schema import MaskSection, Right
from scada.project.fields import Positive, Segment, Strict, Texts, UnitSymbol

_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%\Z")


def _percent(value: str | float) -> str | float:
    if isinstance(value, str) and not _PERCENT.match(value):
        raise ValueError('a number, or a share of the range such as "0.5 %"')
    return value


Deadband = Annotated[Annotated[float, Field(ge=0)] | str, AfterValidator(_percent)]
"""Absolute, or percent of the instrument range: "0.5 %"."""


def deadband(value: str | float, low: float | None, high: float | None) -> float:
    """A deadband in the tag's unit. Raises ValueError for a percentage of a range that is not given."""
    if not isinstance(value, str):
        return value
    if low is None or high is None:
        raise ValueError("a deadband in percent needs low and high")
    found = _PERCENT.match(value)
    assert found is not None
    return float(found.group(1)) * abs(high - low) / 100


class ThresholdSection(Strict):
    """A threshold of a register."""

    name: Segment
    condition: Literal["high", "low", "rate", "deviation", "stale"]
    limit: Annotated[float, Field()] | None = None
    limit_tag: str = ""
    reference: str = ""
    hysteresis: Annotated[float, Field(ge=0)] = 0
    on_delay_s: Annotated[float, Field(ge=0, le=86400)] = 0
    off_delay_s: Annotated[float, Field(ge=0, le=86400)] = 0
    alarm: str = ""
    level: Annotated[int, Field(ge=0, le=29)] | None = None


class HistorySection(Strict):
    """What of a tag goes to history."""

    deadband: Deadband = 0.0
    every_s: Annotated[float, Field(ge=0, le=86400)] = 0
    retention: Annotated[str, Field(min_length=1)] = "standard"


class WriteSection(Strict):
    """What may be written from outside."""

    low: float | None = None
    high: float | None = None
    right: Right = "operate"
    confirm: bool = False
    command: str = ""
    argument: str = ""
    values: dict[str, str] = {}


class TagSection(Strict):
    """[templates.NAME.TAG] of config/device_types."""

    kind: Literal["bit", "register", "text"]
    source: Literal["driver", "counter", "internal"] = "driver"
    unit: UnitSymbol = ""
    decimals: Annotated[int, Field(ge=0, le=6)] = 0
    low: float | None = None
    high: float | None = None
    gain: float = 1.0
    offset: float = 0.0
    deadband: Deadband = 0.0
    address: str = ""
    choices: list[str] = []
    initial: bool | float | str | None = None
    expression: str = ""
    watchdog_s: Annotated[float, Field(ge=0, le=604800)] = 0
    retain: bool = False
    record: bool | HistorySection = False
    write: bool | WriteSection = False
    domain: str = ""
    nature: str = ""
    device_link: bool = True
    alarm: str = ""
    thresholds: list[ThresholdSection] = []
    label: Texts = {}
    description: Texts = {}


class TypeSection(Strict):
    """[types.NAME] of config/device_types: a type of charger."""

    label: Texts
    current: Literal["AC", "DC"]
    phases: Literal[1, 3]
    charger: list[str]
    connector: list[str]


class GridThreshold(Strict):
    """A threshold in percent of the site's limit."""

    name: Segment
    condition: Literal["high", "low"]
    percent: Positive
    hysteresis_percent: Annotated[float, Field(ge=0)] = 0
    alarm: str = ""


class GridThresholds(Strict):
    """[grid_thresholds]."""

    registers: list[str]
    thresholds: list[GridThreshold]


class DeviceTypesFile(Strict):
    """A file of config/device_types."""

    types: dict[str, TypeSection] = {}
    templates: dict[str, dict[Segment, TagSection]] = {}
    grid_thresholds: GridThresholds | None = None
    masks: list[MaskSection] = []
