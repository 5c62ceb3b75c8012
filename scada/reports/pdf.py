"""Reports on paper: A4 across, charts first, then tables, each page with its number and the report's period."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.charts.linecharts import HorizontalLineChart
from reportlab.graphics.shapes import Drawing, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from scada.core.report_ports import Cell, CellKind, Chart, Report, Table
from scada.i18n import Formats
from scada.reports.spans import local
from scada.reports.typefaces import BOLD, PLAIN, Typefaces
from scada.reports.words import word
from scada.reports.workbook import notes_of

ROWS_MAX = 1_000
"""Rows of a table on paper; the workbook has them all."""
COLUMNS_MAX = 14
CELL_LENGTH_MAX = 40
LABELS_MAX = 40
_COLOURS = (
    "#1f6f8b",
    "#e0a030",
    "#5a8f3c",
    "#a0433a",
    "#6b5b95",
    "#3d8c80",
    "#c46f8e",
    "#7d7d7d",
    "#b8b8b8",
    "#404040",
)
_WIDTH, _HEIGHT = landscape(A4)
_MARGIN = 14 * mm
_TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=16, leading=20)
_HEAD = ParagraphStyle("head", fontName=BOLD, fontSize=11, leading=14, spaceBefore=8, spaceAfter=4)
_TEXT = ParagraphStyle("text", fontName=PLAIN, fontSize=8.5, leading=11)
_CELL = ParagraphStyle("cell", fontName=PLAIN, fontSize=6.5, leading=7.5)
_CELL_HEAD = ParagraphStyle("cellhead", parent=_CELL, fontName=BOLD)
_CELL_RIGHT = ParagraphStyle("cellright", parent=_CELL, alignment=2)
_NARROW = frozenset(
    ("meter_start", "meter_stop", "parent", "plan", "soc_start", "soc_end", "tariff", "origin")
)
"""Left out first where a table is wider than the page."""


def pdf(report: Report) -> bytes:
    """The bytes of a PDF file."""
    formats = Formats(report.language, report.timezone)
    zone = ZoneInfo(report.timezone)
    faces = Typefaces()
    period = f"{local(report.from_us, zone):%Y-%m-%d %H:%M} – {local(report.to_us, zone):%Y-%m-%d %H:%M}"
    story: list[Any] = [
        faces.paragraph(f"{report.title} · {report.project}", _TITLE),
        faces.paragraph(f"{period} ({report.timezone})", _TEXT),
        *(faces.paragraph(f"{name}: {value}", _TEXT) for name, value in report.facts),
        Spacer(1, 4 * mm),
    ]
    drawn = (one for one in report.charts if any(any(values) for values in one.series.values()))
    story += (_chart(one, faces) for one in drawn)
    notes = notes_of(report)
    for table in report.tables:
        story.append(faces.paragraph(table.title, _HEAD))
        if not table.rows:
            story.append(faces.paragraph(word("no_rows", report.language), _TEXT))
            continue
        story.append(_table(table, report.language, formats, faces))
        if len(table.rows) > ROWS_MAX:
            notes.append(word("pdf_cut", report.language))
    footer = f"{report.project} · {report.title} · {period}"
    footer_face, (footer,) = faces.fit(footer)
    if faces.missing:
        notes.append(f"{word('pdf_letters', report.language)} {faces.missing}")
    story += [Spacer(1, 3 * mm), *(faces.paragraph(note, _TEXT) for note in dict.fromkeys(notes))]
    stream = io.BytesIO()
    document = SimpleDocTemplate(
        stream,
        pagesize=(_WIDTH, _HEIGHT),
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 4 * mm,
        title=report.title,
        author="EV-SCADA",
        subject=period,
        lang=report.language,
    )

    def foot(canvas: Any, _document: Any) -> None:
        canvas.setFont(footer_face, 7)
        canvas.drawString(_MARGIN, 9 * mm, footer)
        canvas.setFont(PLAIN, 7)
        page = f"{word('page', report.language)} {canvas.getPageNumber()}"
        canvas.drawRightString(_WIDTH - _MARGIN, 9 * mm, page)

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return stream.getvalue()


def _table(table: Table, language: str, formats: Formats, faces: Typefaces) -> LongTable:
    numbers = list(range(len(table.columns)))
    if len(numbers) > COLUMNS_MAX:
        numbers = [n for n in numbers if table.columns[n].key not in _NARROW]
        numbers = [n for n in numbers if any(row[n] not in (None, "") for row in table.rows[:ROWS_MAX])]
    columns = [table.columns[n] for n in numbers]
    head = [
        faces.paragraph(f"{one.title} ({one.unit})" if one.unit else one.title, _CELL_HEAD) for one in columns
    ]
    lines: list[list[Any]] = [head]
    lines += (
        [_cell(table.columns[n].kind, row[n], formats, faces) for n in numbers]
        for row in table.rows[:ROWS_MAX]
    )
    totals = len(table.rows) <= ROWS_MAX and any(one.total for one in columns)
    if totals:
        lines.append(_totals(table, numbers, language, formats, faces))
    weights = [1.7 if one.kind in (CellKind.TEXT, CellKind.TIME) else 1.0 for one in columns]
    width = (_WIDTH - 2 * _MARGIN) / sum(weights)
    style = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.7, colors.black),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), (colors.white, colors.HexColor("#f3f5f6"))),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]
    if totals:
        style.append(("LINEABOVE", (0, -1), (-1, -1), 0.7, colors.black))
    return LongTable(
        lines, colWidths=[width * weight for weight in weights], repeatRows=1, style=TableStyle(style)
    )


def _totals(
    table: Table, numbers: Sequence[int], language: str, formats: Formats, faces: Typefaces
) -> list[Any]:
    line: list[Any] = []
    for place, n in enumerate(numbers):
        column = table.columns[n]
        if column.total and place:
            total = sum(float(row[n] or 0) for row in table.rows)
            line.append(_cell(column.kind, total, formats, faces))
        else:
            line.append(faces.paragraph(word("total", language) if not place else "", _CELL_HEAD))
    return line


def _cell(kind: CellKind, value: Cell, formats: Formats, faces: Typefaces) -> Paragraph:
    text = shown(kind, value, formats)
    if len(text) > CELL_LENGTH_MAX:
        text = f"{text[: CELL_LENGTH_MAX - 1]}…"
    return faces.paragraph(text, _CELL if kind in (CellKind.TEXT, CellKind.TIME) else _CELL_RIGHT)


def shown(kind: CellKind, value: Cell, formats: Formats) -> str:
    """A cell as people read it."""
    if value is None:
        return ""
    if kind is CellKind.MONEY:
        return formats.number(float(value), 2)
    if isinstance(value, str):
        return value
    if kind is CellKind.TIME:
        return formats.date_time(int(value))
    if kind is CellKind.DURATION:
        return formats.duration(int(value))
    if kind is CellKind.ENERGY:
        return formats.number(value / 1000, 2)
    decimals = {CellKind.COUNT: 0, CellKind.PERCENT: 1}.get(kind, 2)
    return formats.number(value, decimals)


def _chart(chart: Chart, faces: Typefaces) -> Drawing:
    width, height = _WIDTH - 2 * _MARGIN - 12, 62 * mm
    drawing = Drawing(width, height)
    title = f"{chart.title} ({chart.unit})" if chart.unit else chart.title
    title_face, (title,) = faces.fit(title, bold=True)
    drawing.add(String(0, height - 10, title, fontName=title_face, fontSize=9))
    plot: Any = HorizontalLineChart() if chart.lines else VerticalBarChart()
    plot.x, plot.y, plot.width, plot.height = 34, 42, width - 190, height - 62
    plot.data = [tuple(values) for values in chart.series.values()]
    plot.categoryAxis.labels.fontName, plot.categoryAxis.categoryNames = faces.fit(*_labels(chart.labels))
    plot.categoryAxis.labels.fontSize = 5.5
    plot.categoryAxis.labels.angle = 45
    plot.categoryAxis.labels.boxAnchor = "ne"
    plot.valueAxis.labels.fontSize = 6
    plot.valueAxis.valueMin = 0
    if chart.stacked and not chart.lines:
        plot.categoryAxis.style = "stacked"
    legend = Legend()
    legend.x, legend.y, legend.fontSize, legend.boxAnchor = width - 145, height - 16, 6, "nw"
    legend.dy, legend.deltay, legend.columnMaximum = 5, 8, 16
    legend.colorNamePairs = []
    legend.fontName, names = faces.fit(*(name[-34:] for name in chart.series))
    for number, name in enumerate(names):
        colour = colors.HexColor(_COLOURS[number % len(_COLOURS)])
        if chart.lines:
            plot.lines[number].strokeColor = colour
        else:
            plot.bars[number].fillColor = colour
            plot.bars[number].strokeWidth = 0
        legend.colorNamePairs.append((colour, name))
    drawing.add(plot)
    drawing.add(legend)
    return drawing


def _labels(labels: Sequence[str]) -> list[str]:
    """Not more than fit beside each other; the others are empty."""
    every = -(-len(labels) // LABELS_MAX)
    return [one[-22:] if n % every == 0 else "" for n, one in enumerate(labels)]
