"""Who is on duty: every moment has exactly one answer, over every change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.alarming.oncall.rota import Roster
from scada.alarming.oncall.wall import local_day, moment, moment_of
from scada.core.errors import BadRequest
from scada.core.plant import DutySpan, Rota, Shift
from scada.core.value import SECOND_US, TimeUs

ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
EVERY_DAY = tuple(range(7))
# Around both changes of 2026 in Paris (29 March, 25 October) and New York (8 March, 1 November).
DAYS = st.dates(date(2026, 3, 1), date(2026, 4, 5)) | st.dates(date(2026, 10, 18), date(2026, 11, 8))
SHIFTS = st.lists(
    st.builds(
        Shift,
        days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
        begin_min=st.integers(0, 1439),
        end_min=st.integers(0, 1440),
        who=st.lists(st.sampled_from("ABC"), min_size=1, max_size=3, unique=True).map(tuple),
        rotate=st.booleans(),
        from_date=st.sampled_from(("", "2026-03-04")),
        holidays=st.sampled_from((None, True, False)),
    ),
    max_size=4,
)


def us(text: str, zone: str) -> TimeUs:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND_US


def rota(*shifts: Shift, zone: str = "Europe/Paris", **more: object) -> Rota:
    return Rota(name="R", timezone=zone, shifts=shifts, **more)  # type: ignore[arg-type]


def days(begin_min: int, end_min: int, *who: str, **more: object) -> Shift:
    return Shift(days=EVERY_DAY, begin_min=begin_min, end_min=end_min, who=who, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Europe/Paris", "2026-03-29T01:59", "2026-03-29T00:59"),
        ("Europe/Paris", "2026-03-29T02:30", "2026-03-29T01:00"),  # skipped: the change itself
        ("Europe/Paris", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("Europe/Paris", "2026-10-25T02:30", "2026-10-25T00:30"),  # twice: the first
        ("Europe/Paris", "2026-10-25T03:00", "2026-10-25T02:00"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),  # a whole day is left out
    ],
)
def test_a_local_time_has_one_moment(zone: str, local: str, utc: str) -> None:
    assert moment_of(datetime.fromisoformat(local), ZoneInfo(zone)) == us(utc, "UTC")


@given(
    day=DAYS,
    minutes=st.lists(st.integers(0, 1440), min_size=2, max_size=2).map(sorted),
    zone=st.sampled_from(ZONES),
)
def test_a_later_local_time_is_never_an_earlier_moment(day: date, minutes: list[int], zone: str) -> None:
    where = ZoneInfo(zone)
    first, second = (moment(day, minute, where) for minute in minutes)
    assert first <= second
    assert moment(day, 1440, where) == moment(day + timedelta(days=1), 0, where)


@given(
    shifts=SHIFTS,
    day=DAYS,
    zone=st.sampled_from(ZONES),
    hours=st.integers(1, 90),
    minutes=st.integers(0, 89 * 60),
)
def test_spans_tile_time_and_say_what_each_moment_says(
    shifts: list[Shift], day: date, zone: str, hours: int, minutes: int
) -> None:
    roster = Roster(rota(*shifts, zone=zone, fallback=("F",), holidays=("2026-03-29", "2026-11-01")))
    begin = moment(day, 0, ZoneInfo(zone))
    end = begin + hours * 3600 * SECOND_US
    spans = roster.spans(begin, end)
    assert (spans[0].begin_us, spans[-1].end_us) == (begin, end)
    assert all(a.end_us == b.begin_us and a.who != b.who for a, b in pairwise(spans))
    when = begin + minutes * 60 * SECOND_US
    if when < end:
        (holds,) = [span for span in spans if span.begin_us <= when < span.end_us]
        assert Roster(roster.rota).at(when).who == holds.who
        assert holds.who
        assert holds.who == ("F",) or any(set(holds.who) <= set(shift.who) for shift in shifts)


@pytest.mark.parametrize("zone", ZONES[:2])
def test_two_shifts_that_meet_in_the_hour_of_the_change_leave_no_gap(zone: str) -> None:
    roster = Roster(rota(days(8 * 60, 150, "Day"), days(150, 8 * 60, "Night"), zone=zone))
    spans = roster.spans(us("2026-01-01T00:00", zone), us("2026-12-31T00:00", zone))
    assert {span.who for span in spans} == {("Day",), ("Night",)}


def test_a_night_shift_on_the_night_of_the_change_is_an_hour_shorter() -> None:
    roster = Roster(rota(days(22 * 60, 6 * 60, "Ann"), fallback=("Bob",)))
    spans = roster.spans(us("2026-03-28T12:00", "Europe/Paris"), us("2026-03-29T12:00", "Europe/Paris"))
    assert [(span.who[0], (span.end_us - span.begin_us) // 3600 // SECOND_US) for span in spans] == [
        ("Bob", 10), ("Ann", 7), ("Bob", 6),
    ]  # fmt: skip


def test_turns_are_taken_by_the_week_from_the_day_that_is_named() -> None:
    wednesday = Roster(rota(days(540, 540, "Ann", "Bob", rotate=True, from_date="2026-06-03")))
    spans = wednesday.spans(us("2026-06-03T09:00", "Europe/Paris"), us("2026-06-24T09:00", "Europe/Paris"))
    assert [span.who[0] for span in spans] == ["Ann", "Bob", "Ann"]
    assert all(span.end_us - span.begin_us == 7 * 86_400 * SECOND_US for span in spans)


def test_a_holiday_has_a_shift_of_its_own() -> None:
    roster = Roster(
        rota(
            days(0, 1440, "Holiday", holidays=True),
            Shift(days=(0, 1, 2, 3, 4), begin_min=480, end_min=1080, who=("Office",), holidays=False),
            fallback=("Nobody's hour",),
            holidays=("2026-07-14",),
        )
    )
    assert roster.at(us("2026-07-13T10:00", "Europe/Paris")).who == ("Office",)
    assert roster.at(us("2026-07-14T10:00", "Europe/Paris")).who == ("Holiday",)
    assert roster.at(us("2026-07-15T03:00", "Europe/Paris")).who == ("Nobody's hour",)


def test_an_override_outranks_the_calendar_and_the_calendar_the_shifts() -> None:
    def span(begin: int, end: int, who: str) -> DutySpan:
        return DutySpan(begin_us=begin * SECOND_US, end_us=end * SECOND_US, who=(who,), reason=who)

    roster = Roster(rota(days(0, 1440, "Shift"), zone="UTC", overrides=(span(20, 30, "Override"),)))
    roster.set_calendar([span(10, 40, "Calendar"), span(35, 60, "Later")])
    spans = roster.spans(0, 70 * SECOND_US)
    assert [(s.begin_us // SECOND_US, s.who[0], s.reason) for s in spans] == [
        (0, "Shift", ""), (10, "Calendar", "Calendar"), (20, "Override", "Override"),
        (30, "Calendar", "Calendar"), (35, "Later", "Later"), (60, "Shift", ""),
    ]  # fmt: skip
    assert roster.at(11 * SECOND_US).who == ("Calendar",)
    roster.set_calendar([])
    assert roster.at(11 * SECOND_US).who == ("Shift",)


def test_a_clock_that_is_put_back_is_answered_for_its_own_time() -> None:
    roster = Roster(rota(days(0, 720, "Early"), days(720, 1440, "Late"), zone="UTC"))
    assert roster.at(us("2026-06-01T13:00", "UTC")).who == ("Late",)
    assert roster.at(us("2026-06-01T11:00", "UTC")).who == ("Early",)


@pytest.mark.parametrize(("begin", "end"), [(1, 0), (0, 801 * 86_400 * SECOND_US)])
def test_a_stretch_that_cannot_be_meant_is_refused(begin: int, end: int) -> None:
    with pytest.raises(BadRequest, match="800 days"):
        Roster(rota(days(0, 1440, "A"))).spans(begin, end)


def test_the_local_day_is_that_of_the_zone() -> None:
    assert local_day(us("2026-06-01T23:30", "UTC"), ZoneInfo("Europe/Paris")) == date(2026, 6, 2)
    assert datetime(2026, 6, 1, tzinfo=UTC).date() == local_day(
        us("2026-06-01T12:00", "UTC"), ZoneInfo("UTC")
    )
