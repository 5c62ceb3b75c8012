"""The charts of a report on a sheet of a workbook of their own, drawn from cells beside them: who has the file can change both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scada.core.report_ports import Chart
from scada.reports.words import word

LINES_MIN = 20
"""Lines of the sheet that a chart takes, and more where it has more labels."""
WIDTH_PX, HEIGHT_PX = 960, 360


def charts_sheet(
    book: Any, name: str, charts: Sequence[Chart], language: str, styles: tuple[Any, Any]
) -> None:
    """Add the sheet; for a report without charts none.

    Args:
        styles: of heads and of numbers.
    """
    drawn = [one for one in charts if one.labels and one.series]
    if not drawn:
        return
    head, number = styles
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 0, 24)
    top = 0
    for chart in drawn:
        _cells(sheet, top, chart, language, head, number)
        sheet.insert_chart(top, len(chart.series) + 2, _chart(book, name, top, chart))
        top += max(len(chart.labels) + 2, LINES_MIN) + 1


def _cells(sheet: Any, top: int, chart: Chart, language: str, head: Any, number: Any) -> None:
    """Title, heads, and a line for each label: from above to below, as a workbook of constant memory asks it."""
    sheet.write_string(top, 0, _title(chart), head)
    sheet.write_string(top + 1, 0, word("label", language), head)
    for column, name in enumerate(chart.series, 1):
        sheet.write_string(top + 1, column, name or "–", head)
    for line, label in enumerate(chart.labels):
        sheet.write_string(top + 2 + line, 0, label)
        for column, values in enumerate(chart.series.values(), 1):
            sheet.write_number(top + 2 + line, column, values[line], number)


def _chart(book: Any, name: str, top: int, chart: Chart) -> Any:
    kind = {"type": "line"} if chart.lines else {"type": "column"}
    if chart.stacked and not chart.lines:
        kind["subtype"] = "stacked"
    made = book.add_chart(kind)
    first, last = top + 2, top + 1 + len(chart.labels)
    for column in range(1, len(chart.series) + 1):
        made.add_series(
            {
                "name": [name, top + 1, column],
                "categories": [name, first, 0, last, 0],
                "values": [name, first, column, last, column],
            }
        )
    made.set_title({"name": _title(chart), "name_font": {"size": 12}})
    made.set_y_axis({"min": 0, "name": chart.unit} if chart.unit else {"min": 0})
    made.set_size({"width": WIDTH_PX, "height": HEIGHT_PX})
    if len(chart.series) == 1:
        made.set_legend({"none": True})
    return made


def _title(chart: Chart) -> str:
    return f"{chart.title} ({chart.unit})" if chart.unit else chart.title
