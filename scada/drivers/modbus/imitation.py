"""The registers of a device as its profile says: for simulated devices, and for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scada.core.value import Value
from scada.drivers.modbus import sunspec
from scada.drivers.modbus.decode import decode, encode
from scada.drivers.modbus.pdu import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Fault
from scada.drivers.modbus.profile import HOLDING, Profile, Register

Values = Callable[[], Mapping[str, Value]]
"""Quantity → value in the unit that the profile gives it in, as it is now; missing ones read as 0."""
Written = Callable[[str, float], bool]
"""Told what is written: quantity and value; False: the device refuses it."""

_COMMON_LENGTH = 66


class ImitatedDevice:
    """A device of a profile.

    Args:
        written: takes what is written to registers that the profile lets be written; None: nothing can be.
        models: of a SunSpec device: the ids that it has, model 1 besides; empty: the first of the profile's first group.
    """

    def __init__(
        self, profile: Profile, values: Values, written: Written | None = None, models: Sequence[int] = ()
    ) -> None:
        self._values, self._written = values, written
        self._fixed: dict[int, int] = {}
        registers = profile.registers
        if profile.sunspec:
            registers = sunspec.placed(profile, self._lay_out(profile, models or profile.sunspec[0].ids[:1]))
        self._registers = tuple(registers.values())
        self._scales = {name: registers[name] for name in {r.scale_register for r in self._registers} - {""}}
        self._spans: dict[int, tuple[int, int]] = {}
        for register in self._registers:
            low, high = self._spans.get(register.function, (register.address, register.end))
            self._spans[register.function] = min(low, register.address), max(high, register.end)
        if self._fixed:
            low, high = self._spans.get(HOLDING, (min(self._fixed), 0))
            self._spans[HOLDING] = min(low, *self._fixed), max(high, max(self._fixed) + 1)

    def _lay_out(self, profile: Profile, ids: Sequence[int]) -> dict[int, int]:
        address = sunspec.BASES[0]
        self._fixed.update({address: sunspec.MARK[0], address + 1: sunspec.MARK[1]})
        address += 2
        starts: dict[int, int] = {}
        for id_ in (1, *ids):
            members = [r for group in profile.sunspec if id_ in group.ids for r in group.registers.values()]
            length = _COMMON_LENGTH if id_ == 1 else max((r.end for r in members), default=2) - 2
            starts[id_] = address
            self._fixed.update({address: id_, address + 1: length})
            address += 2 + length
        self._fixed.update({address: sunspec.END, address + 1: 0})
        return starts

    async def read(self, function: int, address: int, count: int) -> Sequence[int]:
        """What stands in a table now; what lies between the registers of the profile reads as 0."""
        low, high = self._spans.get(function, (0, 0))
        if address < low or address + count > high:
            raise Fault(ILLEGAL_ADDRESS)
        words = [0] * count
        if function == HOLDING:
            for place, word in self._fixed.items():
                if address <= place < address + count:
                    words[place - address] = word
        now = self._values()
        exponents = {name: self._exponent(name, now) for name in self._scales}
        for register in self._registers:
            if (
                register.function != function
                or register.end <= address
                or register.address >= address + count
            ):
                continue
            value: Value = now.get(register.name, 0.0)
            if register.name in exponents:
                value = float(exponents[register.name])
            encoded = encode(register, value, exponents.get(register.scale_register, 0))
            for place, word in enumerate(encoded, register.address - address):
                if 0 <= place < count:
                    words[place] = word
        return words

    def _exponent(self, scale: str, now: Mapping[str, Value]) -> int:
        """The power of ten with which everything that it scales fits, as finely as possible."""
        given = now.get(scale)
        if isinstance(given, float | int):
            return int(given)
        for exponent in range(-3, 7):
            room = all(
                abs(float(now.get(r.name) or 0.0) / r.scale) / 10.0**exponent < 2 ** (16 * r.words - 1) - 1
                for r in self._registers
                if r.scale_register == scale
            )
            if room:
                return exponent
        return 7

    async def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """Write registers, each as a whole."""
        end = address + len(values)
        touched = [
            r for r in self._registers if r.function == function and address < r.end and r.address < end
        ]
        if not touched or self._written is None or not all(self._whole(r, address, end) for r in touched):
            raise Fault(ILLEGAL_ADDRESS)
        for register in touched:
            self._write(register, values[register.address - address : register.end - address])

    def _write(self, register: Register, words: Sequence[int]) -> None:
        value = decode(register, words).value
        assert self._written is not None
        if not isinstance(value, float | bool) or not self._written(register.name, float(value)):
            raise Fault(ILLEGAL_VALUE)

    @staticmethod
    def _whole(register: Register, address: int, end: int) -> bool:
        return register.write is not None and address <= register.address and register.end <= end
