"""Making values fit for SQLite.

A charger may send any integer and any text. One value that the database cannot take would be tried again
for ever and hold up every record behind it, so such values are made to fit instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

_INT_MAX = 2**63 - 1


def fit(value: Any) -> Any:
    """The value as SQLite takes it: integers within 64 bits, texts without lone surrogates."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, int):
        return max(-_INT_MAX - 1, min(value, _INT_MAX))
    return value


def row_of(record: Any, names: Sequence[str]) -> dict[str, Any]:
    """The named attributes of a record, fit for the database."""
    return {name: fit(getattr(record, name)) for name in names}
