"""What may stand in a project's files. pydantic finds all mistakes of a file at once, with their places."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scada.project.alarm_schema import AlarmChange, MaskSection, RoleSection, SynthesisSection
from scada.project.allocation_schema import AllocationSection, FeederSection
from scada.project.charging_schema import ChargingRules, ChargingSection
from scada.project.fields import (
    Identity,
    Port,
    Positive,
    SecretReference,
    SecurityProfile,
    Segment,
    Strict,
    Texts,
    Timezone,
    Words,
)
from scada.project.modbus_schema import ModbusSection
from scada.project.mode_schema import MODES_MAX, ModeSection
from scada.project.oncall_schema import (
    ContactSection,
    MailSection,
    NoticeSection,
    OnCallSection,
    OnCallSettingsSection,
    ReportSection,
    RotaSection,
    TeamSection,
)
from scada.project.records_schema import BookkeepingSection, ExportSection, TariffSection


class ProjectSection(Strict):
    """[project]."""

    name: Segment
    label: Texts = {}
    languages: Annotated[list[Literal["en", "fr"]], Field(min_length=1)] = ["en"]
    timezone: Timezone
    alarm_counters: Literal["connectors", "devices", "sites"] = "connectors"


class NetworkSection(Strict):
    """[network]: port 0 lets the system choose."""

    host: str = "127.0.0.1"
    http_port: Port = 8080
    ocpp_port: Port = 9000
    ocpp_path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_-]*$")] = "/ocpp"
    opcua_port: Port = 4840
    ocpps_port: Port | None = None


class OcppSection(Strict):
    """[ocpp]."""

    heartbeat_s: Annotated[int, Field(ge=5, le=86400)] = 60
    meter_sample_s: Annotated[int, Field(ge=1, le=3600)] = 10
    measurands: list[str] = []
    call_timeout_s: Annotated[float, Field(ge=1, le=300)] = 30
    stale_s: Annotated[int, Field(ge=10, le=86400)] = 300
    allow_missing_subprotocol: bool = False
    security_profile: SecurityProfile = 2
    unknown: Literal["refuse", "pending"] = "refuse"
    ping_s: Annotated[float, Field(ge=0, le=3600)] = 30
    message_log_days: Annotated[int, Field(ge=0, le=3650)] = 14
    message_log_frames: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = 5_000_000
    aligned_s: Annotated[int, Field(ge=0, le=86400)] = 0
    aligned_measurands: list[str] = []
    websocket_ping_s: Annotated[int, Field(ge=0, le=3600)] | None = None
    reboot_when_needed: bool = False
    keys: dict[str, str] = {}


class CertificatesSection(Strict):
    """[certificates]: of the TLS door for chargers, and those that chargers are given."""

    organization: Annotated[str, Field(min_length=1, max_length=64)] = "EV-SCADA"
    names: Annotated[list[Annotated[str, Field(min_length=1, max_length=253)]], Field(max_length=50)] = []
    server_ref: SecretReference = ""
    server_key_ref: SecretReference = ""
    roots: Annotated[list[str], Field(max_length=50)] = []
    charger_days: Annotated[int, Field(ge=1, le=3650)] = 365
    server_days: Annotated[int, Field(ge=1, le=3650)] = 365


class FilesSection(Strict):
    """[files]: a port that is left out is closed."""

    host: str = ""
    http_port: Port | None = None
    ftp_port: Port | None = None
    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\-]*$", max_length=253)] = ""
    passive_ports: Annotated[list[Port], Field(min_length=2, max_length=2)] | None = None
    tls_certificate: str = ""
    tls_key: str = ""
    upload_mb_max: Annotated[int, Field(ge=1, le=10_000)] = 200
    received_mb_max: Annotated[int, Field(ge=1, le=1_000_000)] = 2_000
    firmware_mb_max: Annotated[int, Field(ge=1, le=10_000)] = 500


class RetentionSection(Strict):
    """[history.retention.NAME]: days; 0 is for ever."""

    raw_days: Annotated[int, Field(ge=0, le=36_500)]
    minute_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    rollup_days: Annotated[int, Field(ge=0, le=36_500)]


class HistoryStoreSection(Strict):
    """[history]."""

    url: SecretReference | Literal[""] = ""
    disk_max_gb: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    free_min_gb: Annotated[float, Field(ge=0, le=1_000_000)] = 0.5
    spill_max_gb: Annotated[float, Field(ge=0.01, le=1_000_000)] = 2
    local_days: Annotated[int, Field(ge=45, le=100_000)] = 90  # the bookkeeper looks back 40
    retention: dict[Segment, RetentionSection] = {}


class OpcUaSection(Strict):
    """[opcua]."""

    anonymous: bool = False
    policies: list[Literal["none", "basic256sha256"]] = ["basic256sha256"]


class SimulationSection(Strict):
    """[simulation]."""

    enabled: bool = False
    speed: Annotated[float, Field(gt=0, le=1000)] = 1.0
    seed: int = 1
    arrivals_per_hour: Annotated[float, Field(ge=0, le=10000)] = 4.0
    faults_per_hour: Annotated[float, Field(ge=0, le=1000)] = 0.2
    building_base_kw: Annotated[float, Field(ge=0)] = 20.0
    smtp_port: Port = 2525
    recipes: dict[str, str] = {}


class SiteSection(Strict):
    """[[sites]]."""

    tag: Segment
    label: Texts = {}
    timezone: Timezone | None = None
    limit_a: Positive
    feeders: list[FeederSection] = []
    allow_missing_subprotocol: bool | None = None
    charging: ChargingRules | None = None
    allocation: AllocationSection | None = None
    station_screen: list[Literal["state", "power", "energy", "soc", "since"]] = []
    modes: Annotated[list[ModeSection], Field(max_length=MODES_MAX)] = []


class ProjectFile(Strict):
    """project.toml."""

    project: ProjectSection
    network: NetworkSection = NetworkSection()
    ocpp: OcppSection = OcppSection()
    files: FilesSection = FilesSection()
    certificates: CertificatesSection = CertificatesSection()
    charging: ChargingSection = ChargingSection()
    sessions: BookkeepingSection = BookkeepingSection()
    tariffs: Annotated[list[TariffSection], Field(max_length=100)] = []
    modbus: ModbusSection = ModbusSection()
    history: HistoryStoreSection = HistoryStoreSection()
    exports: Annotated[list[ExportSection], Field(max_length=10)] = []
    opcua: OpcUaSection = OpcUaSection()
    mail: MailSection = MailSection()
    simulation: SimulationSection = SimulationSection()
    sites: Annotated[list[SiteSection], Field(min_length=1)]
    contacts: list[ContactSection] = []
    teams: list[TeamSection] = []
    rotas: list[RotaSection] = []
    oncall: list[OnCallSection] = []
    reports: list[ReportSection] = []
    notices: list[NoticeSection] = []
    oncall_settings: OnCallSettingsSection = OnCallSettingsSection()
    alarms: dict[str, AlarmChange] = {}
    roles: dict[str, RoleSection] = {}
    masks: list[MaskSection] = []
    syntheses: list[SynthesisSection] = []


class ChargerRow(Strict):
    """A row of chargers.csv. `plug` and `bays` hold one word a connector, or one for all.

    `security`: the lowest security profile that it may come with; empty: 1 with a password, else the project's.
    `wiring`: phases of the mains that its L1, L2, L3 are wired to, for example L2L3L1; of one on one phase: L3.
    """

    site: str
    tag: Segment
    identity: Identity
    type: str
    feeder: str = ""
    connectors: Annotated[int, Field(ge=1, le=20)] = 1
    plug: Words
    current_a: Positive
    power_kw: Positive
    bays: Words = []
    label: str = ""
    password_ref: SecretReference = ""
    security: SecurityProfile | None = None
    profile: str = ""
    wiring: Annotated[str, Field(pattern=r"^(L[123]){0,3}$")] = ""
