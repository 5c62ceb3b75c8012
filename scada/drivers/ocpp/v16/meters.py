"""Meter readings of transactions: whole Wh, whatever a charger makes of them."""

from __future__ import annotations

import math

from scada.drivers.ocpp.measurands import DEFAULT_MEASURAND
from scada.drivers.ocpp.station import Station


def whole_wh(value: float) -> int:
    """A reading in whole Wh; chargers send fractions, and worse."""
    return round(value) if math.isfinite(value) else 0


def register_wh(station: Station, number: int) -> float:
    """The last known energy register of a connector in Wh; 0: none is known."""
    samples = station.samples.get(number)
    return samples.base_value(DEFAULT_MEASURAND) or 0.0 if samples else 0.0
