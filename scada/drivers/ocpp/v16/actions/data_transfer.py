"""DataTransfer from a charger (OCPP 1.6 4.3): no vendor's extension is known yet."""

from __future__ import annotations

from typing import Any

from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Say so, as the standard prescribes."""
    station.read("DataTransfer", body, messages.DataTransfer)
    return {"status": "UnknownVendorId"}
