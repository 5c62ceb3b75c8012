"""SetChargingProfile (OCPP 1.6 5.16) as an expert writes it."""

from __future__ import annotations

from scada.core.command import Command, CommandResult
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import accepted, connector_number, wrong


async def execute(station: Station, command: Command) -> CommandResult:
    """Send a whole charging profile; the schema and the rules between its fields are checked before."""
    body = {
        "connectorId": connector_number(station, command),
        "csChargingProfiles": command.arguments["profile"],
    }
    return wrong("SetChargingProfile", body) or accepted(await station.call("SetChargingProfile", body))
