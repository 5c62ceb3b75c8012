from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core import moment

NOW = moment.parse("2026-11-21T10:00:00Z")
assert NOW is not None


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T11:00:00+01:00", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T12:00:00+02", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T10:00:00", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T10:00:00.123456Z", "2026-11-21T10:00:00.123Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_dialects(text: str, same_as: str) -> None:
    time_us = moment.parse(text)
    assert time_us is not None
    assert moment.text(time_us) == same_as


@pytest.mark.parametrize("text", ["", "now", "11:11:25Z", "2026-13-01T00:00:00Z", "9999-99-99", "\x00"])
def test_no_time(text: str) -> None:
    assert moment.parse(text) is None


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_milliseconds_come_through_exactly(time_ms: int) -> None:
    assert moment.parse(moment.text(time_ms * 1000)) == time_ms * 1000


@pytest.mark.parametrize(
    ("text", "is_believed"),
    [
        ("1970-01-01T00:00:00.740Z", False),
        ("0001-01-01T00:00:00Z", False),
        ("2026-11-21T09:00:00Z", True),
        ("2026-01-01T00:00:00Z", True),
        ("2026-11-21T10:05:00Z", True),
        ("2026-11-21T12:00:00Z", False),
    ],
)
def test_which_clocks_are_believed(text: str, is_believed: bool) -> None:
    assert NOW is not None
    assert moment.believable(moment.parse(text), NOW) is is_believed
