"""The clock of a simulated charger: right once it was told the time, perhaps in 1970 until then."""

from __future__ import annotations

from collections.abc import Callable

from scada.core import moment
from scada.core.value import TimeUs


class DeviceClock:
    """A charger's own time.

    Args:
        now_us: the real time.
        forgets: it has no battery: after each power-on it begins in 1970.
    """

    def __init__(self, now_us: Callable[[], TimeUs], *, forgets: bool = False) -> None:
        self._real_us = now_us
        self._forgets = forgets
        self._ahead_us = 0
        self.power_on()

    def now_us(self) -> TimeUs:
        """What it shows."""
        return self._real_us() + self._ahead_us

    def text(self) -> str:
        """What it shows, as OCPP writes it."""
        return moment.text(self.now_us())

    def power_on(self) -> None:
        """The power has come (back)."""
        self._ahead_us = -self._real_us() if self._forgets else 0

    def told(self, current_time: str) -> None:
        """The central system says what time it is (OCPP 1.6 4.2); what cannot be read is ignored."""
        time_us = moment.parse(current_time)
        if time_us is not None:
            self._ahead_us = time_us - self._real_us()
