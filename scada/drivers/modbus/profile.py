"""Device profiles: what registers a type of device has. A profile is data, `config/drivers/modbus/NAME.toml`.

    [device]               label, word_order = "big" | "little" (which 16-bit word of a value comes first)
    [limits]               registers_max a request; hole_max: how many unwanted registers may lie between wanted ones
    [registers.QUANTITY]   function = 3 | 4, address (0-based), type, unit, low, high; word_order, scale = 1

A reading is register × scale, in `unit`, and must lie within low..high. Quantities that every meter names the
same have a fixed unit (`QUANTITIES`), so that tags mean the same whatever the meter.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scada.core.errors import Problem, ProjectError
from scada.core.units import UNITS

REGISTERS_MAX = 125
"""Most registers a request may ask for (Modbus Application Protocol V1.1b3, 6.3 and 6.4)."""
FILE_BYTES_MAX = 1_000_000

WORDS: Mapping[str, int] = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
}
"""Type → number of registers."""

QUANTITIES: Mapping[str, str] = {
    **{f"Voltage{phase}": "V" for phase in ("L1", "L2", "L3")},
    **{f"Current{phase}": "A" for phase in ("L1", "L2", "L3")},
    **{f"Power{phase}": "W" for phase in ("", "L1", "L2", "L3")},
    "Import": "kWh",
    "Export": "kWh",
    "Frequency": "Hz",
}
"""Quantity → the unit that every profile gives it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One quantity of a device.

    Attributes:
        name: of the quantity, for example `CurrentL1`; tags name it as their address.
        function: 3 (holding registers) or 4 (input registers).
        address: 0-based, as on the wire.
        type: one of `WORDS`.
        low, high: plausibility range of the scaled value.
    """

    name: str
    function: int
    address: int
    type: str
    word_order: str
    scale: float
    unit: str
    low: float
    high: float

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return WORDS[self.type]

    @property
    def end(self) -> int:
        """Address of the register behind it."""
        return self.address + WORDS[self.type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the device lets be read at once.

    Attributes:
        registers_max: registers a request.
        hole_max: unwanted registers that may lie between two wanted ones; 0: none.
    """

    registers_max: int = REGISTERS_MAX
    hole_max: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A type of device. `registers`: quantity → register."""

    name: str
    label: str
    limits: Limits
    registers: Mapping[str, Register]


def find_profiles(names: Iterable[str], folders: Iterable[Path]) -> dict[str, Profile]:
    """Load the profiles that meters name; the first folder that has one wins.

    Raises:
        ProjectError: with every problem of every file.
    """
    places = list(folders)
    found: dict[str, Profile] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys(names):
        path = next((p for folder in places if (p := folder / f"{name}.toml").is_file()), None)
        if path is None:
            problems.append(Problem(f"{name}.toml", "", "there is no such Modbus profile"))
            continue
        try:
            found[name] = load_profile(path)
        except ProjectError as error:
            problems += error.problems
    if problems:
        raise ProjectError(problems)
    return found


def load_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises:
        ProjectError: with every problem of the file.
    """
    problems: list[Problem] = []
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise ProjectError([Problem(path.name, "", f"is larger than {FILE_BYTES_MAX} bytes")])
        content = tomllib.loads(raw.decode("utf-8"))
    except OSError as error:
        raise ProjectError([Problem(path.name, "", f"cannot be read: {error.strerror}")]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError([Problem(path.name, "", f"is not TOML: {error}")]) from None
    profile = _Check(path.name, problems).profile(path.stem, content)
    if problems:
        raise ProjectError(problems)
    return profile


class _Check:
    """Reads tables key by key; what is wrong becomes a problem and a harmless stand-in."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems

    def profile(self, name: str, content: dict[str, Any]) -> Profile:
        self._known(content, "", ("device", "limits", "registers"))
        device = self._table(content, "device")
        self._known(device, "device.", ("label", "word_order"))
        limits = self._table(content, "limits")
        self._known(limits, "limits.", ("registers_max", "hole_max"))
        word_order = self._choice(device, "device.", "word_order", ("big", "little"), "big")
        tables = self._table(content, "registers")
        if not tables:
            self._problem("registers", "is needed: at least one register")
        return Profile(
            name=name,
            label=self._text(device, "device.", "label", name),
            limits=Limits(
                registers_max=self._integer(limits, "limits.", "registers_max", 1, REGISTERS_MAX, 125),
                hole_max=self._integer(limits, "limits.", "hole_max", 0, REGISTERS_MAX, 0),
            ),
            registers={
                quantity: self._register(quantity, self._table(tables, quantity, "registers."), word_order)
                for quantity in tables
            },
        )

    def _register(self, name: str, table: dict[str, Any], word_order: str) -> Register:
        where = f"registers.{name}."
        self._known(
            table, where, ("function", "address", "type", "word_order", "scale", "unit", "low", "high")
        )
        unit = self._text(table, where, "unit", None)
        if unit and unit not in UNITS:
            self._problem(f"{where}unit", f"there is no unit '{unit}'", f"known: {', '.join(UNITS)}")
        elif unit and QUANTITIES.get(name, unit) != unit:
            self._problem(
                f"{where}unit", f"{name} is always in {QUANTITIES[name]}", "let `scale` turn it into that"
            )
        scale = self._number(table, where, "scale", 1.0)
        if scale == 0:
            self._problem(f"{where}scale", "may not be 0")
        low, high = self._number(table, where, "low", None), self._number(table, where, "high", None)
        if low > high:
            self._problem(f"{where}low", "is above `high`")
        register = Register(
            name=name,
            function=self._integer(table, where, "function", 3, 4, None),
            address=self._integer(table, where, "address", 0, 65535, None),
            type=self._choice(table, where, "type", tuple(WORDS), None),
            word_order=self._choice(table, where, "word_order", ("big", "little"), word_order),
            scale=scale,
            unit=unit,
            low=low,
            high=high,
        )
        if register.end > 65536:
            self._problem(f"{where}address", "the value reaches beyond register 65535")
        return register

    def _problem(self, where: str, reason: str, hint: str = "") -> None:
        self._problems.append(Problem(self._file, where, reason, hint))

    def _known(self, table: Mapping[str, Any], where: str, names: tuple[str, ...]) -> None:
        for key in table:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1)
                hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}"
                self._problem(f"{where}{key}", "there is no such key", hint)

    def _table(self, table: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self._problem(f"{where}{key}", "must be a table")
        return {}

    def _get(self, table: Mapping[str, Any], where: str, key: str, default: Any) -> Any:
        if key not in table and default is None:
            self._problem(f"{where}{key}", "is needed")
        return table.get(key, default)

    def _text(self, table: Mapping[str, Any], where: str, key: str, default: str | None) -> str:
        value = self._get(table, where, key, default)
        if value is None or isinstance(value, str):
            return value or ""
        self._problem(f"{where}{key}", "must be a text")
        return ""

    def _choice(
        self, table: Mapping[str, Any], where: str, key: str, choices: tuple[str, ...], default: str | None
    ) -> str:
        value = self._get(table, where, key, default)
        if value in choices:
            return str(value)
        if value is not None:
            self._problem(f"{where}{key}", f"'{value}' is not possible", f"one of {', '.join(choices)}")
        return choices[0]

    def _integer(
        self, table: Mapping[str, Any], where: str, key: str, low: int, high: int, default: int | None
    ) -> int:
        value = self._get(table, where, key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        if value is not None:
            self._problem(f"{where}{key}", f"must be a whole number from {low} to {high}")
        return low

    def _number(self, table: Mapping[str, Any], where: str, key: str, default: float | None) -> float:
        value = self._get(table, where, key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        if value is not None:
            self._problem(f"{where}{key}", "must be a finite number")
        return 0.0 if key != "scale" else 1.0
