"""Device profiles: what registers a type of device has. A profile is data, `config/drivers/modbus/NAME.toml`.

    [device]               label; nature = "meter" | "charger"; positive = "import" | "export": what Power > 0 means
    [limits]               registers_max a request, bits_max, hole_max: how many unwanted registers may lie between
                           wanted ones, gap_ms: silence before each request
    [defaults]             keys that registers have where they say nothing themselves
    [registers.QUANTITY]   function = 1 coil | 2 discrete input | 3 holding | 4 input register, address (0-based), type,
                           length (registers of a string), word_order, byte_order = "big" | "little",
                           bits = [first, last] of an integer, scale, scale_register = QUANTITY that holds a power of
                           ten, offset, unit, low, high, absent = [raw values that mean: not available],
                           poll = "fast" | "normal" | "slow" | "once", step_max, choices = { RAW = "text" },
                           write = { low, high, readback }
    [sunspec.NAME]         ids = [models], registers.QUANTITY: addresses are offsets in the model, which is looked for
    [watchdog]             register, every_s, values: written in turn as long as the driver lives
    [failsafe]             QUANTITY = value: written each time the device comes; what it falls back to without us

A reading is register × scale × 10^scale_register + offset, in `unit`, and must lie within low..high. One that is
further than `step_max` from the last is believed when the next one confirms it. Quantities that every meter names
the same have a fixed unit and a range (`QUANTITIES`), so that tags mean the same whatever the meter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scada.core.errors import Problem, ProjectError
from scada.core.value import Value

REGISTERS_MAX = 125
"""Most registers a request may ask for (Modbus Application Protocol V1.1b3, 6.3 and 6.4)."""
BITS_MAX = 2000
"""Most coils or discrete inputs (6.1 and 6.2)."""
COIL, DISCRETE, HOLDING, INPUT = 1, 2, 3, 4
BIT_FUNCTIONS = frozenset((COIL, DISCRETE))
WRITABLE = frozenset((COIL, HOLDING))
POLLS = ("fast", "normal", "slow", "once")

WORDS: Mapping[str, int] = {
    "bit": 1,
    "int16": 1,
    "uint16": 1,
    "bcd16": 1,
    "int32": 2,
    "uint32": 2,
    "bcd32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
}
"""Type → number of registers; of a `string` the profile says it. A `bit` is one coil or discrete input."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What every profile gives a quantity as: unit, range of what can be true, largest step between two readings."""

    unit: str
    low: float
    high: float
    step_max: float = 0.0


_PHASES = ("L1", "L2", "L3")
QUANTITIES: Mapping[str, Quantity] = {
    **{f"Voltage{phase}": Quantity("V", 0, 500) for phase in _PHASES},
    **{f"Current{phase}": Quantity("A", -10_000, 10_000) for phase in _PHASES},
    **{f"Power{phase}": Quantity("W", -4e6, 4e6) for phase in _PHASES},
    "Power": Quantity("W", -12e6, 12e6),
    "Import": Quantity("kWh", 0, 1e9, 1_000),
    "Export": Quantity("kWh", 0, 1e9, 1_000),
    "Frequency": Quantity("Hz", 40, 70),
    "Energy": Quantity("kWh", 0, 1e9, 1_000),
    "CurrentLimit": Quantity("A", 0, 1_000),
    "Temperature": Quantity("°C", -60, 150),
    "SoC": Quantity("%", 0, 100),
}

STATES = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
)
"""What a charger's `Status` may be read as."""
CHARGER_NEEDS = ("Status", "CurrentLimit", "Energy", "Enable")
"""The registers that make a device a charger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteLimits:
    """What may be written to a register.

    Attributes:
        readback: the write is done when the register reads as written; False: when the device says it took it.
    """

    low: float
    high: float
    readback: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One quantity of a device.

    Attributes:
        name: of the quantity, for example `CurrentL1`; tags name it as their address.
        function: 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers.
        address: 0-based, as on the wire; in a SunSpec group the offset in the model.
        type: one of `WORDS`, or `string`.
        words: how many registers (or bits) it takes.
        word_order, byte_order: `big` or `little`: of the registers of a value, of the bytes of a register.
        bits: first and last bit of an integer that hold the value, or None.
        scale_register: quantity that holds the exponent of ten, or empty.
        low, high: plausibility range of the scaled value.
        absent: raw values, as unsigned integers, that mean "not available".
        step_max: largest step that is believed at once; 0: any.
        choices: raw value → text; empty: it is a number.
        write: None: it is read-only.
    """

    name: str
    function: int
    address: int
    type: str
    words: int
    word_order: str = "big"
    byte_order: str = "big"
    bits: tuple[int, int] | None = None
    scale: float = 1.0
    scale_register: str = ""
    offset: float = 0.0
    unit: str = ""
    low: float
    high: float
    absent: frozenset[int] = frozenset()
    poll: str = "fast"
    step_max: float = 0.0
    choices: Mapping[int, str] = field(default_factory=dict, hash=False)
    write: WriteLimits | None = None

    @property
    def end(self) -> int:
        """Address of the register behind it."""
        return self.address + self.words

    @property
    def is_number(self) -> bool:
        """Whether it is neither a text nor a bit."""
        return self.type not in ("string", "bit") and not self.choices


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the device lets be read at once.

    Attributes:
        registers_max, bits_max: a request.
        hole_max: unwanted registers that may lie between two wanted ones; 0: none.
        gap_s: silence before each request.
    """

    registers_max: int = REGISTERS_MAX
    bits_max: int = BITS_MAX
    hole_max: int = 0
    gap_s: float = 0.0

    def count_max(self, function: int) -> int:
        """Registers or bits of one request."""
        return self.bits_max if function in BIT_FUNCTIONS else self.registers_max


@dataclass(frozen=True, slots=True, kw_only=True)
class SunSpecGroup:
    """Registers of a kind of SunSpec models: the first of `ids` that the device has."""

    ids: tuple[int, ...]
    registers: Mapping[str, Register]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """A register that is written so often that the device knows of us; each of `values` in turn."""

    register: str
    every_s: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A type of device.

    Attributes:
        registers: quantity → register; of a SunSpec device those that are nowhere else but in its models.
        positive: what a positive power means: `import` (drawn) or `export`.
    """

    name: str
    label: str
    limits: Limits
    registers: Mapping[str, Register]
    nature: str = "meter"
    positive: str = "import"
    sunspec: tuple[SunSpecGroup, ...] = ()
    watchdog: Watchdog | None = None
    failsafe: Mapping[str, float] = field(default_factory=dict)

    @property
    def quantities(self) -> frozenset[str]:
        """Everything that a device of this type may have."""
        return frozenset(self.registers).union(*(group.registers for group in self.sunspec))


Readings = Mapping[str, Value]
"""Quantity → value in its unit."""


def find_profiles(names: Iterable[str], folders: Iterable[Path]) -> dict[str, Profile]:
    """Load the profiles that devices name; the first folder that has one wins.

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
    from scada.drivers.modbus.profile_file import read_profile  # it needs the classes above

    return read_profile(path)
