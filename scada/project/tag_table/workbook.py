"""Tables as a workbook of two sheets. Cells are texts and numbers, never formulas."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter

from scada.core.errors import Problem, StartError
from scada.project.tag_table.cells import bool_cell, number_cell
from scada.project.tag_table.columns import THRESHOLD_COLUMNS, Column, tag_columns
from scada.project.tag_table.table import COLUMNS_MAX, ROWS_MAX, TAGS, THRESHOLDS, Place, Row, Sheet, Table

BYTES_MAX = 200_000_000
UNPACKED_BYTES_MAX = 2_000_000_000
CELL_LENGTH_MAX = 32_767
SHEET_ROWS_MAX = 1_048_576
_WIDTHS = {"path": 36, "register": 36, "limit_tag": 30, "reference": 30, "expression": 40, "address": 28}
_TEXT_WIDTH, _WIDTH = 32, 12
_ESCAPED = re.compile(r"_x005F(_x[0-9A-Fa-f]{4}_)|_x(00[01][0-9A-Fa-f]|FFF[EF])_")
"""Characters that XML cannot carry, as workbooks write them (ECMA-376 part 1, 22.9.2.19)."""


def content(table: Table) -> bytes:
    """The bytes of a workbook.

    Raises:
        StartError: there are more rows than a sheet holds, or a text is longer than a cell.
    """
    stream = io.BytesIO()
    options = {
        "constant_memory": True,
        "in_memory": False,
        "strings_to_numbers": False,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    languages = [name.rpartition(".")[2] for name in table.tags.columns if name.startswith("label.")]
    with xlsxwriter.Workbook(stream, options) as book:
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        _write(book.add_worksheet(TAGS), table.tags, tag_columns(tuple(languages)), bold, text)
        _write(book.add_worksheet(THRESHOLDS), table.thresholds, THRESHOLD_COLUMNS, bold, text)
    return stream.getvalue()


def _write(sheet: Any, rows: Sheet, columns: Mapping[str, Column], bold: Any, text: Any) -> None:
    if len(rows.rows) >= SHEET_ROWS_MAX:
        raise StartError(f"a workbook holds {SHEET_ROWS_MAX - 1:,} rows: export a part of it, or as .csv")
    sheet.freeze_panes(1, 1)
    for number, name in enumerate(rows.columns):
        column = columns.get(name)
        wide = _TEXT_WIDTH if column is not None and column.language else _WIDTH
        is_number = column is not None and column.codec.numeric
        sheet.set_column(
            number, number, _WIDTHS.get(name, max(wide, len(name) + 2)), None if is_number else text
        )
    for number, name in enumerate(rows.columns):
        sheet.write_string(0, number, name, bold)
    for line, row in enumerate(rows.rows, 1):
        for number, name in enumerate(rows.columns):
            cell = row.cells.get(name)
            if cell is None:
                continue
            if len(cell) > CELL_LENGTH_MAX:
                raise StartError(
                    f"{name} of {next(iter(row.cells.values()))} is longer than a cell: use .csv"
                )
            exact = _exact(cell) if name in columns and columns[name].codec.numeric else None
            if exact is not None:
                sheet.write_number(line, number, exact)
            else:
                sheet.write_string(line, number, cell, text)
    sheet.autofilter(0, 0, max(len(rows.rows), 1), max(len(rows.columns) - 1, 0))


def _exact(cell: str) -> float | None:
    """The number of a cell, if a workbook's 16 digits keep it."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if float(f"{number:.16G}") == number and number_cell(number) == cell else None


def read(file: Path) -> tuple[Table, list[Problem]]:
    """The table of a workbook, either sheet of which may be missing, and what cannot be read of it."""
    problems: list[Problem] = []
    reason = _unfit(file)
    if reason:
        return Table(), [Problem(file.name, "", reason)]
    try:
        book = openpyxl.load_workbook(file, read_only=True, keep_links=False)
    except Exception as error:  # a damaged workbook fails in as many ways as it has parts
        return Table(), [
            Problem(file.name, "", f"is no workbook ({type(error).__name__}: {str(error)[:200]})")
        ]
    try:
        if not {TAGS, THRESHOLDS} & set(book.sheetnames):
            reason = f"has neither a sheet {TAGS} nor a sheet {THRESHOLDS}"
            return Table(), [Problem(file.name, "", reason)]
        tags, thresholds = (_read(book, file.name, name, problems) for name in (TAGS, THRESHOLDS))
        return Table(tags, thresholds), problems
    finally:
        book.close()


def _unfit(file: Path) -> str:
    try:
        if file.stat().st_size > BYTES_MAX:
            return f"larger than {BYTES_MAX:,} bytes"
        with zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > UNPACKED_BYTES_MAX:
                return f"larger than {UNPACKED_BYTES_MAX:,} bytes unpacked"
    except zipfile.BadZipFile:
        return "is no workbook"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def _read(book: Any, file: str, name: str, problems: list[Problem]) -> Sheet:
    place = Place(file, sheet=name)
    if name not in book.sheetnames:
        return Sheet(place)
    columns: list[str] = []
    rows: list[Row] = []
    try:
        book[name].reset_dimensions()  # what the file says of its own size need not be true
        lines = book[name].iter_rows()
        header = next(lines, ())
        columns = [str(cell.value).strip() if cell.value is not None else "" for cell in header]
        while columns and not columns[-1]:
            columns.pop()
        if len(columns) > COLUMNS_MAX:
            problems.append(place.problem("", f"more than {COLUMNS_MAX} columns"))
            return Sheet(place)
        for number, line in enumerate(lines, 2):
            at = Place(file, number, name)
            if number > ROWS_MAX + 1:
                problems.append(at.problem("", f"more than {ROWS_MAX:,} rows"))
                break
            cells = dict(_cells(line, columns, at, problems))
            if cells:
                rows.append(Row(at, cells))
    except Exception as error:  # as above: parts are read when they are come to
        problems.append(place.problem("", f"cannot be read ({type(error).__name__}: {str(error)[:200]})"))
    return Sheet(place, columns, rows)


def _cells(
    line: tuple[Any, ...], columns: list[str], at: Place, problems: list[Problem]
) -> Iterator[tuple[str, str]]:
    for number, cell in enumerate(line):
        value = cell.value
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if number >= len(columns) or not columns[number]:
            problems.append(at.problem("", f"a cell stands in column {number + 1}, which has no header"))
        elif cell.data_type == "f":
            problems.append(at.problem(columns[number], "holds a formula", "put its value there"))
        elif cell.data_type == "e":
            problems.append(at.problem(columns[number], f"holds an error, {value}"))
        elif isinstance(value, bool):
            yield columns[number], bool_cell(value)
        elif isinstance(value, (int, float)):
            yield columns[number], number_cell(value)
        elif isinstance(value, str):
            yield columns[number], _ESCAPED.sub(_unescape, value)
        else:
            problems.append(at.problem(columns[number], "holds a date", "write it as text"))


def _unescape(match: re.Match[str]) -> str:
    kept, code = match.groups()
    return kept or chr(int(code, 16))
