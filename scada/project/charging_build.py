"""Sections about charging → Plant, and their checks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scada.core.plant import (
    AuthorizationMode,
    ChargingSettings,
    Plan,
    SiteCharging,
    StopConditions,
    Token,
    TokenImport,
    Vehicle,
    vehicle_key,
)
from scada.core.value import SECOND_US, TimeUs
from scada.project.charging_schema import ChargingRules, PlanSection, TokenRow, VehicleRow
from scada.project.files import Reader, near_or_known
from scada.project.schema import ProjectFile
from scada.project.sections import Sections

_URL = ("http://", "https://")


def charging(sections: Sections, project: ProjectFile) -> ChargingSettings:
    """The rules of a project without mistakes."""
    section = project.charging
    default = _rules(section, SiteCharging())
    return ChargingSettings(
        default=default,
        sites={site.tag: _rules(site.charging, default) for site in project.sites if site.charging},
        plans={name: Plan(name=name, stop=_stop(plan)) for name, plan in section.plans.items()},
        imports=tuple(
            TokenImport(
                name=one.name,
                source=one.source,
                every_us=one.every_s * SECOND_US,
                block=one.block,
                authorization_ref=one.authorization_ref,
            )
            for one in section.imports
        ),
        vehicles=tuple(_vehicle(row) for _, row in sections.vehicles),
    )


def token(row: TokenRow, timezone: str) -> Token:
    """A row as a token. Raises ValueError for an expiry that cannot be meant."""
    return Token(
        id_tag=row.id_tag,
        name=row.name,
        parent=row.parent,
        blocked=row.blocked,
        expires_us=expiry_us(row.expires, timezone) if row.expires else None,
        sites=tuple(row.sites),
        plan=row.plan,
    )


def expiry_us(text: str, timezone: str) -> TimeUs:
    """The moment at which a token is no longer good.

    A date means the end of that day, a time without zone that time, both in the project's time zone.

    Raises:
        ValueError: neither a date nor a time of ISO 8601, or one so far away that it cannot be meant.
    """
    try:
        moment, whole_day = datetime.combine(date.fromisoformat(text), time()), True
    except ValueError:
        moment, whole_day = datetime.fromisoformat(text), False
    if not 1970 < moment.year < date.max.year:
        raise ValueError(f"the year {moment.year} cannot be meant")
    if whole_day:
        moment += timedelta(days=1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    return int(moment.timestamp() * SECOND_US)


def check_charging(reader: Reader, sections: Sections, project: ProjectFile) -> None:
    """What the sections about charging say of each other, of sites and of tokens."""
    section = project.charging
    sites = [site.tag for site in project.sites]
    for where, rules in (
        ("charging", section),
        *((f"sites[{n}].charging", site.charging) for n, site in enumerate(project.sites)),
    ):
        if rules is not None:
            _check_rules(reader, where, rules, _rules(rules, _rules(section, SiteCharging())))
    if len({one.name for one in section.imports}) != len(section.imports):
        reader.problem("project.toml", "charging.imports", "two of them have the same name")
    for number, one in enumerate(section.imports):
        where = f"charging.imports[{number}].source"
        if "://" in one.source and not one.source.startswith(_URL):
            reader.problem("project.toml", where, "a URL begins with http:// or https://; else it is a file")
        if "@" in one.source.partition("://")[2].partition("/")[0]:
            reader.problem(
                "project.toml", where, "a URL holds no password", "give it by authorization_ref = env:NAME"
            )
    _check_plans(reader, project)
    for line, row in sections.tokens:
        for site in row.sites:
            if site not in sites:
                _row(reader, "tokens.csv", line, "sites", f"there is no site '{site}'", site, sites)
        if row.plan and row.plan not in section.plans:
            plans = section.plans
            _row(reader, "tokens.csv", line, "plan", f"there is no plan '{row.plan}'", row.plan, plans)
        _check_expiry(reader, line, row, project.project.timezone)
    _check_vehicles(reader, sections)


def _check_rules(reader: Reader, where: str, said: ChargingRules, rules: SiteCharging) -> None:
    if rules.autostart and not rules.autostart_token:
        reader.problem("project.toml", f"{where}.autostart", "needs autostart_token: what it starts with")
    if rules.reload and rules.reload_at_min is None and rules.reload_below_soc is None:
        reader.problem("project.toml", f"{where}.reload", "needs reload_at or reload_below_soc: when")
    if said.manual_answer_s is not None and rules.authorization is not AuthorizationMode.MANUAL:
        reader.problem(
            "project.toml", f"{where}.manual_answer_s", 'means something only with authorization = "manual"'
        )


def _check_plans(reader: Reader, project: ProjectFile) -> None:
    for name, plan in project.charging.plans.items():
        where = f"charging.plans.{name}"
        if not _stop(plan):
            reader.problem("project.toml", where, "the plan says nothing", "for example energy_kwh = 20")
        if plan.cost is not None and not any(not one.plans or name in one.plans for one in project.tariffs):
            reader.problem(
                "project.toml", f"{where}.cost", "no tariff is for this plan: there is no cost to reckon"
            )


def _check_expiry(reader: Reader, line: int, row: TokenRow, timezone: str) -> None:
    try:
        if row.expires:
            expiry_us(row.expires, timezone)
    except ValueError:
        where = f"row {line}, column expires"
        reader.problem("tokens.csv", where, *expiry_hint(row.expires, timezone), line=line)


def expiry_hint(text: str, timezone: str) -> tuple[str, str]:
    """(what is wrong with an expiry, what would be right)."""
    return (
        f"'{text}' is no date that can be meant",
        f"2027-12-31 means the end of that day in {timezone}, 2027-12-31T18:00 that time; empty: never",
    )


def _check_vehicles(reader: Reader, sections: Sections) -> None:
    seen: dict[tuple[str, str], int] = {}
    for line, row in sections.vehicles:
        for column, words in (("name", [row.name]), ("tokens", row.tokens), ("ids", row.ids)):
            for word in words:
                key = (column, vehicle_key(word) if column == "ids" else word.casefold())
                if seen.setdefault(key, line) != line:
                    reader.problem(
                        "vehicles.csv",
                        f"row {line}, column {column}",
                        f"'{word}' stands already at row {seen[key]}",
                        line=line,
                    )


def _row(
    reader: Reader, file: str, line: int, column: str, reason: str, name: str, known: Iterable[str]
) -> None:
    reader.problem(file, f"row {line}, column {column}", reason, near_or_known(name, known), line)


def _rules(said: ChargingRules | None, default: SiteCharging) -> SiteCharging:
    if said is None:
        return default

    def of(name: str) -> object:
        value = getattr(said, name)
        return getattr(default, name) if value is None else value

    return SiteCharging(
        authorization=AuthorizationMode(said.authorization or default.authorization),
        manual_answer_us=(
            default.manual_answer_us if said.manual_answer_s is None else said.manual_answer_s * SECOND_US
        ),
        reload_at_min=default.reload_at_min if said.reload_at is None else _minutes(said.reload_at),
        **{  # type: ignore[arg-type]
            name: of(name)
            for name in (
                "concurrent",
                "autostart",
                "autostart_token",
                "resume",
                "reload",
                "reload_below_soc",
                "local_list",
            )
        },
    )


def _stop(plan: PlanSection) -> StopConditions:
    return StopConditions(
        energy_wh=None if plan.energy_kwh is None else round(plan.energy_kwh * 1000),
        duration_us=None if plan.duration_min is None else int(plan.duration_min * 60 * SECOND_US),
        at_min=None if plan.at is None else _minutes(plan.at),
        soc=plan.soc,
        cost=plan.cost,
    )


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _vehicle(row: VehicleRow) -> Vehicle:
    return Vehicle(
        name=row.name,
        plate=row.plate,
        tokens=tuple(row.tokens),
        ids=tuple(row.ids),
        battery_kwh=row.battery_kwh,
        phases=row.phases,
        current_max_a=row.current_max_a,
    )
