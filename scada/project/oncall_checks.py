"""What can be wrong about people beyond single keys: names, ways to reach them, rotas that leave gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from scada.alarming.oncall.rota import Roster
from scada.alarming.oncall.wall import moment
from scada.core.errors import ProjectError
from scada.core.plant import Shift, Team
from scada.core.value import SECOND_US, TimeUs
from scada.project.files import Reader, near_or_known
from scada.project.oncall_build import FILE, contact, rota
from scada.project.oncall_schema import ContactSection, OnCallSection, RotaSection

if TYPE_CHECKING:
    from scada.project.schema import ProjectFile

_DAY = timedelta(days=1)
_BEFORE, _AFTER = 2 * _DAY, 9 * _DAY
"""Around each day on which a rota's pattern may change; a pattern repeats itself after a week."""


def check_oncall(reader: Reader, project: ProjectFile, now: datetime) -> None:
    """Note every mistake about people.

    Args:
        now: gaps that lie before it are no mistake any more.
    """
    people = _People(reader, project)
    people.check()
    _mail(reader, project)
    for number, section in enumerate(project.rotas):
        _rota(reader, number, section, project, now)


class _People:
    """Who is named where."""

    def __init__(self, reader: Reader, project: ProjectFile) -> None:
        self._reader = reader
        self._project = project
        self._contacts = {contact.name: contact for contact in project.contacts}
        self._teams = {team.name: team.contacts for team in project.teams}
        self._rotas = {section.name: section for section in project.rotas}
        self._sites = [site.tag for site in project.sites]

    def check(self) -> None:
        """Names are there, once, and whoever they mean can be reached."""
        project = self._project
        for number, one in enumerate(project.contacts):
            self._contact(number, one)
        self._distinct()
        for number, team in enumerate(project.teams):
            self._known(f"teams[{number}].contacts", "contact", team.contacts, self._contacts)
        on_duty = {**self._contacts, **self._teams}
        for number, section in enumerate(project.rotas):
            place = f"rotas[{number}]"
            for n, shift in enumerate(section.shifts):
                self._known(f"{place}.shifts[{n}].who", "contact or team", shift.who, on_duty)
            for n, override in enumerate(section.overrides):
                self._known(f"{place}.overrides[{n}].who", "contact or team", override.who, on_duty)
            self._known(f"{place}.fallback", "contact or team", section.fallback, on_duty)
        for number, profile in enumerate(project.oncall):
            self._profile(f"oncall[{number}]", profile)
        for number, report in enumerate(project.reports):
            self._to(f"reports[{number}].to", report.to)
            self._known(f"reports[{number}].site", "site", [report.site] if report.site else [], self._sites)
        for number, notice in enumerate(project.notices):
            self._to(f"notices[{number}].to", notice.to)
            self._known(f"notices[{number}].sites", "site", notice.sites, self._sites)

    def _problem(self, where: str, reason: str, hint: str = "") -> None:
        self._reader.problem(FILE, where, reason, hint)

    def _contact(self, number: int, contact: ContactSection) -> None:
        place = f"contacts[{number}]"
        if not (contact.email or contact.sms or contact.webhook):
            self._problem(place, f"'{contact.name}' cannot be reached", "give email, sms or webhook")
        if contact.webhook and not contact.webhook_secret_ref:
            self._problem(f"{place}.webhook_secret_ref", "is needed: messages to a webhook are signed")
        if contact.quiet_hours and contact.quiet_hours[0] == contact.quiet_hours[1] % 1440:
            self._problem(f"{place}.quiet_hours", "begins where it ends: the contact would never be told")
        if contact.quiet_below is not None and contact.quiet_hours is None:
            self._problem(f"{place}.quiet_below", "means nothing without quiet_hours")

    def _distinct(self) -> None:
        project = self._project
        kinds = (
            ("contact", "contacts", "name", [one.name for one in project.contacts]),
            ("team", "teams", "name", [one.name for one in project.teams]),
            ("rota", "rotas", "name", [one.name for one in project.rotas]),
        )
        seen: dict[str, tuple[str, str]] = {}  # contacts, teams and rotas are named in the same places
        for kind, table, key, names in kinds:
            for number, name in enumerate(names):
                where = f"{table}[{number}].{key}"
                if name in seen:
                    other, place = seen[name]
                    words = f"the {kind} '{name}' stands already at {place}"
                    self._problem(
                        where, words if other == kind else f"'{name}' is already a {other}, at {place}"
                    )
                seen.setdefault(name, (kind, where))
        for kind, table, names in (
            ("profile", "oncall", [one.name for one in project.oncall]),
            ("report", "reports", [one.title for one in project.reports]),
            ("notice", "notices", [one.title for one in project.notices]),
        ):
            first: dict[str, str] = {}
            for number, name in enumerate(names):
                where = f"{table}[{number}].name"
                if name in first:
                    self._problem(where, f"the {kind} '{name}' stands already at {first[name]}")
                first.setdefault(name, where)

    def _profile(self, place: str, profile: OnCallSection) -> None:
        self._known(f"{place}.sites", "site", profile.sites, self._sites)
        if profile.level_min > profile.level_max:
            self._problem(f"{place}.level_min", "is above level_max: no alarm would be sent")
        if not profile.states and not profile.steps:
            self._problem(f"{place}.states", "is empty, and there are no steps: nothing would be sent")
        self._to(f"{place}.to", profile.to, profile.channels)
        for n, step in enumerate(profile.steps):
            self._to(f"{place}.steps[{n}].to", step.to, step.channels)
            if n and step.after_s <= profile.steps[n - 1].after_s:
                self._problem(
                    f"{place}.steps[{n}].after_s",
                    "steps stand in the order of time: is not later than the one before",
                )
        if profile.repeat_s and not profile.steps:
            self._problem(f"{place}.repeat_s", "repeats the last step, and there are no steps")

    def _to(self, where: str, names: list[str], channels: Iterable[str] = ()) -> None:
        known = {**self._contacts, **self._teams, **self._rotas}
        self._known(where, "contact, team or rota", names, known)
        for position, name in enumerate(names):
            for channel in dict.fromkeys(channels):
                for person in self._reach(name):
                    contact = self._contacts.get(person)
                    if contact is not None and not getattr(contact, channel):
                        by = "" if person == name else f" (by '{name}')"
                        self._problem(
                            f"{where}[{position}]",
                            f"'{person}'{by} is to be told by {channel} and has none",
                            f"give the contact {channel}, or choose other channels",
                        )

    def _reach(self, name: str) -> list[str]:
        """Every contact that a name may mean at some time."""
        section = self._rotas.get(name)
        words = [name]
        if section is not None:
            words = [one for shift in section.shifts for one in shift.who]
            words += [one for override in section.overrides for one in override.who]
            words += section.fallback
        return list(dict.fromkeys(person for word in words for person in self._teams.get(word, [word])))

    def _known(self, where: str, what: str, given: Iterable[str], known: Iterable[str]) -> None:
        names = list(known)
        for position, name in enumerate(given):
            if name not in names:
                self._problem(
                    f"{where}[{position}]", f"there is no {what} '{name}'", near_or_known(name, names)
                )


def _mail(reader: Reader, project: ProjectFile) -> None:
    mail = project.mail
    relays = mail.all_relays()
    if relays and not mail.sender:
        reader.problem(FILE, "mail.sender", "is needed where there is a mail server")
    told = [*project.oncall, *project.reports, *project.notices]
    only_webhooks = all(contact.webhook and not contact.email for contact in project.contacts)
    if told and not relays and not only_webhooks:
        reader.problem(
            FILE,
            "mail.host",
            "is needed where [[oncall]] profiles, reports or notices send mail",
            "set the mail server",
        )
    for place, relay in relays:
        if relay.auth == "xoauth2" and not (relay.username and relay.password_ref):
            reader.problem(
                FILE, f"{place}.auth", "xoauth2 needs username, and password_ref for the access token"
            )
        elif bool(relay.username) is not bool(relay.password_ref):
            reader.problem(FILE, f"{place}.username", "username and password_ref belong together")
        if (
            relay.password_ref
            and relay.security == "none"
            and relay.host not in ("127.0.0.1", "::1", "localhost")
        ):
            reader.problem(
                FILE, f"{place}.security", "a password would cross the network in clear", "starttls or tls"
            )


def _rota(reader: Reader, number: int, section: RotaSection, project: ProjectFile, now: datetime) -> None:
    place = f"rotas[{number}]"
    found = len(reader.problems)
    for n, override in enumerate(section.overrides):
        if override.to <= override.from_:
            reader.problem(FILE, f"{place}.overrides[{n}].to", "ends before it begins")
    for n, shift in enumerate(section.shifts):
        where = f"{place}.shifts[{n}]"
        if shift.from_date and shift.to_date and shift.to_date < shift.from_date:
            reader.problem(FILE, f"{where}.to_date", "ends before it begins")
        elif shift.holidays and not section.holidays:
            reader.problem(FILE, f"{where}.holidays", "can never hold: the rota has no holidays")
        if shift.rotate and len(set(shift.who)) < 2:
            reader.problem(FILE, f"{where}.rotate", "nobody to take turns with", "name at least two in who")
    if section.calendar:
        _calendar(reader, f"{place}.calendar", section, project, now)
    if len(reader.problems) == found:
        _coverage(reader, place, section, project.project.timezone, now)


def _coverage(reader: Reader, place: str, section: RotaSection, timezone: str, now: datetime) -> None:
    """Each shift holds at some time, and somebody is on duty at any time from now on."""
    plain = rota(section, timezone)
    # Whose turn it is does not matter here, only which shift. Overrides and calendars end: they cover no gap.
    numbered = tuple(replace(s, who=(str(n),), rotate=False) for n, s in enumerate(plain.shifts))
    roster = Roster(replace(plain, shifts=numbered, overrides=(), fallback=()))
    zone = ZoneInfo(plain.timezone)
    now_us = int(now.timestamp() * SECOND_US)
    holding: set[str] = set()
    gap: TimeUs | None = None
    for begin, end in _stretches(plain.shifts, plain.holidays, now.astimezone(zone).date()):
        for span in roster.spans(moment(begin, 0, zone), moment(end, 0, zone)):
            holding.update(span.who)
            if not span.who and span.end_us > now_us and gap is None:
                gap = max(span.begin_us, now_us)
    for n in range(len(plain.shifts)):
        if str(n) not in holding:
            reader.problem(
                FILE,
                f"{place}.shifts[{n}]",
                "can never hold: the shifts before it take all of its time",
                "the first that holds counts; put the exception before the rule",
            )
    if gap is not None and not plain.fallback:
        local = datetime.fromtimestamp(gap / SECOND_US, zone)
        reader.problem(
            FILE,
            place,
            f"nobody is on duty from {local:%A %Y-%m-%d %H:%M}",
            "close the gap with a shift, or name a fallback",
        )


def _stretches(shifts: Iterable[Shift], holidays: Iterable[str], today: date) -> list[tuple[date, date]]:
    """The stretches of days that show everything a rota does: a week after each change of its pattern."""
    changes = {today, *map(date.fromisoformat, holidays)}
    for shift in shifts:
        changes.update(date.fromisoformat(day) for day in (shift.from_date, shift.to_date) if day)
    out: list[tuple[date, date]] = []
    for change in sorted(changes):
        begin, end = change - _BEFORE, change + _AFTER
        if out and begin <= out[-1][1] and (end - out[-1][0]).days < 700:
            begin = out.pop()[0]
        out.append((begin, end))
    return out


def _calendar(reader: Reader, where: str, section: RotaSection, project: ProjectFile, now: datetime) -> None:
    path = PurePosixPath(section.calendar)
    if path.is_absolute() or ".." in path.parts or "\\" in section.calendar or path.suffix.lower() != ".ics":
        reader.problem(FILE, where, "is a file of the project, for example rotas/duty.ics")
        return
    from scada.notify.calendar import read_rota  # late: few projects have one

    zone = project.project.timezone
    contacts = [contact(one, zone) for one in project.contacts]
    teams = [Team(name=one.name, contacts=tuple(one.contacts)) for one in project.teams]
    try:
        read_rota(rota(section, zone), contacts, teams, reader.directory, int(now.timestamp()) * SECOND_US)
    except ProjectError as error:
        reader.problems += error.problems
