"""Reports as workbooks: typed cells, head, filter, frozen panes, totals; texts are never formulas.

Times stand as dates of the report's zone, which the sheet `About` names: a workbook knows no zones.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from scada.core.report_ports import Cell, CellKind, Report, Table
from scada.reports.spans import local
from scada.reports.words import word
from scada.reports.workbook_charts import charts_sheet

CELL_LENGTH_MAX = 32_767
PROGRESS_EVERY = 2_000
_FORMATS = {
    CellKind.COUNT: "0",
    CellKind.ENERGY: "#,##0.000",
    CellKind.POWER: "#,##0.00",
    CellKind.TIME: "yyyy-mm-dd hh:mm:ss",
    CellKind.DURATION: "[h]:mm:ss",
    CellKind.PERCENT: "0.0",
    CellKind.MONEY: "#,##0.00",
    CellKind.NUMBER: "#,##0.00",
}
_WIDTHS = {CellKind.TEXT: 22, CellKind.TIME: 20}
_SUMMABLE = frozenset((CellKind.COUNT, CellKind.ENERGY, CellKind.DURATION, CellKind.MONEY, CellKind.NUMBER))


def workbook(report: Report, progress: Callable[[int], None] = lambda _: None) -> bytes:
    """The bytes of a workbook.

    Args:
        progress: told the number of rows written so far.
    """
    stream = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_numbers": False,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(stream, options) as book:
        book.set_properties({"title": report.title, "comments": report.project})
        formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        totals = {
            kind: book.add_format({"num_format": text, "bold": True, "top": 1})
            for kind, text in _FORMATS.items()
        }
        totals[CellKind.TEXT] = book.add_format({"bold": True, "top": 1})
        done = 0
        used: set[str] = set()
        for table in report.tables:
            sheet = book.add_worksheet(_name(table.title, used))
            done = _table(sheet, table, report, (formats, bold, totals), done, progress)
        charts_sheet(
            book,
            _name(word("charts", report.language), used),
            report.charts,
            report.language,
            (bold, formats[CellKind.NUMBER]),
        )
        _about(book.add_worksheet(_name(word("about", report.language), used)), report, bold)
    return stream.getvalue()


def _table(
    sheet: Any, table: Table, report: Report, styles: Any, done: int, progress: Callable[[int], None]
) -> int:
    formats, bold, totals = styles
    zone = ZoneInfo(report.timezone)
    sheet.freeze_panes(1, 1)
    for number, column in enumerate(table.columns):
        title = f"{column.title} ({column.unit})" if column.unit else column.title
        width = max(_WIDTHS.get(column.kind, 12), min(len(title), 24) + 2)
        sheet.set_column(number, number, width)
    for number, column in enumerate(table.columns):
        title = f"{column.title} ({column.unit})" if column.unit else column.title
        sheet.write_string(0, number, title, bold)
    sums = [0.0] * len(table.columns)
    for line, row in enumerate(table.rows, 1):
        for number, (column, value) in enumerate(zip(table.columns, row, strict=True)):
            if value is None or value == "":
                continue
            sums[number] += _write(sheet, line, number, column.kind, value, formats, zone)
        done += 1
        if done % PROGRESS_EVERY == 0:
            progress(done)
    last = len(table.rows) + 1
    if table.rows and any(column.total for column in table.columns):
        sheet.write_string(last, 0, word("total", report.language), totals[CellKind.TEXT])
        for number, column in enumerate(table.columns):
            if column.total and column.kind in _SUMMABLE and number:
                sheet.write_number(last, number, sums[number], totals[column.kind])
    sheet.autofilter(0, 0, max(len(table.rows), 1), max(len(table.columns) - 1, 0))
    return done


def _write(
    sheet: Any, line: int, number: int, kind: CellKind, value: Cell, formats: Any, zone: ZoneInfo
) -> float:
    """Write a cell; the number in it, for the sum."""
    if kind is CellKind.MONEY and isinstance(value, str):
        value = float(value)
    if value is None or isinstance(value, str) or kind is CellKind.TEXT:
        sheet.write_string(line, number, str(value)[:CELL_LENGTH_MAX])
        return 0.0
    if kind is CellKind.TIME:
        sheet.write_datetime(line, number, local(int(value), zone).replace(tzinfo=None), formats[kind])
        return 0.0
    shown = float(value)
    if kind is CellKind.ENERGY:
        shown /= 1000
    elif kind is CellKind.DURATION:
        shown /= 86_400e6
    sheet.write_number(line, number, shown, formats[kind])
    return shown


def _about(sheet: Any, report: Report, bold: Any) -> None:
    """Period, zone, filter, notes: what makes the numbers mean something."""
    zone = ZoneInfo(report.timezone)
    language = report.language
    rows = [
        (word("project", language), report.project),
        (word("from", language), f"{local(report.from_us, zone):%Y-%m-%d %H:%M}"),
        (word("to", language), f"{local(report.to_us, zone):%Y-%m-%d %H:%M}"),
        (word("timezone", language), report.timezone),
        (word("made", language), f"{local(report.made_us, zone):%Y-%m-%d %H:%M:%S}"),
        *report.facts,
        *(("", note) for note in notes_of(report)),
    ]
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 80)
    sheet.write_string(0, 0, report.title, bold)
    for line, (name, value) in enumerate(rows, 1):
        sheet.write_string(line, 0, name)
        sheet.write_string(line, 1, value[:CELL_LENGTH_MAX])


def notes_of(report: Report) -> list[str]:
    """Its notes, and for each table that was cut that it was."""
    cut = [f"{table.title}: {word('cut', report.language)}" for table in report.tables if table.cut]
    return [*report.notes, *cut]


def _name(title: str, used: set[str]) -> str:
    """A name for a sheet: at most 31 characters, none of those that are not allowed, no two alike."""
    plain = "".join(" " if one in "[]:*?/\\" else one for one in title).strip("' ")[:28] or "-"
    name, number = plain, 2
    while name.casefold() in used:
        name, number = f"{plain} {number}", number + 1
    used.add(name.casefold())
    return name
