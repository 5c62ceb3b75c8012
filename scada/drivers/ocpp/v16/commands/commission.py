"""Commission: the charger is learned anew, and what it refused before is tried again."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commission import commission


async def execute(station: Station, _command: Command) -> CommandResult:
    """Learn the charger; done when the report is on disk."""
    station.capabilities.unsupported.clear()
    report = await commission(station)
    refused = [one.key for one in report.keys if one.status not in ("accepted", "unchanged")]
    answer = {"state": report.state, "refused": refused, "mismatches": report.mismatches}
    if report.state == "failed":
        return CommandResult(Outcome.FAILED, report.reason, answer)
    text = "every key is as wanted" if not refused else f"not as wanted: {', '.join(refused)}"
    return CommandResult(Outcome.DONE, text, answer)
