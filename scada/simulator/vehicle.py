"""Vehicles: what a battery takes from a connector. Pure physics; the time that passes is given.

AC follows IEC 61851-1: the vehicle draws at most the offered current, on its own phases, and nothing below 6 A.
DC follows a charging curve: full power in the middle, less when nearly empty, falling above 80 %.
"""

from __future__ import annotations

from dataclasses import dataclass

CURRENT_MIN_A = 6.0
"""Below this offer a vehicle on AC pauses (IEC 61851-1 annex A)."""
AC_EFFICIENCY = 0.91
"""Of the charger on board."""
DC_EFFICIENCY = 0.97
"""Of the battery itself."""
AC_TAPER_SOC = 95.0
DC_TAPER_SOC = 80.0
DC_TAPER_END = 0.08
"""Share of the full DC power that is left at 100 %."""
FULL_MARGIN = 1e-6


@dataclass(slots=True, kw_only=True)
class Vehicle:
    """A vehicle at a connector.

    Attributes:
        phases: of its charger on board, 1 or 3.
        current_max_a: of its charger on board, per phase.
        dc_power_max_kw: 0: it cannot charge with DC.
        soc: state of charge, %.
        target_soc: where it stops, %.
        id_tag: what its driver holds to the reader.
        stay_s: how long it will still stand there (simulated time).
    """

    name: str
    battery_kwh: float
    soc: float
    phases: int
    current_max_a: float
    dc_power_max_kw: float
    id_tag: str
    target_soc: float = 100.0
    stay_s: float = 3600.0

    @property
    def full(self) -> bool:
        """Whether it takes no more."""
        return self.soc >= self.target_soc - FULL_MARGIN

    def ac_current_a(self, offered_a: float, wired_phases: int) -> tuple[float, float, float]:
        """The currents that it draws from an AC connector, L1 to L3 of the connector."""
        if self.full or offered_a < CURRENT_MIN_A:
            return 0.0, 0.0, 0.0
        current_a = min(offered_a, self.current_max_a)
        if self.soc > AC_TAPER_SOC:
            share = (100.0 - self.soc) / (100.0 - AC_TAPER_SOC)
            current_a = min(current_a, CURRENT_MIN_A + (self.current_max_a - CURRENT_MIN_A) * share)
        if min(self.phases, wired_phases) == 1:
            return current_a, 0.0, 0.0
        return current_a, current_a, current_a

    def dc_power_w(self, offered_w: float) -> float:
        """The power that it draws from a DC connector."""
        if self.full or offered_w <= 0:
            return 0.0
        return min(offered_w, self.dc_power_max_kw * 1000 * dc_share(self.soc))

    def dc_voltage_v(self) -> float:
        """The voltage of its battery, nearly linear in the state of charge."""
        return 340.0 + 0.7 * self.soc

    def charge(self, power_w: float, seconds: float, efficiency: float) -> float:
        """Take energy in.

        Args:
            power_w: at the connector.
            seconds: simulated time.

        Returns:
            The energy that went through the connector, in Wh: less than power × time where it got full.
        """
        room_wh = max(0.0, (self.target_soc - self.soc) / 100 * self.battery_kwh * 1000)
        taken_wh = min(power_w * seconds / 3600, room_wh / efficiency)
        if taken_wh > 0:
            self.soc = min(self.target_soc, self.soc + taken_wh * efficiency / (self.battery_kwh * 10))
        return taken_wh


def dc_share(soc: float) -> float:
    """The charging curve: share of the vehicle's greatest DC power at a state of charge."""
    if soc < 10.0:
        return 0.7 + 0.03 * soc
    if soc <= DC_TAPER_SOC:
        return 1.0
    return max(DC_TAPER_END, 1.0 - (1.0 - DC_TAPER_END) * (soc - DC_TAPER_SOC) / (100.0 - DC_TAPER_SOC))
