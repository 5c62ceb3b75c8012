"""What is worked out of a transaction after it ended: power, charging time, quarter hours, cost, the station's own meter.

The transaction's record is never touched by it: figures are rows of their own, worked out anew when it changes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from zoneinfo import ZoneInfo

from scada.charging.registers import Reading, Step, energy_by, register_at, steps, whole
from scada.charging.tariffs import Cost, cost_of
from scada.core.moment import text as moment_text
from scada.core.plant import Bookkeeping
from scada.core.records import SessionFigures, TransactionRecord
from scada.core.value import SECOND_US, TimeUs

QUARTER_US = 900 * SECOND_US
QUARTERS_MAX = 2_000
"""Of one session, some three weeks; a longer one is told without them."""
CHARGING_KW = 0.1
"""With less power a vehicle does not charge: it is looked after."""
APART_MAX_US = 900 * SECOND_US
"""A reading of the station's meter further away from start or stop says nothing of it."""
HOLD_US = 900 * SECOND_US
"""A power value holds no longer than this: after it nothing is known."""


@dataclass(frozen=True, slots=True)
class Power:
    """Power at a moment; None: not known from here on."""

    time_us: TimeUs
    power_kw: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSamples:
    """What was recorded during a transaction, in order of time.

    Attributes:
        registers: of the connector.
        meter: path of the station's own meter that measures the charger alone; empty: there is none.
        meter_registers: its readings, some of before and after too.
        alone: no other transaction ran at the charger meanwhile, so its meter tells of this one.
    """

    registers: Sequence[Reading] = field(default_factory=tuple)
    power: Sequence[Power] = field(default_factory=tuple)
    meter: str = ""
    meter_registers: Sequence[Reading] = field(default_factory=tuple)
    alone: bool = True
    power_max_kw: float = 0.0


def work_out(
    record: TransactionRecord, samples: SessionSamples, rules: Bookkeeping, timezone: str, now_us: TimeUs
) -> SessionFigures:
    """The figures of a transaction that has ended."""
    from_us = record.started_us
    to_us = max(record.stopped_us or from_us, from_us)
    found = energy_steps(record, samples.registers, samples.power_max_kw)
    charging_us, power_max_kw = _power(samples.power, from_us, to_us)
    if charging_us is None:
        charging_us = sum(step.to_us - step.from_us for step in found if step.energy_wh > 0)
    flags = sorted({f"register_{step.mark}" for step in found if step.mark})
    start_wh, stop_wh, difference_wh = _meter(record, samples, from_us, to_us)
    if difference_wh is not None and not _within(difference_wh, record.energy_wh, rules):
        flags.append("meter_difference")
    tariff = rules.tariff_for(record.site, record.plan)
    cost = (
        cost_of(tariff, ZoneInfo(timezone), from_us, to_us, max(record.energy_wh, 0), found)
        if tariff
        else None
    )
    return SessionFigures(
        id=record.id,
        computed_us=now_us,
        charging_us=charging_us,
        power_mean_kw=record.energy_wh * 3.6e6 / charging_us if charging_us else None,
        power_max_kw=power_max_kw,
        tariff=tariff.name if tariff else "",
        currency=tariff.currency if tariff else "",
        cost=str(cost.total) if cost else "",
        cost_parts=_parts(cost) if cost else "",
        meter=samples.meter if start_wh is not None or stop_wh is not None else "",
        meter_start_wh=start_wh,
        meter_stop_wh=stop_wh,
        meter_difference_wh=difference_wh,
        flags=",".join(flags),
        quarters=json.dumps(quarters(record, found)),
    )


def energy_steps(
    record: TransactionRecord, registers: Sequence[Reading], power_max_kw: float = 0.0
) -> list[Step]:
    """When the energy of a transaction flowed; start and stop of the transaction are readings too."""
    from_us, to_us = record.started_us, record.stopped_us
    inside = [one for one in registers if one.time_us >= from_us and (to_us is None or one.time_us <= to_us)]
    if "session_register" not in record.flags and "meter_backwards" not in record.flags:
        inside.insert(0, Reading(from_us, record.meter_start_wh))
        if to_us is not None and record.meter_stop_wh is not None:
            inside.append(Reading(to_us, record.meter_stop_wh))
    return steps(inside, power_max_w=power_max_kw * 1000)


def quarters(record: TransactionRecord, found: Sequence[Step]) -> list[tuple[TimeUs, int]]:
    """(begin of the quarter hour, Wh in it), adding up to the transaction's energy; without those that are 0."""
    from_us = record.started_us
    to_us = max(record.stopped_us or from_us, from_us)
    begin_us = from_us - from_us % QUARTER_US
    number = (to_us - begin_us) // QUARTER_US + 1
    if number > QUARTERS_MAX:
        return []
    edges = [begin_us + n * QUARTER_US for n in range(number + 1)]
    shares = energy_by(found, edges)
    if sum(shares) <= 0:
        shares = [
            float(max(min(after, to_us) - max(before, from_us), 0)) for before, after in pairwise(edges)
        ]
    energies = whole(shares, max(record.energy_wh, 0))
    return [(edge, energy) for edge, energy in zip(edges, energies, strict=False) if energy]


def _power(power: Sequence[Power], from_us: TimeUs, to_us: TimeUs) -> tuple[TimeUs | None, float | None]:
    """(time with power, greatest power); None: nothing was recorded."""
    charging_us, greatest = 0, None
    seen = False
    ends = [*(one.time_us for one in power[1:]), to_us]
    for one, end_us in zip(power, ends, strict=True) if power else ():
        begin_us = max(one.time_us, from_us)
        length_us = min(end_us, to_us, one.time_us + HOLD_US) - begin_us
        if one.power_kw is None or one.time_us > to_us or length_us < 0:
            continue
        seen = True
        greatest = one.power_kw if greatest is None else max(greatest, one.power_kw)
        if one.power_kw >= CHARGING_KW:
            charging_us += length_us
    return (charging_us if seen else None), greatest


def _meter(
    record: TransactionRecord, samples: SessionSamples, from_us: TimeUs, to_us: TimeUs
) -> tuple[int | None, int | None, int | None]:
    """(start, stop, by how much the meter counted more than the charger)."""
    start = register_at(samples.meter_registers, from_us, APART_MAX_US)
    stop = register_at(samples.meter_registers, to_us, APART_MAX_US)
    start_wh = None if start is None else round(start)
    stop_wh = None if stop is None else round(stop)
    if start_wh is None or stop_wh is None or not samples.alone:
        return start_wh, stop_wh, None
    between = [one for one in samples.meter_registers if from_us < one.time_us < to_us]
    readings = [Reading(from_us, start_wh), *between, Reading(to_us, stop_wh)]
    counted_wh = sum(step.energy_wh for step in steps(readings))
    return start_wh, stop_wh, round(counted_wh - record.energy_wh)


def _within(difference_wh: int, energy_wh: int, rules: Bookkeeping) -> bool:
    return abs(difference_wh) <= max(rules.tolerance_wh, energy_wh * rules.tolerance_percent / 100)


def _parts(cost: Cost) -> str:
    return json.dumps(
        [
            {
                "from": moment_text(part.from_us),
                "to": moment_text(part.to_us),
                "band": part.band,
                "energy_wh": part.energy_wh,
                "cost": str(part.cost.normalize()),
            }
            for part in cost.parts
        ]
    )
