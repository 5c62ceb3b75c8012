"""Not normal now, the time line, health, audit: as an operator at the desk sees them."""

from __future__ import annotations

from typing import Any

from scada.charging.sessions import StartTransaction
from scada.core.ports import CommandRow, DeedFilter, Page
from scada.core.records import AuditRecord, CommandRecord
from scada.core.value import SECOND_US
from scada.hmi import alarms
from scada.hmi.context import View
from scada.hmi.pages import PAGES
from scada.hmi.pages.health import packages
from scada.runtime.charging_requests import MakeReservation


async def show(world: Any, route: str, user: str = "op", **given: Any) -> tuple[View, str]:
    view = await PAGES[route](world.visit(user, **given))
    return view, str(view.main)


async def test_all_that_is_not_normal_stands_on_one_page_and_is_counted(world: Any) -> None:
    role = world.actor("op").scope
    assert alarms.picture(world.host, role)["not_normal"] == 0
    assert "Everything is as usual" in (await show(world, "/not-normal"))[1]
    world.write("Depot.CP03.C1.Operative", False)
    world.write("Depot.CP07.C1.CurrentLimit", 6.0)
    world.write("Depot.CP02.C1.CurrentLimit", 500.0)  # no limit: the hardware may less
    now_us = world.host.clock.now_us()
    await world.host.request(
        MakeReservation(
            target="Depot.CP01.C1",
            from_us=now_us,
            until_us=now_us + 3600 * SECOND_US,
            actor=world.actor("op"),
            id_tag=world.services.plant.tokens[0].id_tag,
            parent="",
            note="the mayor",
        )
    )
    assert alarms.picture(world.host, role)["not_normal"] == 3
    _, html = await show(world, "/not-normal")
    assert "Connectors closed" in html
    assert "Current limited" in html
    assert "the mayor" in html
    assert 'data-target="Depot.CP03.C1"' in html
    assert "Depot.CP02.C1" not in html
    _, guest = await show(world, "/not-normal", "guest")
    assert "Connectors closed" in guest
    assert "data-action" not in guest


async def test_who_closed_it_is_told(world: Any) -> None:
    world.write("Depot.CP03.C1.Operative", False)

    async def commands(where: DeedFilter, limit: int, cursor: str | None) -> Page[CommandRow]:
        assert (where.object, where.action, limit) == ("Depot.CP03.C1", "ChangeAvailability", 1)
        record = CommandRecord(
            id="1",
            time_us=5,
            name="ChangeAvailability",
            target=where.object,
            arguments="{}",
            user="rosa",
            origin="hmi",
        )
        return Page([CommandRow(record=record, ended_us=None)], None)

    world.archive.commands = commands
    assert "rosa" in (await show(world, "/not-normal"))[1]


async def test_the_time_line_tells_alarms_and_sessions_and_pages_backwards(world: Any) -> None:
    world.fault("Depot.CP07.C1")
    await world.settle()
    await world.host.request(
        StartTransaction(
            charger="Depot.CP07", connector=1, id_tag="BADGE1", meter_start_wh=0, time_us=world.clock.now_us()
        )
    )
    view, html = await show(world, "/timeline/{path}", path="Depot.CP07")
    assert "BADGE1" in html
    assert 'data-slot="timeline"' in html
    assert view.fragments
    _, only = await show(world, "/timeline/{path}", path="Depot.CP07", kinds="alarm")
    assert "BADGE1" not in only
    older, html = await show(world, "/timeline/{path}", path="Depot.CP07", before="1000")
    assert older.fragments == []
    assert "BADGE1" not in html
    assert ">message<" not in html  # frames are for who maintains


async def test_the_audit_is_for_who_manages_users_and_says_when_rows_are_missing(world: Any) -> None:
    assert (await show(world, "/audit", "op"))[0].status == 403
    asked: list[DeedFilter] = []

    async def audit(where: DeedFilter, limit: int, cursor: str | None) -> Page[AuditRecord]:
        asked.append(where)
        record = AuditRecord(
            time_us=1, user="<b>", origin="hmi ::1", action="log_in", object="", outcome="refused"
        )
        return Page([record], "7", complete=False)

    world.archive.audit = audit
    view, html = await show(world, "/audit", "admin", action="log_in", to="2026-11-24")
    assert view.status == 200
    assert asked[0].action == "log_in"
    assert asked[0].to_us == 1_795_561_200_000_000  # with all hours of the last day, on the plant's clock
    assert "&lt;b&gt;" in html
    assert "<b><b>" not in html
    assert "Older rows cannot be read now" in html
    assert "cursor=7" in html


async def test_health_names_what_is_bad_and_what_to_do(world: Any) -> None:
    _, html = await show(world, "/system")
    assert "All is well" in html
    world.write("System.JournalOk", False)
    await world.settle(120)
    _, html = await show(world, "/system")
    assert "need somebody" in html
    alarm = world.host.tags["System.JournalOk"].definition.alarm
    assert alarm.guidance["en"][:30] in html


async def test_a_guest_does_not_learn_the_versions_of_packages(world: Any) -> None:
    _, html = await show(world, "/system", "guest")
    assert "SQLAlchemy" not in html
    assert "SQLAlchemy" in (await show(world, "/system", "admin"))[1]
    assert all(one.version for one in packages())
