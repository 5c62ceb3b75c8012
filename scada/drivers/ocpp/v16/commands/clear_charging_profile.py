"""ClearChargingProfile (OCPP 1.6 5.5)."""

from __future__ import annotations

from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import connector_number


async def execute(station: Station, command: Command) -> CommandResult:
    """Clear the profiles that fit; given to the charger without anything else it clears them all."""
    given = command.arguments
    body: dict[str, Any] = {}
    if "id" in given:
        body["id"] = given["id"]
    if "purpose" in given:
        body["chargingProfilePurpose"] = given["purpose"]
    if "stack_level" in given:
        body["stackLevel"] = given["stack_level"]
    number = connector_number(station, command)
    if number or (body and "id" not in body):
        body["connectorId"] = number
    answer = await station.call("ClearChargingProfile", body)
    if answer["status"] == "Accepted":
        return CommandResult(Outcome.DONE, "the profiles are gone", answer)
    return CommandResult(Outcome.REFUSED, "the charger knows no such profile", answer)
