"""What reports say of two days of sessions, and the files that they become."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import openpyxl
import pytest

from scada.core.database import Sample, TagDatabase
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import Plant
from scada.core.ports import Point, SessionFilter
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.core.report_ports import FORMATS, REPORTS, ReportRequest
from scada.core.value import GOOD, Quality
from scada.history import CoreStore
from scada.reports import Desk
from scada.reports.plant_reports import time_in_states
from scada.reports.workbook import PROGRESS_EVERY
from scada.reports.worker import render_apart
from tests.reports.conftest import HOUR_US, NOW_US, at

SPAN: dict[str, Any] = {"from_us": at("2026-03-02T00:00+01:00"), "to_us": at("2026-03-06T00:00+01:00")}


def request(report: str, **more: Any) -> ReportRequest:
    return ReportRequest(report=report, **(SPAN | more))


async def test_energy_by_day_splits_at_local_midnight(desk: Desk, filled: CoreStore) -> None:
    report = await desk.build(request("energy", by="charger", step="day"))
    (table,) = report.tables
    assert [list(row) for row in table.rows] == [
        ["2026-03-02", "Depot.CP01", 4_000, 1],
        ["2026-03-03", "Depot.CP01", 4_000, 1],
        ["2026-03-03", "Depot.CP02", 5_000, 1],
        ["2026-03-05", "Depot.CP01", 2_000, 1],
    ]
    (chart,) = report.charts
    assert chart.series["Depot.CP01"] == [4.0, 4.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("by", "step", "rows"),
    [
        ("vehicle", "all", [["", "", 10_000, 2], ["", "Bus 7", 5_000, 1]]),
        ("all", "month", [["2026-03", "", 15_000, 3]]),
        ("site", "week", [["2026-W10", "Depot", 15_000, 3]]),
        ("connector", "all", [["", "Depot.CP01.C1", 10_000, 2], ["", "Depot.CP02.C1", 5_000, 1]]),
    ],
)
async def test_energy_by_what_is_wanted(
    desk: Desk, filled: CoreStore, by: str, step: str, rows: list[list[object]]
) -> None:
    report = await desk.build(request("energy", by=by, step=step))
    assert [list(row) for row in report.tables[0].rows] == rows


async def test_energy_of_a_part_of_a_session(desk: Desk, filled: CoreStore) -> None:
    """A span that begins within a session counts what flowed from there on."""
    part = request("energy", by="all", step="all", from_us=at("2026-03-03T00:30+01:00"))
    report = await desk.build(replace(part, to_us=at("2026-03-03T02:00+01:00")))
    assert [list(row) for row in report.tables[0].rows] == [["", "", 2_000, 1]]


async def test_sessions_with_a_filter(desk: Desk, filled: CoreStore) -> None:
    report = await desk.build(request("sessions", where=SessionFilter(vehicle="Bus 7")))
    table = report.tables[0]
    cells = dict(zip([column.key for column in table.columns], table.rows[0], strict=True))
    assert (cells["id"], cells["energy"], cells["cost"], cells["currency"]) == (2, 5_000, "1.50", "EUR")
    assert "vehicle = Bus 7" in report.facts[0][1]


async def test_utilisation_counts_only_what_lies_in_the_span(desk: Desk, filled: CoreStore) -> None:
    day = request("utilisation", from_us=at("2026-03-03T00:00+01:00"), to_us=at("2026-03-04T00:00+01:00"))
    report = await desk.build(day)
    rows = {row[0]: row for row in report.tables[0].rows}
    assert rows["Depot.CP01.C1"][1:4] == [1, 1.0, HOUR_US]
    assert rows["Depot.CP02.C1"][4] == pytest.approx(100 / 24)
    assert rows["Depot.CP02.C1"][7] == 5_000


async def test_peak_by_sessions_where_no_meter_is_recorded(desk: Desk, filled: CoreStore) -> None:
    report = await desk.build(request("peak"))
    assert report.tables[0].rows[0][:2] == [at("2026-03-03T10:00+01:00"), pytest.approx(5.0)]
    assert any("meter" in note for note in report.notes)


async def test_peak_by_a_meter_that_is_recorded_each_second(
    desk: Desk, plant: Plant, store: CoreStore
) -> None:
    path = "Depot.Grid.EnergyImport"
    tag = TagDatabase([plant.definitions[path]])[path]
    begin_us, evening_us = at("2026-03-03T00:00+01:00"), at("2026-03-03T20:00+01:00")
    count, samples = 1_000.0, []
    for second in range(86_400):
        now_us = begin_us + second * 1_000_000
        count += (20.0 if evening_us <= now_us < evening_us + 900_000_000 else 4.0) / 3_600
        samples.append(Sample(tag, count, GOOD, now_us))
    store.samples.append(samples)
    assert await asyncio.to_thread(store.samples.flush)
    report = await desk.build(request("peak"))
    first, second_greatest = report.tables[0].rows[:2]
    assert first == [evening_us, pytest.approx(20, abs=0.1), "Depot.Grid"]
    assert second_greatest[1] == pytest.approx(4, abs=0.1)


def test_time_in_states() -> None:
    points = [
        Point(-50, "Available", 0),
        Point(100, "Charging", 0),
        Point(160, "Charging", int(Quality.BAD_NO_COMMUNICATION)),
        Point(180, "Faulted", 0),
    ]
    assert time_in_states(points, 0, 200) == {"Available": 100, "Charging": 60, "Faulted": 20}
    assert time_in_states([], 0, 200) == {}


async def test_availability_without_history_is_not_known(desk: Desk, plant: Plant, store: CoreStore) -> None:
    report = await desk.build(request("availability"))
    row = report.tables[0].rows[0]
    assert row[1] is None
    assert row[-1] == pytest.approx(100)
    assert len(report.tables[0].rows) == sum(len(one.connectors) for one in plant.chargers())


@pytest.mark.parametrize(
    ("kind", "form"),
    [("energy", "pdf"), *((kind, form) for kind in REPORTS for form in FORMATS if form != "pdf")],
)
async def test_every_report_in_every_format_and_language(
    desk: Desk, filled: CoreStore, kind: str, form: str
) -> None:
    file = await desk.file(request(kind, language="fr"), form)
    assert file.name == f"Demo-{kind}-20260302-20260305.{form}"
    marks = {"pdf": b"%PDF-", "xlsx": b"PK", "csv": b"\xef\xbb\xbf", "json": b"{"}
    assert file.content.startswith(marks[form])


async def test_every_report_on_paper(desk: Desk, filled: CoreStore) -> None:
    from scada.reports.pdf import pdf

    for kind in REPORTS:
        content = pdf(await desk.build(request(kind, language="fr")))
        assert content.startswith(b"%PDF-")
        assert content.rstrip().endswith(b"%%EOF")


async def test_a_workbook_has_types_and_no_formulas(desk: Desk, filled: CoreStore) -> None:
    file = await desk.file(request("sessions"), "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(file.content))
    sheet = book["Sessions"]
    heads = {cell.value: number for number, cell in enumerate(sheet[1])}
    row = sheet[2]
    assert row[heads["Token"]].value == "=1+1"
    assert row[heads["Token"]].data_type == "s"
    assert row[heads["Energy (kWh)"]].value == 8.0
    assert str(row[heads["Start"]].value) == "2026-03-02 23:00:00"  # Paris
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref.startswith("A1:")
    total = sheet[sheet.max_row]
    assert total[0].value == "Total"
    assert total[heads["Energy (kWh)"]].value == 15.0
    about = [cell.value for cell in book["About"]["B"]]
    assert "Europe/Paris" in about


@pytest.mark.parametrize("kind", ["energy", "availability", "alarms", "peak"])
async def test_a_workbook_draws_its_charts_from_cells(desk: Desk, filled: CoreStore, kind: str) -> None:
    """Read back by other authors' reader: each series names cells, and these hold what the report says."""
    raised_us = at("2026-03-03T08:00Z")
    raised = AlarmTransition(
        sequence=1,
        time_us=raised_us,
        alarm="Depot.CP01.Online",
        site="Depot",
        level=20,
        event=AlarmEvent.RAISED,
        state=AlarmState.ACTIVE_UNACKNOWLEDGED,
        raised_us=raised_us,
    )
    filled.journal.commit([raised])
    report = await desk.build(request(kind))
    book = openpyxl.load_workbook(io.BytesIO((await desk.file(request(kind), "xlsx")).content))
    sheet = book["Charts"]
    assert len(sheet._charts) == len(report.charts) == 1
    (wanted,) = report.charts

    def cells(address: str) -> list[object]:
        found = sheet[address.split("!")[1]]
        return [line[0].value for line in found] if isinstance(found, tuple) else [found.value]

    drawn = sheet._charts[0].series
    assert [cells(one.tx.strRef.f) for one in drawn] == [[name or "–"] for name in wanted.series]
    assert [cells(one.val.numRef.f) for one in drawn] == [
        pytest.approx(list(values)) for values in wanted.series.values()
    ]
    for one in drawn:
        assert cells((one.cat.numRef or one.cat.strRef).f) == list(wanted.labels)


async def test_csv_is_the_same_in_every_language(desk: Desk, filled: CoreStore) -> None:
    contents = {(await desk.file(request("sessions", language=one), "csv")).content for one in ("en", "fr")}
    assert len(contents) == 1
    text = contents.pop().decode("utf-8-sig")
    head, first = text.splitlines()[:2]
    assert "energy_wh" in head
    assert "2026-03-02T22:00:00.000Z" in first
    assert "'=1+1" in first


async def test_json_has_all_tables(desk: Desk, filled: CoreStore) -> None:
    data = json.loads((await desk.file(request("audit"), "json")).content)
    assert data["tables"][0]["rows"][0][1] == "ann"
    assert data["timezone"] == "Europe/Paris"


async def test_many_rows_are_rendered_apart_and_tell_how_far_they_are(desk: Desk, filled: CoreStore) -> None:
    report = await desk.build(request("sessions"))
    table = replace(report.tables[0], rows=list(report.tables[0].rows) * 2_000)
    told: list[int] = []
    content = await render_apart(replace(report, tables=[table]), "xlsx", told.append)
    assert told == [2_000, 4_000, 6_000]
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    assert sum(1 for _ in book["Sessions"].iter_rows(values_only=True)) == 6_002
    book.close()


async def test_a_hundred_thousand_rows_make_a_workbook_in_a_process_of_its_own(
    desk: Desk, filled: CoreStore
) -> None:
    report = await desk.build(request("peak"))
    (table,) = report.tables
    rows = 100_000
    report = replace(report, tables=[replace(table, rows=[table.rows[0]] * rows)])
    told: list[int] = []
    content = await render_apart(report, "xlsx", told.append)
    assert told == list(range(PROGRESS_EVERY, rows + 1, PROGRESS_EVERY))
    with zipfile.ZipFile(
        io.BytesIO(content)
    ) as book:  # openpyxl would take far longer to read than this to write
        assert book.read("xl/worksheets/sheet1.xml").count(b"<row ") == rows + 1


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"report": "gossip"}, BadRequest, "there is no report 'gossip'"),
        ({"from_us": 5, "to_us": 5}, BadRequest, "must end after it begins"),
        ({"from_us": 0}, BadRequest, "three years"),
        ({"site": "Mars"}, NotFound, "no site Mars"),
        ({"by": "colour"}, BadRequest, "'by' is one of"),
        ({"step": "minute"}, BadRequest, "'step' is one of"),
    ],
)
async def test_what_cannot_be_meant(
    desk: Desk, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        await desk.build(replace(request("energy"), **changes))


def test_periods_of_local_days(desk: Desk) -> None:
    assert desk.span("yesterday", NOW_US, "Europe/Paris") == (
        at("2026-03-04T00:00+01:00"),
        at("2026-03-05T00:00+01:00"),
    )
    assert desk.span("last_week", NOW_US, "Europe/Paris")[0] == at("2026-02-23T00:00+01:00")
    spring = desk.span("today", at("2026-03-29T12:00Z"), "Europe/Paris")
    assert spring[1] - spring[0] == 23 * HOUR_US
    with pytest.raises(BadRequest, match="'period' is one of"):
        desk.span("someday", NOW_US, "")
