"""SecurityEventNotification (OCPP 1.6 security whitepaper, use case A04): on disk before it is answered."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from scada.core.effects import Event
from scada.core.records import AuditRecord
from scada.drivers.ocpp.station import Station, log
from scada.runtime.requests import Note

ALARMING = frozenset(
    {
        "AttemptedReplayAttacks",
        "InvalidCentralSystemCertificate",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
        "MemoryExhaustion",
        "SecurityLogWasCleared",
        "TamperDetectionActivated",
    }
)
"""Of the whitepaper's list (appendix 1). It calls boots, resets and clock changes critical too: they must be told, but
they are a charger's ordinary life, and an alarm for each would hide these."""
TEXT_LENGTH_MAX = 300


class SecurityEvent(Struct, rename="camel"):
    """Whitepaper 6.9; `type` is of its appendix 1, or the maker's."""

    type: str
    timestamp: str = ""
    tech_info: str = ""


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Keep what happened, show it, and raise the alarm where somebody must look."""
    notice = station.read("SecurityEventNotification", body, SecurityEvent)
    await station.rare()
    now_us = station.now_us()
    text = f"{notice.type}: {notice.tech_info}" if notice.tech_info else notice.type
    text = text[:TEXT_LENGTH_MAX]
    await station.host.request(
        Note(
            (
                AuditRecord(
                    time_us=now_us,
                    user=f"<{station.charger.identity}>",
                    origin="ocpp",
                    action="security_event",
                    object=station.charger.path,
                    new=text,
                ),
            )
        )
    )
    log.warning("ocpp_security_event", charger=station.charger.path, type=ascii(notice.type[:100]))
    station.put({"SecurityEvent": text}, station.device_time(notice.timestamp, now_us))
    station.host.event(
        Event(
            "security_event", station.charger.path, {"type": notice.type[:50], "info": notice.tech_info[:255]}
        )
    )
    if notice.type in ALARMING:
        # A moment, not a state: the alarm latches until somebody has looked.
        station.put({"SecurityAlert": True})
        station.put({"SecurityAlert": False})
    return {}
