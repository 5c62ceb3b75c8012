"""TriggerMessage (OCPP 1.6 5.17)."""

from __future__ import annotations

from scada.core.command import Command, CommandResult
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import accepted


async def execute(station: Station, command: Command) -> CommandResult:
    """Ask the charger to send a message now."""
    return accepted(await station.call("TriggerMessage", dict(command.arguments)))
