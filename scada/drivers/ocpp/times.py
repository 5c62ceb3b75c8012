"""Times as chargers write them, all in one place: without zone, in short forms, of 1970, by a clock that is off.

* Live times (samples, states) teach how far the clock is off (`device_clock`) and never lie in the future.
* Times of transactions must stay what they are over a retry: they are corrected only by a clock that is known to be off
  by a minute or more, and judged by the core.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from scada.core import moment
from scada.core.value import SECOND_US, TimeUs
from scada.drivers.ocpp.device_clock import DeviceClock
from scada.drivers.ocpp.profile import DeviceTime

OFF_US = 60 * SECOND_US
"""A clock that is off by more shifts the times of transactions too."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse(text: str, naive: timezone | ZoneInfo = UTC) -> tuple[TimeUs | None, str]:
    """A time in any form that can be understood.

    Args:
        naive: the zone of a time without one.

    Returns:
        (time, or None: it is none; what is odd about it, or empty).
    """
    text = text.strip()
    if text.isascii() and text.isdecimal() and len(text) in (10, 13):
        return int(text) * (SECOND_US if len(text) == 10 else 1000), "a time in seconds since 1970"
    try:
        when = datetime.fromisoformat(text.upper())
    except ValueError:
        return None, "a time that is none"
    odd = ""
    if when.tzinfo is None:
        when = when.replace(tzinfo=naive)
        odd = "a time without zone"
    elif text[-3:-2] in ("+", "-"):
        odd = "a time zone without minutes"
    try:
        return (when - _EPOCH) // _MICROSECOND, odd
    except OverflowError:
        return None, "a time that cannot be right"


class ChargerTime:
    """The times of one charger.

    Args:
        site: time zone of its site.
        odd: told of each time that is not as the standard says.
        learned: told of a new offset of its clock in seconds; positive: it is ahead.

    Attributes:
        habits: of its make.
    """

    def __init__(self, site: ZoneInfo, odd: Callable[[str], None], learned: Callable[[float], None]) -> None:
        self.clock = DeviceClock()
        self.habits = DeviceTime()
        self._site = site
        self._odd = odd
        self._learned = learned

    def live(self, text: str, now_us: TimeUs) -> TimeUs:
        """The time of something that has just happened, by our clock; ours where its own is missing or cannot be right."""
        if not text:
            return now_us
        time_us = self._read(text)
        if time_us is None:
            return now_us
        if not moment.believable(time_us + self.clock.offset_us, now_us):
            if not -86_400 * SECOND_US < time_us - now_us < 86_400 * SECOND_US:
                # Years off: nothing to learn from, it is a clock that was never set.
                self._odd("a time that cannot be right")
                return now_us
            self._odd("a time in the future")
        if self.clock.observe(time_us, now_us):
            self._learned(-self.clock.offset_us / SECOND_US)
        return self.clock.correct(time_us, now_us)

    def stored(self, text: str) -> TimeUs:
        """The time of a transaction; 0: it has none that can be read."""
        time_us = self._read(text) if text else None
        if time_us is None:
            return 0
        offset_us = self.clock.offset_us
        return time_us + offset_us if abs(offset_us) >= OFF_US else time_us

    def _read(self, text: str) -> TimeUs | None:
        if text.endswith("Z"):
            if not self.habits.zulu_is_local:
                time_us = moment.parse(text)
                if time_us is not None:
                    return time_us
            else:
                time_us, _ = parse(text[:-1], self._site)
                self._odd("local time that says it is UTC")
                return time_us
        time_us, odd = parse(text, self._site if self.habits.naive == "site" else UTC)
        if odd:
            self._odd(odd)
        return time_us
