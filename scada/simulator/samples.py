"""MeterValues of a simulated connector (OCPP 1.6 7.33, 7.43). Pure."""

from __future__ import annotations

from collections.abc import Iterable
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
)
"""What a simulated charger can measure."""


def meter_value(outlet: Outlet, measurands: Iterable[str], timestamp: str, context: str) -> dict[str, Any]:
    """One MeterValue; measurands that the connector does not have are left out."""
    values: list[dict[str, str]] = []
    for measurand in measurands:
        for text, unit, phase in _values(outlet, measurand):
            sample = {"value": text, "context": context, "measurand": measurand}
            if unit:
                sample["unit"] = unit
            if phase:
                sample["phase"] = phase
            values.append(sample)
    return {"timestamp": timestamp, "sampledValue": values}


def _values(outlet: Outlet, measurand: str) -> Iterable[tuple[str, str, str]]:
    """(value, unit, phase)."""
    measured = outlet.measured
    phases = ("",) if outlet.is_dc else ("L1", "L2", "L3")[: outlet.spec.phases]
    match measurand:
        case "Energy.Active.Import.Register":
            yield str(int(outlet.state.register_wh)), "Wh", ""
        case "Power.Active.Import":
            yield f"{measured.power_w:.0f}", "W", ""
        case "Current.Import":
            for current, phase in zip(measured.currents_a, phases, strict=False):
                yield f"{current:.1f}", "A", phase
        case "Voltage":
            for voltage, phase in zip(measured.voltages_v, phases, strict=False):
                yield f"{voltage:.1f}", "V", phase and f"{phase}-N"
        case "Current.Offered":
            offered_a = outlet.offered_a if outlet.state.transaction is not None else 0.0
            yield f"{offered_a:.1f}", "A", ""
        case "Temperature":
            yield f"{outlet.temperature_c:.1f}", "Celsius", ""
        case "SoC" if outlet.is_dc and outlet.state.vehicle is not None:
            yield f"{outlet.state.vehicle.soc:.0f}", "Percent", ""
        case _:
            return
