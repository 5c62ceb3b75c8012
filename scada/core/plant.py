"""The plant: one frozen model that drivers, displays, OPC UA, history and command line all walk.

The project's files expand into it once (`scada.project`). A new kind of outside view is a new walk, not a
new model. Lists are in the order of the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path

from scada.core.access import Role
from scada.core.path import parent
from scada.core.records import Channel
from scada.core.tag import ExpressionText, TagDefinition, Texts
from scada.core.value import TimeUs

OCPP_IDENTITY = re.compile(r"[A-Za-z0-9*\-:@|_=+.]{1,48}\Z")
"""A charge point's identity as it may stand in the URL, decoded (OCPP-J 3.1.1; OCPP 2.0.1 part 4 3.1.1)."""


class Current(Enum):
    """Alternating or direct current at a connector."""

    AC = "AC"
    DC = "DC"


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A connector (OCPP 1.6: connectorId ≥ 1).

    Attributes:
        number: the connectorId.
        path: of its branch, for example `Depot.CP01.C1`.
        plug: plug type as IEC 62196 and the trade name it: `Type 2`, `CCS2`, `CHAdeMO`.
        phases: wired phases, 1 or 3 (DC: 3).
        current_max_a: hardware limit per phase (AC) or at the output (DC).
        power_max_kw: hardware limit.
    """

    number: int
    path: str
    plug: str
    current: Current
    phases: int
    current_max_a: float
    power_max_kw: float
    bay: str = ""


@dataclass(frozen=True, kw_only=True)
class Charger:
    """A charge point.

    Attributes:
        path: of its branch, for example `Depot.CP01`.
        name: the last segment, shown to operators.
        identity: of OCPP, as it stands in the URL (decoded).
        device_type: name of the template out of `config/device_types`.
        feeder: name of the feeder that it hangs on.
        basic_auth_ref: where its password is found (security profile 1), or empty for profile 0.
    """

    path: str
    name: str
    site: str
    identity: str
    device_type: str
    label: Texts
    feeder: str
    connectors: tuple[Connector, ...]
    basic_auth_ref: str = ""

    def connector(self, number: int) -> Connector | None:
        """The connector with this connectorId."""
        for connector in self.connectors:
            if connector.number == number:
                return connector
        return None


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A Modbus meter: which profile, where, which unit.

    Attributes:
        measures: tag name of the charger that hangs behind it alone, or empty.
    """

    path: str
    name: str
    site: str
    role: str
    profile: str
    host: str
    port: int
    unit_id: int
    label: Texts
    poll_us: TimeUs
    measures: str = ""


@dataclass(frozen=True, kw_only=True)
class Feeder:
    """A part of a site that chargers hang on."""

    name: str
    label: Texts
    limit_a: float


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place with its own grid connection."""

    path: str
    label: Texts
    timezone: str
    limit_a: float
    feeders: tuple[Feeder, ...]
    chargers: tuple[Charger, ...]
    meters: tuple[Meter, ...]


@dataclass(frozen=True, kw_only=True)
class Level:
    """An alarm level, 0 (lowest) to 29 (highest).

    Attributes:
        priority: ISA-18.2 class: `critical`, `high`, `medium`, `low` or `journal`.
        severity: OPC UA severity, 1 to 1000, rising with the level.
        colour: as `#rrggbb`, besides shape and text.
        flash: it flashes while it is unacknowledged.
        sound: name of a sound, or empty.
        oncall: name of the on-call profile that its alarms go to besides those that select them, or empty.
    """

    number: int
    name: Texts
    priority: str
    severity: int
    colour: str = ""
    flash: bool = False
    sound: str = ""
    oncall: str = ""


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
        who: names of contacts or teams; with several and `every_weeks`, they take turns by the week.
        rotate: the one on duty changes each week, beginning with the week of `from_date`.
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
    """

    name: str
    to: tuple[str, ...]
    at_min: int
    timezone: str
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    template: str = "report"
    site: str = ""


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
class Mask:
    """Alarms that are suppressed by design while a condition holds.

    Attributes:
        select: pattern of the alarms (paths of their bits).
        when: expression; `active(TAG)` asks for the alarm of a tag. The alarm that it asks for is never masked by it.
    """

    name: str
    select: str
    when: ExpressionText
    reason: Texts = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """A register that counts the alarms for which a filter is true.

    Attributes:
        tag: path of the register.
        filter: expression on the alarm's properties.
    """

    tag: str
    filter: ExpressionText


@dataclass(frozen=True, kw_only=True)
class ActionStep:
    """One step of an action; exactly one of command, write, mail, delay_us and condition is set.

    Attributes:
        target: path that the command goes to.
        arguments: of the command.
        write: path of the tag to write; `value` is an expression.
        mail: names of contacts, teams or rotas; `text` is what they are told (text by language).
        condition: the action ends here unless it is true.
    """

    command: str = ""
    target: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    write: str = ""
    value: ExpressionText | None = None
    mail: tuple[str, ...] = ()
    text: Texts = field(default_factory=dict)
    delay_us: TimeUs = 0
    condition: ExpressionText | None = None


@dataclass(frozen=True, kw_only=True)
class Action:
    """A procedure: an event, or an expression that becomes true → steps.

    Attributes:
        place: branch that it is for (it was written once for each charger, connector or site), or empty.
        event: kind of the event that starts it (`scada.core.effects.Event.kind`), or empty.
        when: expression: without event its becoming true starts the action; with one it must be true.
    """

    name: str
    steps: tuple[ActionStep, ...]
    place: str = ""
    event: str = ""
    when: ExpressionText | None = None


@dataclass(frozen=True, kw_only=True)
class Token:
    """A local authorization: RFID tag or the like.

    Attributes:
        id_tag: at most 20 characters (OCPP 1.6 IdToken), compared without regard to case.
        expires_us: None: never.
    """

    id_tag: str
    name: str = ""
    parent: str = ""
    blocked: bool = False
    expires_us: TimeUs | None = None


@dataclass(frozen=True, kw_only=True)
class Security:
    """Who may come in over which door."""

    allow_missing_subprotocol: bool = False
    opcua_anonymous: bool = False
    opcua_policies: tuple[str, ...] = ("basic256sha256",)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Addresses and ports. 0 lets the system choose; the chosen one is logged and shown by `/api/v1/health`."""

    host: str = "127.0.0.1"
    http_port: int = 8080
    ocpp_port: int = 9000
    ocpp_path: str = "/ocpp"
    opcua_port: int = 4840


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


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """The simulated site that stands beside the supervisor in demos and factory tests."""

    enabled: bool = False
    speed: float = 1.0
    seed: int = 1
    arrivals_per_hour: float = 4.0
    faults_per_hour: float = 0.2
    building_base_kw: float = 20.0
    smtp_port: int = 2525


@dataclass(frozen=True, kw_only=True)
class OcppSettings:
    """What every charger is asked for.

    Attributes:
        heartbeat_s: Heartbeat interval, answered in BootNotification.
        meter_sample_s: MeterValueSampleInterval.
        measurands: MeterValuesSampledData.
        call_timeout_s: how long a charger may take to answer a call.
        stale_us: time without a link after which its values are Bad.
        free_vending: everybody may charge.
    """

    heartbeat_s: int = 60
    meter_sample_s: int = 10
    measurands: tuple[str, ...] = ()
    call_timeout_s: float = 30.0
    stale_us: TimeUs = 300_000_000
    free_vending: bool = False


@dataclass(frozen=True, kw_only=True)
class Plant:
    """Everything that is configured."""

    name: str
    label: Texts
    languages: tuple[str, ...]
    timezone: str
    sites: tuple[Site, ...]
    tags: tuple[TagDefinition, ...]
    levels: tuple[Level, ...]
    contacts: tuple[Contact, ...] = ()
    teams: tuple[Team, ...] = ()
    rotas: tuple[Rota, ...] = ()
    profiles: tuple[OnCallProfile, ...] = ()
    reports: tuple[Report, ...] = ()
    notices: tuple[EventNotice, ...] = ()
    oncall: OnCallSettings = field(default_factory=OnCallSettings)
    masks: tuple[Mask, ...] = ()
    syntheses: tuple[Synthesis, ...] = ()
    actions: tuple[Action, ...] = ()
    tokens: tuple[Token, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    security: Security = field(default_factory=Security)
    mail: Mail = field(default_factory=Mail)
    ocpp: OcppSettings = field(default_factory=OcppSettings)
    simulation: Simulation = field(default_factory=Simulation)
    directory: Path = field(default_factory=Path)

    def chargers(self) -> Iterator[Charger]:
        """All chargers of all sites."""
        for site in self.sites:
            yield from site.chargers

    def meters(self) -> Iterator[Meter]:
        """All meters of all sites."""
        for site in self.sites:
            yield from site.meters

    @cached_property
    def chargers_by_path(self) -> Mapping[str, Charger]:
        """Path → charger."""
        return {charger.path: charger for charger in self.chargers()}

    @cached_property
    def connectors_by_path(self) -> Mapping[str, tuple[Charger, Connector]]:
        """Path → (charger, connector)."""
        return {
            connector.path: (charger, connector)
            for charger in self.chargers()
            for connector in charger.connectors
        }

    @cached_property
    def _places(self) -> frozenset[str]:
        return frozenset(
            (
                *self.chargers_by_path,
                *self.connectors_by_path,
                *(meter.path for meter in self.meters()),
                *(site.path for site in self.sites),
            )
        )

    def place_of(self, path: str) -> str:
        """The nearest branch above a tag that is a connector, charger, meter or site; else empty."""
        branch = parent(path)
        while branch and branch not in self._places:
            branch = parent(branch)
        return branch

    @cached_property
    def definitions(self) -> Mapping[str, TagDefinition]:
        """Path → definition."""
        return {definition.path: definition for definition in self.tags}

    def text(self, texts: Texts, language: str) -> str:
        """The text in a language, else in the project's first, else whatever there is."""
        return texts.get(language) or texts.get(self.languages[0]) or next(iter(texts.values()), "")
