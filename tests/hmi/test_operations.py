"""Tickets and the shift log, as a shift lives with them."""

from __future__ import annotations

from typing import Any

import pytest

from scada.core.access import Role
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.records import AuditRecord, DocumentRecord
from scada.hmi.pages import PAGES
from scada.runtime.documents import Documents
from scada.runtime.tickets import Tickets


async def shown(world: Any, route: str, user: str = "op", **given: Any) -> str:
    view = await PAGES[route](world.visit(user, **given))
    assert view.status == 200
    return str(view.main)


async def test_a_ticket_is_opened_on_an_alarm_told_and_closed(world: Any) -> None:
    alarm = world.fault("Depot.CP07.C1")
    await world.settle()
    tab, wire = await world.open("/tickets", path="", alarm=alarm)
    form = await shown(world, "/tickets", alarm=alarm)
    assert 'value="Depot.CP07.C1"' in form
    await tab.act("open_ticket", {"id": "1", "title": "Trips <daily>", "alarm": alarm, "note": "second time"})
    assert wire.toasts()[-1][0] == "done"
    assert "Trips &lt;daily&gt;" in await shown(world, "/tickets")
    assert "Ticket 1" in await shown(world, "/alarm/{path}", path=alarm)
    one, wire = await world.open("/tickets/{path}", path="1")
    await one.act("change_ticket", {"id": "2", "ticket": 1, "assignee": "vendor", "case_number": "C-77"})
    await one.act("change_ticket", {"id": "3", "ticket": 1, "note": "board replaced", "closed": True})
    assert [state for state, _ in wire.toasts()] == ["done", "done"]
    body = await shown(world, "/tickets/{path}", path="1")
    assert all(word in body for word in ("vendor", "C-77", "second time", "board replaced", "Open again"))
    deeds = [r.action for r in world.journal.records if isinstance(r, AuditRecord)]
    assert deeds == ["ticket_opened", "ticket_changed", "ticket_closed"]
    assert "No ticket fits" in await shown(world, "/tickets")
    # All of it is there after a restart, and numbers go on.
    kept = {r.key: r for r in world.journal.records if isinstance(r, DocumentRecord) and r.kind == "ticket"}
    again = Tickets(world.host, Documents(world.host, kept.values()))
    assert again.get(1, Role()).case_number == "C-77"
    assert (await again.open("next", "Depot.CP01", world.actor("op"))).id == 2


async def test_nonsense_changes_nothing_and_a_guest_may_not(world: Any) -> None:
    tickets, op = world.services.tickets, world.actor("op")
    for deed, error in (
        (tickets.open(" ", "Depot.CP01", op), BadRequest),
        (tickets.open("x", "Depot.CP99", op), BadRequest),
        (tickets.open("x", "", op, alarm="Depot.CP01.Nothing"), NotFound),
        (tickets.open("x" * 201, "", op), BadRequest),
        (tickets.open("x", "", world.actor("guest")), Denied),
        (tickets.change(7, op, note="x"), NotFound),
        (world.services.shift_log.write(" ", "", op), BadRequest),
        (world.services.shift_log.write("x", "Nowhere", op), NotFound),
        (world.services.shift_log.write("x", "", world.actor("guest")), Denied),
    ):
        with pytest.raises(error):
            await deed
    assert not world.journal.records
    await tickets.open("x", "Depot.CP01", op)
    with pytest.raises(BadRequest, match="nothing is changed"):
        await tickets.change(1, op)
    elsewhere = Role(sites=frozenset({"Harbour"}))
    assert tickets.all(elsewhere) == []
    with pytest.raises(NotFound):
        tickets.get(1, elsewhere)
    assert "data-deed" not in await shown(world, "/tickets/{path}", "guest", path="1")


async def test_a_shift_is_handed_over_with_what_stands(world: Any) -> None:
    tab, wire = await world.open("/shift", path="")
    await tab.act("shift_note", {"id": "1", "text": "Bay 7 is <dark>"})
    world.fault("Depot.CP07.C1")
    world.write("Depot.CP03.C1.Operative", False)
    await world.settle()
    await world.services.tickets.open("Lamp", "Depot.CP07", world.actor("op"))
    page = await shown(world, "/shift/handover")
    for word in ("Bay 7 is &lt;dark&gt;", "CP07", "Lamp", "closed", "642.3 kWh", "Taken over by"):
        assert word in page
    await tab.act("hand_over", {"id": "2", "text": "To the night: look after bay 7"})
    assert [state for state, _ in wire.toasts()] == ["done", "done"]
    world.clock.leap(60)
    assert "look after bay 7" in await shown(world, "/shift")
    # The next shift's page begins with the hand-over.
    assert "Bay 7" not in await shown(world, "/shift/handover")
