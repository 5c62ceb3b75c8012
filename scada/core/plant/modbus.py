"""Modbus: where devices are and how they are wired; how they are polled; what is offered to building systems."""

from __future__ import annotations

from dataclasses import dataclass, field

from scada.core.value import TimeUs


@dataclass(frozen=True, kw_only=True)
class ModbusEndpoint:
    """Where a Modbus device is, what it is, and how it is wired.

    Attributes:
        profile: name of its profile (`config/drivers/modbus`).
        host: address; of `rtu` the serial device, for example `/dev/ttyUSB0`.
        transport: `tcp`, `tls`, `rtu_tcp` (RTU frames over TCP) or `rtu` (a serial line).
        serial: speed, bits, parity and stop bits of a serial line.
        poll_us: of registers of class `fast`.
        ct_ratio, vt_ratio: what the readings of a meter that knows nothing of its transformers are multiplied by.
        phases: the site's phases at the device's terminals L1, L2, L3.
        inverted: its current transformers look the other way: power changes its sign, import is export.
    """

    profile: str
    host: str
    port: int = 502
    unit_id: int = 1
    transport: str = "tcp"
    serial: str = "9600-8N1"
    poll_us: TimeUs = 1_000_000
    ct_ratio: float = 1.0
    vt_ratio: float = 1.0
    phases: tuple[str, str, str] = ("L1", "L2", "L3")
    inverted: bool = False


@dataclass(frozen=True, kw_only=True)
class ModbusServerSettings:
    """What is offered to building systems over Modbus TCP.

    Attributes:
        port: None: nothing is; 0 lets the system choose.
        tags: patterns of the tags that are offered.
        writable: patterns of the tags among them that may be written, as far as they have a write rule; usually none.
    """

    host: str = ""
    port: int | None = None
    tags: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModbusSettings:
    """How Modbus devices are read.

    Attributes:
        timeout_s: bound of connecting and of each answer.
        retries: further requests after one without an answer, to a device that answered before.
        normal_us, slow_us: how often registers of these classes are read.
        retry_max_s: longest wait before a lost gateway or a silent device is tried again.
        tls_ca: file with the certificates that devices over TLS are proved by; empty: the system's.
        tls_certificate, tls_key: files that prove us to them; empty: they do not ask.
    """

    timeout_s: float = 1.0
    retries: int = 1
    normal_us: TimeUs = 5_000_000
    slow_us: TimeUs = 60_000_000
    retry_max_s: float = 30.0
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    server: ModbusServerSettings = field(default_factory=ModbusServerSettings)
