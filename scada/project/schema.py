"""What may stand in a project's files. pydantic finds all mistakes of a file at once, with their places."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from scada.core.path import is_segment
from scada.core.plant import OCPP_IDENTITY
from scada.core.units import UNITS

_SECRET_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)?\Z")
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\Z")


def _segment(text: str) -> str:
    if not is_segment(text):
        raise ValueError("a tag name is made of letters, digits and '_' and does not begin with a digit")
    return text


def _timezone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError(f"'{text}' is no time zone of the IANA list, for example Europe/Paris")
    return text


def _reference(text: str) -> str:
    if not _SECRET_REFERENCE.match(text):
        raise ValueError("a secret is given by reference: env:NAME or file:PATH, never in clear")
    return text


def _email(text: str) -> str:
    if not _EMAIL.match(text):
        raise ValueError(f"'{text}' is no e-mail address")
    return text


def _identity(text: str) -> str:
    if not OCPP_IDENTITY.match(text):
        raise ValueError("an OCPP identity has 1 to 48 of the characters A-Z a-z 0-9 * - : @ | _ = + .")
    return text


def _unit(text: str) -> str:
    if text and text not in UNITS:
        raise ValueError(f"unknown unit '{text}', known: {', '.join(UNITS)}")
    return text


def _texts(value: object) -> object:
    return {"": value} if isinstance(value, str) else value


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


Segment = Annotated[str, AfterValidator(_segment)]
Timezone = Annotated[str, AfterValidator(_timezone)]
SecretReference = Annotated[str, AfterValidator(_reference)]
Email = Annotated[str, AfterValidator(_email)]
Identity = Annotated[str, AfterValidator(_identity)]
UnitSymbol = Annotated[str, AfterValidator(_unit)]
Texts = Annotated[dict[str, str], BeforeValidator(_texts)]
Words = Annotated[list[str], BeforeValidator(_split)]
Port = Annotated[int, Field(ge=0, le=65535)]
Positive = Annotated[float, Field(gt=0)]


class Strict(BaseModel):
    """An unknown key is a mistake: it is most often a misspelt one."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ProjectSection(Strict):
    """[project]."""

    name: Segment
    label: Texts = {}
    languages: Annotated[list[Literal["en", "fr"]], Field(min_length=1)] = ["en"]
    timezone: Timezone


class NetworkSection(Strict):
    """[network]: port 0 lets the system choose."""

    host: str = "127.0.0.1"
    http_port: Port = 8080
    ocpp_port: Port = 9000
    ocpp_path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_-]*$")] = "/ocpp"
    opcua_port: Port = 4840


class OcppSection(Strict):
    """[ocpp]."""

    heartbeat_s: Annotated[int, Field(ge=5, le=86400)] = 60
    meter_sample_s: Annotated[int, Field(ge=1, le=3600)] = 10
    measurands: list[str] = []
    call_timeout_s: Annotated[float, Field(ge=1, le=300)] = 30
    stale_s: Annotated[int, Field(ge=10, le=86400)] = 300
    free_vending: bool = False
    allow_missing_subprotocol: bool = False


class OpcUaSection(Strict):
    """[opcua]."""

    anonymous: bool = False
    policies: list[Literal["none", "basic256sha256"]] = ["basic256sha256"]


class MailSection(Strict):
    """[mail]; without `host` no mail is sent."""

    host: str = ""
    port: Port = 25
    sender: Email | Literal[""] = ""
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password_ref: SecretReference = ""


class SimulationSection(Strict):
    """[simulation]."""

    enabled: bool = False
    speed: Annotated[float, Field(gt=0, le=1000)] = 1.0
    seed: int = 1
    arrivals_per_hour: Annotated[float, Field(ge=0, le=10000)] = 4.0
    faults_per_hour: Annotated[float, Field(ge=0, le=1000)] = 0.2
    building_base_kw: Annotated[float, Field(ge=0)] = 20.0
    smtp_port: Port = 2525


class FeederSection(Strict):
    """[[sites.feeders]]."""

    name: Segment
    label: Texts = {}
    limit_a: Positive


class SiteSection(Strict):
    """[[sites]]."""

    tag: Segment
    label: Texts = {}
    timezone: Timezone | None = None
    limit_a: Positive
    feeders: list[FeederSection] = []


class ContactSection(Strict):
    """[[contacts]]."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: Email
    language: Literal["en", "fr"] = "en"


class OnCallSection(Strict):
    """[[oncall]]."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    contacts: Annotated[list[str], Field(min_length=1)]
    level_min: Annotated[int, Field(ge=0, le=29)] = 0
    level_max: Annotated[int, Field(ge=0, le=29)] = 29
    sites: list[str] = []
    states: list[Literal["raised", "acknowledged", "returned"]] = ["raised"]


class AlarmSection(Strict):
    """[NAME] of alarms/catalogue.toml."""

    level: Annotated[int, Field(ge=0, le=29)]
    abnormal: bool = True
    on_delay_s: Annotated[float, Field(ge=0, le=86400)] = 0
    off_delay_s: Annotated[float, Field(ge=0, le=86400)] = 0
    needs_acknowledgement: bool = True
    message: Texts
    cause: Texts = {}
    consequence: Texts = {}
    guidance: Texts = {}


class AlarmChange(Strict):
    """[alarms.NAME] of a project: the keys of a standard alarm that it changes."""

    level: Annotated[int, Field(ge=0, le=29)] | None = None
    on_delay_s: Annotated[float, Field(ge=0, le=86400)] | None = None
    off_delay_s: Annotated[float, Field(ge=0, le=86400)] | None = None
    needs_acknowledgement: bool | None = None
    message: Texts | None = None
    cause: Texts | None = None
    consequence: Texts | None = None
    guidance: Texts | None = None


Right = Literal["see", "operate", "acknowledge", "mask", "maintain", "configure", "manage_users"]


class ProjectFile(Strict):
    """project.toml."""

    project: ProjectSection
    network: NetworkSection = NetworkSection()
    ocpp: OcppSection = OcppSection()
    opcua: OpcUaSection = OpcUaSection()
    mail: MailSection = MailSection()
    simulation: SimulationSection = SimulationSection()
    sites: Annotated[list[SiteSection], Field(min_length=1)]
    contacts: list[ContactSection] = []
    oncall: list[OnCallSection] = []
    alarms: dict[str, AlarmChange] = {}
    roles: dict[str, list[Right]] = {}


class ThresholdSection(Strict):
    """A threshold of a template."""

    name: Segment
    direction: Literal["high", "low"]
    limit: float
    hysteresis: Annotated[float, Field(ge=0)] = 0
    alarm: str = ""


class TagSection(Strict):
    """[templates.NAME.TAG] of config/device_types."""

    kind: Literal["bit", "register", "text"]
    source: Literal["driver", "counter", "internal"] = "driver"
    unit: UnitSymbol = ""
    decimals: Annotated[int, Field(ge=0, le=6)] = 0
    low: float | None = None
    high: float | None = None
    gain: float = 1.0
    deadband: Annotated[float, Field(ge=0)] = 0.0
    address: str = ""
    choices: list[str] = []
    initial: bool | float | str | None = None
    record: bool = False
    write: bool = False
    domain: str = ""
    nature: str = ""
    device_link: bool = True
    sum: str = ""
    alarm: str = ""
    thresholds: list[ThresholdSection] = []
    label: Texts = {}
    description: Texts = {}


class TypeSection(Strict):
    """[types.NAME] of config/device_types: a type of charger."""

    label: Texts
    current: Literal["AC", "DC"]
    phases: Literal[1, 3]
    charger: list[str]
    connector: list[str]


class GridThreshold(Strict):
    """A threshold in percent of the site's limit."""

    name: Segment
    direction: Literal["high", "low"]
    percent: Positive
    hysteresis_percent: Annotated[float, Field(ge=0)] = 0
    alarm: str = ""


class GridThresholds(Strict):
    """[grid_thresholds]."""

    registers: list[str]
    thresholds: list[GridThreshold]


class DeviceTypesFile(Strict):
    """A file of config/device_types."""

    types: dict[str, TypeSection] = {}
    templates: dict[str, dict[Segment, TagSection]] = {}
    grid_thresholds: GridThresholds | None = None


class Band(Strict):
    """[[bands]] of alarms/levels.toml."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    from_: Annotated[int, Field(alias="from", ge=0, le=29)]
    to: Annotated[int, Field(ge=0, le=29)]
    priority: Literal["critical", "high", "medium", "low", "journal"]
    name: Texts


class LevelsFile(Strict):
    """alarms/levels.toml."""

    bands: list[Band]


class ChargerRow(Strict):
    """A row of chargers.csv. `plug` and `bays` hold one word a connector, or one for all."""

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


class MeterRow(Strict):
    """A row of meters.csv."""

    site: str
    tag: Segment
    role: Literal["grid", "building", "feeder", "other"]
    profile: str
    host: Annotated[str, Field(min_length=1)]
    port: Port = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    poll_s: Annotated[float, Field(ge=0.2, le=3600)] = 1.0
    label: str = ""


class TokenRow(Strict):
    """A row of tokens.csv. `expires`: a date (to the end of that day) or a time, in the project's time zone."""

    id_tag: Annotated[str, Field(min_length=1, max_length=20)]
    name: str = ""
    parent: Annotated[str, Field(max_length=20)] = ""
    blocked: bool = False
    expires: str = ""
