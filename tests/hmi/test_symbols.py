"""The symbol library."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

from scada.hmi.symbols import library
from scada.hmi.words import STATUS

ROLES = {"state", "value", "quality", "alarm"}


def test_every_symbol_is_sound_xml_in_one_style() -> None:
    assert len(library().symbols) >= 8
    for symbol in library().symbols.values():
        root = ElementTree.fromstring(str(symbol.svg()))
        assert root.get("viewBox") == "0 0 48 48"
        assert root.get("stroke") == "currentColor"
        assert symbol.roles <= ROLES
        assert set(symbol.title) == {"en", "fr"}


def test_a_connector_has_a_drawing_for_each_state() -> None:
    for name in ("connector-type2", "connector-ccs2", "connector-chademo"):
        root = ElementTree.fromstring(str(library().symbols[name].svg()))
        drawn = {state for element in root.iter() for state in (element.get("data-when") or "").split()}
        assert drawn == set(STATUS)


def test_devices_find_their_symbol(world: Any) -> None:
    plugs = {
        connector.plug: library().connector(connector).name
        for charger in world.services.plant.chargers()
        for connector in charger.connectors
    }
    assert set(plugs.values()) == {"connector-type2", "connector-ccs2", "connector-chademo"}
    kinds = {library().charger(charger).name for charger in world.services.plant.chargers()}
    assert kinds == {"charger-ac", "charger-dc", "charger-two"}
