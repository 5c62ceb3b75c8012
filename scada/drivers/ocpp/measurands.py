"""Measurands and units as the standard has them (OCPP 1.6 7.31, 7.45), and as chargers write them."""

from __future__ import annotations

DEFAULT_MEASURAND = "Energy.Active.Import.Register"

MEASURANDS = frozenset(
    (
        *(
            f"Energy.{kind}.{way}.{what}"
            for kind in ("Active", "Reactive")
            for way in ("Import", "Export")
            for what in ("Register", "Interval")
        ),
        *(f"Power.{kind}.{way}" for kind in ("Active", "Reactive") for way in ("Import", "Export")),
        "Power.Offered",
        "Power.Factor",
        "Current.Import",
        "Current.Export",
        "Current.Offered",
        "Voltage",
        "Frequency",
        "Temperature",
        "SoC",
        "RPM",
    )
)

_UNITS_OF = (
    ("Energy.Active.", ("Wh", "kWh")),
    ("Energy.Reactive.", ("varh", "kvarh")),
    ("Power.Active.", ("W", "kW")),
    ("Power.Reactive.", ("var", "kvar")),
    ("Power.Offered", ("W", "kW")),
    ("Current.", ("A",)),
    ("Voltage", ("V",)),
    ("Frequency", ("Hz",)),
    ("Temperature", ("Celsius", "Fahrenheit", "K")),
    ("SoC", ("Percent",)),
)
_STANDARD = frozenset(
    (
        *("Wh", "kWh", "varh", "kvarh", "W", "kW", "VA", "kVA", "var", "kvar", "A", "V"),
        *("Celsius", "Celcius", "Fahrenheit", "K", "Percent", "Hertz"),
    )
)
_TO_BASE = {"kW": 1000.0, "kWh": 1000.0, "kvar": 1000.0, "kvarh": 1000.0, "kVA": 1000.0}
_ALIASES = {
    **{unit.casefold(): unit for unit in sorted(_STANDARD)},
    "celcius": "Celsius",
    "c": "Celsius",
    "°c": "Celsius",
    "%": "Percent",
    "hz": "Hz",
    "hertz": "Hz",
}
_SHOWN = {"Percent": "%", "Celsius": "°C", "Fahrenheit": "°C", "K": "°C"}
"""Units of OCPP that are called otherwise here."""


def canonical_unit(unit: str) -> str:
    """A unit as it is called here; one that nobody knows stays as it is."""
    return _ALIASES.get(unit.strip().casefold(), unit) if unit else ""


def shown_unit(unit: str) -> str:
    """The symbol of a tag that holds values of a canonical unit."""
    return _SHOWN.get(unit, unit)


def to_base(unit: str) -> float:
    """What makes W of kW, and so on; 1 for units without a prefix."""
    return _TO_BASE.get(unit, 1.0)


def oddity(measurand: str, unit: str) -> tuple[str, bool]:
    """(what is not as the standard says or empty, whether the unit can be that of the measurand)."""
    if measurand not in MEASURANDS:
        return f"measurand '{measurand[:50]}' is not of the standard", True
    if not unit:
        return "", True
    canonical = canonical_unit(unit)
    for prefix, units in _UNITS_OF:
        if measurand.startswith(prefix):
            if canonical not in units:
                return f"{measurand} in '{unit[:20]}'", False
            break
    if unit not in _STANDARD:
        return f"unit '{unit[:20]}' is not of the standard", True
    return "", True
