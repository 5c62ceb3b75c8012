"""The plant: one frozen model that drivers, displays, OPC UA, history and command line all walk.

The project's files expand into it once (`scada.project`). A new kind of outside view is a new walk, not a
new model. Lists are in the order of the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path

from scada.core.path import parent
from scada.core.tag import TagDefinition, Texts
from scada.core.value import TimeUs

OCPP_IDENTITY = re.compile(r"[A-Za-z0-9*\-:@|_=+.]{1,48}\Z")
"""A charge point's identity as it may stand in the URL, decoded (OCPP-J 3.1.1; OCPP 2.0.1 part 4 3.1.1)."""


class Current(Enum):
    """Alternating or direct current at a connector."""

    AC = "AC"
    DC = "DC"


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A connector (OCPP 1.6: connectorId ≥ 1).

    Attributes:
        number: the connectorId.
        path: of its branch, for example `Depot.CP01.C1`.
        plug: plug type as IEC 62196 and the trade name it: `Type 2`, `CCS2`, `CHAdeMO`.
        phases: wired phases, 1 or 3 (DC: 3).
        current_max_a: hardware limit per phase (AC) or at the output (DC).
        power_max_kw: hardware limit.
    """

    number: int
    path: str
    plug: str
    current: Current
    phases: int
    current_max_a: float
    power_max_kw: float
    bay: str = ""


@dataclass(frozen=True, kw_only=True)
class Charger:
    """A charge point.

    Attributes:
        path: of its branch, for example `Depot.CP01`.
        name: the last segment, shown to operators.
        identity: of OCPP, as it stands in the URL (decoded).
        device_type: name of the template out of `config/device_types`.
        feeder: name of the feeder that it hangs on.
        basic_auth_ref: where its password is found (security profile 1), or empty for profile 0.
    """

    path: str
    name: str
    site: str
    identity: str
    device_type: str
    label: Texts
    feeder: str
    connectors: tuple[Connector, ...]
    basic_auth_ref: str = ""

    def connector(self, number: int) -> Connector | None:
        """The connector with this connectorId."""
        for connector in self.connectors:
            if connector.number == number:
                return connector
        return None


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A Modbus meter: which profile, where, which unit."""

    path: str
    name: str
    site: str
    role: str
    profile: str
    host: str
    port: int
    unit_id: int
    label: Texts
    poll_us: TimeUs


@dataclass(frozen=True, kw_only=True)
class Feeder:
    """A part of a site that chargers hang on."""

    name: str
    label: Texts
    limit_a: float


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place with its own grid connection."""

    path: str
    label: Texts
    timezone: str
    limit_a: float
    feeders: tuple[Feeder, ...]
    chargers: tuple[Charger, ...]
    meters: tuple[Meter, ...]


@dataclass(frozen=True, kw_only=True)
class Level:
    """An alarm level, 0 (lowest) to 29 (highest).

    Attributes:
        priority: ISA-18.2 class: `critical`, `high`, `medium`, `low` or `journal`.
        severity: OPC UA severity, 1 to 1000, rising with the level.
    """

    number: int
    name: Texts
    priority: str
    severity: int


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person who is mailed."""

    name: str
    email: str
    language: str


@dataclass(frozen=True, kw_only=True)
class OnCallProfile:
    """Which alarms are mailed to whom.

    Attributes:
        levels: lowest and highest level, both included.
        sites: paths of sites; empty: all.
        states: which transitions, out of `raised`, `acknowledged`, `returned`.
    """

    name: str
    contacts: tuple[str, ...]
    levels: tuple[int, int]
    sites: tuple[str, ...] = ()
    states: tuple[str, ...] = ("raised",)


@dataclass(frozen=True, kw_only=True)
class Token:
    """A local authorization: RFID tag or the like.

    Attributes:
        id_tag: at most 20 characters (OCPP 1.6 IdToken), compared without regard to case.
        expires_us: None: never.
    """

    id_tag: str
    name: str = ""
    parent: str = ""
    blocked: bool = False
    expires_us: TimeUs | None = None


@dataclass(frozen=True, kw_only=True)
class Security:
    """Who may come in over which door."""

    allow_missing_subprotocol: bool = False
    opcua_anonymous: bool = False
    opcua_policies: tuple[str, ...] = ("basic256sha256",)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Addresses and ports. 0 lets the system choose; the chosen one is logged and shown by `/api/v1/health`."""

    host: str = "127.0.0.1"
    http_port: int = 8080
    ocpp_port: int = 9000
    ocpp_path: str = "/ocpp"
    opcua_port: int = 4840


@dataclass(frozen=True, kw_only=True)
class Mail:
    """The way out for mail. The password is a reference (`env:NAME` or `file:PATH`), never a secret itself."""

    host: str = ""
    port: int = 25
    sender: str = ""
    security: str = "none"
    username: str = ""
    password_ref: str = ""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """The simulated site that stands beside the supervisor in demos and factory tests."""

    enabled: bool = False
    speed: float = 1.0
    seed: int = 1
    arrivals_per_hour: float = 4.0
    faults_per_hour: float = 0.2
    building_base_kw: float = 20.0
    smtp_port: int = 2525


@dataclass(frozen=True, kw_only=True)
class OcppSettings:
    """What every charger is asked for.

    Attributes:
        heartbeat_s: Heartbeat interval, answered in BootNotification.
        meter_sample_s: MeterValueSampleInterval.
        measurands: MeterValuesSampledData.
        call_timeout_s: how long a charger may take to answer a call.
        stale_us: time without a link after which its values are Bad.
        free_vending: everybody may charge.
    """

    heartbeat_s: int = 60
    meter_sample_s: int = 10
    measurands: tuple[str, ...] = ()
    call_timeout_s: float = 30.0
    stale_us: TimeUs = 300_000_000
    free_vending: bool = False


@dataclass(frozen=True, kw_only=True)
class Plant:
    """Everything that is configured."""

    name: str
    label: Texts
    languages: tuple[str, ...]
    timezone: str
    sites: tuple[Site, ...]
    tags: tuple[TagDefinition, ...]
    levels: tuple[Level, ...]
    contacts: tuple[Contact, ...] = ()
    profiles: tuple[OnCallProfile, ...] = ()
    tokens: tuple[Token, ...] = ()
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    security: Security = field(default_factory=Security)
    mail: Mail = field(default_factory=Mail)
    ocpp: OcppSettings = field(default_factory=OcppSettings)
    simulation: Simulation = field(default_factory=Simulation)
    directory: Path = field(default_factory=Path)

    def chargers(self) -> Iterator[Charger]:
        """All chargers of all sites."""
        for site in self.sites:
            yield from site.chargers

    def meters(self) -> Iterator[Meter]:
        """All meters of all sites."""
        for site in self.sites:
            yield from site.meters

    @cached_property
    def chargers_by_path(self) -> Mapping[str, Charger]:
        """Path → charger."""
        return {charger.path: charger for charger in self.chargers()}

    @cached_property
    def connectors_by_path(self) -> Mapping[str, tuple[Charger, Connector]]:
        """Path → (charger, connector)."""
        return {
            connector.path: (charger, connector)
            for charger in self.chargers()
            for connector in charger.connectors
        }

    @cached_property
    def _places(self) -> frozenset[str]:
        return frozenset(
            (
                *self.chargers_by_path,
                *self.connectors_by_path,
                *(meter.path for meter in self.meters()),
                *(site.path for site in self.sites),
            )
        )

    def place_of(self, path: str) -> str:
        """The nearest branch above a tag that is a connector, charger, meter or site; else empty."""
        branch = parent(path)
        while branch and branch not in self._places:
            branch = parent(branch)
        return branch

    @cached_property
    def definitions(self) -> Mapping[str, TagDefinition]:
        """Path → definition."""
        return {definition.path: definition for definition in self.tags}

    def text(self, texts: Texts, language: str) -> str:
        """The text in a language, else in the project's first, else whatever there is."""
        return texts.get(language) or texts.get(self.languages[0]) or next(iter(texts.values()), "")
