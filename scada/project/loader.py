"""From a project directory to a Plant: load → validate → expand → check, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import RootModel

from scada import resources
from scada.core.access import Right
from scada.core.errors import ProjectError
from scada.core.plant import (
    Charger,
    Connector,
    Contact,
    Current,
    Feeder,
    Level,
    Mail,
    Meter,
    Network,
    OcppSettings,
    OnCallProfile,
    Plant,
    Security,
    Simulation,
    Site,
    Token,
)
from scada.core.tag import TagDefinition
from scada.project.expand import Types, texts
from scada.project.files import Reader
from scada.project.schema import (
    AlarmSection,
    ChargerRow,
    DeviceTypesFile,
    LevelsFile,
    MeterRow,
    OnCallSection,
    ProjectFile,
    SiteSection,
    TokenRow,
)

RESERVED = frozenset({"System"})


class _Catalogue(RootModel[dict[str, AlarmSection]]):
    """alarms/catalogue.toml."""


class _Roles(RootModel[dict[str, list[Right]]]):
    """config/roles.toml."""


def load(directory: Path) -> Plant:
    """Load a project.

    Raises:
        ProjectError: with every mistake that was found; nothing was changed.
    """
    reader = Reader(directory)
    project = reader.toml("project.toml", ProjectFile)
    chargers = reader.table("chargers.csv", ChargerRow)
    meters = reader.table("meters.csv", MeterRow, required=False)
    tokens = reader.table("tokens.csv", TokenRow, required=False)
    _check_tables(reader, chargers, meters, tokens)
    if project is None:
        raise ProjectError(reader.problems)
    plant = _Builder(reader, project, chargers, meters, tokens).build()
    if reader.problems:
        raise ProjectError(reader.problems)
    return plant


def _check_tables(
    reader: Reader,
    chargers: Sequence[tuple[int, ChargerRow]],
    meters: Sequence[tuple[int, MeterRow]],
    tokens: Sequence[tuple[int, TokenRow]],
) -> None:
    """What can be said of the tables without the rest of the project."""
    identities = ((f"row {line}, column identity", row.identity) for line, row in chargers)
    _twice(reader, "chargers.csv", "identity", identities)
    id_tags = ((f"row {line}, column id_tag", row.id_tag.casefold()) for line, row in tokens)
    _twice(reader, "tokens.csv", "token", id_tags)
    devices = [("chargers.csv", line, row.site, row.tag) for line, row in chargers]
    devices += [("meters.csv", line, row.site, row.tag) for line, row in meters]
    seen: dict[tuple[str, str], str] = {}
    for file, line, site, tag in devices:
        where = f"row {line}, column tag"
        if (site, tag) in seen:
            reader.problem(file, where, f"'{tag}' stands already at {seen[site, tag]}", line=line)
        if tag == "Alarms":
            reader.problem(file, where, "'Alarms' is taken by the product", line=line)
        seen.setdefault((site, tag), f"{file} row {line}")


class _Builder:
    def __init__(
        self,
        reader: Reader,
        project: ProjectFile,
        chargers: Sequence[tuple[int, ChargerRow]],
        meters: Sequence[tuple[int, MeterRow]],
        tokens: Sequence[tuple[int, TokenRow]],
    ) -> None:
        self._reader = reader
        self._project = project
        self._chargers = chargers
        self._meters = meters
        self._tokens = tokens
        self._languages: list[str] = list(project.project.languages)
        self._types = self._load_types()

    def build(self) -> Plant:
        project = self._project
        self._check_names()
        sites = tuple(self._site(number, section) for number, section in enumerate(project.sites))
        contacts = tuple(Contact(name=c.name, email=c.email, language=c.language) for c in project.contacts)
        return Plant(
            name=project.project.name,
            label=texts(project.project.label, self._languages) or {"en": project.project.name},
            languages=tuple(self._languages),
            timezone=project.project.timezone,
            sites=sites,
            tags=tuple(self._tags(sites)),
            levels=self._levels(),
            contacts=contacts,
            profiles=tuple(self._profile(n, p, contacts) for n, p in enumerate(project.oncall)),
            tokens=tuple(self._token(line, row) for line, row in self._tokens),
            roles=self._roles(),
            network=Network(**project.network.model_dump()),
            security=Security(
                allow_missing_subprotocol=project.ocpp.allow_missing_subprotocol,
                opcua_anonymous=project.opcua.anonymous,
                opcua_policies=tuple(project.opcua.policies),
            ),
            mail=self._mail(),
            ocpp=OcppSettings(
                heartbeat_s=project.ocpp.heartbeat_s,
                meter_sample_s=project.ocpp.meter_sample_s,
                measurands=tuple(project.ocpp.measurands),
                call_timeout_s=project.ocpp.call_timeout_s,
                stale_us=project.ocpp.stale_s * 1_000_000,
                free_vending=project.ocpp.free_vending,
            ),
            simulation=Simulation(**project.simulation.model_dump()),
            directory=self._reader.directory,
        )

    def _load_types(self) -> Types:
        shipped = Reader(resources.folder("config") / "device_types")
        files: list[tuple[str, DeviceTypesFile]] = []
        for path in sorted(shipped.directory.glob("*.toml")):
            content = shipped.toml(path.name, DeviceTypesFile)
            if content:
                files.append((path.name, content))
        # A project's own device types come last: they change or extend the shipped ones.
        own = self._reader.directory / "device_types"
        for path in sorted(own.glob("*.toml")) if own.is_dir() else ():
            content = self._reader.toml(f"device_types/{path.name}", DeviceTypesFile)
            if content:
                files.append((f"device_types/{path.name}", content))
        alarms = Reader(resources.folder("alarms")).toml("catalogue.toml", _Catalogue)
        self._reader.problems += shipped.problems
        return Types(
            files, alarms.root if alarms else {}, self._project.alarms, self._languages, self._reader
        )

    def _check_names(self) -> None:
        reader, project = self._reader, self._project
        sites = {site.tag for site in project.sites}
        for number, site in enumerate(project.sites):
            if site.tag in RESERVED:
                reader.problem(
                    "project.toml", f"sites[{number}].tag", f"'{site.tag}' is taken by the product"
                )
        _twice(
            reader, "project.toml", "site", ((f"sites[{n}].tag", s.tag) for n, s in enumerate(project.sites))
        )
        _twice(
            reader,
            "project.toml",
            "contact",
            ((f"contacts[{n}].name", c.name) for n, c in enumerate(project.contacts)),
        )
        devices = [("chargers.csv", line, row.site) for line, row in self._chargers]
        devices += [("meters.csv", line, row.site) for line, row in self._meters]
        for file, line, site_tag in devices:
            if site_tag not in sites:
                reader.problem(
                    file,
                    f"row {line}, column site",
                    f"there is no site '{site_tag}'",
                    f"known: {', '.join(sorted(sites))}",
                    line,
                )

    def _site(self, number: int, section: SiteSection) -> Site:
        feeders = tuple(
            Feeder(name=f.name, label=texts(f.label, self._languages) or {"en": f.name}, limit_a=f.limit_a)
            for f in section.feeders
        )
        _twice(
            self._reader,
            "project.toml",
            "feeder",
            ((f"sites[{number}].feeders[{n}].name", f.name) for n, f in enumerate(feeders)),
        )
        names = {feeder.name for feeder in feeders}
        chargers = []
        for line, row in self._chargers:
            if row.site != section.tag:
                continue
            if row.feeder and row.feeder not in names:
                self._reader.problem(
                    "chargers.csv",
                    f"row {line}, column feeder",
                    f"site '{section.tag}' has no feeder '{row.feeder}'",
                    f"known: {', '.join(sorted(names)) or 'none'}",
                    line,
                )
            charger = self._charger(line, row)
            if charger is not None:
                chargers.append(charger)
        meters = [self._meter(line, row) for line, row in self._meters if row.site == section.tag]
        return Site(
            path=section.tag,
            label=texts(section.label, self._languages) or {"en": section.tag},
            timezone=section.timezone or self._project.project.timezone,
            limit_a=section.limit_a,
            feeders=feeders,
            chargers=tuple(chargers),
            meters=tuple(meters),
        )

    def _charger(self, line: int, row: ChargerRow) -> Charger | None:
        kind = self._types.types.get(row.type)
        if kind is None:
            self._reader.problem(
                "chargers.csv",
                f"row {line}, column type",
                f"there is no device type '{row.type}'",
                f"known: {', '.join(self._types.types)}",
                line,
            )
            return None
        if ":" in row.identity and row.password_ref:
            self._reader.problem(
                "chargers.csv",
                f"row {line}, column identity",
                "an identity with ':' cannot use basic authentication",
                line=line,
            )
        for column, words in (("plug", row.plug), ("bays", row.bays)):
            if len(words) not in (0, 1, row.connectors):
                self._reader.problem(
                    "chargers.csv",
                    f"row {line}, column {column}",
                    f"{len(words)} words for {row.connectors} connectors",
                    "one for all, or one each",
                    line,
                )
                return None
        path = f"{row.site}.{row.tag}"
        return Charger(
            path=path,
            name=row.tag,
            site=row.site,
            identity=row.identity,
            device_type=row.type,
            label={self._languages[0]: row.label} if row.label else {},
            feeder=row.feeder,
            basic_auth_ref=row.password_ref,
            connectors=tuple(
                Connector(
                    number=number,
                    path=f"{path}.C{number}",
                    plug=_word(row.plug, number).replace("_", " "),
                    current=Current(kind.current),
                    phases=kind.phases,
                    current_max_a=row.current_a,
                    power_max_kw=row.power_kw,
                    bay=_word(row.bays, number),
                )
                for number in range(1, row.connectors + 1)
            ),
        )

    def _meter(self, line: int, row: MeterRow) -> Meter:
        profiles = sorted(p.stem for p in (resources.folder("config") / "drivers" / "modbus").glob("*.toml"))
        own = self._reader.directory / "drivers" / "modbus"
        profiles += sorted(p.stem for p in own.glob("*.toml")) if own.is_dir() else []
        if row.profile not in profiles:
            self._reader.problem(
                "meters.csv",
                f"row {line}, column profile",
                f"there is no meter profile '{row.profile}'",
                f"known: {', '.join(profiles)}",
                line,
            )
        return Meter(
            path=f"{row.site}.{row.tag}",
            name=row.tag,
            site=row.site,
            role=row.role,
            profile=row.profile,
            host=row.host,
            port=row.port,
            unit_id=row.unit,
            label={self._languages[0]: row.label} if row.label else {},
            poll_us=int(row.poll_s * 1_000_000),
        )

    def _tags(self, sites: Sequence[Site]) -> Iterable[TagDefinition]:
        yield from self._types.system_tags()
        for site in sites:
            yield from self._types.site_tags(site)
            for meter in site.meters:
                yield from self._types.meter_tags(meter, site)
            for charger in site.chargers:
                yield from self._types.charger_tags(charger)

    def _levels(self) -> tuple[Level, ...]:
        file = Reader(resources.folder("alarms")).toml("levels.toml", LevelsFile)
        assert file is not None
        levels = [
            Level(
                number=number,
                name=band.name,
                priority=band.priority,
                severity=1 + round(number * 999 / 29),
            )
            for band in file.bands
            for number in range(band.from_, band.to + 1)
        ]
        assert [level.number for level in levels] == list(range(30))
        return tuple(levels)

    def _profile(self, number: int, section: OnCallSection, contacts: Sequence[Contact]) -> OnCallProfile:
        known = [contact.name for contact in contacts]
        for position, name in enumerate(section.contacts):
            if name not in known:
                self._reader.problem(
                    "project.toml",
                    f"oncall[{number}].contacts[{position}]",
                    f"there is no contact '{name}'",
                    f"known: {', '.join(known) or 'none'}",
                )
        for position, site in enumerate(section.sites):
            if site not in {s.tag for s in self._project.sites}:
                self._reader.problem(
                    "project.toml", f"oncall[{number}].sites[{position}]", f"there is no site '{site}'"
                )
        if section.level_min > section.level_max:
            self._reader.problem(
                "project.toml", f"oncall[{number}].level_min", "is above level_max: no alarm would be sent"
            )
        return OnCallProfile(
            name=section.name,
            contacts=tuple(section.contacts),
            levels=(section.level_min, section.level_max),
            sites=tuple(section.sites),
            states=tuple(section.states),
        )

    def _token(self, line: int, row: TokenRow) -> Token:
        expires_us = None
        if row.expires:
            try:
                moment = datetime.fromisoformat(row.expires)
            except ValueError:
                self._reader.problem(
                    "tokens.csv",
                    f"row {line}, column expires",
                    f"'{row.expires}' is no date",
                    "for example 2027-12-31",
                    line,
                )
            else:
                moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                expires_us = int(moment.timestamp() * 1_000_000)
        return Token(
            id_tag=row.id_tag, name=row.name, parent=row.parent, blocked=row.blocked, expires_us=expires_us
        )

    def _roles(self) -> dict[str, frozenset[str]]:
        shipped = Reader(resources.folder("config")).toml("roles.toml", _Roles)
        roles = {
            name: frozenset(right.value for right in rights)
            for name, rights in (shipped.root if shipped else {}).items()
        }
        for name, rights in self._project.roles.items():
            if name in roles:
                self._reader.problem("project.toml", f"roles.{name}", "a standard role cannot be changed")
            roles[name] = frozenset(rights)
        return roles

    def _mail(self) -> Mail:
        section = self._project.mail
        if section.host and not section.sender:
            self._reader.problem("project.toml", "mail.sender", "is needed where mail.host is set")
        if self._project.oncall and not section.host:
            self._reader.problem(
                "project.toml",
                "mail.host",
                "is needed where [[oncall]] profiles send mail",
                "set the mail server",
            )
        return Mail(**section.model_dump())


def _word(words: Sequence[str], number: int) -> str:
    if not words:
        return ""
    return words[0] if len(words) == 1 else words[number - 1]


def _twice(reader: Reader, file: str, what: str, places: Iterable[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for where, name in places:
        if name in seen:
            reader.problem(file, where, f"the {what} '{name}' stands already at {seen[name]}")
        seen.setdefault(name, where)


def with_network(plant: Plant, **changes: object) -> Plant:
    """A plant with other addresses or ports, as flags of the command line give them; None means unchanged."""
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(plant, network=replace(plant.network, **given)) if given else plant  # type: ignore[arg-type]
