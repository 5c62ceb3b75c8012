"""Energy out of the readings of a register that counts up, with resets, roll-overs and exchanged meters.

Energy is taken from registers, never integrated from power. Between two readings it is spread evenly.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scada.core.value import TimeUs

HOUR_US = 3_600_000_000
ROLL_OVER_SHARE = 0.02
"""A register rolls over when it stood within this share of its full count before, and as near to zero after."""
JITTER_WH = 1.0
"""A register that falls by no more than this did not fall: chargers round their readings in different ways."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a register showed at a moment."""

    time_us: TimeUs
    register_wh: float


@dataclass(frozen=True, slots=True)
class Step:
    """The energy between two readings that follow each other.

    Attributes:
        mark: `reset` (the register began anew at 0), `roll_over`, `jump` (more than could have flowed: another
            register; it counts nothing), or empty.
    """

    from_us: TimeUs
    to_us: TimeUs
    energy_wh: float
    mark: str = ""


def steps(readings: Iterable[Reading], *, power_max_w: float = 0.0, roll_over_wh: float = 0.0) -> list[Step]:
    """Reading by reading; they may come in any order, and of two at one moment the later in the list counts.

    Args:
        power_max_w: more than twice this cannot flow; 0: not known, then no step is a jump.
        roll_over_wh: count at which the register begins anew; 0: the next power of ten of kWh above it.
    """
    by_time = {reading.time_us: reading for reading in readings}
    found = []
    for before, after in pairwise(by_time[time_us] for time_us in sorted(by_time)):
        energy_wh, mark = _difference(before, after, roll_over_wh)
        bound_wh = 2 * power_max_w * (after.time_us - before.time_us) / HOUR_US + 1_000
        if power_max_w and energy_wh > bound_wh:
            energy_wh, mark = 0.0, "jump"
        found.append(Step(before.time_us, after.time_us, energy_wh, mark))
    return found


def _difference(before: Reading, after: Reading, roll_over_wh: float) -> tuple[float, str]:
    risen_wh = after.register_wh - before.register_wh
    if risen_wh >= 0:
        return risen_wh, ""
    if -risen_wh <= JITTER_WH:
        return 0.0, ""
    full_wh = roll_over_wh or _full_count(before.register_wh)
    edge_wh = full_wh * ROLL_OVER_SHARE
    if before.register_wh >= full_wh - edge_wh and 0 <= after.register_wh <= edge_wh:
        return full_wh - before.register_wh + after.register_wh, "roll_over"
    return max(after.register_wh, 0.0), "reset"


def _full_count(register_wh: float) -> float:
    """Meters show five to nine digits of kWh."""
    full_wh = 1e8
    while full_wh <= register_wh and full_wh < 1e13:
        full_wh *= 10
    return full_wh


def energy_in(found: Sequence[Step], from_us: TimeUs, to_us: TimeUs) -> float:
    """The energy of a span in Wh; what lies outside of all readings counts nothing."""
    return sum(_shares(found, [from_us, to_us]))


def energy_by(found: Sequence[Step], edges: Sequence[TimeUs]) -> list[float]:
    """The energy between each two of the rising `edges`, in Wh; one less than there are edges."""
    return _shares(found, edges)


def _shares(found: Sequence[Step], edges: Sequence[TimeUs]) -> list[float]:
    energies = [0.0] * max(len(edges) - 1, 0)
    for step in found:
        if not step.energy_wh:
            continue
        length_us = step.to_us - step.from_us
        first = max(bisect_right(edges, step.from_us) - 1, 0)
        last = min(bisect_left(edges, step.to_us), len(energies))
        for number in range(first, last):
            common_us = min(step.to_us, edges[number + 1]) - max(step.from_us, edges[number])
            if common_us > 0:
                energies[number] += step.energy_wh * common_us / length_us
    return energies


def register_at(readings: Sequence[Reading], time_us: TimeUs, apart_max_us: TimeUs) -> float | None:
    """The register at a moment, on the line between the readings around it.

    Args:
        readings: in order of time.
        apart_max_us: a reading further away says nothing of the moment.

    Returns:
        None: nothing near enough. With a reading on one side only it is that reading.
    """
    times = [reading.time_us for reading in readings]
    place = bisect_right(times, time_us)
    before = readings[place - 1] if place and time_us - times[place - 1] <= apart_max_us else None
    after = readings[place] if place < len(times) and times[place] - time_us <= apart_max_us else None
    if before is None or after is None:
        found = before or after
        return found.register_wh if found else None
    if before.register_wh > after.register_wh or before.time_us == time_us:
        return before.register_wh
    share = (time_us - before.time_us) / (after.time_us - before.time_us)
    return before.register_wh + share * (after.register_wh - before.register_wh)


def whole(energies: Sequence[float], total_wh: int) -> list[int]:
    """Energies as whole Wh that sum up to `total_wh` exactly, in proportion (largest remainders go first).

    Where nothing is known of the proportions the last takes all.
    """
    if not energies:
        return []
    known_wh = sum(energies)
    if known_wh <= 0:
        return [0] * (len(energies) - 1) + [total_wh]
    scaled = [one * total_wh / known_wh for one in energies]
    floors = [int(one) for one in scaled]
    rest = total_wh - sum(floors)
    by_rest = sorted(range(len(scaled)), key=lambda n: (floors[n] - scaled[n], n))
    for number in by_rest[:rest]:
        floors[number] += 1
    return floors
