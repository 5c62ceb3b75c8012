"""A simulated connector: contactor, meter, lock, temperature, and the state that OCPP gives it. Pure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

from scada.charging.profiles import Supply
from scada.core.plant import Connector, Current
from scada.core.value import TimeUs
from scada.simulator.vehicle import AC_EFFICIENCY, DC_EFFICIENCY, Vehicle

AMBIENT_C = 22.0
LOAD_RISE_C = 24.0
"""How much warmer a plug gets at full current."""
WARM_UP_S = 240.0
"""Time constant of its warming, simulated time."""
NOMINAL_V = 230.0
DC_NOMINAL_V = 400.0
"""What a DC limit is converted with while no vehicle is there."""


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A transaction as the charger knows it.

    Attributes:
        key: the charger's own name for it, since the id comes only with the answer to StartTransaction.
        id: of the central system; None: not answered yet.
        began_us: by the charger's own clock: schedules count from it.
        reservation_id: that it has used.
        energy_end_wh: the register at which the flow of energy ends (the token is not valid); None: nowhere.
        data: meter values for its StopTransaction.
    """

    key: str
    id_tag: str
    started: str
    meter_start_wh: int
    id: int | None = None
    began_us: TimeUs = 0
    reservation_id: int | None = None
    energy_end_wh: float | None = None
    data: list[dict[str, Any]] = field(default_factory=list)


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
        offered_a: the current that the charger lets flow at most, per phase.
        offered_phases: on how many phases.
        reserved: kept for somebody.
        interval_from_wh: the register when the running interval of Energy.Active.Import.Interval began.
        phase_shift: how far the electrician has turned the phases: its L1 hangs on L1 (0), L2 (1) or L3 (2).
        authorized: token that may start as soon as a vehicle is there; None: none.
        close_later: ChangeAvailability(Inoperative) waits for the end of the transaction.
        error_code: of OCPP 1.6 7.6; anything but NoError is a fault.
        heat_c: warmth that a bad contact adds.
    """

    spec: Connector
    state: OutletState
    offered_a: float = 0.0
    offered_phases: int = 3
    reserved: bool = False
    interval_from_wh: float = 0.0
    phase_shift: int = 0
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
    def supply(self) -> Supply:
        """What its hardware can give."""
        spec = self.spec
        if self.is_dc:
            vehicle = self.state.vehicle
            voltage = vehicle.dc_voltage_v() if vehicle is not None else DC_NOMINAL_V
            return Supply(current_max_a=spec.current_max_a, phases=1, voltage_v=voltage)
        current_a = min(spec.current_max_a, spec.power_max_kw * 1000 / (spec.phases * NOMINAL_V))
        return Supply(current_max_a=current_a, phases=spec.phases, voltage_v=NOMINAL_V)

    @property
    def offered_w(self) -> float:
        """The same as power."""
        supply = self.supply
        phases = 1 if self.is_dc else min(self.offered_phases, supply.phases)
        return self.offered_a * supply.voltage_v * phases

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
            if self.offered_a <= 0 and state.vehicle is not None:
                return "SuspendedEVSE"
            if state.vehicle is None or state.vehicle.full:
                return "SuspendedEV"
            return "Charging"
        if not state.operative:
            return "Unavailable"
        if state.vehicle is not None:
            return "Finishing" if state.finished else "Preparing"
        if self.authorized is not None:
            return "Preparing"
        return "Reserved" if self.reserved else "Available"

    @property
    def free(self) -> bool:
        """Whether a vehicle that arrives may use it."""
        state = self.state
        return (
            state.vehicle is None and state.operative and self.error_code == "NoError" and not self.reserved
        )

    def step(self, seconds: float, rng: random.Random) -> None:
        """Let simulated time pass."""
        if self._rests:
            self._rest(seconds, rng)
            return
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

    @property
    def _rests(self) -> bool:
        """Nothing is plugged in and it is as cold as its surroundings: thousands of these cost next to nothing."""
        return self.state.vehicle is None and not self.heat_c and abs(self.temperature_c - AMBIENT_C) < 1.0

    def _rest(self, seconds: float, rng: random.Random) -> None:
        # One number of chance for all; the voltages wander by it.
        chance = rng.random() - 0.5
        self.temperature_c += (AMBIENT_C - self.temperature_c) * min(1.0, seconds / WARM_UP_S) + chance * 0.1
        volts = 0.0 if self.is_dc else NOMINAL_V + chance
        self.measured = Measured(voltages_v=(volts, volts, volts))

    def _charge_ac(self, vehicle: Vehicle, seconds: float, voltages: tuple[float, float, float]) -> Measured:
        currents = vehicle.ac_current_a(self.offered_a, min(self.offered_phases, self.spec.phases))
        power_w = sum(current * voltage for current, voltage in zip(currents, voltages, strict=True))
        power_w = min(power_w, self.spec.power_max_kw * 1000)
        self.state.register_wh += vehicle.charge(power_w, seconds, AC_EFFICIENCY)
        return Measured(currents, voltages, power_w)

    def _charge_dc(self, vehicle: Vehicle, seconds: float) -> Measured:
        voltage = vehicle.dc_voltage_v()
        power_w = vehicle.dc_power_w(min(self.spec.power_max_kw * 1000, self.offered_a * voltage))
        self.state.register_wh += vehicle.charge(power_w, seconds, DC_EFFICIENCY)
        return Measured((power_w / voltage, 0.0, 0.0), (voltage, 0.0, 0.0), power_w)
