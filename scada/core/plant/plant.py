"""Everything that is configured, as one frozen object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scada.core.access import Role
from scada.core.path import parent
from scada.core.plant.alarms import Action, Level, Mask, Synthesis
from scada.core.plant.charging import ChargingSettings, Token
from scada.core.plant.mimics import Mimic
from scada.core.plant.modbus import ModbusEndpoint, ModbusSettings
from scada.core.plant.people import (
    Contact,
    EventNotice,
    Mail,
    OnCallProfile,
    OnCallSettings,
    Report,
    Rota,
    Team,
)
from scada.core.plant.places import Charger, Connector, Meter, Site
from scada.core.plant.settings import (
    Certificates,
    Export,
    FileSettings,
    HistorySettings,
    Network,
    OcppSettings,
    Security,
    Simulation,
)
from scada.core.plant.tariffs import Bookkeeping
from scada.core.tag import TagDefinition, Texts


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
    teams: tuple[Team, ...] = ()
    rotas: tuple[Rota, ...] = ()
    profiles: tuple[OnCallProfile, ...] = ()
    reports: tuple[Report, ...] = ()
    notices: tuple[EventNotice, ...] = ()
    oncall: OnCallSettings = field(default_factory=OnCallSettings)
    masks: tuple[Mask, ...] = ()
    syntheses: tuple[Synthesis, ...] = ()
    actions: tuple[Action, ...] = ()
    tokens: tuple[Token, ...] = ()
    charging: ChargingSettings = field(default_factory=ChargingSettings)
    bookkeeping: Bookkeeping = field(default_factory=Bookkeeping)
    roles: Mapping[str, Role] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    security: Security = field(default_factory=Security)
    certificates: Certificates = field(default_factory=Certificates)
    mail: Mail = field(default_factory=Mail)
    ocpp: OcppSettings = field(default_factory=OcppSettings)
    modbus: ModbusSettings = field(default_factory=ModbusSettings)
    files: FileSettings = field(default_factory=FileSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    exports: tuple[Export, ...] = ()
    simulation: Simulation = field(default_factory=Simulation)
    mimics: tuple[Mimic, ...] = ()
    directory: Path = field(default_factory=Path)

    def chargers(self) -> Iterator[Charger]:
        """All chargers of all sites."""
        for site in self.sites:
            yield from site.chargers

    def meters(self) -> Iterator[Meter]:
        """All meters of all sites."""
        for site in self.sites:
            yield from site.meters

    def ocpp_chargers(self) -> Iterator[Charger]:
        """Those that speak OCPP."""
        return (charger for charger in self.chargers() if charger.modbus is None)

    def modbus_chargers(self) -> Iterator[Charger]:
        """Those that are read and told by Modbus."""
        return (charger for charger in self.chargers() if charger.modbus is not None)

    def modbus_endpoints(self) -> Iterator[ModbusEndpoint]:
        """Where the Modbus devices are: meters, then chargers."""
        yield from (meter.modbus for meter in self.meters())
        yield from (charger.modbus for charger in self.chargers() if charger.modbus is not None)

    @cached_property
    def meters_by_path(self) -> Mapping[str, Meter]:
        """Path → meter."""
        return {meter.path: meter for meter in self.meters()}

    @cached_property
    def chargers_by_path(self) -> Mapping[str, Charger]:
        """Path → charger."""
        return {charger.path: charger for charger in self.chargers()}

    def timezone_of(self, site: str) -> str:
        """The time zone of a site, or of the project."""
        return next((one.timezone for one in self.sites if one.path == site), self.timezone)

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
