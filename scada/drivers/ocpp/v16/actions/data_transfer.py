"""DataTransfer from a charger (OCPP 1.6 4.3): told as an event; taken where the charger's profile knows the vendor."""

from __future__ import annotations

from typing import Any

import orjson

from scada.core.effects import Event
from scada.drivers.ocpp.station import TEXT_LENGTH_MAX, Station
from scada.drivers.ocpp.v16 import messages

DATA_LENGTH_MAX = 4_000
"""Of the data in the event; what a vendor sends may be as long as a message."""


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Answer as the standard prescribes for vendors and messages that are not known."""
    message = station.read("DataTransfer", body, messages.DataTransfer)
    data = message.data if isinstance(message.data, str) else orjson.dumps(message.data).decode()
    status = _status(station, message)
    told = {
        "vendor_id": message.vendor_id[:TEXT_LENGTH_MAX],
        "message_id": message.message_id[:TEXT_LENGTH_MAX],
        "data": data[:DATA_LENGTH_MAX],
        "status": status,
    }
    station.host.event(Event("data_transfer", station.charger.path, told))
    return {"status": status}


def _status(station: Station, message: messages.DataTransfer) -> str:
    known = station.profile.data_transfer.get(message.vendor_id)
    if known is None:
        return "UnknownVendorId"
    return "Accepted" if "*" in known or message.message_id in known else "UnknownMessageId"
