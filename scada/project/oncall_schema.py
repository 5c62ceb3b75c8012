"""What may stand in project.toml about people: contacts, teams, rotas, profiles, reports, the way out for mail."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, ConfigDict, Field

from scada.project.fields import Email, EventKind, Port, SecretReference, Segment, Strict, Timezone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\Z")


def _minutes(value: Any) -> Any:
    """`08:00` → minutes after midnight."""
    if isinstance(value, time):
        return value.hour * 60 + value.minute
    match = _TIME.match(value) if isinstance(value, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match else 1441
    if minutes > 1440:
        raise ValueError("a time of day is written 08:00 (24:00 is the midnight after)")
    return minutes


def _begin(minutes: int) -> int:
    if minutes == 1440:
        raise ValueError("a day begins at 00:00; 24:00 is its end")
    return minutes


def _hours(value: Any) -> Any:
    """`22:00-06:00` → both in minutes after midnight."""
    begin, dash, end = value.partition("-") if isinstance(value, str) else ("", "", "")
    if not dash:
        raise ValueError("a stretch of the day is written 22:00-06:00")
    return _begin(_minutes(begin.strip())), _minutes(end.strip())


def _days(value: Any) -> Any:
    """`mon-fri`, `sat, sun`, `daily`, or a list of days → numbers, Monday is 0."""
    words = re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(words, list) or not words:
        raise ValueError("days are written mon-fri, or sat,sun, or daily")
    days: set[int] = set()
    for word in words:
        if str(word) == "daily":
            days.update(range(7))
            continue
        first, _, last = str(word).lower().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"'{word}' is no day: {', '.join(DAYS)}, a stretch like mon-fri, or daily")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days.update((begin + n) % 7 for n in range((end - begin) % 7 + 1))
    return tuple(sorted(days))


def _date(value: Any) -> Any:
    """A date of TOML or as text → ISO 8601."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        day = None
    if type(day) is not date or not 1990 <= day.year <= 2200:
        raise ValueError("a day is written 2026-12-25")
    return day.isoformat()


def _local(value: Any) -> Any:
    """A date and time without zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if type(moment) is not datetime or moment.tzinfo is not None or not 1990 <= moment.year <= 2200:
        raise ValueError("a moment is written 2026-12-24T18:00, in the rota's time zone")
    return moment


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in text):
        raise ValueError(f"'{text}' is no address of the form https://host/path")
    if parts.username or parts.password:
        raise ValueError("a name or password does not belong into an address")
    return text


def _public(text: str) -> str:
    if urlsplit(text).query or urlsplit(text).fragment:
        raise ValueError("the address of the HMI has neither '?' nor '#'")
    return text.rstrip("/")


Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f<>]*$")]
Names = Annotated[list[str], BeforeValidator(_names), Field(min_length=1, max_length=200)]
TimeOfDay = Annotated[int, BeforeValidator(_minutes)]
BeginOfDay = Annotated[int, BeforeValidator(_minutes), AfterValidator(_begin)]
Hours = Annotated[tuple[int, int], BeforeValidator(_hours)]
Days = Annotated[tuple[int, ...], BeforeValidator(_days)]
Day = Annotated[str, BeforeValidator(_date)]
LocalMoment = Annotated[datetime, BeforeValidator(_local)]
Url = Annotated[str, AfterValidator(_url), Field(max_length=500)]
Template = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Level = Annotated[int, Field(ge=0, le=29)]
ChannelName = Literal["email", "sms", "webhook"]
Channels = Annotated[list[ChannelName], Field(min_length=1)]


class ContactSection(Strict):
    """[[contacts]]: at least one of email, sms and webhook."""

    name: Name
    email: Email | Literal[""] = ""
    sms: Email | Literal[""] = ""
    webhook: Url | Literal[""] = ""
    webhook_secret_ref: SecretReference = ""
    language: Literal["en", "fr"] = "en"
    timezone: Timezone | None = None
    quiet_hours: Hours | None = None
    quiet_below: Level | None = None
    per_hour: Annotated[int, Field(ge=1, le=1000)] = 30


class TeamSection(Strict):
    """[[teams]]."""

    name: Name
    contacts: Names


class ShiftSection(Strict):
    """[[rotas.shifts]]; `who` takes turns by the week with `rotate`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    days: Days = (0, 1, 2, 3, 4, 5, 6)
    from_: Annotated[BeginOfDay, Field(alias="from")] = 0
    to: TimeOfDay = 1440
    who: Names
    rotate: bool = False
    from_date: Day = ""
    to_date: Day = ""
    holidays: bool | None = None


class OverrideSection(Strict):
    """[[rotas.overrides]]."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    from_: Annotated[LocalMoment, Field(alias="from")]
    to: LocalMoment
    who: Names
    reason: Annotated[str, Field(max_length=200)] = ""


class RotaSection(Strict):
    """[[rotas]]. The name is that of the tag `System.OnCall.<name>` too."""

    name: Segment
    timezone: Timezone | None = None
    shifts: Annotated[list[ShiftSection], Field(max_length=100)] = []
    overrides: Annotated[list[OverrideSection], Field(max_length=1000)] = []
    holidays: Annotated[list[Day], Field(max_length=400)] = []
    fallback: Annotated[list[str], BeforeValidator(_names)] = []
    calendar: Annotated[str, Field(max_length=200)] = ""


class StepSection(Strict):
    """[[oncall.steps]]."""

    after_s: Annotated[int, Field(ge=0, le=7 * 86400)]
    to: Names
    channels: Channels = ["email"]
    template: Template = "escalated"


class OnCallSection(Strict):
    """[[oncall]]: a profile."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    name: Name
    to: Annotated[Names, Field(validation_alias=AliasChoices("to", "contacts"))]
    level_min: Level = 0
    level_max: Level = 29
    sites: list[str] = []
    domains: list[str] = []
    natures: list[str] = []
    states: list[Literal["raised", "acknowledged", "returned", "unshelved"]] = ["raised"]
    filter: Annotated[str, Field(max_length=2000)] = ""
    channels: Channels = ["email"]
    template: Template = "alarm"
    window_s: Annotated[float, Field(ge=0, le=3600)] = 5
    steps: Annotated[list[StepSection], Field(max_length=20)] = []
    repeat_s: Annotated[int, Field(ge=0, le=86400)] = 0
    repeat_max: Annotated[int, Field(ge=1, le=100)] = 10
    ends_on_return: bool = False


class ReportSection(Strict):
    """[[reports]]."""

    name: Annotated[str, Field(max_length=100)] = ""
    at: BeginOfDay
    days: Days = (0, 1, 2, 3, 4, 5, 6)
    to: Names
    template: Template = "report"
    site: str = ""
    timezone: Timezone | None = None
    report: Literal["", "sessions", "energy", "availability", "utilisation", "peak", "alarms", "audit"] = ""
    period: Literal["yesterday", "last_week", "last_month", "today", "this_month"] = "yesterday"
    formats: Annotated[list[Literal["pdf", "xlsx", "csv"]], Field(min_length=1, max_length=3)] = ["pdf"]
    by: Literal["site", "charger", "connector", "token", "vehicle", "plan", "all"] = "charger"
    step: Literal["hour", "day", "week", "month", "all"] = "day"

    @property
    def title(self) -> str:
        """The name, or one made of what it is."""
        return self.name or f"{self.template} {self.at // 60:02}:{self.at % 60:02}"


class NoticeSection(Strict):
    """[[notices]]."""

    name: Annotated[str, Field(max_length=100)] = ""
    event: EventKind
    to: Names
    sites: list[str] = []
    template: Template = "event"

    @property
    def title(self) -> str:
        """The name, or one made of what it is."""
        return self.name or self.event


class OnCallSettingsSection(Strict):
    """[oncall_settings]."""

    public_url: Annotated[Url, AfterValidator(_public)] | Literal[""] = ""
    link_valid_h: Annotated[float, Field(gt=0, le=720)] = 24
    restart_window_s: Annotated[float, Field(ge=0, le=600)] = 30


class RelaySection(Strict):
    """[[mail.relays]]: tried in the order of the file."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Port = 25
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password_ref: SecretReference = ""
    auth: Literal["password", "xoauth2"] = "password"


class MailSection(Strict):
    """[mail]: one relay by `host` and what follows it, more by [[mail.relays]]; without any no mail is sent."""

    sender: Email | Literal[""] = ""
    host: str = ""
    port: Port = 25
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password_ref: SecretReference = ""
    auth: Literal["password", "xoauth2"] = "password"
    relays: Annotated[list[RelaySection], Field(max_length=10)] = []

    def all_relays(self) -> list[tuple[str, RelaySection]]:
        """Place in the file and relay."""
        own = RelaySection(
            host=self.host or "-",
            port=self.port,
            security=self.security,
            username=self.username,
            password_ref=self.password_ref,
            auth=self.auth,
        )
        first = [("mail", own)] if self.host else []
        return [*first, *((f"mail.relays[{n}]", relay) for n, relay in enumerate(self.relays))]
