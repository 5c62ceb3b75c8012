"""ClearCache (OCPP 1.6 5.4)."""

from __future__ import annotations

from scada.core.command import Command, CommandResult
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import accepted


async def execute(station: Station, _command: Command) -> CommandResult:
    """Empty the charger's authorization cache."""
    return accepted(await station.call("ClearCache", {}))
