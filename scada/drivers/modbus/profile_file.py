"""Profile files, key by key: what is wrong becomes a problem with its place, and a harmless stand-in."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scada.core.errors import Problem, ProjectError
from scada.core.units import UNITS
from scada.drivers.modbus.profile import (
    BIT_FUNCTIONS,
    BITS_MAX,
    CHARGER_NEEDS,
    COIL,
    DISCRETE,
    HOLDING,
    INPUT,
    POLLS,
    QUANTITIES,
    REGISTERS_MAX,
    STATES,
    WORDS,
    WRITABLE,
    Limits,
    Profile,
    Quantity,
    Register,
    SunSpecGroup,
    Watchdog,
    WriteLimits,
)

FILE_BYTES_MAX = 1_000_000
REGISTERS_OF_A_PROFILE_MAX = 2_000
ORDERS = ("big", "little")
_KEYS = (
    "function",
    "address",
    "type",
    "length",
    "word_order",
    "byte_order",
    "bits",
    "scale",
    "scale_register",
    "offset",
    "unit",
    "low",
    "high",
    "absent",
    "poll",
    "step_max",
    "choices",
    "write",
)
_NOT_DEFAULT = frozenset(("address", "choices", "write", "bits"))
_SECTIONS = ("device", "limits", "defaults", "registers", "sunspec", "watchdog", "failsafe")


def read_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises:
        ProjectError: with every problem of the file.
    """
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
    check = _Profile(path.name)
    profile = check.profile(path.stem, content)
    if check.problems:
        raise ProjectError(check.problems)
    return profile


class _Keys:
    """Reads values of a table by key and type."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file

    def problem(self, where: str, reason: str, hint: str = "") -> None:
        self.problems.append(Problem(self._file, where, reason, hint))

    def known(self, table: Mapping[str, Any], where: str, names: Sequence[str]) -> None:
        for key in table:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1)
                hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}"
                self.problem(f"{where}{key}", "there is no such key", hint)

    def table(self, table: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self.problem(f"{where}{key}", "must be a table")
        return {}

    def _get(self, table: Mapping[str, Any], where: str, key: str, default: Any) -> Any:
        if key not in table and default is None:
            self.problem(f"{where}{key}", "is needed")
        return table.get(key, default)

    def text(self, table: Mapping[str, Any], where: str, key: str, default: str | None) -> str:
        value = self._get(table, where, key, default)
        if value is None or isinstance(value, str):
            return value or ""
        self.problem(f"{where}{key}", "must be a text")
        return ""

    def choice(
        self, table: Mapping[str, Any], where: str, key: str, choices: Sequence[str], default: str | None
    ) -> str:
        value = self._get(table, where, key, default)
        if value in choices:
            return str(value)
        if value is not None:
            self.problem(f"{where}{key}", f"'{value}' is not possible", f"one of {', '.join(choices)}")
        return choices[0]

    def flag(self, table: Mapping[str, Any], where: str, key: str, default: bool) -> bool:
        value = table.get(key, default)
        if isinstance(value, bool):
            return value
        self.problem(f"{where}{key}", "must be true or false")
        return default

    def integer(
        self, table: Mapping[str, Any], where: str, key: str, low: int, high: int, default: int | None
    ) -> int:
        value = self._get(table, where, key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        if value is not None:
            self.problem(f"{where}{key}", f"must be a whole number from {low} to {high}")
        return low

    def integers(self, table: Mapping[str, Any], where: str, key: str, high: int) -> list[int]:
        value = table.get(key, [])
        if isinstance(value, list) and all(type(one) is int and 0 <= one <= high for one in value):
            return value
        self.problem(f"{where}{key}", f"must be a list of whole numbers from 0 to {high}")
        return []

    def number(
        self,
        table: Mapping[str, Any],
        where: str,
        key: str,
        default: float | None,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> float:
        value = self._get(table, where, key, default)
        finite = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if finite and low <= value <= high:
            return float(value)
        if value is not None:
            bounds = f" from {low:g} to {high:g}" if math.isfinite(low) and math.isfinite(high) else ""
            self.problem(f"{where}{key}", f"must be a finite number{bounds}")
        return 1.0 if key == "scale" else 0.0


class _Registers(_Keys):
    """Tables of registers."""

    defaults: Mapping[str, Any]

    def registers(self, tables: Mapping[str, Any], where: str) -> dict[str, Register]:
        if len(tables) > REGISTERS_OF_A_PROFILE_MAX:
            self.problem(where, f"has more than {REGISTERS_OF_A_PROFILE_MAX} registers")
            return {}
        found = {
            name: self.register(name, self.table(tables, name, where), f"{where}{name}.") for name in tables
        }
        for register in found.values():
            place = f"{where}{register.name}.scale_register"
            exponent = found.get(register.scale_register)
            if register.scale_register and exponent is None:
                near = difflib.get_close_matches(register.scale_register, found, 1)
                hint = f"did you mean '{near[0]}'?" if near else ""
                self.problem(place, f"there is no register '{register.scale_register}'", hint)
            elif exponent is not None and (not exponent.is_number or exponent.scale_register):
                self.problem(place, f"'{exponent.name}' is no plain number")
        return found

    def register(self, name: str, own: dict[str, Any], where: str) -> Register:
        self.known(own, where, _KEYS)
        table = {**self.defaults, **own}
        function = self.integer(table, where, "function", 1, 4, None)
        type_ = self._type(own, table, where, function)
        is_text = type_ in ("string", "bit") or "choices" in table
        usual = QUANTITIES.get(name) or (Quantity("", 0, 1) if is_text else None)
        low = self.number(table, where, "low", usual.low if usual else None)
        high = self.number(table, where, "high", usual.high if usual else None)
        if low > high:
            self.problem(f"{where}low", "is above `high`")
        words = WORDS.get(type_) or self.integer(table, where, "length", 1, REGISTERS_MAX, None)
        scale = self.number(table, where, "scale", 1.0)
        if scale == 0:
            self.problem(f"{where}scale", "may not be 0")
        register = Register(
            name=name,
            function=function,
            address=self.integer(table, where, "address", 0, 65535, None),
            type=type_,
            words=words,
            word_order=self.choice(table, where, "word_order", ORDERS, "big"),
            byte_order=self.choice(table, where, "byte_order", ORDERS, "big"),
            bits=self._bits(table, where, type_, words),
            scale=scale,
            scale_register=self.text(table, where, "scale_register", ""),
            offset=self.number(table, where, "offset", 0.0),
            unit=self._unit(table, where, name, usual),
            low=low,
            high=high,
            absent=frozenset(self.integers(table, where, "absent", 2 ** (16 * words) - 1))
            | _never(type_, "bits" in table),
            poll=self.choice(table, where, "poll", POLLS, "fast"),
            step_max=self.number(table, where, "step_max", usual.step_max if usual else 0.0, 0.0, 1e12),
            choices=self._choices(table, where, type_),
            write=self._write(table, where, function, type_, low, high),
        )
        if register.end > 65536:
            self.problem(f"{where}address", "the value reaches beyond register 65535")
        return register

    def _type(self, own: Mapping[str, Any], table: dict[str, Any], where: str, function: int) -> str:
        if table.get("function") not in (COIL, DISCRETE, HOLDING, INPUT):
            return self.choice(table, where, "type", (*WORDS, "string"), None)
        if function in BIT_FUNCTIONS and "type" not in own:
            return "bit"
        type_ = self.choice(table, where, "type", (*WORDS, "string"), None)
        if (type_ == "bit") is not (function in BIT_FUNCTIONS):
            self.problem(f"{where}type", "coils and discrete inputs are of type bit, registers are not")
        return type_

    def _unit(self, table: Mapping[str, Any], where: str, name: str, usual: Quantity | None) -> str:
        unit = self.text(table, where, "unit", usual.unit if usual else "")
        if unit and unit not in UNITS:
            self.problem(f"{where}unit", f"there is no unit '{unit}'", f"known: {', '.join(UNITS)}")
        elif name in QUANTITIES and QUANTITIES[name].unit != unit:
            self.problem(
                f"{where}unit",
                f"{name} is always in {QUANTITIES[name].unit}",
                "let `scale` turn it into that",
            )
        return unit

    def _bits(self, table: Mapping[str, Any], where: str, type_: str, words: int) -> tuple[int, int] | None:
        bits = self.integers(table, where, "bits", 16 * words - 1)
        if not bits:
            return None
        if len(bits) != 2 or bits[0] > bits[1] or not type_.startswith("uint"):
            self.problem(f"{where}bits", "must be the first and the last bit of an unsigned integer")
            return None
        return bits[0], bits[1]

    def _choices(self, table: Mapping[str, Any], where: str, type_: str) -> dict[int, str]:
        choices: dict[int, str] = {}
        for key, text in self.table(table, "choices", where).items():
            try:
                raw = int(key, 0)
            except ValueError:
                self.problem(f"{where}choices.{key}", "must be a whole number")
                continue
            if not isinstance(text, str) or not text:
                self.problem(f"{where}choices.{key}", "must be a text")
                continue
            choices[raw] = text
        if choices and not type_.startswith(("uint", "int")):
            self.problem(f"{where}choices", "only an integer has choices")
        return choices

    def _write(
        self, table: Mapping[str, Any], where: str, function: int, type_: str, low: float, high: float
    ) -> WriteLimits | None:
        if "write" not in table:
            return None
        write, inner = self.table(table, "write", where), f"{where}write."
        self.known(write, inner, ("low", "high", "readback"))
        if function not in WRITABLE or type_ == "string" or "bits" in table:
            self.problem(f"{where}write", "only coils and numbers in holding registers can be written")
        rule = WriteLimits(
            low=self.number(write, inner, "low", low),
            high=self.number(write, inner, "high", high),
            readback=self.flag(write, inner, "readback", True),
        )
        if rule.low > rule.high:
            self.problem(f"{inner}low", "is above `high`")
        return rule


class _Profile(_Registers):
    """A whole file."""

    def profile(self, name: str, content: dict[str, Any]) -> Profile:
        self.known(content, "", _SECTIONS)
        device, limits = self.table(content, "device"), self.table(content, "limits")
        self.known(device, "device.", ("label", "nature", "positive"))
        self.known(limits, "limits.", ("registers_max", "bits_max", "hole_max", "gap_ms"))
        self.defaults = self.table(content, "defaults")
        self.known(self.defaults, "defaults.", [key for key in _KEYS if key not in _NOT_DEFAULT])
        tables = self.table(content, "registers")
        groups = self._sunspec(self.table(content, "sunspec"))
        if not tables and not groups:
            self.problem("registers", "is needed: at least one register")
        registers = self.registers(tables, "registers.")
        profile = Profile(
            name=name,
            label=self.text(device, "device.", "label", name),
            nature=self.choice(device, "device.", "nature", ("meter", "charger"), "meter"),
            positive=self.choice(device, "device.", "positive", ("import", "export"), "import"),
            limits=Limits(
                registers_max=self.integer(
                    limits, "limits.", "registers_max", 1, REGISTERS_MAX, REGISTERS_MAX
                ),
                bits_max=self.integer(limits, "limits.", "bits_max", 1, BITS_MAX, BITS_MAX),
                hole_max=self.integer(limits, "limits.", "hole_max", 0, REGISTERS_MAX, 0),
                gap_s=self.number(limits, "limits.", "gap_ms", 0.0, 0, 10_000) / 1000,
            ),
            registers=registers,
            sunspec=groups,
            watchdog=self._watchdog(content, registers),
            failsafe=self._failsafe(content, registers),
        )
        if profile.nature == "charger":
            self._charger(registers)
        return profile

    def _sunspec(self, tables: Mapping[str, Any]) -> tuple[SunSpecGroup, ...]:
        groups: list[SunSpecGroup] = []
        for name in tables:
            where = f"sunspec.{name}."
            table = self.table(tables, name, "sunspec.")
            self.known(table, where, ("ids", "registers"))
            ids = self.integers(table, where, "ids", 65534)
            if not ids:
                self.problem(f"{where}ids", "is needed: at least one model")
            self.defaults = {"function": HOLDING, **self.defaults}
            registers = self.registers(self.table(table, "registers", where), f"{where}registers.")
            groups.append(SunSpecGroup(ids=tuple(ids), registers=registers))
        return tuple(groups)

    def _watchdog(self, content: dict[str, Any], registers: Mapping[str, Register]) -> Watchdog | None:
        if "watchdog" not in content:
            return None
        table, where = self.table(content, "watchdog"), "watchdog."
        self.known(table, where, ("register", "every_s", "values"))
        name = self.text(table, where, "register", None)
        every_s = self.number(table, where, "every_s", None, 0.5, 3600)
        values = table.get("values", [1])
        if not isinstance(values, list) or not values or not all(type(v) in (int, float) for v in values):
            self.problem(f"{where}values", "must be a list of numbers")
            values = [1]
        for value in values:
            self._writes(registers, name, value, f"{where}values")
        return Watchdog(register=name, every_s=every_s, values=tuple(float(value) for value in values))

    def _failsafe(self, content: dict[str, Any], registers: Mapping[str, Register]) -> dict[str, float]:
        table, values = self.table(content, "failsafe"), {}
        for name in table:
            values[name] = self.number(table, "failsafe.", name, None)
            self._writes(registers, name, values[name], f"failsafe.{name}")
        return values

    def _writes(self, registers: Mapping[str, Register], name: str, value: float, where: str) -> None:
        register = registers.get(name)
        if register is None or register.write is None:
            self.problem(where, f"there is no register '{name}' that may be written")
        elif not register.write.low <= value <= register.write.high:
            self.problem(where, f"{value:g} is not within what may be written to {name}")

    def _charger(self, registers: Mapping[str, Register]) -> None:
        for name in CHARGER_NEEDS:
            if name not in registers:
                self.problem(f"registers.{name}", "is needed: a charger has it")
        status = registers.get("Status")
        for raw, text in status.choices.items() if status else ():
            if text not in STATES:
                hint = f"one of {', '.join(STATES)}"
                self.problem(f"registers.Status.choices.{raw}", f"'{text}' is no state", hint)
        if status is not None and not status.choices:
            self.problem("registers.Status.choices", "is needed: which number means which state")
        for name in ("CurrentLimit", "Enable"):
            if name in registers and registers[name].write is None:
                self.problem(f"registers.{name}.write", "is needed: a charger is told it")


def _never(type_: str, bits: bool) -> frozenset[int]:
    """The raw value that no unsigned register ever truly has: all ones are how many devices say "nothing"."""
    if type_ in ("uint16", "uint32", "uint64") and not bits:
        return frozenset((2 ** (16 * WORDS[type_]) - 1,))
    return frozenset()
