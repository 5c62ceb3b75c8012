"""When timed reports are due: once on each day that is meant, whatever the clocks do on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from scada.alarming.oncall.wall import local_day, moment
from scada.core.plant import Report
from scada.core.value import SECOND_US, TimeUs

LATE_US_MAX = 3_600 * SECOND_US
"""A report that could not be sent at its time (we were down) is sent later, if not later than this."""
SENT_MAX = 32
"""Moments that are remembered as sent, for clocks that are put back."""

_DAY = timedelta(days=1)


class Timetable:
    """The moments of one report."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._zone = ZoneInfo(report.timezone)
        self._done: deque[TimeUs] = deque(maxlen=SENT_MAX)

    def next_us(self, now_us: TimeUs) -> TimeUs | None:
        """The first moment that is not done and not too late. None: there is none within a fortnight."""
        start = local_day(now_us, self._zone) - 2 * _DAY
        for due_us in self._moments(start, 18):
            if now_us - due_us < LATE_US_MAX and due_us not in self._done:
                return due_us
        return None

    def before_us(self, due_us: TimeUs) -> TimeUs:
        """The moment before this one; this one itself where there is none within eight days."""
        earlier = [one for one in self._moments(local_day(due_us, self._zone) - 9 * _DAY, 10) if one < due_us]
        return earlier[-1] if earlier else due_us

    def done(self, due_us: TimeUs) -> None:
        """The report of a moment was sent."""
        self._done.append(due_us)

    def _moments(self, start: date, days: int) -> Iterator[TimeUs]:
        for number in range(days):
            day = start + number * _DAY
            if day.weekday() in self.report.days:
                yield moment(day, self.report.at_min, self._zone)
