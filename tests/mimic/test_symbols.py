"""The symbol library: sound drawings in one style, and a manifest whose roles find the tags of real branches."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from scada.core.plant import Plant
from scada.hmi.symbols import svg
from scada.hmi.words import STATUS
from scada.mimic import ROLES, library
from scada.mimic.symbols import load
from scada.testing import small_plant

WANTED = {
    *("charger-ac", "charger-dc", "charger-two", "connector-type1", "connector-type2", "connector-ccs1"),
    *(
        "connector-ccs2",
        "connector-chademo",
        "connector-nacs",
        "connector-domestic",
        "vehicle",
        "meter",
        "breaker",
    ),
    *("transformer", "busbar", "pv", "battery", "gauge", "bar", "number", "lamp", "button", "text"),
}


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return small_plant(tmp_path_factory.mktemp("plant"))


def test_every_symbol_is_sound_xml_in_one_style() -> None:
    assert set(library().symbols) >= WANTED
    for symbol in library().symbols.values():
        root = ElementTree.fromstring(str(svg(symbol)))
        assert root.get("viewBox") == "0 0 48 48"
        assert root.get("stroke") == "currentColor"
        assert set(symbol.roles) <= set(ROLES)
        assert set(symbol.title) == {"en", "fr"}
        # A symbol that has a value or a limit on a scale draws it by dashes along a path of length 1.
        for part in root.iter():
            if part.get("data-value") or part.get("data-limit"):
                assert part.get("pathLength") == "1"
                assert symbol.roles.keys() & {"value", "limit"}


@pytest.mark.parametrize("name", [name for name in library().symbols if name.startswith("connector-")])
def test_a_connector_has_a_drawing_for_each_state(name: str) -> None:
    assert set(library().symbols[name].states) == set(STATUS)


def test_devices_find_their_symbol(plant: Plant) -> None:
    plugs = {
        library().connector(connector).name
        for charger in plant.chargers()
        for connector in charger.connectors
    }
    assert plugs == {"connector-type2", "connector-ccs2", "connector-chademo"}
    kinds = {library().charger(charger).name for charger in plant.chargers()}
    assert kinds == {"charger-ac", "charger-dc", "charger-two"}


def test_one_symbol_is_bound_to_a_branch_and_finds_its_tags(plant: Plant) -> None:
    bound = library().symbols["connector-type2"].bind("Depot.CP03.C2", {}, plant.definitions.__contains__)
    assert bound == {
        "state": "Depot.CP03.C2.Status",
        "online": "Depot.CP03.Online",
        "value": "Depot.CP03.C2.ActivePower",
    }
    given = (
        library()
        .symbols["gauge"]
        .bind(
            "",
            {"value": "Depot.Grid.CurrentL1", "state": "Depot.CP01.Online"},
            plant.definitions.__contains__,
        )
    )
    assert given == {"value": "Depot.Grid.CurrentL1"}, "a role that the symbol does not have binds nothing"


def test_each_kind_of_branch_gives_its_symbols_something_to_show(plant: Plant) -> None:
    branches = {"connector": "Depot.CP03.C2", "charger": "Depot.CP03", "meter": "Depot.Grid", "site": "Depot"}
    for symbol in library().symbols.values():
        if symbol.name == "vehicle":
            continue  # its state of charge is a tag once a vehicle has told one
        for kind in symbol.of:
            assert symbol.bind(branches[kind], {}, plant.definitions.__contains__), (symbol.name, kind)


def test_a_manifest_with_an_unknown_role_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text("<svg><path/></svg>")
    (tmp_path / "manifest.toml").write_text('[x]\ntitle = { en = "X" }\nroles = { colour = ["A"] }\n')
    with pytest.raises(ValueError, match="colour"):
        load(tmp_path)
