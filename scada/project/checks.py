"""Cross checks of a project's sections: what one file says of another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from scada.core.expression import FUNCTIONS
from scada.core.expression.formula import SCOPE_WORDS
from scada.project import allocation_build
from scada.project.alarm_checks import check_alarms
from scada.project.build import security_profile
from scada.project.charging_build import check_charging
from scada.project.expand import Types
from scada.project.files import Reader, near_or_known
from scada.project.modbus_build import check_modbus
from scada.project.oncall_checks import check_oncall
from scada.project.records_build import check_books, check_exports
from scada.project.schema import ChargerRow, ProjectFile, SiteSection
from scada.project.sections import Sections

RESERVED = frozenset({"System", "alarm", *SCOPE_WORDS, *FUNCTIONS})
"""Branches at the top that are the product's own, and words that expressions have another meaning for."""


def check_tables(reader: Reader, sections: Sections) -> None:
    """What can be said of the tables without the rest of the project."""
    identities = ((f"row {line}, column identity", row.identity) for line, row in sections.chargers)
    _twice(reader, "chargers.csv", "identity", identities)
    id_tags = ((f"row {line}, column id_tag", row.id_tag.casefold()) for line, row in sections.tokens)
    _twice(reader, "tokens.csv", "token", id_tags)
    seen: dict[tuple[str, str], str] = {}
    for file, line, site, tag in _devices(sections):
        if (site, tag) in seen:
            where = f"row {line}, column tag"
            reader.problem(file, where, f"'{tag}' stands already at {seen[site, tag]}", line=line)
        seen.setdefault((site, tag), f"{file} row {line}")


def check_project(reader: Reader, sections: Sections, project: ProjectFile, types: Types) -> None:
    """What project.toml and the tables say of each other and of the device types."""
    _sites(reader, sections, project)
    _files(reader, project)
    _devices_fit(reader, sections, project, types)
    for line, row in sections.chargers:
        site = next((site for site in project.sites if site.tag == row.site), None)
        _charger(reader, line, row, site, types)
        _security(reader, line, row, project)
        if row.profile and row.profile not in sections.charger_profiles:
            reader.problem(
                "chargers.csv",
                f"row {line}, column profile",
                f"there is no charger profile '{row.profile}'",
                near_or_known(row.profile, sections.charger_profiles),
                line,
            )
    for line, meter in sections.meters:
        chargers = [
            *(row.tag for _, row in sections.chargers if row.site == meter.site),
            *(row.tag for _, row in sections.modbus_chargers if row.site == meter.site),
        ]
        if meter.measures and meter.measures not in chargers:
            reader.problem(
                "meters.csv",
                f"row {line}, column measures",
                f"site '{meter.site}' has no charger '{meter.measures}'",
                near_or_known(meter.measures, chargers),
                line,
            )
    check_modbus(reader, sections, project, types)
    _recipes(reader, sections, project)
    _certificates(reader, project)
    check_charging(reader, sections, project)
    check_books(reader, project)
    check_exports(reader, project)
    check_oncall(reader, project, datetime.now(UTC))
    check_alarms(reader, sections, project, types)


def _devices(sections: Sections) -> Iterable[tuple[str, int, str, str]]:
    """(file, line, site, tag) of chargers and meters."""
    yield from (("chargers.csv", line, row.site, row.tag) for line, row in sections.chargers)
    yield from (("meters.csv", line, row.site, row.tag) for line, row in sections.meters)
    yield from (("modbus_chargers.csv", line, row.site, row.tag) for line, row in sections.modbus_chargers)


def _recipes(reader: Reader, sections: Sections, project: ProjectFile) -> None:
    """Whether simulated chargers with a recipe exist; the simulator knows the recipes."""
    tags = sorted({row.tag for _, row in sections.chargers})
    for tag in project.simulation.recipes:
        if tag not in tags:
            where, reason = f"simulation.recipes.{tag}", f"there is no charger '{tag}'"
            reader.problem("project.toml", where, reason, near_or_known(tag, tags))


def _files(reader: Reader, project: ProjectFile) -> None:
    files = project.files

    def wrong(key: str, reason: str) -> None:
        reader.problem("project.toml", f"files.{key}", reason)

    if bool(files.tls_certificate) != bool(files.tls_key):
        wrong("tls_key", "certificate and key go together")
    for key in ("tls_certificate", "tls_key"):
        name = getattr(files, key)
        if name and not (reader.directory / name).is_file():
            wrong(key, f"there is no file '{name}'")
    if files.passive_ports is not None:
        first, last = files.passive_ports
        if not 1 <= first <= last:
            wrong("passive_ports", "gives the first and the last port, neither 0")
    if files.upload_mb_max > files.received_mb_max:
        wrong("upload_mb_max", "one file has to fit into 'received_mb_max'")


def _sites(reader: Reader, sections: Sections, project: ProjectFile) -> None:
    sites = project.sites
    for number, site in enumerate(sites):
        if site.tag in RESERVED:
            reader.problem("project.toml", f"sites[{number}].tag", f"'{site.tag}' is taken by the product")
        feeders = ((f"sites[{number}].feeders[{n}].name", f.name) for n, f in enumerate(site.feeders))
        _twice(reader, "project.toml", "feeder", feeders)
        chargers = [row for _, row in sections.chargers if row.site == site.tag]
        meters = [row for _, row in sections.meters if row.site == site.tag]
        allocation_build.check(reader, number, site, chargers, meters)
    _twice(reader, "project.toml", "site", ((f"sites[{n}].tag", s.tag) for n, s in enumerate(sites)))


def _devices_fit(reader: Reader, sections: Sections, project: ProjectFile, types: Types) -> None:
    """Each device stands on a site that there is, under a name that no tag of the site has."""
    sites = [site.tag for site in project.sites]
    taken = {"Alarms", *types.templates.get("site", {}), *types.templates.get("mode", {})}
    for file, line, site, tag in _devices(sections):
        if site not in sites:
            where = f"row {line}, column site"
            reader.problem(file, where, f"there is no site '{site}'", near_or_known(site, sites), line)
        if tag in taken:
            reader.problem(file, f"row {line}, column tag", f"'{tag}' is taken: each site has it", line=line)


def _charger(reader: Reader, line: int, row: ChargerRow, site: SiteSection | None, types: Types) -> None:
    def problem(column: str, reason: str, hint: str = "") -> None:
        reader.problem("chargers.csv", f"row {line}, column {column}", reason, hint, line)

    if row.type not in types.types:
        problem("type", f"there is no device type '{row.type}'", near_or_known(row.type, types.types))
    if site is not None and row.feeder and row.feeder not in (names := [f.name for f in site.feeders]):
        problem("feeder", f"site '{site.tag}' has no feeder '{row.feeder}'", near_or_known(row.feeder, names))
    for column, words in (("plug", row.plug), ("bays", row.bays)):
        if len(words) not in (0, 1, row.connectors):
            problem(column, f"{len(words)} words for {row.connectors} connectors", "one for all, or one each")


def _security(reader: Reader, line: int, row: ChargerRow, project: ProjectFile) -> None:
    """Whether the charger can come in at all with what its security profile asks for."""

    def problem(column: str, reason: str, hint: str = "") -> None:
        reader.problem("chargers.csv", f"row {line}, column {column}", reason, hint, line)

    profile = security_profile(row, project)
    if profile == 0 and row.password_ref:
        problem("security", "profile 0 asks for no password, but there is one", "leave it empty, or choose 1")
    if profile in (1, 2) and not row.password_ref:
        problem(
            "password_ref",
            f"security profile {profile} needs a password of 16 to 40 characters",
            "env:NAME or file:PATH; or say security = 0 (plain, no password) or 3 (certificate)",
        )
    if ":" in row.identity and (row.password_ref or profile in (1, 2)):
        problem("identity", "an identity with ':' cannot use basic authentication")
    if profile >= 2 and project.network.ocpps_port is None:
        problem("security", f"profile {profile} needs the TLS door", "set network.ocpps_port in project.toml")


def _certificates(reader: Reader, project: ProjectFile) -> None:
    """Whether what [certificates] names is there."""
    section = project.certificates
    if bool(section.server_ref) is not bool(section.server_key_ref):
        where = "certificates.server_key_ref" if section.server_ref else "certificates.server_ref"
        reader.problem("project.toml", where, "server_ref and server_key_ref belong together")
    for number, name in enumerate(section.roots):
        if not (reader.directory / name).is_file():
            where = f"certificates.roots[{number}]"
            reader.problem(
                "project.toml", where, f"there is no file '{name}'", "a PEM file of CA certificates"
            )


def _twice(reader: Reader, file: str, what: str, places: Iterable[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for where, name in places:
        if name in seen:
            reader.problem(file, where, f"the {what} '{name}' stands already at {seen[name]}")
        seen.setdefault(name, where)
