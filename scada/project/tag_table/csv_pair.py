"""Tables as CSV (RFC 4180, UTF-8 with the mark that spreadsheets know it by)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scada.core.errors import Problem
from scada.project.tag_table.table import COLUMNS_MAX, ROWS_MAX, THRESHOLDS, Place, Row, Sheet, Table

BYTES_MAX = 400_000_000
KEYS = ("path", "register")
"""First columns whose cells never begin with `#`: a row that does is a comment."""


def thresholds_of(file: Path) -> Path:
    """The file of the thresholds beside that of the tags."""
    return file.with_name(f"{file.stem}.{THRESHOLDS}{file.suffix}")


def contents(file: Path, table: Table) -> dict[Path, bytes]:
    """File → bytes."""
    return {file: _content(table.tags), thresholds_of(file): _content(table.thresholds)}


def read(file: Path) -> tuple[Table, list[Problem]]:
    """The table of a pair of files, either of which may be missing, and what cannot be read of it."""
    problems: list[Problem] = []
    tags, thresholds = (_read(one, problems) for one in (file, thresholds_of(file)))
    return Table(tags, thresholds), problems


def _content(sheet: Sheet) -> bytes:
    # Lines end as RFC 4180 says: so a cell with either character of an end is quoted too.
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        writer.writerow([row.cells.get(column, "") for column in sheet.columns])
    return stream.getvalue().encode("utf-8-sig", "replace")


def _read(file: Path, problems: list[Problem]) -> Sheet:
    place = Place(file.name)
    text = _text(file, problems)
    if text is None:
        return Sheet(place)
    header_line = text.partition("\n")[0]
    # A spreadsheet in a country of decimal commas writes semicolons.
    delimiter = ";" if header_line.count(";") > header_line.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    columns: list[str] = []
    try:
        columns = [name.strip() for name in next(reader, [])]
        if len(columns) > COLUMNS_MAX:
            problems.append(place.problem("", f"more than {COLUMNS_MAX} columns"))
            return Sheet(place)
        rows.extend(_rows(reader, place, columns, problems))
    except csv.Error as error:
        problems.append(Place(file.name, reader.line_num).problem("", f"not valid CSV: {error}"))
    return Sheet(place, columns, rows)


def _rows(reader: Any, place: Place, columns: list[str], problems: list[Problem]) -> Iterator[Row]:
    for number, cells in enumerate(reader):
        at = Place(place.file, reader.line_num)
        if number >= ROWS_MAX:
            problems.append(at.problem("", f"more than {ROWS_MAX:,} rows"))
            return
        is_comment = bool(cells) and cells[0].lstrip().startswith("#") and columns[0] in KEYS
        if is_comment or not any(map(str.strip, cells)):
            continue
        if len(cells) != len(columns):
            reason = f"{len(cells)} cells where the header has {len(columns)}"
            problems.append(at.problem("", reason, "a text with a comma stands in quotes"))
            continue
        filled = {name: cell for name, cell in zip(columns, cells, strict=True) if cell.strip()}
        if filled.pop("", None) is not None:
            problems.append(at.problem("", "a cell stands in a column that has no header"))
        yield Row(at, filled)


def _text(file: Path, problems: list[Problem]) -> str | None:
    try:
        if not file.is_file():
            if file.exists():
                problems.append(Problem(file.name, "", "is not a file"))
            return None
        if file.stat().st_size > BYTES_MAX:
            problems.append(Problem(file.name, "", f"larger than {BYTES_MAX:,} bytes"))
            return None
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(Problem(file.name, "", f"not UTF-8 at byte {error.start}", "save the file as UTF-8"))
    except OSError as error:
        problems.append(Problem(file.name, "", f"cannot be read: {error.strerror}"))
    return None
