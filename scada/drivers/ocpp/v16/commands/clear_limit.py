"""ClearLimit: takes back what SetLimit set (ClearChargingProfile, OCPP 1.6 5.5, or the vendor's key at its highest)."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commands.common import connector_number
from scada.drivers.ocpp.v16.commands.set_limit import set_limit
from scada.drivers.ocpp.v16.limits import PROFILE_ID


async def execute(station: Station, command: Command) -> CommandResult:
    """Let the charger give again what it can."""
    number = connector_number(station, command)
    method = station.profile.limit.method
    if method == "none":
        return CommandResult(
            Outcome.REFUSED, f"chargers of this make ({station.profile.label}) take no limit"
        )
    if method == "key":
        connector = station.charger.connector(number) or station.charger.connectors[0]
        result = await set_limit(station, number, connector.current_max_a, None)
    else:
        answer = await station.call("ClearChargingProfile", {"id": PROFILE_ID + number}, Priority.NORMAL)
        # Unknown: there is no such profile (any more), which is what was asked for.
        known = answer["status"] == "Accepted"
        result = CommandResult(Outcome.DONE, "the limit is gone" if known else "there was no limit", answer)
    if result.outcome.ok:
        station.limit_cleared(number)
    return result
