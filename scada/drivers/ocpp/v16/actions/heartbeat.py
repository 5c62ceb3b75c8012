"""Heartbeat (OCPP 1.6 4.6): the answer carries the time."""

from __future__ import annotations

from typing import Any

from scada.core import moment
from scada.drivers.ocpp.station import Station


async def handle(station: Station, _body: dict[str, Any]) -> dict[str, Any]:
    """Answer with the time."""
    return {"currentTime": moment.text(station.now_us())}


def hot(station: Station, body: bytes) -> bytes | None:
    """The same without detour, for the empty payload that the standard prescribes."""
    if body != b"{}":
        return None
    return b'{"currentTime":"' + moment.text(station.now_us()).encode() + b'"}'
