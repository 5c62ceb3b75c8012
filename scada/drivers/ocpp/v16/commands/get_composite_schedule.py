"""GetCompositeSchedule (OCPP 1.6 5.7)."""

from __future__ import annotations

from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import connector_number, refused
from scada.drivers.ocpp.v16.composite import implausible


async def execute(station: Station, command: Command) -> CommandResult:
    """Ask what the charger will do; periods that cannot be right are said, and left out of the answer."""
    body: dict[str, Any] = {
        "connectorId": connector_number(station, command),
        "duration": command.arguments["duration_s"],
    }
    if "unit" in command.arguments:
        body["chargingRateUnit"] = command.arguments["unit"]
    answer = await station.call("GetCompositeSchedule", body)
    if answer["status"] != "Accepted":
        return refused(answer)
    answer, faults = implausible(answer, command.arguments["duration_s"])
    for fault in faults:
        station.deviation(fault, "GetCompositeScheduleResponse")
    text = "the charger answered" if not faults else f"the charger answered, but {'; '.join(faults)}"
    return CommandResult(Outcome.DONE, text, answer)
