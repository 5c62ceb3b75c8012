"""A simulated charger without OCPP: what its registers show, what it does when they are written, and its vehicles. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping

from scada.core.value import Value
from scada.simulator.outlet import NOMINAL_V

CURRENT_MIN_A = 6.0
"""Below it a vehicle does not charge (IEC 61851-1)."""
STAY_H = (0.5, 3.0)
"""How long a vehicle stays, in simulated hours."""


class Wallbox:
    """One charger with one cable.

    Args:
        arrivals_per_hour: vehicles that come by themselves in a simulated hour; 0: none does.

    Attributes:
        plugged, wanted_a, left_kwh: the vehicle: whether it is there, what it takes at most, what it still takes.
        fault: the charger's own error code; 0: none.
        values: what the registers that can be written hold.
    """

    def __init__(
        self,
        *,
        current_max_a: float = 32.0,
        phases: int = 3,
        energy_kwh: float = 1_000.0,
        arrivals_per_hour: float = 0.0,
        rng: random.Random | None = None,
    ) -> None:
        self.energy_kwh = energy_kwh
        self.plugged = False
        self.wanted_a = current_max_a
        self.left_kwh = 30.0
        self.fault = 0
        self.values: dict[str, float] = {
            "CurrentLimit": current_max_a,
            "Enable": 0.0,
            "FailsafeCurrent": 0.0,
            "FailsafeTimeout": 0.0,
            "Heartbeat": 0.0,
        }
        self._phases, self._current_max_a = phases, current_max_a
        self._arrivals_per_hour = arrivals_per_hour
        self._rng = rng or random.Random(1)
        self._stays_s = 0.0
        self._unheard_s = 0.0
        self._temperature = 25.0

    @property
    def limit_a(self) -> float:
        """What it lets flow: its limit, or what it falls back to when nobody has spoken to it for too long."""
        limit_a, wait_s = self.values["CurrentLimit"], self.values["FailsafeTimeout"]
        if wait_s > 0 and self._unheard_s > wait_s:
            return min(limit_a, self.values["FailsafeCurrent"])
        return limit_a

    @property
    def status(self) -> str:
        """Its state, by the words of OCPP 1.6."""
        if self.fault:
            return "Faulted"
        if not self.plugged:
            return "Available"
        if not self.values["Enable"]:
            return "Preparing"
        if self.limit_a < CURRENT_MIN_A:
            return "SuspendedEVSE"
        return "SuspendedEV" if self.left_kwh <= 0 else "Charging"

    @property
    def current_a(self) -> float:
        """What flows in each of its phases."""
        return min(self.limit_a, self.wanted_a, self._current_max_a) if self.status == "Charging" else 0.0

    @property
    def phases(self) -> int:
        """Phases that it charges with."""
        return self._phases

    def written(self, name: str, value: float) -> bool:
        """Take a value into a register; False: it has none such."""
        if name not in self.values:
            return False
        self.values[name] = value
        self._unheard_s = 0.0
        return True

    def plug_in(self, left_kwh: float = 30.0, wanted_a: float | None = None) -> None:
        """A vehicle comes."""
        self.plugged, self.left_kwh = True, left_kwh
        self.wanted_a = self._current_max_a if wanted_a is None else wanted_a

    def unplug(self) -> None:
        """The vehicle goes."""
        self.plugged = False

    def step(self, simulated_s: float, real_s: float | None = None) -> None:
        """Let time pass.

        Args:
            simulated_s: of charging and of vehicles.
            real_s: of the watchdog, which is a real one's; None: the same.
        """
        self._unheard_s += simulated_s if real_s is None else real_s
        used_kwh = min(self._power_w() * simulated_s / 3.6e6, max(self.left_kwh, 0.0))
        self.energy_kwh += used_kwh
        self.left_kwh -= used_kwh
        self._temperature += (25.0 + self.current_a - self._temperature) * min(1.0, simulated_s / 600)
        self._come_and_go(simulated_s)

    def _come_and_go(self, simulated_s: float) -> None:
        if not self._arrivals_per_hour:
            return
        if self.plugged:
            self._stays_s -= simulated_s
            if self._stays_s <= 0:
                self.unplug()
        elif self._rng.random() < self._arrivals_per_hour * simulated_s / 3600:
            self._stays_s = self._rng.uniform(*STAY_H) * 3600
            self.plug_in(self._rng.uniform(5, 50), self._rng.choice((16.0, 32.0)))

    def _power_w(self) -> float:
        return self.current_a * NOMINAL_V * self._phases

    def readings(self) -> Mapping[str, Value]:
        """What its registers show: quantity → value."""
        shown: dict[str, Value] = {
            **self.values,
            "Status": self.status,
            "ErrorCode": float(self.fault),
            "Power": self._power_w(),
            "Energy": self.energy_kwh,
            "Temperature": self._temperature,
        }
        for number in range(3):
            shown[f"VoltageL{number + 1}"] = NOMINAL_V
            shown[f"PowerL{number + 1}"] = self._power_w() / self._phases if number < self._phases else 0.0
            shown[f"CurrentL{number + 1}"] = self.current_a if number < self._phases else 0.0
        return shown
