"""StatusNotification (OCPP 1.6 4.9, 6.47): the state of a connector, or (0) of the charger."""

from __future__ import annotations

from typing import Any

import msgspec

from scada.core.effects import Event
from scada.core.value import GOOD, Value
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages

_decode = msgspec.json.Decoder(messages.StatusNotification).decode

STATES = frozenset(
    (
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEVSE",
        "SuspendedEV",
        "Finishing",
        "Reserved",
        "Unavailable",
        "Faulted",
    )
)
ERROR_CODES = frozenset(
    (
        "ConnectorLockFailure",
        "EVCommunicationError",
        "GroundFailure",
        "HighTemperature",
        "InternalError",
        "LocalListConflict",
        "NoError",
        "OtherError",
        "OverCurrentFailure",
        "OverVoltage",
        "PowerMeterFailure",
        "PowerSwitchFailure",
        "ReaderFailure",
        "ResetFailure",
        "UnderVoltage",
        "WeakSignal",
    )
)
_STATES_BY_FOLD = {state.casefold(): state for state in STATES}
_NO_CURRENT = frozenset(("Available", "Preparing", "Finishing", "Reserved", "Unavailable"))
"""States in which the contactor is open, so that nothing flows (IEC 61851-1 states A and B)."""


def hot(station: Station, body: bytes) -> bytes | None:
    """Take a state in and answer at once."""
    try:
        message = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if message.status not in STATES or message.error_code not in ERROR_CODES:
        return None
    take(station, message)
    return b"{}"


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """The patient way: an error code of the vendor's own becomes OtherError with its text, a state that nobody knows is refused."""
    message = station.read("StatusNotification", body, messages.StatusNotification)
    message.status = _STATES_BY_FOLD.get(message.status.casefold(), message.status)
    if message.error_code not in ERROR_CODES:
        message.vendor_error_code = message.vendor_error_code or message.error_code
        message.error_code = "OtherError"
    if message.status not in STATES:
        raise CallError("PropertyConstraintViolation", f"status: '{message.status[:50]}' is no state of 1.6")
    take(station, message)
    return {}


def take(station: Station, message: messages.StatusNotification) -> None:
    """Write the state to the tags."""
    number = message.connector_id
    if number and station.charger.connector(number) is None:
        station.deviation(f"StatusNotification of a connector {number} that the project does not have")
        return
    prefix = f"C{number}." if number else ""
    now_us = station.now_us()
    values: dict[str, Value] = {
        f"{prefix}Status": message.status,
        f"{prefix}ErrorCode": message.error_code,
    }
    if number:
        values[f"{prefix}VendorErrorCode"] = message.vendor_error_code or message.info
        values[f"{prefix}Faulted"] = message.status == "Faulted"
        values[f"{prefix}Operative"] = message.status != "Unavailable"
    source_us = station.device_time(message.timestamp, now_us)
    station.put(values, source_us)
    if number and message.status in _NO_CURRENT:
        zero = station.samples[number].zero()
        station.host.write([(tag, 0.0, GOOD, source_us) for tag in zero])
    path = f"{station.charger.path}.C{number}" if number else station.charger.path
    station.host.event(Event("status", path, {"status": message.status, "time_us": source_us}))
