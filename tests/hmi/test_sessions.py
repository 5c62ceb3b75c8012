"""Sessions: filters of the address, the list with its sums, one session whole, and files that are made of the list."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import load_workbook

from scada.core.errors import BadRequest, NotFound
from scada.core.ports import Point
from scada.core.records import TransactionState
from scada.core.report_ports import ReportFile, ReportRequest
from scada.core.value import GOOD, SECOND_US
from scada.hmi import report_requests
from scada.hmi.pages import PAGES
from scada.runtime.report_jobs import ReportJobs
from scada.testing import until

HOUR_US = 3600 * SECOND_US


async def html(world: Any, route: str, **given: Any) -> str:
    return str((await PAGES[route](world.visit(**given))).main)


def test_the_address_is_the_filter(world: Any) -> None:
    visit = world.visit(
        site="Depot",
        connector="2",
        flag="any",
        energy_min="7,5",
        minutes_max="30",
        authorized_by="free",
        plan="gold",
        vehicle="no such plate",
        text=" van ",
    )
    where = report_requests.session_filter(visit, visit.formats())
    assert (where.site, where.connector, where.flags, where.plan) == ("Depot", 2, ("any",), "gold")
    assert (where.energy_min_wh, where.duration_max_us) == (7_500, 1800 * SECOND_US)
    assert (where.authorized_by, where.text) == ("free", "van")
    assert where.vehicles == ("no such plate",)  # finds nothing, and not everything


@pytest.mark.parametrize("nonsense", ["-1", "nan", "inf", "1e99", "x", "²", "9999"])
def test_what_a_filter_cannot_be_is_left_out(world: Any, nonsense: str) -> None:
    visit = world.visit(connector=nonsense, state=nonsense)
    where = report_requests.session_filter(visit, visit.formats())
    assert where.connector is None
    assert where.state is None
    visit = world.visit(energy_min=nonsense if nonsense != "9999" else "x")
    assert report_requests.session_filter(visit, visit.formats()).energy_min_wh is None


async def test_the_list_says_the_sum_of_what_it_shows(world: Any) -> None:
    world.keep(7)
    world.keep(8, energy_wh=655)
    shown = await html(world, "/sessions")
    foot = shown[shown.index("<tfoot>") :]
    assert "12.00" in foot
    assert "2:00:00" in foot
    assert 'href="/session/8"' in shown
    assert "BADGE&lt;1&gt;" in shown


async def test_a_session_is_told_whole(world: Any) -> None:
    record = world.keep()
    world.archive.samples = [
        Point(record.started_us, 3.0, GOOD),
        Point(record.started_us + SECOND_US, 22.0, GOOD),
    ]
    shown = await html(world, "/session/{path}", path="7")
    for said in (
        "11.34",
        "vehicle unplugged",
        "3.40 EUR",
        "peak",
        "0.012 kWh",
        "BADGE&lt;1&gt;",
        '<path class="curve"',
    ):
        assert said in shown, said
    assert "/trends?tags=Depot.CP03.C1.ActivePower" in shown
    french = await html(world, "/session/{path}", path="7", language="fr")
    assert "véhicule débranché" in french


async def test_an_alarm_on_the_time_line_is_seen_by_its_level(world: Any) -> None:
    world.clock.leap(10)
    path = world.fault("Depot.CP03.C1")
    await world.settle()
    world.keep(started_us=world.host.clock.now_us() - HOUR_US, stopped_us=world.host.clock.now_us())
    assert f"/alarm/{path}" in await html(world, "/session/{path}", path="7")
    other = world.actor("night").scope
    assert not other.sees(5, "Depot", "")


@pytest.mark.parametrize("number", ["8", "x", "-1", "9" * 30, "²"])
async def test_no_such_session_is_said(world: Any, number: str) -> None:
    view = await PAGES["/session/{path}"](world.visit(path=number))
    assert view.status == 404


async def test_a_running_session_keeps_itself_up(world: Any) -> None:
    world.keep(state=TransactionState.OPEN, stopped_us=None)
    view = await PAGES["/session/{path}"](world.visit(path="7"))
    assert [one.slot for one in view.fragments] == ["session"]


async def test_the_list_becomes_a_workbook(world: Any) -> None:
    world.keep()
    tab, wire = await world.open("/sessions", "")
    query = {"charger": "Depot.CP03"}
    await tab.act("export", {"id": "1", "report": "session_list", "format": "xlsx", "query": query})
    exports = world.services.report_jobs
    await until(lambda: exports.of("op")[0].state != "running")
    (made,) = exports.of("op")
    assert made.state == "done", made.error
    assert made.request.where.charger == "Depot.CP03"
    sheet = load_workbook(io.BytesIO(exports.file("op", made.id).content)).worksheets[0]
    cells = [cell.value for line in sheet.iter_rows() for cell in line]
    assert "BADGE<1>" in cells
    assert 7 in cells
    assert wire.toasts()[-1][0] == "done"
    assert made.id in await html(world, "/sessions")
    assert made.id not in await html(world, "/sessions", user="guest")
    with pytest.raises(NotFound):
        exports.file("guest", made.id)


class SlowDesk:
    """Writes rows until it is told to stop."""

    def __init__(self) -> None:
        self.cancelled = False

    async def file(
        self, request: ReportRequest, form: str, progress: Callable[[int], None] = lambda _: None
    ) -> ReportFile:
        progress(12_000)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError


async def test_a_file_shows_its_progress_and_is_cancelled(world: Any) -> None:
    desk = SlowDesk()
    exports = ReportJobs(desk, world.host.clock)  # type: ignore[arg-type]
    object.__setattr__(world.services, "report_jobs", exports)
    tab, _ = await world.open("/sessions", "")
    asked = {"id": "1", "report": "session_list", "format": "csv", "query": {}}
    await tab.act("export", asked)
    await until(lambda: exports.of("op")[0].rows)
    assert "12,000 rows" in await html(world, "/sessions")
    await tab.act("export", asked)
    with pytest.raises(BadRequest, match="are being made for you"):
        exports.start("op", exports.of("op")[0].request, "csv")
    first = exports.of("op")[1]
    await tab.act("cancel_export", {"id": "a2", "export": first.id})
    assert desk.cancelled
    assert first.state == "cancelled"
    with pytest.raises(NotFound):
        await exports.cancel("guest", exports.of("op")[1].id)
    await exports.close()
    assert [one.state for one in exports.of("op")] == ["cancelled", "cancelled"]
    world.clock.leap(3600)
    assert exports.of("op") == []


async def test_the_audit_is_for_who_manages_users(world: Any) -> None:
    for user, state in (("op", "failed"), ("admin", "done")):
        tab, wire = await world.open("/sessions", "", user=user)
        asked = {"id": "1", "report": "audit", "format": "csv", "query": {"period": "yesterday"}}
        await tab.act("export", asked)
        assert wire.toasts()[-1][0] == state
    await world.services.report_jobs.close()
