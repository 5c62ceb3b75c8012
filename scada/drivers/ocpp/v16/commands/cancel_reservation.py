"""CancelReservation (OCPP 1.6 5.1)."""

from __future__ import annotations

from scada.core.command import Command, CommandResult
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import accepted


async def execute(station: Station, command: Command) -> CommandResult:
    """Let go of a reservation; the charger rejects it where it has none of this number."""
    number = command.arguments["reservation_id"]
    return accepted(await station.call("CancelReservation", {"reservationId": number}))
