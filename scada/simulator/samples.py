"""MeterValues of a simulated connector (OCPP 1.6 7.33, 7.43). Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from scada.simulator.outlet import Outlet

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
    "Current.Offered",
    "Temperature",
    "SoC",
    "Energy.Active.Import.Interval",
    "Power.Offered",
    "Power.Factor",
    "Frequency",
)
"""What a simulated charger can measure."""

PHASE_SETS = ("L-N", "L-N,N", "L-L")
"""What its meter tells of three phases: each phase, the neutral too, or voltages between phases (7.42)."""

_BETWEEN = ("L1-L2", "L2-L3", "L3-L1")


def meter_value(
    outlet: Outlet, measurands: Iterable[str], timestamp: str, context: str, phases: str = PHASE_SETS[0]
) -> dict[str, Any]:
    """One MeterValue; measurands that the connector does not have are left out."""
    values: list[dict[str, str]] = []
    for measurand in measurands:
        for text, unit, phase in _values(outlet, measurand, phases):
            sample = {"value": text, "context": context, "measurand": measurand}
            if unit:
                sample["unit"] = unit
            if phase:
                sample["phase"] = phase
            values.append(sample)
    return {"timestamp": timestamp, "sampledValue": values}


def signed_sample(outlet: Outlet, timestamp: str, context: str) -> dict[str, str]:
    """The register as signed data (7.40), in a format of its own: readable, with a place for the signature."""
    data = {"meter": outlet.spec.path, "time": timestamp, "register_wh": int(outlet.state.register_wh)}
    return {
        "value": base64.b64encode(json.dumps(data).encode()).decode(),
        "context": context,
        "format": "SignedData",
        "measurand": "Energy.Active.Import.Register",
        "location": "Outlet",
        "unit": "Wh",
    }


def _values(outlet: Outlet, measurand: str, phase_set: str) -> Iterable[tuple[str, str, str]]:
    """(value, unit, phase)."""
    measured = outlet.measured
    phases = ("",) if outlet.is_dc else ("L1", "L2", "L3")[: outlet.spec.phases]
    running = outlet.state.transaction is not None
    match measurand:
        case "Energy.Active.Import.Register":
            yield str(int(outlet.state.register_wh)), "Wh", ""
        case "Energy.Active.Import.Interval":
            yield str(int(outlet.state.register_wh) - int(outlet.interval_from_wh)), "Wh", ""
        case "Power.Active.Import":
            yield f"{measured.power_w:.0f}", "W", ""
        case "Current.Import":
            for current, phase in zip(measured.currents_a, phases, strict=False):
                yield f"{current:.1f}", "A", phase
            if phase_set == "L-N,N" and not outlet.is_dc:
                yield f"{_neutral_a(measured.currents_a):.1f}", "A", "N"
        case "Voltage":
            yield from _voltages(measured.voltages_v, phases, phase_set)
        case "Current.Offered":
            yield f"{outlet.offered_a if running else 0.0:.1f}", "A", ""
        case "Power.Offered":
            yield f"{outlet.offered_w if running else 0.0:.0f}", "W", ""
        case _:
            yield from _single(outlet, measurand)


def _single(outlet: Outlet, measurand: str) -> Iterator[tuple[str, str, str]]:
    """Those that know no phase."""
    match measurand:
        case "Power.Factor":
            yield "0.99" if outlet.charging else "1.00", "", ""
        case "Frequency":
            yield "50.0", "", ""  # the schema knows no Hz (7.45)
        case "Temperature":
            yield f"{outlet.temperature_c:.1f}", "Celsius", ""
        case "SoC" if outlet.is_dc and outlet.state.vehicle is not None:
            yield f"{outlet.state.vehicle.soc:.0f}", "Percent", ""


def _voltages(
    voltages_v: tuple[float, float, float], phases: tuple[str, ...], phase_set: str
) -> Iterator[tuple[str, str, str]]:
    if phase_set == "L-L" and len(phases) == 3:
        for number, name in enumerate(_BETWEEN):
            one, other = voltages_v[number], voltages_v[(number + 1) % 3]
            # Two phasors 120 degrees apart.
            yield f"{(one * one + other * other + one * other) ** 0.5:.1f}", "V", name
        return
    for voltage, phase in zip(voltages_v, phases, strict=False):
        yield f"{voltage:.1f}", "V", phase and f"{phase}-N"


def _neutral_a(currents_a: tuple[float, float, float]) -> float:
    """What returns through the neutral of three currents 120 degrees apart."""
    one, two, three = currents_a
    squares = one * one + two * two + three * three - one * two - two * three - three * one
    return float(max(0.0, squares) ** 0.5)
