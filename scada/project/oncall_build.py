"""Sections about people → their parts of the plant. Everything was checked before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from scada.alarming.oncall.wall import moment_of
from scada.core.plant import (
    Contact,
    DutySpan,
    EscalationStep,
    EventNotice,
    Mail,
    MailRelay,
    OnCallProfile,
    OnCallSettings,
    QuietHours,
    Report,
    Rota,
    Shift,
    Team,
)
from scada.core.records import Channel
from scada.core.tag import ExpressionText
from scada.core.value import SECOND_US, TimeUs
from scada.project.oncall_schema import (
    ContactSection,
    MailSection,
    OnCallSection,
    OnCallSettingsSection,
    RotaSection,
    StepSection,
)

if TYPE_CHECKING:
    from scada.project.schema import ProjectFile

FILE = "project.toml"


def oncall_parts(project: ProjectFile) -> dict[str, Any]:
    """`contacts`, `teams`, `rotas`, `profiles`, `reports`, `notices`, `oncall` and `mail` of a `Plant`."""
    zone = project.project.timezone
    return {
        "contacts": tuple(contact(section, zone) for section in project.contacts),
        "teams": tuple(Team(name=t.name, contacts=tuple(t.contacts)) for t in project.teams),
        "rotas": tuple(rota(section, zone) for section in project.rotas),
        "profiles": tuple(_profile(section, n) for n, section in enumerate(project.oncall)),
        "reports": tuple(
            Report(
                name=section.title,
                to=tuple(section.to),
                at_min=section.at,
                timezone=section.timezone or zone,
                days=section.days,
                template=section.template,
                site=section.site,
                report=section.report,
                period=section.period,
                formats=tuple(section.formats),
                by=section.by,
                step=section.step,
            )
            for section in project.reports
        ),
        "notices": tuple(
            EventNotice(
                name=section.title,
                to=tuple(section.to),
                event=section.event,
                sites=tuple(section.sites),
                template=section.template,
            )
            for section in project.notices
        ),
        "oncall": _settings(project.oncall_settings),
        "mail": _mail(project.mail),
    }


def contact(section: ContactSection, timezone: str) -> Contact:
    """A contact; `timezone` is the project's."""
    quiet = None
    if section.quiet_hours is not None:
        begin_min, end_min = section.quiet_hours
        quiet = QuietHours(begin_min=begin_min, end_min=end_min)
        if section.quiet_below is not None:
            quiet = QuietHours(begin_min=begin_min, end_min=end_min, below_level=section.quiet_below)
    return Contact(
        name=section.name,
        email=section.email,
        language=section.language,
        sms=section.sms,
        webhook=section.webhook,
        webhook_secret_ref=section.webhook_secret_ref,
        timezone=section.timezone or timezone,
        quiet=quiet,
        per_hour=section.per_hour,
    )


def rota(section: RotaSection, timezone: str) -> Rota:
    """A rota; `timezone` is the project's."""
    name = section.timezone or timezone
    zone = ZoneInfo(name)
    return Rota(
        name=section.name,
        timezone=name,
        shifts=tuple(
            Shift(
                days=s.days,
                begin_min=s.from_,
                end_min=s.to,
                who=tuple(s.who),
                rotate=s.rotate,
                from_date=s.from_date,
                to_date=s.to_date,
                holidays=s.holidays,
            )
            for s in section.shifts
        ),
        overrides=tuple(
            DutySpan(
                begin_us=moment_of(o.from_, zone),
                end_us=moment_of(o.to, zone),
                who=tuple(o.who),
                reason=o.reason,
            )
            for o in section.overrides
        ),
        holidays=tuple(section.holidays),
        fallback=tuple(section.fallback),
        calendar=section.calendar,
    )


def _profile(section: OnCallSection, number: int) -> OnCallProfile:
    place = f"{FILE}|oncall[{number}].filter"
    return OnCallProfile(
        name=section.name,
        to=tuple(section.to),
        levels=(section.level_min, section.level_max),
        sites=tuple(section.sites),
        domains=tuple(section.domains),
        natures=tuple(section.natures),
        states=tuple(section.states),
        filter=ExpressionText(text=section.filter, place=place) if section.filter.strip() else None,
        channels=_channels(section.channels),
        template=section.template,
        steps=tuple(_step(step) for step in section.steps),
        repeat_us=section.repeat_s * SECOND_US,
        repeat_max=section.repeat_max,
        ends_on_return=section.ends_on_return,
        window_us=_us(section.window_s),
    )


def _step(section: StepSection) -> EscalationStep:
    return EscalationStep(
        after_us=section.after_s * SECOND_US,
        to=tuple(section.to),
        channels=_channels(section.channels),
        template=section.template,
    )


def _settings(section: OnCallSettingsSection) -> OnCallSettings:
    return OnCallSettings(
        public_url=section.public_url,
        link_valid_us=_us(section.link_valid_h * 3600),
        restart_window_us=_us(section.restart_window_s),
    )


def _mail(section: MailSection) -> Mail:
    return Mail(
        sender=section.sender,
        relays=tuple(MailRelay(**relay.model_dump()) for _, relay in section.all_relays()),
    )


def _channels(names: list[Any]) -> tuple[Channel, ...]:
    return tuple(Channel(name) for name in dict.fromkeys(names))


def _us(seconds: float) -> TimeUs:
    return round(seconds * SECOND_US)
