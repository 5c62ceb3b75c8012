"""How far file transfers have come, as the charger tells: of diagnostics, logs and firmware.

DiagnosticsStatusNotification (OCPP 1.6 4.4), FirmwareStatusNotification (4.5); LogStatusNotification and
SignedFirmwareStatusNotification of the security whitepaper (N01, L01). Repeated ones change nothing.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from scada.core.effects import Event
from scada.drivers.ocpp.station import Station, log

STATUS_LENGTH_MAX = 50


class _Status(Struct, rename="camel"):
    status: str
    request_id: int | None = None


async def diagnostics(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """DiagnosticsStatusNotification."""
    return await _take(
        station, body, "DiagnosticsStatusNotification", "DiagnosticsStatus", "diagnostics_status"
    )


async def log_status(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """LogStatusNotification."""
    return await _take(station, body, "LogStatusNotification", "DiagnosticsStatus", "diagnostics_status")


async def firmware(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """FirmwareStatusNotification."""
    return await _take(station, body, "FirmwareStatusNotification", "FirmwareStatus", "firmware_status")


async def signed_firmware(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """SignedFirmwareStatusNotification."""
    return await _take(station, body, "SignedFirmwareStatusNotification", "FirmwareStatus", "firmware_status")


async def _take(station: Station, body: dict[str, Any], action: str, tag: str, kind: str) -> dict[str, Any]:
    notice = station.read(action, body, _Status)
    await station.rare()
    status = notice.status[:STATUS_LENGTH_MAX]
    log.info("ocpp_transfer", charger=station.charger.path, action=action, status=ascii(status))
    station.put({tag: status})
    data = {"status": status, "request_id": notice.request_id}
    station.host.event(Event(kind, station.charger.path, data))
    return {}
