"""Cells: one text each, whatever the file.

An empty cell says nothing, `-` says that there is nothing (the default). A text that would read as one of these,
that a spreadsheet would take for a formula, or that has blanks at its ends, begins with `'`, and so does one that
begins with `'` itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from scada.core.value import SECOND_US, Kind, Value
from scada.project.files import near_or_known

NOTHING = "-"
TEXT_LENGTH_MAX = 5_000
ITEMS_MAX = 1_000
_MARKED = ("'", "=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


class CellError(ValueError):
    """A cell that cannot be read; the text says why, `hint` what would do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value stands in a cell.

    Attributes:
        decode: raises CellError.
        numeric: a spreadsheet shows it as a number.
    """

    encode: Callable[[Any], str]
    decode: Callable[[str], Any]
    numeric: bool = False


def text_cell(text: str) -> str:
    """A text as a cell that reads as this text again."""
    marked = not text or text != text.strip() or text.startswith(_MARKED)
    return f"'{text}" if marked else text


def cell_text(cell: str) -> str:
    """The text of a cell."""
    text = cell.removeprefix("'")
    if len(text) > TEXT_LENGTH_MAX:
        raise CellError(f"longer than {TEXT_LENGTH_MAX:,} characters")
    return text


def number_cell(number: float) -> str:
    """A number, exactly."""
    whole = float(number).is_integer() and abs(number) < 1e15
    return str(int(number)) if whole else repr(float(number))


def cell_number(cell: str) -> float:
    """The number of a cell."""
    text = cell.strip()
    number = float(text) if _NUMBER.match(text) else math.nan
    if not math.isfinite(number):
        raise CellError(f"'{_short(text)}' is no number", "for example 12.5, with a point")
    return number


def cell_bool(cell: str) -> bool:
    """True or false."""
    word = cell.strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise CellError(f"'{_short(cell)}' is neither true nor false")
    return word in _TRUE


def bool_cell(value: bool) -> str:
    """True or false."""
    return "true" if value else "false"


def value_cell(value: Value) -> str:
    """A tag's value."""
    if isinstance(value, bool):
        return bool_cell(value)
    return text_cell(value) if isinstance(value, str) else number_cell(value or 0)


def cell_value(kind: Kind, cell: str) -> Value:
    """A tag's value of its kind."""
    if kind is Kind.BIT:
        return cell_bool(cell)
    return cell_number(cell) if kind is Kind.REGISTER else cell_text(cell)


TEXT = Codec(text_cell, cell_text)
BOOL = Codec(bool_cell, cell_bool)
RAW = Codec(value_cell, str)
"""Of a kind that the rest of the row tells: see `cell_value`."""


def word(check: Callable[[str], str] | None = None) -> Codec:
    """A text without blanks around it.

    Args:
        check: raises ValueError for one that will not do.
    """

    def decode(cell: str) -> str:
        text = cell_text(cell if cell.startswith("'") else cell.strip())
        try:
            return check(text) if check else text
        except ValueError as error:
            raise CellError(str(error)) from None

    return Codec(text_cell, decode)


def number(low: float = -math.inf, high: float = math.inf) -> Codec:
    """A number within bounds."""

    def decode(cell: str) -> float:
        return _bounded(cell_number(cell), low, high)

    return Codec(number_cell, decode, numeric=True)


def integer(low: int, high: int) -> Codec:
    """A whole number within bounds."""

    def decode(cell: str) -> int:
        value = cell_number(cell)
        if not value.is_integer():
            raise CellError(f"{_short(cell)} is no whole number")
        return int(_bounded(value, low, high))

    return Codec(str, decode, numeric=True)


def seconds(high: int) -> Codec:
    """Seconds in the cell, microseconds in the model."""

    def encode(value_us: int) -> str:
        text = f"{Decimal(value_us) / SECOND_US:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def decode(cell: str) -> int:
        cell_number(cell)
        try:
            value = Decimal(cell.strip()) * SECOND_US
        except InvalidOperation:
            raise CellError(f"'{_short(cell)}' is no number of seconds") from None
        _bounded(float(value / SECOND_US), 0, high)
        if value != value.to_integral_value():
            raise CellError(f"{_short(cell)} s is finer than a microsecond")
        return int(value)

    return Codec(encode, decode, numeric=True)


def choice(kind: type[Enum]) -> Codec:
    """A member of an enumeration, by its value."""
    known = {member.value: member for member in kind}

    def decode(cell: str) -> Enum:
        name = cell.strip()
        if name not in known:
            raise CellError(f"'{_short(name)}' is not one of {', '.join(known)}", near_or_known(name, known))
        return known[name]

    return Codec(lambda member: str(member.value), decode)


def one_of(known: Sequence[str]) -> Codec:
    """One of some names."""

    def check(name: str) -> str:
        if name not in known:
            raise CellError(f"'{_short(name)}' is not one of {', '.join(known)}", near_or_known(name, known))
        return name

    return Codec(text_cell, lambda cell: check(cell_text(cell.strip())))


def _encode_items(items: Sequence[str]) -> str:
    return text_cell("|".join(_escape(item, "|") for item in items))


def _decode_items(cell: str) -> tuple[str, ...]:
    items = tuple(_unescape(item) for item in _split(cell_text(cell), "|"))
    if len(items) > ITEMS_MAX or not all(items):
        raise CellError(f"1 to {ITEMS_MAX:,} words, none of them empty, with | between")
    return items


def _encode_pairs(pairs: Mapping[str, str]) -> str:
    return text_cell("|".join(f"{_escape(key, '|=')}={_escape(value, '|=')}" for key, value in pairs.items()))


def _decode_pairs(cell: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in _split(cell_text(cell), "|"):
        parts = _split(item, "=")
        if len(parts) != 2:
            raise CellError(f"'{_short(item)}' is no pair", "key=value, with | between pairs")
        key, value = map(_unescape, parts)
        if key in pairs:
            raise CellError(f"'{_short(key)}' is there twice")
        pairs[key] = value
    return pairs


ITEMS = Codec(_encode_items, _decode_items)
PAIRS = Codec(_encode_pairs, _decode_pairs)


def _escape(text: str, marks: str) -> str:
    return "".join(f"\\{character}" if character in f"\\{marks}" else character for character in text)


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _split(text: str, mark: str) -> list[str]:
    """Parts at marks that no backslash stands before; escapes stay in the parts."""
    parts = [""]
    escaped = False
    for character in text:
        if character == mark and not escaped:
            parts.append("")
        else:
            parts[-1] += character
        escaped = character == "\\" and not escaped
    return parts


def _bounded(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        if math.isinf(high):
            raise CellError(f"{value:g} is below {low:g}")
        raise CellError(f"{value:g} is not within {low:g} to {high:g}")
    return value


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"
