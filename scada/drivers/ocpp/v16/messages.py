"""Shapes of 1.6 payloads, as tolerant as they can be read: texts are not bounded, numbers may come as texts.

The schemas say what is *right*; these say what can be *understood*. Field names are the wire's.
"""

from __future__ import annotations

from msgspec import Struct, field


class BootNotification(Struct, rename="camel"):
    """OCPP 1.6 6.3."""

    charge_point_vendor: str
    charge_point_model: str
    charge_point_serial_number: str = ""
    charge_box_serial_number: str = ""
    firmware_version: str = ""


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
    """OCPP 1.6 6.45."""

    connector_id: int
    id_tag: str
    meter_start: int
    timestamp: str
    reservation_id: int | None = None


class StopTransaction(Struct, rename="camel"):
    """OCPP 1.6 6.49."""

    transaction_id: int
    meter_stop: int
    timestamp: str
    id_tag: str = ""
    reason: str = "Local"
    transaction_data: list[MeterValue] = field(default_factory=list)


class DataTransfer(Struct, rename="camel"):
    """OCPP 1.6 6.15."""

    vendor_id: str
    message_id: str = ""
    data: str = ""
