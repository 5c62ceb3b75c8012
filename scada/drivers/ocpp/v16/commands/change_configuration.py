"""ChangeConfiguration (OCPP 1.6 5.3): done when the key reads as it was written."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.core.secrecy import HIDDEN, is_secret
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import CallTimeout
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import password_key
from scada.drivers.ocpp.v16.commission.keys import read_keys, same_value


async def execute(station: Station, command: Command) -> CommandResult:
    """Write a key, and read it again where the charger lets us."""
    key, value = command.arguments["key"], command.arguments["value"]
    refusal = password_key(key)
    if refusal is not None:
        return refusal
    answer = await station.call("ChangeConfiguration", {"key": key, "value": value})
    status = answer["status"]
    if status == "NotSupported":
        return CommandResult(Outcome.REFUSED, f"the charger has no key {key}", answer)
    if status == "RebootRequired":
        return CommandResult(Outcome.SCHEDULED, "it holds after a reboot", answer)
    if status != "Accepted":
        return CommandResult(Outcome.REFUSED, f"the charger answered {status}", answer)
    try:
        await read_keys(station, [key])
    except (CallError, CallTimeout):
        return CommandResult(Outcome.DONE, "the charger accepted; it could not be read again", answer)
    read = station.configuration.get(key)
    if read is None or same_value(read[0], value):
        return CommandResult(Outcome.DONE, "the charger accepted", answer)
    reads = HIDDEN if is_secret(key) else read[0][:100]
    return CommandResult(Outcome.FAILED, f"the charger accepted, but {key} reads '{reads}'", answer)
