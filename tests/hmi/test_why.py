"""The one sentence: only what is known is said."""

from __future__ import annotations

from typing import Any

import pytest

from scada.core.value import Quality
from scada.hmi.why import why
from scada.i18n import Formats, translator

C = "Depot.CP01.C1"


def say(world: Any, language: str = "en") -> str:
    charger, connector = world.services.plant.connectors_by_path[C]
    said = why(world.host.tags, charger, connector, translator(language), Formats(language, "UTC"))
    return f"{said.headline} {said.detail}".strip()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Available", "Free."),
        ("Preparing", "Not charging yet."),
        ("SuspendedEVSE", "The charger gives no power."),
        ("SuspendedEV", "The vehicle takes no power."),
        ("Finishing", "The session has ended."),
        ("Reserved", "Reserved."),
        ("Unavailable", "The connector is closed."),
    ],
)
def test_each_state_has_its_sentence(world: Any, status: str, expected: str) -> None:
    world.write("Depot.CP01.Online", True)
    world.write(f"{C}.Status", status)
    assert say(world).startswith(expected)


def test_before_anything_is_known_nothing_is_claimed(world: Any) -> None:
    assert say(world).startswith("State not known.")


def test_lost_link_comes_first(world: Any) -> None:
    world.write(f"{C}.Status", "Charging")
    world.write("Depot.CP01.Online", False)
    assert say(world).startswith("No connection to the charger.")


def test_charging_tells_power_and_what_is_offered(world: Any) -> None:
    world.write("Depot.CP01.Online", True)
    world.write(f"{C}.Status", "Charging")
    world.write(f"{C}.InTransaction", True)
    world.write(f"{C}.ActivePower", 7.36)
    world.write(f"{C}.CurrentOffered", 32.0)
    assert say(world) == "Charging with 7.4 kW. The charger offers 32.0 A."
    assert say(world, "fr") == "En charge à 7,4 kW. La borne propose 32,0 A."


def test_bad_power_is_not_told(world: Any) -> None:
    world.write(f"{C}.Status", "Charging")
    world.write(f"{C}.ActivePower", 7.36, Quality.BAD_SENSOR_FAILURE)
    assert say(world).startswith("Charging. ")


async def test_fault_names_the_code_in_words(world: Any) -> None:
    world.write(f"{C}.Status", "Faulted")
    world.write(f"{C}.ErrorCode", "GroundFailure")
    world.write(f"{C}.VendorErrorCode", "E42")
    assert say(world).startswith("The charger reports a fault: ground failure / E42.")


def test_open_transaction_on_a_free_connector_is_said(world: Any) -> None:
    world.write(f"{C}.Status", "Available")
    world.write(f"{C}.InTransaction", True)
    assert say(world).startswith("A transaction is open although the connector is free.")


def test_state_of_an_earlier_run_is_not_taken_for_now(world: Any) -> None:
    world.write(f"{C}.Status", "Charging", Quality.UNCERTAIN_LAST_USABLE_VALUE)
    assert say(world).startswith("The state is not up to date.")
