"""Times of chargers: ISO 8601 in many dialects, not all of them true."""

from __future__ import annotations

from datetime import UTC, datetime

from scada.core.value import TimeUs

FUTURE_MAX_US = 300_000_000
PAST_MAX_US = 400 * 86_400 * 1_000_000


def parse(text: str) -> TimeUs | None:
    """A time as chargers write it; one without zone is taken as UTC. None: it is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return int(moment.timestamp() * 1_000_000)
    except (OverflowError, ValueError):
        return None


def believable(text: str, now_us: TimeUs) -> TimeUs:
    """The device's time, or ours where the device's is missing or cannot be right."""
    time_us = parse(text)
    if time_us is None or not now_us - PAST_MAX_US < time_us < now_us + FUTURE_MAX_US:
        return now_us
    return time_us


def format_us(time_us: TimeUs) -> str:
    """RFC 3339 with milliseconds and Z, as OCPP asks for."""
    moment = datetime.fromtimestamp(time_us / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
