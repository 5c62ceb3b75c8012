"""Shapes of 1.6 payloads, as tolerant as they can be read: texts are not bounded, numbers may come as texts.

The schemas say what is *right*; these say what can be *understood*. Field names are the wire's.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class BootNotification(Struct, rename="camel"):
    """OCPP 1.6 6.3."""

    charge_point_vendor: str
    charge_point_model: str
    charge_point_serial_number: str = ""
    charge_box_serial_number: str = ""
    firmware_version: str = ""
    meter_type: str = ""
    meter_serial_number: str = ""
    iccid: str = ""
    imsi: str = ""


class IdTag(Struct, rename="camel"):
    """Authorize, OCPP 1.6 6.1."""

    id_tag: str


class StatusNotification(Struct, rename="camel"):
    """OCPP 1.6 6.47."""

    connector_id: int
    status: str
    error_code: str = "NoError"
    info: str = ""
    timestamp: str = ""
    vendor_id: str = ""
    vendor_error_code: str = ""


class SampledValue(Struct, rename="camel"):
    """OCPP 1.6 7.43; what is left out has the standard's default."""

    value: str | float
    measurand: str = ""
    phase: str = ""
    location: str = ""
    unit: str = ""
    context: str = ""
    format: str = ""


class MeterValue(Struct, rename="camel"):
    """OCPP 1.6 7.33."""

    timestamp: str
    sampled_value: list[SampledValue]


class MeterValues(Struct, rename="camel"):
    """OCPP 1.6 6.31."""

    connector_id: int
    meter_value: list[MeterValue]
    transaction_id: int | None = None


class StartTransaction(Struct, rename="camel"):
    """OCPP 1.6 6.45. What is left out is repaired (`actions/start_transaction.py`)."""

    connector_id: int = 0
    id_tag: str = ""
    meter_start: float | None = None
    timestamp: str = ""
    reservation_id: int | None = None


class StopTransaction(Struct, rename="camel"):
    """OCPP 1.6 6.49. What is left out is repaired (`actions/stop_transaction.py`)."""

    transaction_id: int = -1
    meter_stop: float | None = None
    timestamp: str = ""
    id_tag: str = ""
    reason: str = "Local"
    transaction_data: list[MeterValue] = field(default_factory=list)


class DataTransfer(Struct, rename="camel"):
    """OCPP 1.6 6.15. Some chargers send an object as data."""

    vendor_id: str
    message_id: str = ""
    data: Any = ""
