"""What a report was asked for, in words of its language: `par = borne, pas = jour`."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from scada.core.ports import SessionFilter
from scada.core.report_ports import ReportRequest
from scada.core.value import SECOND_US
from scada.reports.words import word

_SPAN = ("from_us", "to_us")
"""They stand in the report as its span."""


def filter_text(request: ReportRequest) -> str:
    """What was asked for, in so far as it is not everything; else `–`."""
    return ", ".join(f"{name} = {value}" for name, value in _said(request)) or "–"


def _said(request: ReportRequest) -> Iterator[tuple[str, str]]:
    language, default = request.language, SessionFilter()
    if request.site:
        yield _small("site", language), request.site
    if request.report == "energy":
        yield word("by", language), _small(request.by, language)
        yield word("step", language), _small(request.step, language)
    for name in SessionFilter.__dataclass_fields__:
        value = getattr(request.where, name)
        if name not in _SPAN and value != getattr(default, name):
            yield _small(name, language), _value(name, value, language)


def _value(name: str, value: object, language: str) -> str:
    if isinstance(value, bool):
        return word("true" if value else "false", language)
    if isinstance(value, Enum):
        return _small(str(value.value), language)
    if isinstance(value, tuple):
        return " + ".join(map(str, value))
    if isinstance(value, int) and name.startswith("duration"):
        return f"{value / (60 * SECOND_US):g} min"
    if isinstance(value, int) and name.startswith("energy"):
        return f"{value / 1_000:g} kWh"
    return str(value)


def _small(key: str, language: str) -> str:
    """A word within a sentence."""
    return word(key, language).lower()
