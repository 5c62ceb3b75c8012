"""Moments as text (RFC 3339), and which moments a device may be believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scada.core.value import SECOND_US, TimeUs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

AHEAD_MAX_US = 300 * SECOND_US
"""A device's time further ahead of ours is not believed."""
BEHIND_MAX_US = 400 * 86_400 * SECOND_US
"""Nor is one that lies further back."""


def parse(text: str) -> TimeUs | None:
    """A time in any form of ISO 8601 that `datetime` reads; without zone it is UTC. None: it is no time."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MICROSECOND  # exact, which a float of seconds is not
    except (ValueError, OverflowError):
        return None


def text(time_us: TimeUs) -> str:
    """RFC 3339, UTC, with milliseconds and Z."""
    moment = _EPOCH + time_us * _MICROSECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def believable(time_us: TimeUs | None, now_us: TimeUs) -> bool:
    """Whether a device's time can be right: charge points come with 1970 and with next year."""
    return time_us is not None and now_us - BEHIND_MAX_US < time_us <= now_us + AHEAD_MAX_US
