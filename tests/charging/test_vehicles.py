"""Vehicles are known by their token, or by what the charger tells of them."""

from __future__ import annotations

from collections.abc import Callable

from scada.core.plant import ChargingSettings, Vehicle
from scada.runtime.requests import IdentifyVehicle
from tests.charging.conftest import CP, Yard

Make = Callable[..., Yard]
BUSES = ChargingSettings(
    vehicles=(
        Vehicle(name="Bus 1", tokens=("FLEET-0001",)),
        Vehicle(name="Bus 2", ids=("02:AA:BB:CC:DD:EE",)),
    )
)


def test_a_token_stands_for_a_vehicle(yard: Make) -> None:
    depot = yard(BUSES)
    depot.status("Preparing")
    depot.start("fleet-0001")
    depot = depot.restarted()
    assert depot.tag("Vehicle") == "Bus 1"
    assert (depot.transactions[0].vehicle, depot.visits[0].vehicle) == ("Bus 1", "Bus 1")
    depot.status("Available")
    assert depot.tag("Vehicle") == ""


def test_what_the_charger_tells_comes_before_the_token(yard: Make) -> None:
    depot = yard(BUSES)
    depot.status("Preparing")
    assert depot.core.ask(IdentifyVehicle(CP, 1, "02aabbccddee")) == "Bus 2"
    depot.start("FLEET-0001")
    assert (depot.transactions[0].vehicle, depot.visits[0].vehicle_id) == ("Bus 2", "02aabbccddee")


def test_it_may_become_known_while_it_charges_and_a_stranger_is_kept_as_told(yard: Make) -> None:
    depot = yard(BUSES)
    depot.start("FLEET-0002")
    assert depot.core.ask(IdentifyVehicle(CP, 1, "no-such-one")) == ""
    assert (depot.tag("Vehicle"), depot.transactions[0].vehicle) == ("no-such-one", "")
    depot.core.ask(IdentifyVehicle(CP, 1, "02-AA-BB-CC-DD-EE"))
    assert (depot.tag("Vehicle"), depot.transactions[0].vehicle) == ("Bus 2", "Bus 2")
