"""Alarms as displays show them."""

from __future__ import annotations

from typing import Any

import pytest

from scada.core.access import Role
from scada.hmi import alarms


async def raise_fault(world: Any, connector: str = "Depot.CP03.C2") -> str:
    path: str = world.fault(connector)
    await world.settle()
    assert world.host.board.get(path) is not None
    return path


async def test_an_alarm_marks_everything_above_it(world: Any) -> None:
    await raise_fault(world)
    marks = alarms.marks(world.services.plant, world.host.board.views())
    feeder = world.services.plant.chargers_by_path["Depot.CP03"].feeder
    assert {"Depot.CP03.C2", "Depot.CP03", f"Depot/{feeder}", "Depot"} <= set(marks)
    assert "" not in marks  # the system itself is well
    assert "Depot.CP03.C1" not in marks
    assert marks["Depot.CP03.C2"][1] == "unack"


async def test_an_alarm_of_the_charger_marks_all_its_connectors(world: Any) -> None:
    world.write("Depot.CP03.Online", False)
    await world.settle(3600)
    marks = alarms.marks(world.services.plant, world.host.board.views())
    assert {"Depot.CP03", "Depot.CP03.C1", "Depot.CP03.C2"} <= set(marks)


async def test_banner_speaks_the_language_and_leads_to_the_place(world: Any) -> None:
    path = await raise_fault(world)
    english = alarms.summary(world.host, "en", Role())
    french = alarms.summary(world.host, "fr", Role())
    assert english["banner"]["path"] == path
    assert english["banner"]["url"] == "/site/Depot?connector=Depot.CP03.C2"
    assert english["banner"]["device"] == "Depot North · CP03 · C2"
    assert english["banner"]["text"] != french["banner"]["text"]
    assert english["unacknowledged"] == english["active"] == 1


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("Depot.CP07.C2.Temperature.Hi", "/site/Depot?connector=Depot.CP07.C2"),
        ("Depot.CP07.Online", "/charger/Depot.CP07"),
        ("Depot.CP07", "/charger/Depot.CP07"),
        ("Depot.Grid.CurrentL1.Hi", "/tags?q=Depot.Grid"),
        ("Depot.ChargingPower", "/site/Depot"),
        ("System.JournalOk", "/tags?q=System.JournalOk"),
    ],
)
def test_every_tag_has_a_place_to_go(world: Any, path: str, url: str) -> None:
    assert alarms.url_of(world.services.plant, path) == url


async def test_threshold_alarms_say_of_which_register(world: Any) -> None:
    name = alarms.device_name(world.services.plant, "Depot.Grid.CurrentL1.Hi", "en")
    assert name.startswith("Depot North · Grid connection · ")
    assert name != alarms.device_name(world.services.plant, "Depot.Grid.CurrentL2.Hi", "en")


@pytest.mark.parametrize(
    ("value", "french"),
    [("236.2 A", "236,2 A"), ("1234.5 kW", "1\u202f234,5 kW"), ("7", "7"), ("", ""), ("x.y A", "x.y A")],
)
def test_values_are_written_as_the_reader_does(value: str, french: str) -> None:
    assert alarms.value_text(value, "fr") == french
