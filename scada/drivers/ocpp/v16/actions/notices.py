"""Notices that are shown and need no more than an empty answer."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from scada.drivers.ocpp.station import Station, log


class _SecurityEvent(Struct):
    type: str
    timestamp: str
    techInfo: str = ""  # noqa: N815 (the wire's name)


async def security_event(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """SecurityEventNotification (OCPP 1.6 security whitepaper A00, 4.9)."""
    notice = station.read("SecurityEventNotification", body, _SecurityEvent)
    log.warning("ocpp_security_event", charger=station.charger.path, type=ascii(notice.type[:100]))
    return {}
