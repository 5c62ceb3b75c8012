"""GetLocalListVersion (OCPP 1.6 5.10)."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.local_list import read_version


async def execute(station: Station, _command: Command) -> CommandResult:
    """Ask which list the charger has; 0: an empty one."""
    version = await read_version(station)
    if version < 0:
        return CommandResult(Outcome.REFUSED, "this charger has no local list", {"listVersion": version})
    return CommandResult(Outcome.DONE, f"version {version}", {"listVersion": version})
