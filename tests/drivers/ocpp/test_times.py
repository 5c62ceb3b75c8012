"""Times as chargers write them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core import moment
from scada.core.value import SECOND_US
from scada.drivers.ocpp.profile import DeviceTime
from scada.drivers.ocpp.times import ChargerTime, parse

PARIS = ZoneInfo("Europe/Paris")
NOW = moment.parse("2026-07-01T12:00:00Z") or 0


def clock(**habits: object) -> tuple[ChargerTime, list[str]]:
    odd: list[str] = []
    times = ChargerTime(PARIS, odd.append, lambda _: None)
    times.habits = DeviceTime.model_validate(habits)
    return times, odd


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"),
        ("2026-07-01T14:00:00+02:00", "2026-07-01T12:00:00Z"),
        ("2026-07-01T14:00:00+02", "2026-07-01T12:00:00Z"),
        ("2026-07-01T12:00:00.123456789Z", "2026-07-01T12:00:00.123456Z"),
        (" 2026-07-01t12:00:00z ", "2026-07-01T12:00:00Z"),
        ("20260701T120000Z", "2026-07-01T12:00:00Z"),
        ("1782907200", "2026-07-01T12:00:00Z"),
        ("1782907200000", "2026-07-01T12:00:00Z"),
    ],
)
def test_forms_that_are_understood(text: str, utc: str) -> None:
    assert parse(text)[0] == moment.parse(utc)


def test_a_time_without_zone_is_what_the_make_means() -> None:
    for habits, expected in (({}, "2026-07-01T12:00:00Z"), ({"naive": "site"}, "2026-07-01T10:00:00Z")):
        times, odd = clock(**habits)
        assert times.stored("2026-07-01T12:00:00") == moment.parse(expected)
        assert odd == ["a time without zone"]
    times, odd = clock(zulu_is_local=True)
    assert times.stored("2026-07-01T12:00:00Z") == moment.parse("2026-07-01T10:00:00Z")


def test_a_clock_that_is_off_is_learned_and_shifts_transactions_too() -> None:
    times, _ = clock()
    ahead_us = 7_200 * SECOND_US
    for step in range(6):
        now_us = NOW + step * 10 * SECOND_US
        assert times.live(moment.text(now_us + ahead_us), now_us) <= now_us
    assert abs(times.clock.offset_us + ahead_us) < SECOND_US
    assert abs(times.stored(moment.text(NOW + ahead_us)) - NOW) < SECOND_US


def test_years_off_teach_nothing() -> None:
    times, odd = clock()
    for step in range(10):
        now_us = NOW + step * 10 * SECOND_US
        assert times.live(f"1970-01-01T00:0{step}:00Z", now_us) == now_us
    assert times.clock.offset_us == 0
    assert len(odd) == 10


@given(
    st.text(max_size=40)
    | st.datetimes().map(str)
    | st.datetimes(timezones=st.timezones()).map(lambda d: d.isoformat())
)
def test_no_text_breaks_the_reading_and_live_times_are_never_in_the_future(text: str) -> None:
    times, _ = clock()
    assert times.live(text, NOW) <= NOW
    assert isinstance(times.stored(text), int)
