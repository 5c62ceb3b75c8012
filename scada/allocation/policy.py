"""Policies as a and b of x(λ) = a + b·λ. All share the one division, so all keep every limit."""

from __future__ import annotations

from collections.abc import Sequence

from scada.allocation.model import Policy, Request
from scada.allocation.tree import Member

HOUR_S = 3600.0
TIME_LEFT_S = 8 * HOUR_S
"""Taken where a session has not said when it ends."""
ENERGY_LEFT_KWH = 10.0
"""… how much it wants."""
WEIGHT_MIN = 0.01
SLOT_S = 900.0
"""Two sessions whose laxity differs by so much: the one is at full power before the other begins."""


def laxity_s(request: Request, member: Member, phases: int) -> float:
    """Time that a session has to spare if it charges at full power from now on. Below 0: it will not be met."""
    energy_kwh = ENERGY_LEFT_KWH if request.energy_left_kwh is None else max(0.0, request.energy_left_kwh)
    left_s = TIME_LEFT_S if request.time_left_s is None else request.time_left_s
    power_kw = member.maximum_a * 230.0 * max(1, phases) / 1000
    return left_s - energy_kwh / power_kw * HOUR_S


def slopes(
    policy: Policy, members: Sequence[Member], requests: Sequence[Request], phases: Sequence[int]
) -> tuple[list[float], list[float]]:
    """(a, b) of connectors that may charge. Tiers outrank each policy: a tier begins when the one before has all it takes."""
    a, b = [0.0] * len(members), [1.0] * len(members)
    if policy is Policy.WEIGHTS:
        b = [max(WEIGHT_MIN, one.weight) for one in requests]
    elif policy is Policy.LAXITY:
        b = [one.maximum_a for one in members]
        a = [
            (1 - laxity_s(request, member, used) / SLOT_S) * member.maximum_a
            for member, request, used in zip(members, requests, phases, strict=True)
        ]
    elif policy is Policy.NEED:
        b = [max(WEIGHT_MIN, _need_kw(one)) for one in requests]
    tiers = [one.tier for one in requests]
    if len(set(tiers)) > 1:
        a = _by_tier(members, tiers, a, b)
    return a, b


def _by_tier(
    members: Sequence[Member], tiers: Sequence[int], a: Sequence[float], b: Sequence[float]
) -> list[float]:
    """a, moved so that the levels of each tier lie above all levels of the tier before."""
    moved, after = list(a), 0.0
    for tier in sorted(set(tiers)):
        some = [i for i, one in enumerate(tiers) if one == tier]
        first = min(-a[i] / b[i] for i in some)
        shift = after - first
        for i in some:
            moved[i] = a[i] - b[i] * shift
        after = 1.0 + max((members[i].maximum_a - moved[i]) / b[i] for i in some)
    return moved


def _need_kw(request: Request) -> float:
    energy_kwh = ENERGY_LEFT_KWH if request.energy_left_kwh is None else request.energy_left_kwh
    left_s = TIME_LEFT_S if request.time_left_s is None else request.time_left_s
    return max(0.0, energy_kwh) / max(60.0, left_s) * HOUR_S
