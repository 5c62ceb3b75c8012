"""SunSpec devices: which models they have, and where. Pure; the reads are the caller's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scada.drivers.modbus.profile import HOLDING, Profile, Register, SunSpecGroup

BASES = (40000, 50000, 0)
"""Where a device may begin (SunSpec Device Information Model Specification 6.2)."""
MARK = (0x5375, 0x6E53)
"""`SunS`."""
END = 0xFFFF
MODELS_MAX = 64
"""Models that are looked through; a device that goes on is no device."""


def header(name: str, address: int) -> Register:
    """Two registers: the mark, or id and length of a model."""
    return Register(name=name, function=HOLDING, address=address, type="uint32", words=2, low=0, high=2**32)


class ModelWalk:
    """Goes from model to model.

    Attributes:
        address: of the two registers that are wanted next; None: it is at its end.
        models: id → address of the model (where its id stands), the first of each id.
    """

    def __init__(self) -> None:
        self._bases = list(BASES)
        self.address: int | None = self._bases.pop(0)
        self.models: dict[int, int] = {}
        self._found = False
        self._count = 0

    def take(self, words: Sequence[int] | None) -> None:
        """The two words at `address`; None: the device does not have them."""
        assert self.address is not None
        if not self._found:
            if words is not None and tuple(words) == MARK:
                self._found = True
                self.address += 2
            else:
                self.address = self._bases.pop(0) if self._bases else None
            return
        self._count += 1
        if words is None or len(words) != 2 or words[0] == END or self._count > MODELS_MAX:
            self.address = None
            return
        self.models.setdefault(words[0], self.address)
        onward = self.address + 2 + words[1]
        self.address = onward if onward <= 65534 else None


def placed(profile: Profile, models: Mapping[int, int]) -> Mapping[str, Register]:
    """The registers of a device with these models (id → address); groups whose models it lacks bring none."""
    found = dict(profile.registers)
    for group in profile.sunspec:
        start = next((models[one] for one in group.ids if one in models), None)
        if start is not None:
            found.update(_moved(group, start))
    return found


def _moved(group: SunSpecGroup, start: int) -> dict[str, Register]:
    return {
        name: replace(register, address=register.address + start)
        for name, register in group.registers.items()
    }
