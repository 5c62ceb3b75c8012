"""GetConfiguration (OCPP 1.6 5.8)."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.core.secrecy import hide
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commission.keys import read_all, read_keys


async def execute(station: Station, command: Command) -> CommandResult:
    """Read one key or all."""
    key = command.arguments.get("key", "")
    answer = await (read_keys(station, [key]) if key else read_all(station))
    hide(answer)
    count = len(answer.get("configurationKey", ()))
    unknown = answer.get("unknownKey", ())
    text = f"{count} keys" + (f", unknown: {', '.join(unknown)}" if unknown else "")
    return CommandResult(Outcome.DONE, text, answer)
