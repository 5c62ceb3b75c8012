"""Numbers and times as readers expect them."""

from __future__ import annotations

import pytest

from scada.i18n import Formats

TIME_US = 1_795_259_056_789_000  # 2026-11-21 11:04:16.789 UTC


def test_numbers_have_fixed_decimals() -> None:
    assert Formats("en", "UTC").number(12345.5, 2) == "12,345.50"
    assert Formats("fr", "UTC").number(12345.5, 2) == "12\u202f345,50"
    assert Formats("en", "UTC").number(0.4) == "0"


def test_times_are_of_the_zone_and_of_24_hours() -> None:
    english, french = Formats("en", "Europe/Paris"), Formats("fr", "Europe/Paris")
    assert english.time(TIME_US) == french.time(TIME_US) == "12:04:16"
    assert english.time(TIME_US, milliseconds=True) == "12:04:16.789"
    assert english.date_time(TIME_US) == "21/11/2026 12:04:16"
    assert english.duration(3_723_000_000) == "1:02:03"


def test_a_roster_names_the_day() -> None:
    assert Formats("en", "Europe/Paris").date_hour(TIME_US) == "Sat 21/11 12:04"
    assert Formats("fr", "Europe/Paris").date_hour(TIME_US) == "sam. 21/11 12:04"


def test_day_begins_at_local_midnight() -> None:
    formats = Formats("en", "Europe/Paris")
    assert formats.date_time(formats.midnight_us(TIME_US)) == "21/11/2026 00:00:00"


def test_form_fields_are_read_or_left_out() -> None:
    formats = Formats("en", "Europe/Paris")
    time_us = formats.parse_local("2026-11-21")
    assert time_us is not None
    assert formats.date_time(time_us) == "21/11/2026 00:00:00"
    assert formats.parse_local("yesterday") is None


@pytest.mark.parametrize(("day", "hours"), [("2026-11-21", 24), ("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_ends_at_the_next_midnight_also_when_the_clock_changes(day: str, hours: int) -> None:
    formats = Formats("en", "Europe/Paris")
    begin_us, end_us = formats.parse_local(day), formats.day_end_us(day)
    assert begin_us is not None
    assert end_us == begin_us + hours * 3_600_000_000
    assert formats.time(end_us) == "00:00:00"


@pytest.mark.parametrize("text", ["", "2026-10-25T12:00", "9999-12-31", "yesterday"])
def test_what_is_no_day_has_no_end(text: str) -> None:
    assert Formats("en", "Europe/Paris").day_end_us(text) is None
