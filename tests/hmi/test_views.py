"""Views, home and faceplate as HTML: bound to branches, escaped, by right; every state has an address."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from scada.core.plant import HOME, Layer, Mimic, PlacedLine, PlacedSymbol, PlacedText
from scada.core.ports import Point
from scada.core.value import SECOND_US, Quality
from scada.hmi.context import View
from scada.hmi.pages import PAGES
from scada.hmi.pages.home import leads_elsewhere
from scada.hmi.tab import Tab
from scada.runtime.charging_requests import MakeReservation

C = "Depot.CP03.C2"
HOSTILE = "<script>alert(1)</script>\"'"


def own(world: Any, **changes: Any) -> None:
    """Let the project have a view of its own."""
    given: dict[str, Any] = {"name": "yard", "title": {"en": "Yard"}, "width": 400.0, "height": 300.0}
    mimic = Mimic(**(given | changes), owned=True)
    world.services = replace(world.services, plant=replace(world.services.plant, mimics=(mimic,)))


async def view(world: Any, name: str = "yard", user: str = "op", **query: str) -> View:
    return await PAGES["/view/{path}"](world.visit(user, path=name, **query))


def placed(html: str, branch: str) -> str:
    """The element of a symbol that opens a connector."""
    found = re.search(rf'<a class="placed[^>]*data-select="{re.escape(branch)}".*?</a>', html, re.DOTALL)
    assert found, branch
    return found.group(0)


async def test_one_symbol_shows_its_whole_branch(world: Any) -> None:
    world.write(f"{C}.Status", "Charging")
    built = await view(world, "Depot")
    element = placed(str(built.main), C)
    tags = world.host.tags
    wanted = [tags[path].index for path in (f"{C}.Status", "Depot.CP03.Online", f"{C}.ActivePower")]
    assert f'data-t="{",".join(map(str, wanted))}" data-f="symbol" data-roles="state online value"' in element
    assert 'data-low="0.0" data-high="22.0"' in element
    assert f'data-mark="{C}"' in element
    assert "CP03 · C2" in element
    assert set(wanted) <= built.live.used
    assert built.sites == ("Depot",)


async def test_a_view_of_the_project_is_drawn_as_it_is_written(world: Any) -> None:
    own(
        world,
        background="plan 1.png",
        layers=(Layer(name="walls", title={"en": "Walls"}, hidden=True),),
        lines=(PlacedLine(points=((0.0, 0.0), (5.0, 9.5)), dashed=True, layer="walls"),),
        texts=(PlacedText(text={"en": HOSTILE}, x=1.0, y=2.0, link="/alarms"),),
        symbols=(
            PlacedSymbol(symbol="number", x=1.0, y=1.0, tags={"value": "Depot.Grid.CurrentL1"}),
            PlacedSymbol(symbol="button", x=1.0, y=1.0, label={"en": "Reports"}, link="/reports"),
        ),
    )
    html = str((await view(world)).main)
    assert 'href="/hmi/picture/plan%201.png"' in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<polyline" not in html, "its layer is hidden at first"
    assert 'href="/view/yard?hide=-"' in html
    assert "<polyline" in str((await view(world, hide="-")).main)
    assert "<polyline" not in str((await view(world, hide="walls")).main)
    assert 'href="/tag/Depot.Grid.CurrentL1"' in html
    assert 'href="/reports"' in html


async def test_a_command_on_a_view_is_offered_by_right_and_asks_first(world: Any) -> None:
    stop = PlacedSymbol(symbol="button", x=1.0, y=1.0, branch=C, label={"en": "Stop"}, command="RemoteStop")
    own(world, symbols=(stop,))
    html = str((await view(world)).main)
    assert 'data-command="RemoteStop"' in html
    assert f"Stop for {C}?" in html
    assert "data-command" not in str((await view(world, user="guest")).main)


async def test_a_view_that_is_not_there_and_an_empty_one_are_said(world: Any) -> None:
    assert (await view(world, "nowhere")).status == 404
    own(world)
    assert "There is nothing on this view yet." in str((await view(world)).main)


async def test_home_shows_every_site_and_leads_on_where_there_is_one(world: Any) -> None:
    plant = world.services.plant
    assert leads_elsewhere(plant)
    other = replace(plant.sites[0], path="Yard", label={"en": "Yard"}, chargers=(), meters=(), feeders=())
    world.services = replace(world.services, plant=replace(plant, sites=(*plant.sites, other)))
    assert not leads_elsewhere(world.services.plant)
    built = await PAGES["/"](world.visit())
    html = str(built.main)
    assert 'href="/site/Depot"' in html
    assert 'href="/site/Yard"' in html
    assert "No meter at the grid connection" in html
    assert built.sites == ("Depot", "Yard")
    own(world, name=HOME)
    assert not leads_elsewhere(world.services.plant), "the project wants its own home page"
    assert "mimic-drawing" in str((await PAGES["/"](world.visit())).main)


async def panel(world: Any, user: str = "op", route: str = "/site/{path}") -> tuple[Tab, Any, str]:
    tab, wire = await world.open(route, "Depot", user)
    wire.sent.clear()
    await tab.act("select", {"path": C})
    ((_, message, _),) = [sent for sent in wire.sent if sent[1].get("slot") == "panel"]
    return tab, wire, message["html"]


async def test_the_faceplate_opens_with_why_and_then_its_alarms(world: Any) -> None:
    path = world.fault(C)
    world.write(f"{C}.Status", "Faulted")
    await world.settle()
    for route in ("/site/{path}", "/view/{path}"):
        _, _, html = await panel(world, route=route)
        assert html.index("The charger reports a fault: over-voltage.") < html.index("panel-alarms")
        assert f'data-action="ack-one" data-path="{path}"' in html
        assert html.index("panel-alarms") < html.index("Limit accepted")
    _, _, html = await panel(world, "guest")
    assert "Over-voltage" in html
    assert "ack-one" not in html


async def test_an_alarm_that_comes_is_in_the_open_faceplate(world: Any) -> None:
    tab, wire, html = await panel(world)
    assert "ack-one" not in html
    await tab.show()
    path = world.fault(C)
    await world.settle()
    tab.touch_alarms()
    wire.sent.clear()
    await tab.refresh(1e9)
    shown = {m["slot"]: m["html"] for event, m, _ in wire.sent if event == "scada_fragment"}
    assert path in shown["panel-alarms"]
    await tab.act("acknowledge", {"paths": [path], "comment": "seen"})
    await tab.refresh(2e9)
    shown = {m["slot"]: m["html"] for event, m, _ in wire.sent if event == "scada_fragment"}
    assert "ack-one" not in shown["panel-alarms"]


async def test_a_reservation_stands_in_the_faceplate(world: Any) -> None:
    _, _, before = await panel(world)
    assert "· FLEET-0001" not in before
    now_us = world.clock.now_us()
    until_us = now_us + 3600 * SECOND_US
    actor = world.actor("op")
    await world.host.request(
        MakeReservation(target=C, from_us=now_us, until_us=until_us, actor=actor, id_tag="FLEET-0001")
    )
    _, _, html = await panel(world)
    assert "· FLEET-0001" in html


async def test_a_curve_of_the_last_hour_stands_in_the_faceplate(world: Any) -> None:
    now_us = world.clock.now_us()
    world.archive.samples = [
        Point(now_us - 1800 * SECOND_US, 11.0, 0),
        Point(now_us - 900 * SECOND_US, 7.0, Quality.BAD_SENSOR_FAILURE),
    ]
    _, _, html = await panel(world)
    assert html.count('class="curve"') == 1
    assert "20 kW" in html


async def test_a_connector_of_elsewhere_opens_nothing(world: Any) -> None:
    tab, wire = await world.open("/site/{path}", "Depot")
    await tab.act("select", {"path": "Depot.CP99.C1"})
    assert any("Select a connector" in str(message.get("html")) for _, message, _ in wire.sent)
