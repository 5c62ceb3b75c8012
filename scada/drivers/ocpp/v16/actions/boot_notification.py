"""BootNotification (OCPP 1.6 4.2, 6.3): a charger of the project is accepted."""

from __future__ import annotations

import contextlib
from typing import Any

from scada.core import moment
from scada.core.errors import JournalError
from scada.drivers.ocpp.station import TEXT_LENGTH_MAX, Station
from scada.drivers.ocpp.v16 import messages
from scada.runtime.requests import Keep


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Take the charger's identity plate over and accept it, once the plate is on disk."""
    boot = station.read("BootNotification", body, messages.BootNotification)
    await station.rare()
    if not boot.charge_point_vendor:
        station.deviation("BootNotification: no vendor")
    now_us = station.now_us()
    station.find_profile(boot.charge_point_vendor, boot.charge_point_model, boot.firmware_version)
    station.put(
        {
            "Vendor": boot.charge_point_vendor,
            "Model": boot.charge_point_model,
            "SerialNumber": boot.charge_point_serial_number or boot.charge_box_serial_number,
            "Firmware": boot.firmware_version,
            "Profile": station.profile_name,
            "BootTime": now_us / 1_000_000,
            "RegistrationStatus": "Accepted",
        }
    )
    station.booted(
        vendor=boot.charge_point_vendor[:TEXT_LENGTH_MAX],
        model=boot.charge_point_model[:TEXT_LENGTH_MAX],
        serial=(boot.charge_point_serial_number or boot.charge_box_serial_number)[:TEXT_LENGTH_MAX],
        firmware=boot.firmware_version[:TEXT_LENGTH_MAX],
        meter=f"{boot.meter_type} {boot.meter_serial_number}".strip()[:TEXT_LENGTH_MAX],
    )
    with contextlib.suppress(JournalError):  # a charger that boots is answered even so, else it boots again
        await station.host.request(Keep(station.charger.path))
    return {
        "currentTime": moment.text(station.now_us()),
        "interval": station.settings.heartbeat_s,
        "status": "Accepted",
    }
