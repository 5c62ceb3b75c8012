"""GetConfiguration (OCPP 1.6 5.8)."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.learn import read_configuration


async def execute(station: Station, command: Command) -> CommandResult:
    """Read one key or all."""
    answer = await read_configuration(station, command.arguments.get("key", ""))
    count = len(answer.get("configurationKey", ()))
    unknown = answer.get("unknownKey", ())
    text = f"{count} keys" + (f", unknown: {', '.join(unknown)}" if unknown else "")
    return CommandResult(Outcome.DONE, text, answer)
