"""What each outlet of a charger may give: hardware, charging profiles, a shared power stage. Pure."""

from __future__ import annotations

from collections.abc import Collection

from scada.charging.profiles import ProfileStack, Situation, Supply
from scada.core.value import TimeUs
from scada.simulator.outlet import NOMINAL_V, Outlet
from scada.simulator.vehicle import CURRENT_MIN_A


def supply_of(outlets: Collection[Outlet]) -> Supply:
    """What the hardware of the whole charger can give."""
    if all(
        outlet.is_dc for outlet in outlets
    ):  # one power stage; A and W of the charger are those of the grid
        power_w = max(outlet.spec.power_max_kw for outlet in outlets) * 1000
        return Supply(current_max_a=power_w / (3 * NOMINAL_V), phases=3, voltage_v=NOMINAL_V)
    supplies = [outlet.supply for outlet in outlets if not outlet.is_dc]
    return Supply(
        current_max_a=sum(one.current_max_a for one in supplies),
        phases=max(one.phases for one in supplies),
        voltage_v=NOMINAL_V,
    )


def situation_of(outlet: Outlet) -> Situation:
    """What profiles must know of an outlet."""
    transaction = outlet.state.transaction
    if transaction is None:
        return Situation(supply=outlet.supply)
    return Situation(
        supply=outlet.supply, since_us=transaction.began_us or None, transaction_id=transaction.id
    )


def divide(outlets: Collection[Outlet], profiles: ProfileStack, now_us: TimeUs) -> None:
    """Set what each outlet offers.

    Outlets of a DC charger share its power stage; all share what a ChargePointMaxProfile leaves, evenly, and what
    one does not need is there for the others.
    """
    busy = [outlet for outlet in outlets if outlet.state.transaction is not None]
    direct = sum(1 for outlet in busy if outlet.is_dc)
    for outlet in outlets:
        supply = outlet.supply
        outlet.offered_a = supply.current_max_a / (max(1, direct) if outlet.is_dc else 1)
        outlet.offered_phases = supply.phases
        if profiles.installed:
            limit = profiles.limit_at(outlet.number, now_us, situation_of(outlet))
            outlet.offered_a = min(outlet.offered_a, limit.current_a)
            outlet.offered_phases = limit.phases or supply.phases
    if profiles.installed and len(busy) > 1:
        _share(busy, profiles.limit_at(0, now_us, Situation(supply=supply_of(outlets))).power_w)
    for outlet in busy:
        transaction = outlet.state.transaction
        end_wh = transaction.energy_end_wh if transaction is not None else None
        if end_wh is not None and outlet.state.register_wh >= end_wh:
            outlet.offered_a = 0.0
        if not outlet.is_dc and outlet.offered_a < CURRENT_MIN_A:
            outlet.offered_a = 0.0  # a pilot signal cannot say less (IEC 61851-1 annex A)


def _share(busy: Collection[Outlet], total_w: float) -> None:
    """Fill evenly up to what each may give; the last takes what is left."""
    left_w = total_w
    waiting = sorted(busy, key=lambda outlet: outlet.offered_w)
    for place, outlet in enumerate(waiting):
        fair_w = left_w / (len(waiting) - place)
        if outlet.offered_w > fair_w > 0:
            outlet.offered_a *= fair_w / outlet.offered_w
        elif fair_w <= 0:
            outlet.offered_a = 0.0
        left_w -= outlet.offered_w
