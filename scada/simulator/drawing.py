"""The vehicles that come: types, and one drawn for a connector. Pure; the dice are given."""

from __future__ import annotations

import random
from dataclasses import dataclass

from scada.core.plant import Connector, Current
from scada.simulator.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class Type:
    """A type of vehicle; made-up, with the figures of its class."""

    name: str
    battery_kwh: float
    phases: int
    current_max_a: float
    dc_power_max_kw: float


TYPES = (
    Type("plug-in hybrid", 13.0, 1, 16.0, 0.0),
    Type("small car", 42.0, 1, 32.0, 50.0),
    Type("family car", 58.0, 3, 16.0, 110.0),
    Type("saloon", 77.0, 3, 16.0, 150.0),
    Type("city car", 52.0, 3, 32.0, 46.0),
    Type("van", 68.0, 3, 16.0, 80.0),
    Type("minibus", 115.0, 3, 32.0, 120.0),
)

AC_STAY_S = (1_800.0, 9_000.0)
DC_STAY_S = (1_200.0, 3_600.0)


def draw(connector: Connector, id_tag: str, rng: random.Random) -> Vehicle:
    """A vehicle that can use a connector."""
    dc = connector.current is Current.DC
    kind = rng.choice([one for one in TYPES if one.dc_power_max_kw > 0 or not dc])
    low, high = DC_STAY_S if dc else AC_STAY_S
    return Vehicle(
        name=kind.name,
        battery_kwh=kind.battery_kwh,
        soc=rng.uniform(8.0, 45.0) if dc else rng.uniform(20.0, 75.0),
        phases=kind.phases,
        current_max_a=kind.current_max_a,
        dc_power_max_kw=kind.dc_power_max_kw,
        id_tag=id_tag,
        target_soc=rng.choice((80.0, 90.0, 100.0)) if dc else rng.choice((90.0, 100.0, 100.0)),
        stay_s=rng.uniform(low, high),
    )
