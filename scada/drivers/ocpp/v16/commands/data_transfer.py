"""DataTransfer to a charger (OCPP 1.6 4.3, 5.6)."""

from __future__ import annotations

from typing import Any

from scada.core.command import Command, CommandResult
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import accepted, wrong

_NAMES = {"vendor_id": "vendorId", "message_id": "messageId", "data": "data"}


async def execute(station: Station, command: Command) -> CommandResult:
    """Send what a vendor has of its own."""
    body: dict[str, Any] = {_NAMES[name]: value for name, value in command.arguments.items()}
    return wrong("DataTransfer", body) or accepted(await station.call("DataTransfer", body))
