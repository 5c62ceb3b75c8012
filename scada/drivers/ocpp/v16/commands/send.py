"""Send: any message that a charger can take, as an expert writes it; the answer or the error comes back as it came."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.core.secrecy import hide
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import password_key, wrong


async def execute(station: Station, command: Command) -> CommandResult:
    """Send a message that the schema has accepted."""
    action, payload = command.arguments["action"], command.arguments["payload"]
    dialect = station.dialect
    if dialect is None or action not in dialect.calls:
        return CommandResult(
            Outcome.REFUSED, f"nothing was sent: '{action}' is no message to a charger of 1.6"
        )
    refusal = wrong(action, payload)
    if action == "ChangeConfiguration":
        refusal = password_key(str(payload.get("key", ""))) or refusal
    if refusal is not None:
        return refusal
    try:
        answer = await station.call(action, payload, checked=False)
    except CallError as error:
        told = {"code": error.code, "description": error.description, "details": error.details}
        return CommandResult(Outcome.FAILED, f"the charger answered {error}", told)
    hide(answer)
    return CommandResult(Outcome.DONE, "the charger answered", answer)
