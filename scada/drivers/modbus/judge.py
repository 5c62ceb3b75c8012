"""Readings that cannot be believed at once. Pure."""

from __future__ import annotations

from scada.core.value import Quality
from scada.drivers.modbus.decode import Reading
from scada.drivers.modbus.profile import Register


class Steps:
    """Doubts a reading that is far from the last one until the next one confirms it.

    A bit error in a counter shows once; a meter that was exchanged shows its new value again and again.
    """

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._doubted: dict[str, float] = {}

    def judge(self, register: Register, reading: Reading) -> Reading:
        """The reading, or why it is not believed yet."""
        value = reading.value
        if not register.step_max or not isinstance(value, float):
            return reading
        name = register.name
        last, doubted = self._last.get(name), self._doubted.get(name)
        near = last is None or abs(value - last) <= register.step_max
        if near or (doubted is not None and abs(value - doubted) <= register.step_max):
            self._last[name] = value
            self._doubted.pop(name, None)
            return reading
        self._doubted[name] = value
        return Reading(
            None,
            Quality.BAD_OUT_OF_RANGE,
            f"{value:g} {register.unit} is {abs(value - last if last is not None else 0):g} from the reading before",
        )
