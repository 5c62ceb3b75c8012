"""Reports as CSV and JSON: the same whatever the reader's language.

CSV (RFC 4180, UTF-8 with mark): the first table only, heads are keys, energies in Wh, power in kW, times RFC 3339 in UTC,
durations in seconds, decimals with a point.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from scada.core import csv_text, moment
from scada.core.report_ports import Cell, CellKind, Column, Report, Table


def csv(report: Report) -> bytes:
    """The first table."""
    if not report.tables:
        return csv_text.MARK.encode()
    table = report.tables[0]
    head = [_head(column) for column in table.columns]
    return (csv_text.MARK + csv_text.lines([head]) + csv_text.lines(_rows(table))).encode(errors="replace")


def data(report: Report) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "report": report.kind,
        "title": report.title,
        "project": report.project,
        "timezone": report.timezone,
        "from": moment.text(report.from_us),
        "to": moment.text(report.to_us),
        "made": moment.text(report.made_us),
        "notes": list(report.notes),
        "tables": [
            {
                "key": table.key,
                "title": table.title,
                "columns": [
                    {"key": _head(one), "title": one.title, "kind": one.kind.value} for one in table.columns
                ],
                "rows": list(_rows(table)),
                "cut": table.cut,
            }
            for table in report.tables
        ],
    }


def json_bytes(report: Report) -> bytes:
    """`data` as a file."""
    return json.dumps(data(report), ensure_ascii=False).encode(errors="replace")


_SUFFIX = {
    CellKind.ENERGY: "_wh",
    CellKind.POWER: "_kw",
    CellKind.DURATION: "_s",
    CellKind.PERCENT: "_percent",
}


def _head(column: Column) -> str:
    suffix = _SUFFIX.get(column.kind, "")
    return column.key if column.key.startswith("percent_") else column.key + suffix


def _rows(table: Table) -> Iterator[list[Cell]]:
    kinds = [column.kind for column in table.columns]
    for row in table.rows:
        yield plain_row(kinds, row)


def plain_row(kinds: Sequence[CellKind], row: Sequence[Cell]) -> list[Cell]:
    """Cells for programs."""
    return [_cell(kind, value) for kind, value in zip(kinds, row, strict=True)]


def _cell(kind: CellKind, value: Cell) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if kind is CellKind.TIME:
        return moment.text(int(value))
    if kind is CellKind.DURATION:
        return round(value / 1e6, 3)
    return round(value, 4) if isinstance(value, float) else value
