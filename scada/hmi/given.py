"""What a page's form gives: it comes from a browser and is not trusted. Each reader checks kind and length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from scada.core.errors import BadRequest

LIST_MAX = 20_000
"""Entries of one field."""

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a deed says, and what it shows beside it.

    Attributes:
        state: `done` or `failed`, see the toasts.
        slot, html: the part of the page that is filled.
    """

    text: str
    slot: str
    html: Markup
    state: str = "done"


def text(given: Given, name: str, length_max: int = 1_000) -> str:
    """A text, cut to what no honest form goes past; the core has its own, shorter bounds."""
    value = given.get(name)
    return value.strip()[:length_max] if isinstance(value, str) else ""


def texts(given: Given, name: str, length_max: int = 256) -> list[str]:
    """The texts of a field that may stand several times in a form."""
    value = given.get(name)
    many = value if isinstance(value, list) else [value]
    return [one.strip()[:length_max] for one in many[:LIST_MAX] if isinstance(one, str) and one.strip()]


def number(given: Given, name: str, low: float, high: float) -> float | None:
    """A number, with a point or a comma; None: the field is empty. Raises BadRequest."""
    typed = text(given, name, 40)
    if not typed:
        return None
    try:
        value = float(typed.replace(",", "."))
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise BadRequest(f"'{name}' is a number from {low:g} to {high:g}")
    return value


def whole(given: Given, name: str, low: int, high: int) -> int | None:
    """A whole number; None: the field is empty. Raises BadRequest."""
    value = number(given, name, low, high)
    if value is not None and not value.is_integer():
        raise BadRequest(f"'{name}' is a whole number")
    return None if value is None else int(value)
