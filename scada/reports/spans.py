"""Periods and steps of local time: days of 23 and 25 hours are days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from scada.core.errors import BadRequest
from scada.core.report_ports import PERIODS
from scada.core.value import SECOND_US, TimeUs

STEPS_MAX = 10_000


def local(time_us: TimeUs, zone: ZoneInfo) -> datetime:
    """A moment on the wall."""
    return datetime.fromtimestamp(time_us / SECOND_US, UTC).astimezone(zone)


def midnight_us(day: date, zone: ZoneInfo) -> TimeUs:
    """When a local day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND_US


def span(period: str, now_us: TimeUs, zone: ZoneInfo) -> tuple[TimeUs, TimeUs]:
    """A named period; weeks begin on Monday (ISO 8601).

    Raises:
        BadRequest: there is no such period.
    """
    today = local(now_us, zone).date()
    first = today.replace(day=1)
    monday = today - timedelta(days=today.weekday())
    days = {
        "today": (today, today + timedelta(days=1)),
        "yesterday": (today - timedelta(days=1), today),
        "last_week": (monday - timedelta(days=7), monday),
        "last_month": ((first - timedelta(days=1)).replace(day=1), first),
        "this_month": (first, (first + timedelta(days=32)).replace(day=1)),
    }.get(period)
    if days is None:
        raise BadRequest(f"'period' is one of {', '.join(PERIODS)}")
    return midnight_us(days[0], zone), midnight_us(days[1], zone)


def edges(step: str, from_us: TimeUs, to_us: TimeUs, zone: ZoneInfo) -> list[TimeUs]:
    """Where steps of a span begin, and its end; the first and the last may be cut.

    Raises:
        BadRequest: there is no such step, or more than `STEPS_MAX` of them.
    """
    if step == "all":
        return [from_us, to_us]
    found = [from_us]
    at = local(from_us, zone)
    while found[-1] < to_us:
        if len(found) > STEPS_MAX:
            raise BadRequest(f"more than {STEPS_MAX:,} steps: choose a longer step or a shorter span")
        at_us = _next(step, found[-1], at.date(), zone)
        found.append(min(at_us, to_us))
        at = local(at_us, zone)
    return found


def _next(step: str, from_us: TimeUs, day: date, zone: ZoneInfo) -> TimeUs:
    if step == "hour":
        hour_us = 3_600 * SECOND_US
        return from_us - from_us % hour_us + hour_us
    if step == "day":
        return midnight_us(day + timedelta(days=1), zone)
    if step == "week":
        return midnight_us(day + timedelta(days=7 - day.weekday()), zone)
    if step == "month":
        return midnight_us((day.replace(day=1) + timedelta(days=32)).replace(day=1), zone)
    raise BadRequest("'step' is one of hour, day, week, month, all")


def label(step: str, time_us: TimeUs, zone: ZoneInfo) -> str:
    """The name of a step, the same in every language and in order when sorted."""
    at = local(time_us, zone)
    if step == "month":
        return f"{at:%Y-%m}"
    if step == "week":
        year, week, _ = at.isocalendar()
        return f"{year}-W{week:02}"
    return f"{at:%Y-%m-%d %H:%M}" if step == "hour" else f"{at:%Y-%m-%d}"
