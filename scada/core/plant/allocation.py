"""How a site shares its power: the limits of its circuits, and the rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """Limits of the site's grid connection, or of a feeder.

    Attributes:
        name: the site's tag, or the feeder's.
        parent: name of the circuit above; empty: it is the grid connection.
        limit_a: of each phase.
        limit_kw, limit_kva, demand_kw: None: none. `demand_kw`: of a quarter hour's mean.
        usable: part of the limits that may be used, 0 to 1.
        reserve_a: ampere a phase left free for other loads that step up.
        safe_a: what all chargers below may have a phase while the meter is silent.
        launch, launch_a: connectors for which that current is kept free, so that they may start at once.
        meter: path of the meter of what flows here; empty: there are no other loads.
    """

    name: str
    parent: str
    limit_a: float
    limit_kw: float | None = None
    limit_kva: float | None = None
    demand_kw: float | None = None
    usable: float = 1.0
    reserve_a: float = 0.0
    safe_a: float = 0.0
    launch: int = 0
    launch_a: float = 6.0
    meter: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteAllocation:
    """The rules of a site.

    Attributes:
        policy: `equal`, `weights`, `tiers`, `laxity`, `need`.
        period_s: between two recalculations; one comes at once when a vehicle starts or ends, or a meter is over a limit.
        lease_s: how long a limit holds unless renewed; then a charger is held to `fallback_a`.
        minimum_a: the least current that is no pause.
        meter_lost_s: age of a meter's value from which `safe_a` counts.
        external_valid_s: how long a limit from outside (tag `ExternalLimit`) is good; then `safe_a` counts; 0: for ever.
        unleased: tags of chargers that honour no lease.
    """

    circuits: tuple[Circuit, ...]
    policy: str = "equal"
    period_s: float = 3.0
    lease_s: int = 300
    fallback_a: float = 0.0
    minimum_a: float = 6.0
    hold_minimum: bool = False
    turn_s: float = 900.0
    meter_lost_s: float = 30.0
    external_valid_s: float = 0.0
    ramp_s: float = 60.0
    reduced: float = 0.5
    unleased: tuple[str, ...] = ()
