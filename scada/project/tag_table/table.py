"""What a table is: two sheets of rows, each cell a text that knows where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scada.core.errors import Problem

ROWS_MAX = 1_000_000
"""Rows of a sheet: ten times the largest plant, and what a sheet of a workbook holds."""
COLUMNS_MAX = 500
TAGS = "tags"
THRESHOLDS = "thresholds"


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a file.

    Attributes:
        row: as a spreadsheet counts: the header is row 1 (in CSV: the line on which the row ends).
        sheet: of a workbook, or empty.
    """

    file: str
    row: int = 0
    sheet: str = ""

    def problem(self, column: str, reason: str, hint: str = "") -> Problem:
        """A mistake in a cell (`column` empty: in the row)."""
        return Problem(self.file, self.where(column), reason, hint, 0 if self.sheet else self.row)

    def where(self, column: str) -> str:
        """Sheet, row and column in words."""
        parts = [
            f"sheet {self.sheet}" if self.sheet else "",
            f"row {self.row}" if self.row else "",
            f"column {column}" if column else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Row:
    """Column → cell, as it stands in the file (`scada.project.tag_table.cells`); empty cells are left out."""

    place: Place
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of tags or of thresholds."""

    place: Place
    columns: Sequence[str] = ()
    rows: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Tags and their thresholds."""

    tags: Sheet = field(default_factory=lambda: Sheet(Place("tags.csv")))
    thresholds: Sheet = field(default_factory=lambda: Sheet(Place("tags.thresholds.csv")))
