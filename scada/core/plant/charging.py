"""Who may charge, and what the product does by itself about it: tokens, plans, vehicles, and each site's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from scada.core.value import TimeUs


class AuthorizationMode(Enum):
    """Who may charge."""

    TOKENS = "tokens"
    """Those whose token is known and good."""
    FREE = "free"
    """Everybody but blocked and expired tokens."""
    MANUAL = "manual"
    """Known tokens, and others that an operator lets in while the charger waits: for tests."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """A local authorization: RFID tag or the like.

    Attributes:
        id_tag: at most 20 characters (OCPP 1.6 IdToken), compared without regard to case.
        parent: id of its group; tokens of a group end each other's sessions.
        expires_us: None: never.
        sites: paths of the sites where it is good; empty: everywhere.
        plan: name of the plan that its sessions have, or empty.
    """

    id_tag: str
    name: str = ""
    parent: str = ""
    blocked: bool = False
    expires_us: TimeUs | None = None
    sites: tuple[str, ...] = ()
    plan: str = ""


@dataclass(frozen=True, kw_only=True)
class StopConditions:
    """When a session is to end by itself: with the first that is reached. None: not by this.

    Attributes:
        duration_us: since its start.
        until_us: a moment.
        at_min: a time of day, minutes after midnight in the site's zone: the next one after the start.
        soc: state of charge in percent.
        cost: energy times the site's price, in its currency.
    """

    energy_wh: int | None = None
    duration_us: TimeUs | None = None
    until_us: TimeUs | None = None
    at_min: int | None = None
    soc: float | None = None
    cost: float | None = None

    def __bool__(self) -> bool:
        return self != NO_CONDITIONS


NO_CONDITIONS = StopConditions()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What sessions of a token's plan begin with."""

    name: str
    stop: StopConditions


@dataclass(frozen=True, kw_only=True)
class SiteCharging:
    """The rules of a site. What says so can be overridden on a connector's tags.

    Attributes:
        authorization: who may charge (connector tag `AuthorizationMode`).
        manual_answer_us: how long a charger waits for the operator's answer; then the token is refused.
        concurrent: a token may charge at several connectors at once; else the second is refused (ConcurrentTx).
        autostart: a vehicle plugged in is started with `autostart_token` (connector tags `Autostart`,
            `AutostartToken`).
        resume: what a fault or a power cut ended is started again while the vehicle is still there (tag `Resume`).
        reload: a vehicle left plugged in is started again (tag `Reload`) at `reload_at_min` (minutes after midnight in
            the site's zone; None: not by time) or when its state of charge is below `reload_below_soc` (percent; None:
            not by that).
        local_list: the chargers are given the site's tokens as their local authorization list.
    """

    authorization: AuthorizationMode = AuthorizationMode.TOKENS
    manual_answer_us: TimeUs = 20_000_000
    concurrent: bool = True
    autostart: bool = False
    autostart_token: str = ""
    resume: bool = False
    reload: bool = False
    reload_at_min: int | None = None
    reload_below_soc: float | None = None
    local_list: bool = False


@dataclass(frozen=True, kw_only=True)
class TokenImport:
    """Tokens that are fetched on a schedule. Its file has the columns of tokens.csv.

    Attributes:
        source: `http(s)` URL, or path of a file (relative to the project).
        every_us: how often.
        block: the list names tokens that are blocked, whatever other lists say of them.
        authorization_ref: reference to the value of the request's Authorization header, or empty.
    """

    name: str
    source: str
    every_us: TimeUs
    block: bool = False
    authorization_ref: str = ""


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """A vehicle that sessions are linked to.

    Attributes:
        tokens: ids of the tokens that stand for it.
        ids: what a charger may tell of it: EVCCID, MAC address; compared without separators and case.
        battery_kwh, current_max_a: 0: not known.
        phases: that it charges with; 0: not known.
    """

    name: str
    plate: str = ""
    tokens: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    battery_kwh: float = 0.0
    phases: int = 0
    current_max_a: float = 0.0


def vehicle_key(text: str) -> str:
    """An EVCCID or MAC address without separators and case."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


@dataclass(frozen=True, kw_only=True)
class ChargingSettings:
    """The rules of the project.

    Attributes:
        default: of sites that have none of their own.
        sites: path of the site → its rules.
    """

    default: SiteCharging = field(default_factory=SiteCharging)
    sites: Mapping[str, SiteCharging] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    imports: tuple[TokenImport, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()

    def of(self, site: str) -> SiteCharging:
        """The rules of a site."""
        return self.sites.get(site, self.default)
