"""Times of day in a zone → moments.

Each local time has exactly one moment, and later local times never come before earlier ones: a time that the
clocks skip is the moment at which they skip it, one that they show twice is the first.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from scada.core.value import TimeUs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def moment(day: date, minutes: int, zone: tzinfo) -> TimeUs:
    """The moment at which clocks of a zone show a time of day.

    Args:
        minutes: after midnight; 1440 is the midnight after.
    """
    return moment_of(datetime.combine(day, time()) + timedelta(minutes=minutes), zone)


def moment_of(local: datetime, zone: tzinfo) -> TimeUs:
    """The moment at which clocks of a zone show a date and time (without zone)."""
    early = _us(local.replace(tzinfo=zone, fold=0))
    if _shown(early, zone) == local:
        return early
    # Skipped. With the offset of after the change it lies before it, with that of before, after it.
    low, high = _us(local.replace(tzinfo=zone, fold=1)), early
    while high - low > 1:
        middle = (low + high) // 2
        if _shown(middle, zone) < local:
            low = middle
        else:
            high = middle
    return high


def local_day(time_us: TimeUs, zone: tzinfo) -> date:
    """The date in a zone."""
    return _shown(time_us, zone).date()


def window(day: date, begin_min: int, end_min: int, zone: tzinfo) -> tuple[TimeUs, TimeUs]:
    """Begin and end of a time of day that begins on `day`; an end at or before the begin is on the next day."""
    last = day if end_min > begin_min else day + _DAY
    return moment(day, begin_min, zone), moment(last, end_min, zone)


def _us(aware: datetime) -> TimeUs:
    return (aware.astimezone(UTC) - _EPOCH) // _MICROSECOND


def _shown(time_us: TimeUs, zone: tzinfo) -> datetime:
    """What the clocks of a zone show, without zone."""
    return (_EPOCH + time_us * _MICROSECOND).astimezone(zone).replace(tzinfo=None, fold=0)
