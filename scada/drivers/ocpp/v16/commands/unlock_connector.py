"""UnlockConnector (OCPP 1.6 5.18)."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commands.common import connector_number


async def execute(station: Station, command: Command) -> CommandResult:
    """Open a connector's lock; a transaction on it is stopped by the charger first."""
    answer = await station.call(
        "UnlockConnector", {"connectorId": connector_number(station, command)}, Priority.URGENT
    )
    status = answer["status"]
    if status == "Unlocked":
        return CommandResult(Outcome.DONE, "the connector is unlocked", answer)
    if status == "NotSupported":
        return CommandResult(Outcome.REFUSED, "this charger has no lock that we may open", answer)
    return CommandResult(Outcome.FAILED, "the lock did not open", answer)
