"""The page of reports: what was asked for, its charts and tables, and what it says instead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scada.core.report_ports import REPORTS, Cell, CellKind, Chart, Column, Report, ReportRequest
from scada.core.value import SECOND_US
from scada.hmi import charts
from scada.hmi.pages import PAGES, reports
from scada.i18n import Formats

ENGLISH = Formats("en", "UTC")


async def html(world: Any, user: str = "op", language: str = "en", **query: str) -> str:
    return str((await PAGES["/reports"](world.visit(user, language=language, **query))).main)


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_report_is_shown(world: Any, report: str, language: str) -> None:
    world.keep()
    shown = await html(world, "admin", language, report=report, period="today")
    assert 'class="refusal"' not in shown
    assert 'data-deed="export"' in shown


async def test_energy_is_drawn_and_told(world: Any) -> None:
    world.keep()
    shown = await html(world, report="energy", period="today", by="token")
    assert "chart-plot" in shown
    assert "11.34" in shown or "11.35" in shown
    assert "BADGE&lt;1&gt;" in shown


@pytest.mark.parametrize(
    "query",
    [
        {"report": "nothing"},
        {"report": "energy", "from": "2026-02-02", "to": "2026-02-01"},
        {"report": "energy", "from": "1990-01-01", "to": "2026-02-01"},
        {"report": "energy", "site": "Nowhere"},
    ],
)
async def test_what_cannot_be_meant_is_refused_with_a_sentence(world: Any, query: dict[str, str]) -> None:
    assert 'class="refusal"' in await html(world, **query)


async def test_the_audit_is_neither_offered_nor_given(world: Any) -> None:
    shown = await html(world, "op", report="audit", period="today")
    assert 'class="refusal"' in shown
    assert 'value="audit"' not in shown
    assert 'value="audit"' in await html(world, "admin", report="energy")


class SlowDesk:
    """Is done when it is told."""

    def __init__(self, desk: Any) -> None:
        self._desk, self.go = desk, asyncio.Event()

    def span(self, *given: Any) -> Any:
        return self._desk.span(*given)

    async def build(self, request: ReportRequest) -> Report:
        await self.go.wait()
        made: Report = await self._desk.build(request)
        return made


async def test_a_long_report_says_so_and_comes_by_itself(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "WAIT_S", 0.01)
    desk = SlowDesk(world.services.reports)
    object.__setattr__(world.services, "reports", desk)
    view = await PAGES["/reports"](world.visit(report="energy", period="today"))
    assert "being made" in str(view.main)
    (fragment,) = (one for one in view.fragments if one.slot == "report")
    assert "being made" in str(await fragment.render(world.visit().live()))
    desk.go.set()
    async with asyncio.timeout(5):
        while "being made" in str(await fragment.render(world.visit().live())):
            await asyncio.sleep(0.01)
    assert "Nothing in this period" in str(await fragment.render(world.visit().live()))


def test_cells_are_read_by_people() -> None:
    said: list[tuple[CellKind, Cell, str]] = [
        (CellKind.ENERGY, 11_345, "11.34"),
        (CellKind.DURATION, 3_661 * SECOND_US, "1:01:01"),
        (CellKind.MONEY, "3.4", "3.40"),
        (CellKind.MONEY, "", ""),
        (CellKind.TIME, 0, "01/01/1970 00:00:00"),
        (CellKind.COUNT, None, "–"),
    ]
    for kind, value, text in said:
        assert reports.cell(value, Column("k", "K", kind), ENGLISH) == text


def test_stacked_bars_stand_on_each_other() -> None:
    chart = Chart("E", ["a"], {"x": [6.0], "<y>": [4.0]}, "kWh", stacked=True)
    drawing = str(charts.drawing(chart, ENGLISH, "nothing"))
    assert drawing.count("<title>") == 2
    assert "10 kWh" in drawing  # the scale reaches the sum
    assert "&lt;y&gt;" in drawing
    assert str(charts.drawing(Chart("E", [], {}), ENGLISH, "nothing")) == '<p class="empty">nothing</p>'
