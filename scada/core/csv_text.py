"""Rows as CSV for spreadsheets (RFC 4180). Files begin with `MARK`, by which spreadsheets know UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

MARK = "\ufeff"


def lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as text, each value by `cell`."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return buffer.getvalue()


def cell(value: object) -> str:
    """The text of a cell. What a spreadsheet would take for a formula begins with an apostrophe instead (OWASP)."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
