"""Calendars of rotas: what calendar programs write is understood, what cannot be meant is told with its UID."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.alarming.oncall import Roster
from scada.core.errors import ProjectError
from scada.core.plant import DutySpan, Rota
from scada.core.value import SECOND_US, TimeUs
from scada.notify.calendar import ENTRIES_MAX, RECURRING_DAYS_MAX, read_calendar, write_calendar

PARIS = ZoneInfo("Europe/Paris")
NAMES = {"Ann": "ann@depot.example", "Bob": "bob@depot.example", "Night team": ""}


def us(text: str) -> TimeUs:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()) * SECOND_US


def local(time_us: TimeUs) -> str:
    return f"{datetime.fromtimestamp(time_us / SECOND_US, PARIS):%m-%dT%H:%M}"


def event(*lines: str, uid: str = "one@calendar.example") -> str:
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT", ""))


def calendar(*events: str) -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n{''.join(events)}END:VCALENDAR\r\n"


def read(
    tmp_path: Path, text: str | bytes, begin: str = "2026-01-01", end: str = "2027-01-01"
) -> tuple[DutySpan, ...]:
    path = tmp_path / "duty.ics"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_calendar(path, NAMES, "Europe/Paris", us(begin), us(end), file="rotas/duty.ics")


def shown(spans: tuple[DutySpan, ...]) -> list[tuple[str, str, str]]:
    return [(local(span.begin_us), local(span.end_us), ", ".join(span.who)) for span in spans]


def test_a_time_stands_in_its_zone_in_utc_or_in_that_of_the_rota(tmp_path: Path) -> None:
    text = calendar(
        event("DTSTART:20260601T080000", "DTEND:20260601T180000", "SUMMARY:ann", uid="1"),
        event("DTSTART:20260602T060000Z", "DURATION:PT10H", "SUMMARY:Bob", uid="2"),
        event(
            "DTSTART;TZID=America/New_York:20260603T080000", "DURATION:PT1H", "SUMMARY:Night  team", uid="3"
        ),
        event("DTSTART;VALUE=DATE:20260604", "DTEND;VALUE=DATE:20260606", "SUMMARY:Ann, Bob", uid="4"),
        event("DTSTART;VALUE=DATE:20260608", "SUMMARY:Ann & Bob", uid="5"),
    )
    assert shown(read(tmp_path, text)) == [
        ("06-01T08:00", "06-01T18:00", "Ann"),
        ("06-02T08:00", "06-02T18:00", "Bob"),
        ("06-03T14:00", "06-03T15:00", "Night team"),
        ("06-04T00:00", "06-06T00:00", "Ann, Bob"),
        ("06-08T00:00", "06-09T00:00", "Ann, Bob"),
    ]


def test_a_week_recurs_over_the_change_of_the_clocks_with_an_exception(tmp_path: Path) -> None:
    text = calendar(
        event(
            "DTSTART;TZID=Europe/Paris:20260316T080000", "DURATION:P7D", "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4",
            "EXDATE;TZID=Europe/Paris:20260413T080000", "SUMMARY:Ann",
        )
    )  # fmt: skip
    assert [begin for begin, _, _ in shown(read(tmp_path, text))] == [
        "03-16T08:00",
        "03-30T08:00",
        "04-27T08:00",
    ]


def test_one_of_a_series_that_was_moved_or_cancelled(tmp_path: Path) -> None:
    series = ("DTSTART:20260601T080000", "DTEND:20260601T180000", "RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:Ann")
    moved = (
        "RECURRENCE-ID:20260602T080000",
        "DTSTART:20260602T100000",
        "DTEND:20260602T120000",
        "SUMMARY:Bob",
    )
    gone = ("DTSTART:20260605T080000", "DTEND:20260605T180000", "STATUS:CANCELLED", "SUMMARY:Nobody we know")
    text = calendar(event(*series), event(*moved), event(*gone, uid="2"))
    assert [(begin, who) for begin, _, who in shown(read(tmp_path, text))] == [
        ("06-01T08:00", "Ann"), ("06-02T10:00", "Bob"), ("06-03T08:00", "Ann"),
    ]  # fmt: skip


def test_attendees_by_address_or_name_where_the_summary_names_nobody(tmp_path: Path) -> None:
    text = calendar(
        event(
            "DTSTART:20260601T080000", "DTEND:20260601T180000", "SUMMARY:Astreinte", "ATTENDEE:mailto:ANN@depot.example",
            'ATTENDEE;CN="Night team":mailto:x@elsewhere.example', "ATTENDEE;CUTYPE=ROOM;CN=Room 1:mailto:r@depot.example",
            "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@depot.example",
        )
    )  # fmt: skip
    (span,) = read(tmp_path, text)
    assert (span.who, span.reason) == (("Ann", "Night team"), "Astreinte")


def test_a_stand_in_is_written_over_the_regular_duty(tmp_path: Path) -> None:
    text = calendar(
        event("DTSTART:20260603T120000", "DTEND:20260603T140000", "SUMMARY:Bob", uid="2"),
        event("DTSTART:20260601T080000", "DTEND:20260608T080000", "SUMMARY:Ann", uid="1"),
    )
    roster = Roster(Rota(name="R", timezone="Europe/Paris"), read(tmp_path, text))
    spans = roster.spans(us("2026-06-01T08:00"), us("2026-06-08T08:00"))
    assert [(local(s.begin_us), s.who) for s in spans] == [
        ("06-01T08:00", ("Ann",)), ("06-03T12:00", ("Bob",)), ("06-03T14:00", ("Ann",)),
    ]  # fmt: skip


START = "DTSTART:20260601T080000"
END = "DTEND:20260601T180000"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((START, END, "SUMMARY:Anne"), "the summary 'Anne' names no contact or team"),
        ((START, END), "the summary '' names no contact or team"),
        (
            (START, END, "SUMMARY:x", "ATTENDEE:mailto:eve@depot.example"),
            "'eve@depot.example' is no contact or team",
        ),
        ((START, "DTEND:20260601T070000", "SUMMARY:Ann"), "ends before it begins"),
        ((START, "SUMMARY:Ann"), "has no end"),
        ((START, "DTEND;VALUE=DATE:20260602", "SUMMARY:Ann"), "not of the same kind"),
        (("SUMMARY:Ann",), "has no DTSTART"),
        (("DTSTART:yesterday", END, "SUMMARY:Ann"), "DTSTART cannot be read"),
        (("DTSTART:18000101T080000", END, "SUMMARY:Ann"), "begins before 1990"),
        ((START, END, "SUMMARY:Ann", "RRULE:FREQ=SECONDLY"), "a duty recurs by day, week, month or year"),
        (
            (START, END, "SUMMARY:Ann", "RRULE:FREQ=DAILY;BYMINUTE=1,2"),
            "a duty recurs by day, week, month or year",
        ),
    ],
)
def test_a_mistake_is_told_with_uid_and_line(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    good = event(START, END, "SUMMARY:Ann", uid="good")
    with pytest.raises(ProjectError) as error:
        read(tmp_path, calendar(good, event(*lines, uid="bad@calendar.example")))
    (text,) = {str(problem) for problem in error.value.problems}
    assert text.startswith("rotas/duty.ics:12: event bad@calendar.example: ")
    assert told in text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no valid iCalendar"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "no valid iCalendar"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b" " * 1_000_001, "larger than 1,000,000 bytes"),
        (
            calendar(
                *(event(START, END, "SUMMARY:Ann", uid=str(n)) for n in range(ENTRIES_MAX + 1))
            ).encode(),
            "more than 2,000 events",
        ),
        (
            calendar(
                *(event(START, END, "SUMMARY:Ann", "RRULE:FREQ=DAILY", uid=str(n)) for n in range(100))
            ).encode(),
            "more than 2,000 entries",
        ),
    ],
)
def test_a_file_that_cannot_be_meant(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(ProjectError, match=told):
        read(tmp_path, content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="the file is missing"):
        read_calendar(tmp_path / "no.ics", NAMES, "UTC", 0, SECOND_US)
    with pytest.raises(ProjectError, match="is not a file"):
        read_calendar(tmp_path, NAMES, "UTC", 0, SECOND_US)


@given(
    edges=st.lists(st.integers(0, 10_000), min_size=2, max_size=20, unique=True).map(sorted),
    who=st.lists(st.sampled_from([("Ann",), ("Bob",), ("Ann", "Night team")]), min_size=20, max_size=20),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, edges: list[int], who: list[tuple[str, ...]]
) -> None:
    begin = us("2026-03-20T00:00")
    minutes = [begin + edge * 60 * SECOND_US for edge in edges]
    spans = tuple(
        DutySpan(begin_us=a, end_us=b, who=names)
        for a, b, names in zip(minutes, minutes[1:], who, strict=False)
    )
    content = write_calendar("Engineers", spans, "Dépôt Nord")
    assert content == write_calendar("Engineers", spans, "Dépôt Nord")
    assert "X-WR-CALNAME:Dépôt Nord" in content.decode()
    path = tmp_path_factory.mktemp("ics")
    assert read(path, content) == spans


def test_events_that_recur_since_ever_are_not_expanded(tmp_path: Path) -> None:
    """Another program writes the file at any time: thousands of old rules would take hours."""
    often = ("DTSTART:19900101T000000Z", "DTEND:19900101T010000Z", "RRULE:FREQ=DAILY", "SUMMARY:Ann")
    text = calendar(*(event(*often, uid=str(number)) for number in range(100)))
    with pytest.raises(ProjectError, match=f"more than {RECURRING_DAYS_MAX:,} days"):
        read(tmp_path, text)
    ended = (*often[:2], "RRULE:FREQ=DAILY;UNTIL=19910101T000000Z", often[3])
    assert read(tmp_path, calendar(*(event(*ended, uid=str(number)) for number in range(100)))) == ()
