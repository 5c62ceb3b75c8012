"""Reset (OCPP 1.6 5.14): done when the charger has booted."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station, outcome_event
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commands.common import refused


async def execute(station: Station, command: Command) -> CommandResult:
    """Have the charger start anew."""
    with station.host.events.expect(lambda e: e.kind == "boot" and e.path == station.charger.path) as booted:
        answer = await station.call("Reset", {"type": command.arguments["type"]}, Priority.NORMAL)
        if answer["status"] != "Accepted":
            return refused(answer)
        event = await outcome_event(booted, command.deadline_us, station.now_us())
    if event is None:
        return CommandResult(Outcome.TIMED_OUT, "accepted, but the charger has not booted", answer)
    return CommandResult(Outcome.DONE, "the charger has booted", answer)
