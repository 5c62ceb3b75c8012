"""The electrical side of a site: the load of its building and what its meters see. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scada.simulator.outlet import NOMINAL_V, Outlet

DC_CHARGER_EFFICIENCY = 0.94
"""From the grid to the plug."""
POWER_FACTOR = 0.95
"""Of the building; chargers have nearly 1."""
PHASE_SHARES = (0.36, 0.33, 0.31)
"""A building never loads its phases alike."""
_NOISE_PULL = 0.002
_NOISE_STEP = 0.006


def building_shape(hour: float) -> float:
    """The daily shape of a depot's building: share of its base load at a local hour, 0 to 24."""
    night = 0.55
    work = 1.0 / (1.0 + math.exp(-(hour - 7.0) * 1.8)) - 1.0 / (1.0 + math.exp(-(hour - 18.5) * 1.4))
    lunch = 0.12 * math.exp(-(((hour - 12.5) / 0.8) ** 2))
    return night + 0.75 * work - lunch


@dataclass(slots=True)
class Phases:
    """Power and current of three phases."""

    power_w: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    current_a: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def add(self, phase: int, power_w: float, voltage_v: float, power_factor: float = 1.0) -> None:
        """Add a load on one phase (0, 1, 2)."""
        self.power_w[phase % 3] += power_w
        self.current_a[phase % 3] += power_w / (voltage_v * power_factor)


class SiteLoad:
    """What flows at the grid connection and into the building.

    Args:
        base_kw: of the building.
        energy_kwh: registers of the meters by name (`Grid.Import` …) out of an earlier life; kept up to date.
    """

    def __init__(self, base_kw: float, rng: random.Random, energy_kwh: dict[str, float]) -> None:
        self.energy_kwh = energy_kwh
        self._base_w = base_kw * 1000
        self._rng = rng
        self._noise = 0.0
        self._voltages_v = [NOMINAL_V] * 3
        self._frequency_hz = 50.0
        self.building = Phases()
        self.grid = Phases()

    def step(
        self,
        seconds: float,
        hour: float,
        chargers: Iterable[Iterable[Outlet]],
        others_a: Iterable[Sequence[float]] = (),
    ) -> None:
        """Let simulated time pass.

        Args:
            seconds: simulated.
            hour: local, 0 to 24.
            chargers: the outlets of each charger; their phases hang on those of the grid as `phase_shift` says.
            others_a: currents of L1 on of chargers that are nothing but a load.
        """
        gauss = self._rng.gauss
        self._noise += -self._noise * min(1.0, _NOISE_PULL * seconds) + gauss(0.0, _NOISE_STEP)
        self._noise = min(max(self._noise, -0.2), 0.2)
        self._frequency_hz = min(max(self._frequency_hz + gauss(0.0, 0.002), 49.95), 50.05)
        self._voltages_v = [
            min(max(v + gauss(0.0, 0.15) + (NOMINAL_V + 2.0 - v) * 0.02, 222.0), 240.0)
            for v in self._voltages_v
        ]
        building, grid = Phases(), Phases()
        load_w = self._base_w * building_shape(hour) * (1.0 + self._noise)
        for phase, share in enumerate(PHASE_SHARES):
            for phases in (building, grid):
                phases.add(phase, load_w * share, self._voltages_v[phase], POWER_FACTOR)
        for outlets in chargers:
            for outlet in outlets:
                self._add_outlet(grid, outlet)
        for currents_a in others_a:
            for phase, current_a in enumerate(currents_a):
                grid.add(phase, current_a * self._voltages_v[phase], self._voltages_v[phase])
        self.building, self.grid = building, grid
        for name, phases in (("building", building), ("grid", grid)):
            used_kwh = sum(phases.power_w) * seconds / 3.6e6
            self.energy_kwh[name] = self.energy_kwh.get(name, 0.0) + used_kwh

    def _add_outlet(self, grid: Phases, outlet: Outlet) -> None:
        measured = outlet.measured
        if outlet.is_dc:
            for phase in range(3):
                power_w = measured.power_w / DC_CHARGER_EFFICIENCY / 3
                grid.add(phase, power_w, self._voltages_v[phase])
            return
        for phase, current_a in enumerate(measured.currents_a):
            place = outlet.phase_shift
            power_w = current_a * measured.voltages_v[phase]
            grid.add(phase + place, power_w, self._voltages_v[(phase + place) % 3])

    def readings(self, role: str) -> Mapping[str, float]:
        """What a meter of a role (`grid`, `building`) shows: quantity → value in the profile's unit."""
        phases = self.grid if role == "grid" else self.building
        values = {
            "Power": sum(phases.power_w),
            "Frequency": self._frequency_hz,
            "Import": self.energy_kwh.get("grid" if role == "grid" else "building", 0.0),
            "Export": 0.0,
        }
        for number in range(3):
            values[f"VoltageL{number + 1}"] = self._voltages_v[number]
            values[f"CurrentL{number + 1}"] = phases.current_a[number]
            values[f"PowerL{number + 1}"] = phases.power_w[number]
        return values
