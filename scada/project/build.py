"""Sections → Plant. Everything was checked before: nothing here can be wrong but a project's own tag table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from scada.core.plant import (
    RETENTION,
    Certificates,
    Charger,
    Connector,
    Current,
    Feeder,
    FileSettings,
    HistorySettings,
    Level,
    Network,
    OcppSettings,
    Plant,
    Retention,
    Security,
    Simulation,
    Site,
)
from scada.core.tag import TagDefinition
from scada.core.value import SECOND_US
from scada.project import alarm_build
from scada.project.alarm_schema import LevelsFile
from scada.project.allocation_build import allocation, wiring
from scada.project.charging_build import charging, token
from scada.project.expand import Types, texts
from scada.project.files import Reader
from scada.project.modbus_build import meter, modbus_charger, modbus_settings
from scada.project.mode_build import modes
from scada.project.oncall_build import oncall_parts
from scada.project.records_build import bookkeeping, exports
from scada.project.schema import (
    ChargerRow,
    FilesSection,
    HistoryStoreSection,
    ProjectFile,
    SiteSection,
)
from scada.project.sections import Sections
from scada.project.tag_table import Table, apply, apply_table


def build(
    sections: Sections, project: ProjectFile, types: Types, reader: Reader, own: Table | None = None
) -> Plant:
    """The plant of a project without mistakes.

    Args:
        reader: takes the mistakes of the table.
        own: the project's own tag table, or None.
    """
    languages = project.project.languages
    sites = tuple(_site(section, sections, project, types) for section in project.sites)
    return Plant(
        name=project.project.name,
        label=texts(project.project.label, languages) or {"en": project.project.name},
        languages=tuple(languages),
        timezone=project.project.timezone,
        sites=sites,
        tags=tuple(_tags(sites, project, types, reader, own)),
        levels=_levels(sections.levels),
        masks=alarm_build.masks(project, types, sites),
        syntheses=alarm_build.syntheses(project),
        actions=alarm_build.actions(sections, sites, languages),
        **oncall_parts(project),
        tokens=tuple(token(row, project.project.timezone) for _, row in sections.tokens),
        charging=charging(sections, project),
        bookkeeping=bookkeeping(project),
        roles=alarm_build.roles(sections, project),
        network=Network(**project.network.model_dump()),
        security=Security(
            allow_missing_subprotocol=project.ocpp.allow_missing_subprotocol,
            opcua_anonymous=project.opcua.anonymous,
            opcua_policies=tuple(project.opcua.policies),
        ),
        certificates=Certificates(
            **project.certificates.model_dump(exclude={"names", "roots"}),
            names=tuple(project.certificates.names),
            roots=tuple(project.certificates.roots),
        ),
        ocpp=OcppSettings(
            heartbeat_s=project.ocpp.heartbeat_s,
            meter_sample_s=project.ocpp.meter_sample_s,
            measurands=tuple(project.ocpp.measurands),
            aligned_s=project.ocpp.aligned_s,
            aligned_measurands=tuple(project.ocpp.aligned_measurands),
            websocket_ping_s=project.ocpp.websocket_ping_s,
            reboot_when_needed=project.ocpp.reboot_when_needed,
            keys=project.ocpp.keys,
            call_timeout_s=project.ocpp.call_timeout_s,
            stale_us=project.ocpp.stale_s * SECOND_US,
            security_profile=project.ocpp.security_profile,
            unknown=project.ocpp.unknown,
            ping_s=project.ocpp.ping_s,
            message_log_days=project.ocpp.message_log_days,
            message_log_frames=project.ocpp.message_log_frames,
        ),
        modbus=modbus_settings(project.modbus),
        files=_files(project.files),
        history=_history(project.history),
        exports=exports(project),
        simulation=Simulation(**project.simulation.model_dump()),
        directory=sections.directory,
    )


def _files(section: FilesSection) -> FileSettings:
    passive = section.passive_ports
    return FileSettings(
        host=section.host,
        http_port=section.http_port,
        ftp_port=section.ftp_port,
        address=section.address,
        passive_ports=(passive[0], passive[1]) if passive else None,
        tls_certificate=section.tls_certificate,
        tls_key=section.tls_key,
        upload_bytes_max=section.upload_mb_max * 1_000_000,
        received_bytes_max=section.received_mb_max * 1_000_000,
        firmware_bytes_max=section.firmware_mb_max * 1_000_000,
    )


def _history(section: HistoryStoreSection) -> HistorySettings:
    own = {
        name: Retention(
            raw_days=one.raw_days,
            minute_days=one.raw_days if one.minute_days is None else one.minute_days,
            rollup_days=one.rollup_days,
        )
        for name, one in section.retention.items()
    }
    return HistorySettings(
        url=section.url,
        local_days=section.local_days,
        disk_bytes_max=int(section.disk_max_gb * 1e9),
        free_bytes_min=int(section.free_min_gb * 1e9),
        spill_bytes_max=int(section.spill_max_gb * 1e9),
        retention={**RETENTION, **own},
    )


def _site(section: SiteSection, sections: Sections, project: ProjectFile, types: Types) -> Site:
    languages = project.project.languages
    site = Site(
        path=section.tag,
        label=texts(section.label, languages) or {"en": section.tag},
        timezone=section.timezone or project.project.timezone,
        limit_a=section.limit_a,
        feeders=tuple(
            Feeder(name=f.name, label=texts(f.label, languages) or {"en": f.name}, limit_a=f.limit_a)
            for f in section.feeders
        ),
        allocation=allocation(section),
        chargers=(
            *(
                _charger(row, types, section, project)
                for _, row in sections.chargers
                if row.site == section.tag
            ),
            *(
                modbus_charger(row, types, languages[0])
                for _, row in sections.modbus_chargers
                if row.site == section.tag
            ),
        ),
        meters=tuple(meter(row, languages[0]) for _, row in sections.meters if row.site == section.tag),
        station_screen=frozenset(section.station_screen),
    )
    return replace(site, modes=modes(section.modes, site, languages))


def security_profile(row: ChargerRow, project: ProjectFile) -> int:
    """The lowest security profile that a charger may come with."""
    if row.security is not None:
        return row.security
    return 1 if row.password_ref else project.ocpp.security_profile


def _charger(row: ChargerRow, types: Types, site: SiteSection, project: ProjectFile) -> Charger:
    language, lenient = project.project.languages[0], site.allow_missing_subprotocol
    kind = types.types[row.type]
    path = f"{row.site}.{row.tag}"
    return Charger(
        path=path,
        name=row.tag,
        site=row.site,
        identity=row.identity,
        device_type=row.type,
        label={language: row.label} if row.label else {},
        feeder=row.feeder,
        basic_auth_ref=row.password_ref,
        security=security_profile(row, project),
        missing_subprotocol=project.ocpp.allow_missing_subprotocol if lenient is None else lenient,
        profile=row.profile,
        wiring=wiring(row),
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


def _tags(
    sites: Sequence[Site], project: ProjectFile, types: Types, reader: Reader, own: Table | None
) -> Iterable[TagDefinition]:
    languages, depth = project.project.languages, project.project.alarm_counters
    tags = types.system_tags()
    tags += [types.rota_tag(rota.name) for rota in project.rotas]
    for site in sites:
        tags += types.site_tags(site)
        for one in site.meters:
            tags += types.meter_tags(one, site)
        for charger in site.chargers:
            tags += types.charger_tags(charger, allocated=site.allocation is not None)
    if own is None:
        yield from tags
        yield from types.counter_tags(tags, depth)
    else:
        # Alarms that the table makes are counted too, and it may change the counters' tags.
        counted, _ = apply_table(tags, own, languages)
        yield from apply(reader, own, [*tags, *types.counter_tags(counted, depth)], languages)
    for section in project.syntheses:
        yield alarm_build.synthesis_tag(section, sites, languages)


def _levels(file: LevelsFile) -> tuple[Level, ...]:
    levels = tuple(
        Level(
            number=number,
            name=band.name,
            priority=band.priority,
            severity=1 + round(number * 999 / 29),
            colour=band.colour,
            flash=band.flash,
            sound=band.sound,
            oncall=band.oncall,
        )
        for band in file.bands
        for number in range(band.from_, band.to + 1)
    )
    assert [level.number for level in levels] == list(range(30))
    return levels


def _word(words: Sequence[str], number: int) -> str:
    if not words:
        return ""
    return words[0] if len(words) == 1 else words[number - 1]
