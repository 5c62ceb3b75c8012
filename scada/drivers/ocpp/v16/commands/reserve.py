"""ReserveNow (OCPP 1.6 5.13): done when the charger holds the connector."""

from __future__ import annotations

from typing import Any

from scada.core import moment
from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import connector_number, refused


async def execute(station: Station, command: Command) -> CommandResult:
    """Hold a connector for a token until a time."""
    arguments = command.arguments
    expires_us = moment.parse(arguments["expires"])
    if expires_us is None or expires_us <= station.now_us():
        return CommandResult(Outcome.REFUSED, "nothing was sent: 'expires' is no time that is still to come")
    body: dict[str, Any] = {
        "connectorId": connector_number(station, command),
        "expiryDate": moment.text(expires_us),
        "idTag": arguments["id_tag"],
        "reservationId": arguments["reservation_id"],
    }
    if "parent" in arguments:
        body["parentIdTag"] = arguments["parent"]
    answer = await station.call("ReserveNow", body)
    if answer["status"] == "Accepted":
        return CommandResult(Outcome.DONE, "the charger holds the connector", answer)
    return refused(answer)
