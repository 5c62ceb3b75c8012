"""BootNotification (OCPP 1.6 4.2, 6.3): a charger of the project is accepted."""

from __future__ import annotations

from typing import Any

from scada.core import moment
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Take the charger's identity plate over and accept it."""
    boot = station.read("BootNotification", body, messages.BootNotification)
    now_us = station.now_us()
    station.put(
        {
            "Vendor": boot.charge_point_vendor,
            "Model": boot.charge_point_model,
            "SerialNumber": boot.charge_point_serial_number or boot.charge_box_serial_number,
            "Firmware": boot.firmware_version,
            "BootTime": now_us / 1_000_000,
            "RegistrationStatus": "Accepted",
        }
    )
    station.booted()
    return {
        "currentTime": moment.text(now_us),
        "interval": station.settings.heartbeat_s,
        "status": "Accepted",
    }
