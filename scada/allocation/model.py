"""What goes into a recalculation and what comes out. All times are seconds of a clock that never leaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Policy(Enum):
    """How what there is is shared."""

    EQUAL = "equal"
    WEIGHTS = "weights"
    TIERS = "tiers"
    LAXITY = "laxity"
    NEED = "need"


class Mode(Enum):
    """How a site is run. Into a narrower mode at once, out of it by a ramp."""

    NORMAL = "normal"
    REDUCED = "reduced"
    SAFE = "safe"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of a site.

    Attributes:
        hold_minimum: all stay at their minimum though the sum exceeds a limit. Then the limit is *not* kept.
        lease_s: how long a limit holds before the charger falls back by itself, unless it is renewed.
        lease_margin_s: clocks of chargers may be off so much: a lease counts so much longer.
        turn_s: a vehicle that was let charge keeps its place so long, whoever else waits.
        meter_old_s, meter_lost_s: age of a meter's value from which the recent peak, then the safe limit counts.
        reading_old_s: age of a charger's value from which it is not known what it draws.
        peak_s: how long a measured peak of other loads counts as recent.
        settle_s: a charger without a fresh value is taken to obey so long after it accepted (IEC 61851-1: 5 s, and slack).
        late_s: a charger that has not answered an order for so long is not counted on: others make room.
        order_s: after so long without an answer it is not known what a charger made of an order, and it is given another.
        retry_s: pause after a refusal before a charger is asked to raise again.
        excess_a: so much over its limit in `excess_samples` samples makes a charger disobedient.
        reduced_part: of every limit, in the mode `reduced`.
        ramp_s: time from nothing to all when a narrower mode ends.
    """

    policy: Policy = Policy.EQUAL
    hold_minimum: bool = False
    lease_s: float = 120.0
    lease_margin_s: float = 60.0
    turn_s: float = 900.0
    meter_old_s: float = 15.0
    meter_lost_s: float = 30.0
    reading_old_s: float = 15.0
    peak_s: float = 900.0
    settle_s: float = 10.0
    late_s: float = 5.0
    order_s: float = 35.0
    retry_s: float = 30.0
    excess_a: float = 1.5
    excess_samples: int = 3
    reduced_part: float = 0.5
    ramp_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured.

    Attributes:
        currents_a: of L1, L2, L3; of a charger in its own order, of a meter in that of the mains.
        taken_s: when.
        power_kw: of a meter; None: reckoned from the currents.
    """

    currents_a: tuple[float, float, float]
    taken_s: float
    power_kw: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is known of a connector now.

    Attributes:
        online: the charger can be told something.
        seen: it was online since the start of the project; one that never was counts at its fallback.
        session: names the vehicle's stay; empty: no vehicle wants anything.
        full: the vehicle says that it takes nothing (SuspendedEV).
        boots: counts restarts of the charger: after one it may have forgotten its limits.
        weight, tier: of the policies; a lower tier comes first, in every policy.
        energy_left_kwh, time_left_s: of what was asked; None: not known.
        ceiling_a: lowest of all wishes; None: none.
        takes: the charger takes a limit now; leases: one that ends by itself.
        floor_a: an operator's fixed value, with the ceiling; 0: none.
    """

    online: bool = True
    seen: bool = True
    session: str = ""
    full: bool = False
    boots: int = 0
    reading: Reading | None = None
    weight: float = 1.0
    tier: int = 0
    energy_left_kwh: float | None = None
    time_left_s: float | None = None
    ceiling_a: float | None = None
    floor_a: float = 0.0
    takes: bool = True
    leases: bool = True


class OrderKind(Enum):
    """What an order does to a connector's limit."""

    REDUCE = "reduce"
    RAISE = "raise"
    RENEW = "renew"


@dataclass(frozen=True, slots=True)
class Order:
    """A limit for a connector.

    Attributes:
        number: counts orders.
        lease_s: it holds so long, then `fallback_a`; None: it stands.
        phases: that the vehicle uses, for chargers that take watts.
    """

    number: int
    connector: str
    limit_a: float
    lease_s: float | None
    fallback_a: float
    phases: int
    kind: OrderKind
    reason: str


class Answer(Enum):
    """What became of an order."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """What held before holds."""
    UNSENT = "unsent"
    """There was no link: what held before holds."""
    UNKNOWN = "unknown"
    """Sent, and nobody knows what the charger made of it."""


class State(Enum):
    """How a connector counts in a recalculation."""

    IDLE = "idle"
    CHARGING = "charging"
    WAITING = "waiting"
    FULL = "full"
    OFFLINE = "offline"
    OVERDRAWING = "overdrawing"
    """It was just measured well above its limit: it counts as that until it is measured lower."""
    DISOBEDIENT = "disobedient"
    SILENT = "silent"
    """Its charger does not answer orders, or refuses them: what it may draw is not ours to say."""
    UNLIMITABLE = "unlimitable"
    """Its charger takes no limit."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a recalculation says of a connector.

    Attributes:
        target_a: what it is to have.
        ordered_a: the last limit that was ordered, answered or not.
        confirmed_a: the last limit that the charger accepted.
        hold_a: what it counts as: the largest of confirmed, in flight and measured.
        bound_by: what keeps it from having more: `Feeder 2, L1`, or a word of `scada.allocation.allocator`.
        node: name of the node that binds, or empty.
    """

    connector: str
    state: State
    target_a: float
    ordered_a: float
    confirmed_a: float
    hold_a: float
    drawn_a: float
    phases: tuple[int, ...]
    bound_by: str
    node: str


class Source(Enum):
    """What a node's room rests on."""

    LIMITS = "limits"
    """There is nothing to measure."""
    MEASURED = "measured"
    PEAK = "peak"
    """The meter is late: the highest load of late counts."""
    SAFE = "safe"
    """The meter is silent: the safe limit counts."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a recalculation says of a node's resource.

    Attributes:
        limit: that is configured, ampere or kW or kVA.
        room: of it, for all that charge below: usable part less other loads and reserves.
        other: loads that are no chargers.
        hold: of all connectors below.
    """

    node: str
    kind: str
    limit: float
    room: float
    other: float
    hold: float
    source: Source


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened, for log and alarms: `subject` is a connector or a node."""

    what: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One recalculation.

    Attributes:
        stops: connectors whose charger disobeys while a meter shows more than a limit: to be stopped.
        overload: resources on which the holds exceed the room: reductions are under way, or cannot help.
        invariant_kept: no raise of this recalculation lies on such a resource. Checked, never assumed.
    """

    at_s: float
    orders: tuple[Order, ...]
    shares: tuple[Share, ...]
    nodes: tuple[NodeState, ...]
    notes: tuple[Note, ...] = ()
    stops: tuple[str, ...] = ()
    overload: tuple[str, ...] = ()
    invariant_kept: bool = True
    mode: Mode = field(default=Mode.NORMAL)
