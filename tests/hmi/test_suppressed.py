"""What is suppressed now: the page, its count, and what a role sees of it."""

from __future__ import annotations

from typing import Any

from scada.core.access import Role
from scada.hmi import alarms
from scada.hmi.pages import suppressed
from scada.runtime.requests import Force, Shelve, TakeOutOfService
from scada.runtime.suppressions import MASK, lines

HOUR_US = 3_600_000_000


async def test_every_kind_has_its_line(world: Any) -> None:
    path = world.fault("Depot.CP03.C2")
    world.online("Depot.CP05")
    world.write("Depot.CP05.C1.ErrorCode", "WeakSignal")
    await world.settle()
    now_us = world.clock.now_us()
    await world.host.request(Shelve((path,), now_us + HOUR_US, world.actor("admin"), "electrician knows"))
    await world.host.request(TakeOutOfService("Depot.CP05", None, world.actor("admin"), "new cable"))
    await world.host.request(
        Force("Depot.CP08.C1.Temperature", 20.0, "sensor is dead", None, world.actor("admin"))
    )
    found = lines(world.host, Role(), "en")
    assert [(one.kind, one.path, one.reason, one.alarms) for one in found] == [
        ("shelved", path, "electrician knows", 1),
        ("out_of_service", "Depot.CP05", "new cable", 1),
        ("forced", "Depot.CP08.C1.Temperature", "sensor is dead", 0),
    ]
    assert alarms.summary(world.host, "en", Role())["suppressed"] == 3
    visit = world.visit("admin", language="fr")
    html = str(suppressed.render(visit, visit.live()))
    assert "electrician knows" in html
    assert "jusqu’à ce que quelqu’un y mette fin" in html


async def test_an_offline_charger_silences_its_connectors_by_design(world: Any) -> None:
    path = world.fault("Depot.CP03.C2")
    await world.settle()
    world.write("Depot.CP03.Online", False)
    world.host.cycle()
    await world.settle(60)
    masks = [one for one in lines(world.host, Role(), "fr") if one.kind == MASK]
    (mask,) = [one for one in masks if one.path == "Depot.CP03.**"]
    assert (mask.reason, mask.alarms) == ("La borne est hors ligne", 1)
    assert world.host.board.get(path).state.suppressed
    visit = world.visit("op")
    assert "data-deed" not in str(suppressed.render(visit, visit.live()))  # nobody ends a mask by hand


async def test_a_role_is_not_told_of_alarms_that_it_does_not_see(world: Any) -> None:
    world.online("Depot.CP05")
    world.write("Depot.CP05.C1.ErrorCode", "WeakSignal")
    await world.settle()
    low = "Depot.CP05.C1.ErrorWeakSignal"
    await world.host.request(Shelve((low,), world.clock.now_us() + HOUR_US, world.actor("admin"), "known"))
    night = world.actor("night").scope
    assert lines(world.host, night, "en") == []
    assert alarms.summary(world.host, "en", night)["suppressed"] == 0
    await world.host.request(TakeOutOfService("Depot.CP05.C1", None, world.actor("admin"), "closed"))
    assert [one.path for one in lines(world.host, night, "en")] == ["Depot.CP05.C1"]


async def test_who_may_not_end_it_is_offered_nothing(world: Any) -> None:
    path = world.fault("Depot.CP03.C2")
    await world.settle()
    await world.host.request(Shelve((path,), world.clock.now_us() + HOUR_US, world.actor("admin"), "known"))
    await world.host.request(Force("Depot.CP08.C1.Temperature", 20.0, "dead", None, world.actor("admin")))
    for user, deeds in (("guest", set()), ("op", {"unshelve"}), ("admin", {"unshelve", "release"})):
        visit = world.visit(user)
        html = str(suppressed.render(visit, visit.live()))
        assert {name for name in ("unshelve", "put_in", "release") if f'data-deed="{name}"' in html} == deeds
