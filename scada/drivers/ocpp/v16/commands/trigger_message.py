"""TriggerMessage (OCPP 1.6 5.17), and ExtendedTriggerMessage of the security whitepaper (5.4) for what only that has."""

from __future__ import annotations

from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import accepted

ONLY_EXTENDED = frozenset(("LogStatusNotification", "SignChargePointCertificate"))
ONLY_PLAIN = frozenset(("DiagnosticsStatusNotification",))


async def execute(station: Station, command: Command) -> CommandResult:
    """Ask the charger to send a message now."""
    wanted = command.arguments["requestedMessage"]
    body: dict[str, Any] = {"requestedMessage": wanted}
    if command.arguments.get("connectorId"):
        body["connectorId"] = command.arguments["connectorId"]
    unsupported = station.capabilities.unsupported
    plain = wanted not in ONLY_EXTENDED and (wanted in ONLY_PLAIN or "TriggerMessage" not in unsupported)
    action = "TriggerMessage" if plain else "ExtendedTriggerMessage"
    if action in unsupported:
        return CommandResult(Outcome.REFUSED, f"this charger does not know {action}")
    return accepted(await station.call(action, body))
