"""Sections about the books → Plant, and their checks."""

from __future__ import annotations

from scada.core.plant import Band, Bookkeeping, Export, Prices, Tariff
from scada.core.value import SECOND_US
from scada.project.files import Reader, near_or_known
from scada.project.records_schema import DAYS, BandSection, ExportSection, PricesSection, TariffSection
from scada.project.schema import ProjectFile


def bookkeeping(project: ProjectFile) -> Bookkeeping:
    """The rules of a project without mistakes."""
    return Bookkeeping(
        tariffs=tuple(map(_tariff, project.tariffs)),
        tolerance_percent=project.sessions.meter_tolerance_percent,
        tolerance_wh=project.sessions.meter_tolerance_wh,
    )


def exports(project: ProjectFile) -> tuple[Export, ...]:
    """The exports of a project without mistakes."""
    return tuple(map(_export, project.exports))


def check_exports(reader: Reader, project: ProjectFile) -> None:
    """Each export has a name and tables of its own, and one time."""
    names: set[str] = set()
    claimed: dict[tuple[str, str, str], str] = {}
    for number, export in enumerate(project.exports):
        where = f"exports[{number}]"
        if export.name in names:
            reader.problem("project.toml", f"{where}.name", f"'{export.name}' is the name of two exports")
        names.add(export.name)
        if export.at is not None and export.every_min is not None:
            reader.problem("project.toml", f"{where}.at", "`at` or `every_min`: which one holds?")
        for kind in export.what:
            other = claimed.setdefault((export.url, export.prefix, kind), where)
            if other != where or export.what.count(kind) > 1:
                reader.problem("project.toml", f"{where}.what", f"'{kind}' goes there twice")


def check_books(reader: Reader, project: ProjectFile) -> None:
    """What tariffs say of sites, plans and days, and of each other."""
    sites = [site.tag for site in project.sites]
    claimed: dict[tuple[str, str], str] = {}
    names: set[str] = set()
    for number, tariff in enumerate(project.tariffs):
        where = f"tariffs[{number}]"
        if tariff.name in names:
            reader.problem("project.toml", f"{where}.name", f"'{tariff.name}' is the name of two tariffs")
        names.add(tariff.name)
        for kind, said, known in (
            ("site", tariff.sites, sites),
            ("plan", tariff.plans, list(project.charging.plans)),
        ):
            for name in said:
                if name not in known:
                    reason = f"there is no {kind} '{name}'"
                    reader.problem("project.toml", f"{where}.{kind}s", reason, near_or_known(name, known))
        for site in tariff.sites or [""]:
            for plan in tariff.plans or [""]:
                other = claimed.setdefault((site, plan), tariff.name)
                if other != tariff.name:
                    reader.problem(
                        "project.toml", where, f"'{other}' is for the same sites and plans: which one holds?"
                    )
        _check_days(reader, where, tariff)


def _check_days(reader: Reader, where: str, tariff: TariffSection) -> None:
    for number, band in enumerate(tariff.bands):
        for day in band.days:
            if day not in DAYS:
                place = f"{where}.bands[{number}].days"
                reader.problem("project.toml", place, f"'{day}' is no day", f"one of {', '.join(DAYS)}")


def _export(section: ExportSection) -> Export:
    return Export(
        name=section.name,
        url=section.url,
        what=tuple(section.what),
        every_us=(section.every_min or 15) * 60 * SECOND_US,
        at_min=section.at,
        prefix=section.prefix,
    )


def _tariff(section: TariffSection) -> Tariff:
    return Tariff(
        name=section.name,
        currency=section.currency,
        fixed=section.fixed,
        prices=_prices(section),
        bands=tuple(map(_band, section.bands)),
        sites=tuple(section.sites),
        plans=tuple(section.plans),
    )


def _band(section: BandSection) -> Band:
    return Band(
        from_min=_minutes(section.from_),
        to_min=_minutes(section.to),
        prices=_prices(section),
        days=tuple(DAYS.index(day) for day in section.days),
        name=section.name,
    )


def _prices(section: PricesSection) -> Prices:
    return Prices(per_kwh=section.per_kwh, per_minute=section.per_minute)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
