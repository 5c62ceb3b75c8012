"""What a session costs, to the cent and with its parts. Plain functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from scada.charging.registers import Step, energy_by, whole
from scada.core.plant import Band, Prices, Tariff
from scada.core.value import TimeUs

CENT = Decimal("0.01")
SPAN_MAX_DAYS = 60
"""A session longer than this is priced with the prices of its first days to its end."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_US = 60_000_000
_DAY_MIN = 24 * 60


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a session at one price.

    Attributes:
        band: its name, or empty: outside all bands.
        energy_wh: adds up to the session's energy over all parts.
        cost: not rounded.
    """

    from_us: TimeUs
    to_us: TimeUs
    band: str
    energy_wh: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """What a session costs; `total` is rounded to a hundredth, halves up, once, at the end."""

    total: Decimal
    parts: tuple[Part, ...]


def cost_of(
    tariff: Tariff, zone: ZoneInfo, from_us: TimeUs, to_us: TimeUs, energy_wh: int, found: Sequence[Step]
) -> Cost:
    """The cost of a session.

    Args:
        energy_wh: what is billed.
        found: when it flowed; where nothing is known of that, evenly over the session.
    """
    edges = _edges(tariff, zone, from_us, to_us)
    shares = energy_by(found, edges)
    if sum(shares) <= 0:
        shares = [float(after - before) for before, after in pairwise(edges)]
    energies = whole(shares, energy_wh)
    total = tariff.fixed
    parts: list[Part] = []
    for before, after, energy in zip(edges, edges[1:], energies, strict=False):
        name, prices = _prices_at(tariff, zone, before)
        cost = prices.per_kwh * energy / 1000 + prices.per_minute * Decimal(after - before) / _MINUTE_US
        total += cost
        if parts and parts[-1].band == name:
            last = parts.pop()
            parts.append(Part(last.from_us, after, name, last.energy_wh + energy, last.cost + cost))
        else:
            parts.append(Part(before, after, name, energy, cost))
    return Cost(total.quantize(CENT, ROUND_HALF_UP), tuple(parts))


def _edges(tariff: Tariff, zone: ZoneInfo, from_us: TimeUs, to_us: TimeUs) -> list[TimeUs]:
    """Begin, end, and every moment between at which another price may begin."""
    edges = {from_us, max(to_us, from_us + 1)}
    day = (_EPOCH + timedelta(microseconds=from_us)).astimezone(zone).date() - timedelta(days=1)
    for number in range(SPAN_MAX_DAYS):
        midnight = datetime.combine(day + timedelta(days=number), datetime.min.time())
        if (midnight.replace(tzinfo=zone) - _EPOCH) // timedelta(microseconds=1) >= to_us:
            break
        for band in tariff.bands:
            for minute in (band.from_min, band.to_min, 0):
                moment = (midnight + timedelta(minutes=minute)).replace(tzinfo=zone)
                edge_us = (moment - _EPOCH) // timedelta(microseconds=1)
                if from_us < edge_us < to_us:
                    edges.add(edge_us)
    return sorted(edges)


def _prices_at(tariff: Tariff, zone: ZoneInfo, time_us: TimeUs) -> tuple[str, Prices]:
    local = (_EPOCH + timedelta(microseconds=time_us)).astimezone(zone)
    minute, weekday = local.hour * 60 + local.minute, local.weekday()
    for band in tariff.bands:
        if _holds(band, minute, weekday):
            return band.name or _clock(band), band.prices
    return "", tariff.prices


def _holds(band: Band, minute: int, weekday: int) -> bool:
    begin, end = band.from_min, band.to_min % _DAY_MIN
    if begin == end:
        return weekday in band.days
    if begin < end:
        return weekday in band.days and begin <= minute < end
    return (weekday in band.days and minute >= begin) or ((weekday - 1) % 7 in band.days and minute < end)


def _clock(band: Band) -> str:
    return f"{band.from_min // 60:02}:{band.from_min % 60:02}-{band.to_min // 60:02}:{band.to_min % 60:02}"
