"""What may stand in a project's files about Modbus: [modbus], meters.csv, modbus_chargers.csv."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scada.project.fields import Port, Positive, Segment, Strict, Words

Seconds = Annotated[float, Field(ge=0.2, le=3600)]


class ModbusServerSection(Strict):
    """[modbus.server]: tags for building systems. A port that is left out is closed; it is read-only but for `writable`."""

    host: str = ""
    port: Port | None = None
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=1000)] = []
    writable: Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=100)] = []


class ModbusSection(Strict):
    """[modbus]: how devices are read. Files of TLS are relative to the project."""

    timeout_s: Annotated[float, Field(ge=0.05, le=30)] = 1.0
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    normal_s: Seconds = 5.0
    slow_s: Seconds = 60.0
    retry_max_s: Annotated[float, Field(ge=1, le=600)] = 30.0
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    server: ModbusServerSection = ModbusServerSection()


class ModbusRow(Strict):
    """The columns that say where a Modbus device is.

    `host`: of transport rtu the serial device. `phases`: the site's phases at the device's terminals. `inverted`: its
    current transformers look the other way.
    """

    site: str
    tag: Segment
    profile: str
    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Port = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    transport: Literal["tcp", "tls", "rtu_tcp", "rtu"] = "tcp"
    serial: Annotated[str, Field(pattern=r"^\d{3,7}-[78][NEO][12]$")] = "9600-8N1"
    poll_s: Seconds = 1.0
    label: str = ""


class MeterRow(ModbusRow):
    """A row of meters.csv. `measures`: tag of the charger that hangs behind the meter, alone."""

    role: Literal["grid", "building", "feeder", "pv", "battery", "other"]
    ct_ratio: Positive = 1.0
    vt_ratio: Positive = 1.0
    phases: Literal["L1L2L3", "L2L3L1", "L3L1L2", "L1L3L2", "L3L2L1", "L2L1L3"] = "L1L2L3"
    inverted: bool = False
    measures: str = ""


class ModbusChargerRow(ModbusRow):
    """A row of modbus_chargers.csv: a charger without OCPP. `token`: what its vehicles charge with; empty: its tag."""

    type: str
    feeder: str = ""
    plug: Words
    current_a: Positive
    power_kw: Positive
    bays: Words = []
    phases: Literal["L1L2L3", "L2L3L1", "L3L1L2", "L1L3L2", "L3L2L1", "L2L1L3"] = "L1L2L3"
    token: Annotated[str, Field(max_length=20)] = ""
