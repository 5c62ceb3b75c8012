"""Who is told of what, and how: contacts, rotas, on-call profiles, reports, the way out for mail."""

from __future__ import annotations

from dataclasses import dataclass

from scada.core.records import Channel
from scada.core.tag import ExpressionText
from scada.core.value import TimeUs


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """A time of day, in the contact's zone, in which only what is important enough is sent at once.

    Attributes:
        begin_min, end_min: minutes after midnight; an end before the begin is on the next day.
        below_level: alarms of a lower level wait until the end.
    """

    begin_min: int
    end_min: int
    below_level: int = 25


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person who is reached.

    Attributes:
        email: address; empty where there is none.
        sms: e-mail address of a gateway to short messages, or empty.
        webhook: URL that takes messages as JSON, or empty.
        webhook_secret_ref: reference to the key that signs them both ways (HMAC-SHA-256).
        timezone: IANA name; times in messages and quiet hours are told in it.
        per_hour: messages within an hour, past which the rest waits for a digest.
    """

    name: str
    email: str
    language: str
    sms: str = ""
    webhook: str = ""
    webhook_secret_ref: str = ""
    timezone: str = "UTC"
    quiet: QuietHours | None = None
    per_hour: int = 30


@dataclass(frozen=True, kw_only=True)
class Team:
    """Contacts who are told together."""

    name: str
    contacts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A weekly shift of a rota, in the rota's zone.

    Attributes:
        days: 0 (Monday) to 6 of the day on which it begins.
        begin_min, end_min: minutes after midnight; an end at or before the begin is on the next day.
        who: names of contacts or teams: all of them, or with `rotate` one after another.
        rotate: the one on duty changes each week, counted from `from_date` (empty: from a Monday).
        from_date, to_date: first and last day (ISO 8601) on which it may begin; empty: no bound.
        holidays: begins on holidays only (True), never on them (False), or on both (None).
    """

    days: tuple[int, ...]
    begin_min: int
    end_min: int
    who: tuple[str, ...]
    rotate: bool = False
    from_date: str = ""
    to_date: str = ""
    holidays: bool | None = None


@dataclass(frozen=True, kw_only=True)
class DutySpan:
    """Who is on duty from when to when: an override, or an entry of a calendar file. It outranks shifts."""

    begin_us: TimeUs
    end_us: TimeUs
    who: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Rota:
    """Who is on call when.

    Attributes:
        timezone: in which the shifts are meant.
        shifts: the first that holds at a moment counts.
        overrides: the last that holds at a moment outranks all shifts.
        holidays: days (ISO 8601).
        fallback: who is told where nobody is on duty.
        calendar: iCalendar file below the project, read again when it changes, or empty: its entries are overrides.
    """

    name: str
    timezone: str
    shifts: tuple[Shift, ...] = ()
    overrides: tuple[DutySpan, ...] = ()
    holidays: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    calendar: str = ""


@dataclass(frozen=True, kw_only=True)
class EscalationStep:
    """What is done when an alarm has stood unacknowledged for so long.

    Attributes:
        after_us: since the alarm was raised.
        to: names of contacts, teams or rotas.
        channels: how.
        template: of the message.
    """

    after_us: TimeUs
    to: tuple[str, ...]
    channels: tuple[Channel, ...] = (Channel.EMAIL,)
    template: str = "escalated"


@dataclass(frozen=True, kw_only=True)
class OnCallProfile:
    """Which alarms are told to whom.

    Attributes:
        to: names of contacts, teams or rotas.
        levels: lowest and highest level, both included.
        sites: paths of sites; empty: all.
        domains, natures: of the alarm's tag; empty: all.
        states: which events, out of `raised`, `acknowledged`, `returned`, `unshelved`.
        filter: an expression on alarm and tags that must be true besides; None: none.
        steps: the escalation, by time.
        repeat_us: the last step is repeated so often until somebody answers; 0: not.
        repeat_max: bound of the repeats.
        ends_on_return: a return to normal without acknowledgement ends the escalation.
        window_us: how long a message waits for others to the same recipient.
    """

    name: str
    to: tuple[str, ...]
    levels: tuple[int, int]
    sites: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    natures: tuple[str, ...] = ()
    states: tuple[str, ...] = ("raised",)
    filter: ExpressionText | None = None
    channels: tuple[Channel, ...] = (Channel.EMAIL,)
    template: str = "alarm"
    steps: tuple[EscalationStep, ...] = ()
    repeat_us: TimeUs = 0
    repeat_max: int = 10
    ends_on_return: bool = False
    window_us: TimeUs = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Report:
    """A message at a time of day.

    Attributes:
        at_min: minutes after midnight in `timezone`.
        days: 0 (Monday) to 6.
        template: `report` (state of the site, sessions, energy), `self_test`, or one of the project's.
        site: path of the site it is about; empty: all.
        report: what is attached (`scada.core.report_ports.REPORTS`); empty: nothing.
        period: of what is attached, for example `yesterday`.
        formats: of what is attached, for example `pdf`.
        by, step: of the report `energy`.
    """

    name: str
    to: tuple[str, ...]
    at_min: int
    timezone: str
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    template: str = "report"
    site: str = ""
    report: str = ""
    period: str = "yesterday"
    formats: tuple[str, ...] = ("pdf",)
    by: str = "charger"
    step: str = "day"


@dataclass(frozen=True, kw_only=True)
class EventNotice:
    """A message when a device event happens (`scada.core.effects.Event.kind`)."""

    name: str
    to: tuple[str, ...]
    event: str
    sites: tuple[str, ...] = ()
    template: str = "event"


@dataclass(frozen=True, kw_only=True)
class OnCallSettings:
    """What holds for all messages.

    Attributes:
        public_url: where the HMI is reached from outside; empty: messages carry no link.
        link_valid_us: how long a link may be used.
        restart_window_us: after a start, messages wait so long for others.
    """

    public_url: str = ""
    link_valid_us: TimeUs = 86_400_000_000
    restart_window_us: TimeUs = 30_000_000


@dataclass(frozen=True, kw_only=True)
class MailRelay:
    """A mail server. Secrets are references (`env:NAME` or `file:PATH`), never secrets themselves.

    Attributes:
        security: `none`, `starttls` or `tls`.
        auth: `password`, or `xoauth2`: then the secret is an access token, read anew at each log-in.
    """

    host: str
    port: int = 25
    security: str = "starttls"
    username: str = ""
    password_ref: str = ""
    auth: str = "password"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """The way out for mail: relays in the order in which they are tried; none: no mail is sent."""

    sender: str = ""
    relays: tuple[MailRelay, ...] = ()
