"""A simulated connector: contactor, meter, lock, temperature, and the state that OCPP gives it. Pure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from scada.core.plant import Connector, Current
from scada.simulator.vehicle import AC_EFFICIENCY, DC_EFFICIENCY, Vehicle

AMBIENT_C = 22.0
LOAD_RISE_C = 24.0
"""How much warmer a plug gets at full current."""
WARM_UP_S = 240.0
"""Time constant of its warming, simulated time."""
NOMINAL_V = 230.0


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A transaction as the charger knows it.

    Attributes:
        key: the charger's own name for it, since the id comes only with the answer to StartTransaction.
        id: of the central system; None: not answered yet.
    """

    key: str
    id_tag: str
    started: str
    meter_start_wh: int
    id: int | None = None


@dataclass(slots=True, kw_only=True)
class OutletState:
    """What survives a power cut."""

    register_wh: float = 0.0
    operative: bool = True
    vehicle: Vehicle | None = None
    transaction: Transaction | None = None
    finished: bool = False


@dataclass(slots=True)
class Measured:
    """What the connector's meter shows: currents and voltages of L1 to L3 (DC: only the first counts)."""

    currents_a: tuple[float, float, float] = (0.0, 0.0, 0.0)
    voltages_v: tuple[float, float, float] = (NOMINAL_V, NOMINAL_V, NOMINAL_V)
    power_w: float = 0.0


@dataclass(slots=True)
class Outlet:
    """One connector.

    Attributes:
        offered_a: the current that the charger lets flow at most.
        authorized: token that may start as soon as a vehicle is there; None: none.
        close_later: ChangeAvailability(Inoperative) waits for the end of the transaction.
        error_code: of OCPP 1.6 7.6; anything but NoError is a fault.
        heat_c: warmth that a bad contact adds.
    """

    spec: Connector
    state: OutletState
    offered_a: float = 0.0
    authorized: str | None = None
    close_later: bool = False
    error_code: str = "NoError"
    vendor_error_code: str = ""
    heat_c: float = 0.0
    temperature_c: float = AMBIENT_C
    measured: Measured = field(default_factory=Measured)

    @property
    def number(self) -> int:
        """The connectorId."""
        return self.spec.number

    @property
    def is_dc(self) -> bool:
        """Whether it is a DC connector."""
        return self.spec.current is Current.DC

    @property
    def charging(self) -> bool:
        """Whether energy flows."""
        return self.measured.power_w > 0

    @property
    def status(self) -> str:
        """ChargePointStatus of OCPP 1.6 (4.9)."""
        state = self.state
        if self.error_code != "NoError":
            return "Faulted"
        if state.transaction is not None:
            if self.offered_a <= 0:
                return "SuspendedEVSE"
            if state.vehicle is None or state.vehicle.full:
                return "SuspendedEV"
            return "Charging"
        if not state.operative:
            return "Unavailable"
        if state.vehicle is not None:
            return "Finishing" if state.finished else "Preparing"
        return "Preparing" if self.authorized is not None else "Available"

    @property
    def free(self) -> bool:
        """Whether a vehicle that arrives may use it."""
        state = self.state
        return state.vehicle is None and state.operative and self.error_code == "NoError"

    def step(self, seconds: float, rng: random.Random) -> None:
        """Let simulated time pass."""
        jitter = rng.gauss
        voltages = (jitter(NOMINAL_V, 0.8), jitter(NOMINAL_V, 0.8), jitter(NOMINAL_V, 0.8))
        vehicle = self.state.vehicle
        closed = self.state.transaction is not None and self.error_code == "NoError"
        if vehicle is None or not closed:
            self.measured = Measured(voltages_v=(0.0, 0.0, 0.0) if self.is_dc else voltages)
        elif self.is_dc:
            self.measured = self._charge_dc(vehicle, seconds)
        else:
            self.measured = self._charge_ac(vehicle, seconds, voltages)
        if vehicle is not None:
            vehicle.stay_s -= seconds
        load = max(self.measured.currents_a) / self.spec.current_max_a
        target_c = AMBIENT_C + LOAD_RISE_C * load * load + self.heat_c
        share = 1.0 - math.exp(-seconds / WARM_UP_S)
        self.temperature_c += (target_c - self.temperature_c) * share + jitter(0.0, 0.05)

    def _charge_ac(self, vehicle: Vehicle, seconds: float, voltages: tuple[float, float, float]) -> Measured:
        currents = vehicle.ac_current_a(self.offered_a, self.spec.phases)
        power_w = sum(current * voltage for current, voltage in zip(currents, voltages, strict=True))
        power_w = min(power_w, self.spec.power_max_kw * 1000)
        self.state.register_wh += vehicle.charge(power_w, seconds, AC_EFFICIENCY)
        return Measured(currents, voltages, power_w)

    def _charge_dc(self, vehicle: Vehicle, seconds: float) -> Measured:
        voltage = vehicle.dc_voltage_v()
        power_w = vehicle.dc_power_w(min(self.spec.power_max_kw * 1000, self.offered_a * voltage))
        self.state.register_wh += vehicle.charge(power_w, seconds, DC_EFFICIENCY)
        return Measured((power_w / voltage, 0.0, 0.0), (voltage, 0.0, 0.0), power_w)
