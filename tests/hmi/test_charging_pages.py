"""Tokens, reservations and stop conditions, as an operator handles them on the pages."""

from __future__ import annotations

from typing import Any

from scada.charging.sessions import StartTransaction
from scada.runtime.requests import Authorize

CONNECTOR = "Depot.CP03.C2"


async def start(world: Any, id_tag: str) -> int:
    """A transaction runs on the connector; returns its number."""
    world.online("Depot.CP03")
    answer = await world.host.request(
        StartTransaction(
            charger="Depot.CP03",
            connector=2,
            id_tag=id_tag,
            meter_start_wh=0,
            time_us=world.clock.now_us(),
        )
    )
    number: int = answer.transaction_id
    return number


async def html(world: Any, route: str, user: str = "op", **query: str) -> str:
    tab, _ = await world.open(route, "", user, **query)
    return str(tab.view.main)


async def test_a_refused_token_is_admitted_with_one_click_and_withdrawn_again(world: Any) -> None:
    await world.host.request(Authorize("STRANGER", "Depot.CP03"))
    tab, wire = await world.open("/tokens", "", "op", tab="refused")
    assert "STRANGER" in str(tab.view.main)
    await tab.act("admit_token", {"id": "a", "id_tag": "STRANGER"})
    assert wire.toasts()[-1] == ("done", "the token may charge")
    assert "STRANGER" not in await html(world, "/tokens", tab="refused")
    assert "STRANGER" in await html(world, "/tokens", source="admitted")
    await tab.act("withdraw_token", {"id": "a", "id_tag": "STRANGER"})
    assert wire.toasts()[-1][0] == "done"
    assert "STRANGER" not in await html(world, "/tokens")


async def test_a_guest_admits_nobody_whatever_his_page_says(world: Any) -> None:
    tab, wire = await world.open("/tokens", "", "guest")
    assert "admit_token" not in str(tab.view.main)
    await tab.act("admit_token", {"id": "a", "id_tag": "MINE"})
    assert wire.toasts()[-1][0] == "failed"
    assert world.host.core.charging.tokens.find("MINE") is None


async def test_what_is_no_token_changes_nothing(world: Any) -> None:
    tab, wire = await world.open("/tokens", "", "op")
    for wrong in ("", "x" * 21, 7, ["A", "B"]):
        await tab.act("admit_token", {"id": "a", "id_tag": wrong})
        assert wire.toasts()[-1][0] == "failed"
    await tab.act("admit_token", {"id": "a", "id_tag": "NEW", "sites": ["Nowhere"]})
    assert wire.toasts()[-1][0] == "failed"
    assert world.host.core.charging.tokens.find("NEW") is None


async def test_a_reservation_is_made_and_cancelled(world: Any) -> None:
    token = world.services.plant.tokens[0].id_tag
    tab, wire = await world.open("/reservations", "", "op")
    formats = world.visit().formats(world.services.plant.sites[0])
    await tab.act("reserve", {"id": "a", "target": CONNECTOR, "id_tag": token})
    assert wire.toasts()[-1] == ("failed", "give the time at which it ends")
    until_us = world.clock.now_us() + 3_600_000_000
    until = formats._local(until_us).strftime("%Y-%m-%dT%H:%M")
    await tab.act("reserve", {"id": "a", "target": CONNECTOR, "id_tag": token, "until": until, "note": "bus"})
    assert wire.toasts()[-1][0] == "done"
    (made,) = world.host.core.charging.reservations.all()
    assert (made.connector, made.id_tag, made.note) == (CONNECTOR, token, "bus")
    assert CONNECTOR in await html(world, "/reservations", state="live")
    await tab.act("cancel_reservation", {"id": "a", "number": made.id})
    assert wire.toasts()[-1] == ("done", "the reservation is cancelled")
    assert "No reservation fits" in await html(world, "/reservations", state="live")


async def test_a_running_session_is_given_its_end_and_freed_of_it(world: Any) -> None:
    number = await start(world, world.services.plant.tokens[0].id_tag)
    tab, wire = await world.open("/site/{path}", "Depot", "op", connector=CONNECTOR)
    assert "stop_conditions" in str(tab.view.main)
    await tab.act("stop_conditions", {"id": "a", "transaction": number, "energy_kwh": "many"})
    assert wire.toasts()[-1][0] == "failed"
    assert world.host.core.charging.stops.get(number) is None
    await tab.act("stop_conditions", {"id": "a", "transaction": number, "energy_kwh": "12,5"})
    assert wire.toasts()[-1] == ("done", "the session will stop by itself")
    assert world.host.core.charging.stops.get(number).conditions.energy_wh == 12_500
    assert "at 12.5 kWh" in await html_of_panel(world)
    await tab.act("stop_conditions", {"id": "a", "transaction": number, "clear": True})
    assert world.host.core.charging.stops.get(number) is None


async def html_of_panel(world: Any) -> str:
    tab, _ = await world.open("/site/{path}", "Depot", "op", connector=CONNECTOR)
    return str(tab.view.main)
