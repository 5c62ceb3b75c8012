"""The system's clock. Everything that needs the time is given a `Clock`; tests give one that leaps."""

from __future__ import annotations

import time

from scada.core.value import TimeUs


class SystemClock:
    """UTC of the operating system."""

    def now_us(self) -> TimeUs:
        """Microseconds since 1970-01-01T00:00:00Z."""
        return time.time_ns() // 1000
