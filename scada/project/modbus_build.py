"""Modbus of a project: rows → places; what files say of each other."""

from __future__ import annotations

from collections.abc import Iterable

from scada import resources
from scada.core.errors import ProjectError
from scada.core.path import matcher
from scada.core.plant import (
    Charger,
    Connector,
    Current,
    Meter,
    ModbusEndpoint,
    ModbusServerSettings,
    ModbusSettings,
)
from scada.core.value import SECOND_US
from scada.project.expand import Types
from scada.project.files import Reader, near_or_known
from scada.project.modbus_schema import MeterRow, ModbusChargerRow, ModbusRow, ModbusSection
from scada.project.schema import ProjectFile, SiteSection
from scada.project.sections import PROFILES, Sections

METERS, CHARGERS = "meters.csv", "modbus_chargers.csv"


def modbus_settings(section: ModbusSection) -> ModbusSettings:
    """[modbus]."""
    server = section.server
    return ModbusSettings(
        timeout_s=section.timeout_s,
        retries=section.retries,
        normal_us=int(section.normal_s * SECOND_US),
        slow_us=int(section.slow_s * SECOND_US),
        retry_max_s=section.retry_max_s,
        tls_ca=section.tls_ca,
        tls_certificate=section.tls_certificate,
        tls_key=section.tls_key,
        server=ModbusServerSettings(
            host=server.host, port=server.port, tags=tuple(server.tags), writable=tuple(server.writable)
        ),
    )


def meter(row: MeterRow, language: str) -> Meter:
    """A row of meters.csv."""
    return Meter(
        path=f"{row.site}.{row.tag}",
        name=row.tag,
        site=row.site,
        role=row.role,
        modbus=_endpoint(row, row.phases, row.ct_ratio, row.vt_ratio, inverted=row.inverted),
        label={language: row.label} if row.label else {},
        measures=row.measures,
    )


def modbus_charger(row: ModbusChargerRow, types: Types, language: str) -> Charger:
    """A row of modbus_chargers.csv: one connector."""
    kind = types.types[row.type]
    path = f"{row.site}.{row.tag}"
    return Charger(
        path=path,
        name=row.tag,
        site=row.site,
        identity="",
        device_type=row.type,
        label={language: row.label} if row.label else {},
        feeder=row.feeder,
        security=0,
        modbus=_endpoint(row, row.phases),
        token=row.token or row.tag[:20],
        connectors=(
            Connector(
                number=1,
                path=f"{path}.C1",
                plug=(row.plug[0] if row.plug else "").replace("_", " "),
                current=Current(kind.current),
                phases=kind.phases,
                current_max_a=row.current_a,
                power_max_kw=row.power_kw,
                bay=row.bays[0] if row.bays else "",
            ),
        ),
    )


def _endpoint(
    row: ModbusRow, phases: str, ct_ratio: float = 1.0, vt_ratio: float = 1.0, *, inverted: bool = False
) -> ModbusEndpoint:
    return ModbusEndpoint(
        profile=row.profile,
        host=row.host,
        port=row.port,
        unit_id=row.unit,
        transport=row.transport,
        serial=row.serial,
        poll_us=int(row.poll_s * SECOND_US),
        ct_ratio=ct_ratio,
        vt_ratio=vt_ratio,
        phases=(phases[:2], phases[2:4], phases[4:]),
        inverted=inverted,
    )


def check_modbus(reader: Reader, sections: Sections, project: ProjectFile, types: Types) -> None:
    """What [modbus], the tables and the profiles say of each other."""
    rows: list[tuple[str, int, ModbusRow]] = [
        *((METERS, line, row) for line, row in sections.meters),
        *((CHARGERS, line, row) for line, row in sections.modbus_chargers),
    ]
    for file, line, row in rows:
        if row.profile not in sections.profiles:
            reader.problem(
                file,
                f"row {line}, column profile",
                f"there is no Modbus profile '{row.profile}'",
                near_or_known(row.profile, sections.profiles),
                line,
            )
    _natures(reader, sections)
    _lines(reader, rows)
    for line, charger in sections.modbus_chargers:
        site = next((site for site in project.sites if site.tag == charger.site), None)
        _charger(reader, line, charger, site, types)
    _settings(reader, project.modbus)


def _natures(reader: Reader, sections: Sections) -> None:
    """A charger has the profile of a charger."""
    if not sections.modbus_chargers:
        return
    from scada.drivers.modbus import find_profiles  # late: few projects have such chargers

    names = [row.profile for _, row in sections.modbus_chargers if row.profile in sections.profiles]
    try:
        profiles = find_profiles(names, [reader.directory / PROFILES, resources.folder("config") / PROFILES])
    except ProjectError:
        return  # told with the file of the profile
    for line, row in sections.modbus_chargers:
        if row.profile in profiles and profiles[row.profile].nature != "charger":
            where = f"row {line}, column profile"
            reader.problem(CHARGERS, where, f"'{row.profile}' is not of a charger", "", line)


def _lines(reader: Reader, rows: Iterable[tuple[str, int, ModbusRow]]) -> None:
    """Devices that share a connection: each has a unit of its own, and all mean the same line."""
    units: dict[tuple[str, int, int], str] = {}
    kinds: dict[tuple[str, int], tuple[str, str, str]] = {}
    for file, line, row in rows:
        port = 0 if row.transport == "rtu" else row.port
        here = f"{file} row {line}"
        other = units.setdefault((row.host, port, row.unit), here)
        if other != here:
            reader.problem(file, f"row {line}, column unit", f"the same device as {other}", line=line)
        serial = row.serial if row.transport == "rtu" else ""
        transport, settings, first = kinds.setdefault((row.host, port), (row.transport, serial, here))
        if (transport, settings) != (row.transport, serial):
            reader.problem(
                file,
                f"row {line}, column transport",
                f"the same line as {first}, but spoken to otherwise",
                "transport and serial are the same for all devices of a line",
                line,
            )


def _charger(
    reader: Reader, line: int, row: ModbusChargerRow, site: SiteSection | None, types: Types
) -> None:
    def problem(column: str, reason: str, hint: str = "") -> None:
        reader.problem(CHARGERS, f"row {line}, column {column}", reason, hint, line)

    if row.type not in types.types:
        problem("type", f"there is no device type '{row.type}'", near_or_known(row.type, types.types))
    if site is not None and row.feeder and row.feeder not in (names := [f.name for f in site.feeders]):
        problem("feeder", f"site '{site.tag}' has no feeder '{row.feeder}'", near_or_known(row.feeder, names))
    for column, words in (("plug", row.plug), ("bays", row.bays)):
        if len(words) > 1:
            problem(column, "a Modbus charger has one connector")


def _settings(reader: Reader, section: ModbusSection) -> None:
    def wrong(key: str, reason: str, hint: str = "") -> None:
        reader.problem("project.toml", f"modbus.{key}", reason, hint)

    if bool(section.tls_certificate) != bool(section.tls_key):
        wrong("tls_key", "certificate and key go together")
    for key in ("tls_ca", "tls_certificate", "tls_key"):
        name = getattr(section, key)
        if name and not (reader.directory / name).is_file():
            wrong(key, f"there is no file '{name}'")
    for key in ("tags", "writable"):
        for number, pattern in enumerate(getattr(section.server, key)):
            try:
                matcher(pattern)
            except ValueError as error:
                wrong(f"server.{key}[{number}]", str(error))
    if section.server.port is not None and not section.server.tags:
        wrong("server.tags", "a server without tags offers nothing", 'for example ["Depot.**.ActivePower"]')
