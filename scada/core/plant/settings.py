"""Doors, chargers' habits, and the simulated site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scada.core.value import TimeUs


@dataclass(frozen=True, kw_only=True)
class Security:
    """Who may come in over which door.

    Attributes:
        allow_missing_subprotocol: of unknown chargers (see `Charger.missing_subprotocol`).
    """

    allow_missing_subprotocol: bool = False
    opcua_anonymous: bool = False
    opcua_policies: tuple[str, ...] = ("basic256sha256",)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Addresses and ports. 0 lets the system choose; the chosen one is logged and shown by `/api/v1/health`.

    Attributes:
        ocpps_port: the door for chargers that speak TLS; None: it is closed.
    """

    host: str = "127.0.0.1"
    http_port: int = 8080
    ocpp_port: int = 9000
    ocpp_path: str = "/ocpp"
    opcua_port: int = 4840
    ocpps_port: int | None = None


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How many days things are kept; 0: for ever."""

    raw_days: int
    minute_days: int
    rollup_days: int


RETENTION: Mapping[str, Retention] = {
    "short": Retention(raw_days=31, minute_days=31, rollup_days=400),
    "standard": Retention(raw_days=400, minute_days=800, rollup_days=3700),
    "long": Retention(raw_days=3700, minute_days=3700, rollup_days=0),
}
"""Classes that are always there; a project may change them or add its own."""


@dataclass(frozen=True, kw_only=True)
class HistorySettings:
    """Where samples are kept, and how long.

    Attributes:
        url: reference to the secret that holds the URL of a PostgreSQL database; empty: `history.db`.
        disk_bytes_max: of the database; 0: no bound but the disk. Past it the oldest samples are given up.
        free_bytes_min: with less free on the disk no samples are written; others need it more.
        spill_bytes_max: of what waits on disk while the database is away.
        local_days: records that PostgreSQL has stay so long in `core.db`, too; without PostgreSQL for ever.
    """

    url: str = ""
    local_days: int = 90
    disk_bytes_max: int = 0
    free_bytes_min: int = 500_000_000
    spill_bytes_max: int = 2_000_000_000
    retention: Mapping[str, Retention] = field(default_factory=lambda: RETENTION)


@dataclass(frozen=True, kw_only=True)
class Export:
    """Plain rows that are taken to another database from time to time.

    Attributes:
        url: reference to the secret that holds the URL of the target, any that SQLAlchemy has a driver for.
        what: of `sessions`, `alarms`, `audit`, `energy` (by 15 minutes).
        every_us: time between two runs.
        at_min: minute of the local day; None: by `every_us`.
        prefix: of the names of tables.
    """

    name: str
    url: str
    what: tuple[str, ...]
    every_us: TimeUs = 900_000_000
    at_min: int | None = None
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """The file server for chargers. Without a port it is closed.

    Attributes:
        host: listening address; empty: that of the other doors.
        http_port, ftp_port: None: closed; 0: the system chooses.
        address: host name or IP under which chargers reach it; empty: the listening address.
        passive_ports: first and last port of FTP's data connections (RFC 959 PASV, RFC 2428 EPSV); None: any.
        tls_certificate, tls_key: PEM files below the project; with them HTTP is HTTPS.
        upload_bytes_max: of one file from a charger.
        received_bytes_max: of all of them together; at it the oldest are deleted.
        firmware_bytes_max: of one firmware file.
    """

    host: str = ""
    http_port: int | None = None
    ftp_port: int | None = None
    address: str = ""
    passive_ports: tuple[int, int] | None = None
    tls_certificate: str = ""
    tls_key: str = ""
    upload_bytes_max: int = 200_000_000
    received_bytes_max: int = 2_000_000_000
    firmware_bytes_max: int = 500_000_000

    @property
    def enabled(self) -> bool:
        """Whether anything listens."""
        return self.http_port is not None or self.ftp_port is not None


@dataclass(frozen=True, kw_only=True)
class OcppSettings:
    """What every charger is asked for.

    Attributes:
        heartbeat_s: Heartbeat interval, answered in BootNotification.
        meter_sample_s: MeterValueSampleInterval.
        measurands: MeterValuesSampledData.
        aligned_s: ClockAlignedDataInterval; 0: as the charger has it.
        aligned_measurands: MeterValuesAlignedData; empty: as the charger has it.
        websocket_ping_s: WebSocketPingInterval; None: as the charger has it.
        reboot_when_needed: a charger that wants a reboot for a changed key gets one while nobody charges.
        keys: further configuration keys, set on every charger that has them.
        call_timeout_s: how long a charger may take to answer a call.
        stale_us: time without a link after which its values are Bad.
        security_profile: that of unknown chargers, and of those whose row says nothing (OCPP 1.6 security whitepaper 2):
            0 plain without a password, 1 password, 2 TLS and password, 3 TLS and a certificate of the charger.
        unknown: what becomes of chargers that the project does not have: `refuse`, or `pending`: they wait for somebody
            to adopt them.
        ping_s: how often a charger is pinged; 0: never.
        message_log_days: how long each frame between us and the chargers is kept; 0: there is no message log.
        message_log_frames: kept of all chargers; the oldest go first.
    """

    heartbeat_s: int = 60
    meter_sample_s: int = 10
    measurands: tuple[str, ...] = ()
    aligned_s: int = 0
    aligned_measurands: tuple[str, ...] = ()
    websocket_ping_s: int | None = None
    reboot_when_needed: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    call_timeout_s: float = 30.0
    stale_us: TimeUs = 300_000_000
    message_log_days: int = 14
    message_log_frames: int = 5_000_000
    security_profile: int = 2
    unknown: str = "refuse"
    ping_s: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """The certificates of the TLS door for chargers, and those that chargers are given.

    Attributes:
        organization: O of what the project's own CA issues, and what a charger's request must carry.
        names: host names and addresses that chargers use, for the server certificate of the project's own CA.
        server_ref, server_key_ref: PEM of a server certificate from elsewhere, chain included, and of its key; empty: the
            project's own CA issues one.
        roots: PEM files of further CAs whose charger certificates are taken.
        charger_days, server_days: how long those of the project's own CA are valid.
    """

    organization: str = "EV-SCADA"
    names: tuple[str, ...] = ()
    server_ref: str = ""
    server_key_ref: str = ""
    roots: tuple[str, ...] = ()
    charger_days: int = 365
    server_days: int = 365


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """The simulated site that stands beside the supervisor in demos and factory tests.

    Attributes:
        recipes: tag of a charger → how it departs from the standard (`scada simulate DIR --recipes` lists them).
    """

    enabled: bool = False
    speed: float = 1.0
    seed: int = 1
    arrivals_per_hour: float = 4.0
    faults_per_hour: float = 0.2
    building_base_kw: float = 20.0
    smtp_port: int = 2525
    recipes: Mapping[str, str] = field(default_factory=dict)
