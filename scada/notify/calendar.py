"""Calendars of rotas (RFC 5545), in and out. The only home of icalendar and recurring-ical-events.

In: each event is a duty. Who is on duty is the SUMMARY, if it is the name of a contact or team (or several, separated
by commas), else the ATTENDEEs, by name or address. Of events that overlap the one that begins last counts, of those
that begin together the shortest: a stand-in is written over the regular duty.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from scada.alarming.oncall.wall import moment_of
from scada.core.errors import Problem, ProjectError
from scada.core.plant import Contact, DutySpan, Rota, Team
from scada.core.value import SECOND_US, TimeUs

BYTES_MAX = 1_000_000
ENTRIES_MAX = 2_000
"""Events in a file, and entries that they expand to."""
RECURRING_DAYS_MAX = 1_000_000
"""Days that the recurring events of a file go over, all together: expanding them takes seconds, not hours."""
REASON_LENGTH_MAX = 200

BEHIND_US = 2 * 86_400 * SECOND_US
AHEAD_US = 400 * 86_400 * SECOND_US
"""How much of a rota's file is read: before and after the moment of reading."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = 1990
_RULES = frozenset(("DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
_STRETCH = timedelta(days=31)
"""Recurrences are expanded so far at once, so that the bound is met before memory is full."""


def read_calendar(
    path: Path, names: Mapping[str, str], zone: str, from_us: TimeUs, to_us: TimeUs, *, file: str = ""
) -> tuple[DutySpan, ...]:
    """The duties of a calendar file within a stretch of time.

    Args:
        names: contact or team → e-mail address (empty: it has none).
        zone: IANA name; times without zone are meant in it, and days begin in it.
        file: what the file is called in messages; empty: its name.

    Returns:
        In rising rank: of several that hold at a moment the last counts.

    Raises:
        ProjectError: with every mistake, the UID of its event and the line.
    """
    reader = _Reader(file or path.name, names, ZoneInfo(zone))
    spans = reader.read(path, from_us, to_us)
    if reader.problems:
        raise ProjectError(reader.problems)
    return spans


def read_rota(
    rota: Rota, contacts: Iterable[Contact], teams: Iterable[Team], directory: Path, now_us: TimeUs
) -> tuple[DutySpan, ...]:
    """The duties of a rota's calendar file from two days ago to 400 days ahead; read it again at least each month.

    Args:
        directory: of the project.

    Raises:
        ProjectError: with every mistake.
    """
    names = {team.name: "" for team in teams} | {contact.name: contact.email for contact in contacts}
    path = directory / rota.calendar
    return read_calendar(
        path, names, rota.timezone, now_us - BEHIND_US, now_us + AHEAD_US, file=rota.calendar
    )


def write_calendar(rota: str, spans: Iterable[DutySpan], label: str) -> bytes:
    """A calendar that shows who is on duty.

    Args:
        rota: name, part of the UIDs: the same span has the same UID each time.
        label: what calendar programs call it.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//EV-SCADA//on-call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", label)
    for span in spans:
        if not span.who:
            continue
        words = "\0".join((rota, str(span.begin_us), str(span.end_us), *span.who))
        event = Event()
        event.add("uid", f"{hashlib.sha256(words.encode()).hexdigest()[:32]}@ev-scada")
        event.add("dtstamp", _moment(span.begin_us))
        event.add("dtstart", _moment(span.begin_us))
        event.add("dtend", _moment(span.end_us))
        event.add("summary", ", ".join(span.who))
        if span.reason:
            event.add("description", span.reason)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


class _Reader:
    """Reads one file and gathers its mistakes."""

    def __init__(self, file: str, names: Mapping[str, str], zone: ZoneInfo) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._zone = zone
        self._names = {name.casefold(): name for name in names}
        self._addresses = {address.casefold(): name for name, address in names.items() if address}
        self._lines: dict[str, int] = {}

    def read(self, path: Path, from_us: TimeUs, to_us: TimeUs) -> tuple[DutySpan, ...]:
        calendar = self._calendar(path)
        if calendar is None:
            return ()
        events = calendar.walk("VEVENT")
        if len(events) > ENTRIES_MAX:
            self._problem("", f"more than {ENTRIES_MAX:,} events")
            return ()
        for event in events:
            self._event(event)
        if sum(_recurring_days(event, to_us) for event in events if not self.problems) > RECURRING_DAYS_MAX:
            reason = f"its recurring events go over more than {RECURRING_DAYS_MAX:,} days"
            self._problem("", reason, "let old ones end (UNTIL), or begin later")
        if self.problems:
            return ()
        return self._expand(calendar, from_us, to_us)

    def _calendar(self, path: Path) -> Calendar | None:
        try:
            if not path.is_file():
                self._problem("", "the file is missing" if not path.exists() else "is not a file")
                return None
            if path.stat().st_size > BYTES_MAX:
                self._problem("", f"larger than {BYTES_MAX:,} bytes")
                return None
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            self._problem("", f"cannot be read: {error.strerror}")
            return None
        except UnicodeDecodeError as error:
            self._problem("", f"not UTF-8 at byte {error.start}")
            return None
        for number, line in enumerate(text.splitlines(), 1):
            if line.upper().startswith("UID") and ":" in line:
                self._lines.setdefault(line.partition(":")[2].strip(), number)
        try:
            calendar: object = Calendar.from_ical(text)
        except (ValueError, IndexError, KeyError, RecursionError) as error:
            self._problem("", f"no valid iCalendar file: {str(error)[:200]}")
            return None
        if not isinstance(calendar, Calendar):
            self._problem("", "no valid iCalendar file: there is no VCALENDAR")
            return None
        return calendar

    def _event(self, event: Any) -> None:
        """Everything that may be wrong with an event, before it is expanded."""
        uid = str(event.get("UID", ""))
        for name, error in event.errors:
            self._problem(uid, f"{name or 'a line'} cannot be read: {str(error)[:200]}")
        if event.errors:
            return
        start = event.get("DTSTART")
        if start is None:
            self._problem(uid, "has no DTSTART")
            return
        if start.dt.year < _EARLIEST:
            self._problem(uid, f"begins before {_EARLIEST}")
        end = event.get("DTEND")
        if end is not None and (isinstance(end.dt, datetime) is not isinstance(start.dt, datetime)):
            self._problem(uid, "DTSTART and DTEND are not of the same kind: a day and a moment")
        elif end is not None and self._us(end.dt) <= self._us(start.dt):
            self._problem(uid, "ends before it begins")
        elif end is None and "DURATION" not in event and isinstance(start.dt, datetime):
            self._problem(uid, "has no end", "DTEND or DURATION")
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            often = {"BYHOUR", "BYMINUTE", "BYSECOND"} & {key.upper() for key in rule}
            if often or not _RULES.issuperset(str(freq).upper() for freq in rule.get("FREQ", ["?"])):
                self._problem(uid, "RRULE: a duty recurs by day, week, month or year")
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            self._who(event)

    def _expand(self, calendar: Calendar, from_us: TimeUs, to_us: TimeUs) -> tuple[DutySpan, ...]:
        found: dict[tuple[str, TimeUs, TimeUs], DutySpan] = {}
        begin, end = _moment(from_us), _moment(to_us)
        try:
            query = recurring_ical_events.of(calendar)
            while begin < end:
                for event in query.between(begin, min(begin + _STRETCH, end)):
                    self._entry(event, found)
                if len(found) > ENTRIES_MAX:
                    self._problem("", f"more than {ENTRIES_MAX:,} entries from {begin:%Y-%m-%d} on")
                    return ()
                begin += _STRETCH
        except (ValueError, TypeError, OverflowError, recurring_ical_events.InvalidCalendar) as error:
            self._problem("", f"the recurrences cannot be worked out: {str(error)[:200]}")
            return ()
        ordered = sorted(found.values(), key=lambda span: (span.begin_us, -span.end_us))
        return tuple(span for span in ordered if span.begin_us < to_us and span.end_us > from_us)

    def _entry(self, event: Any, found: dict[tuple[str, TimeUs, TimeUs], DutySpan]) -> None:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            return
        begin_us, end_us = self._us(event["DTSTART"].dt), self._us(event["DTEND"].dt)
        if end_us <= begin_us:
            return  # an hour that the clocks skip
        who = self._who(event)
        summary = " ".join(str(event.get("SUMMARY", "")).split())
        reason = "" if summary.casefold() == ", ".join(who).casefold() else summary[:REASON_LENGTH_MAX]
        key = (str(event.get("UID", "")), begin_us, end_us)
        found[key] = DutySpan(begin_us=begin_us, end_us=end_us, who=who, reason=reason)

    def _who(self, event: Any) -> tuple[str, ...]:
        """Who an event names."""
        summary = " ".join(str(event.get("SUMMARY", "")).split())
        named = self._names.get(summary.casefold())
        if named is not None:
            return (named,)
        pieces = [self._names.get(piece.strip().casefold()) for piece in re.split(r"[,;&/+]", summary)]
        if summary and all(pieces):
            return tuple(dict.fromkeys(piece for piece in pieces if piece))
        found: dict[str, None] = {}
        uid = str(event.get("UID", ""))
        for attendee in _attendees(event):
            address = str(attendee).partition(":")[2] or str(attendee)
            name = str(attendee.params.get("CN", ""))
            person = self._addresses.get(address.casefold()) or self._names.get(name.casefold())
            if person is None:
                known = ", ".join(self._names.values())
                self._problem(
                    uid, f"the attendee '{name or address}' is no contact or team", f"known: {known}"
                )
            else:
                found[person] = None
        if not found and not any(True for _ in _attendees(event)):
            known = ", ".join(self._names.values())
            self._problem(uid, f"the summary '{summary[:100]}' names no contact or team", f"known: {known}")
        return tuple(found)

    def _us(self, when: date) -> TimeUs:
        if not isinstance(when, datetime):
            return moment_of(datetime.combine(when, time()), self._zone)
        if when.tzinfo is None:
            return moment_of(when, self._zone)
        return (when - _EPOCH) // _MICROSECOND

    def _problem(self, uid: str, reason: str, hint: str = "") -> None:
        uid = " ".join(uid.split())[:100]
        one = Problem(self._file, f"event {uid}" if uid else "", reason, hint, self._lines.get(uid, 0))
        if one not in self.problems and len(self.problems) < 100:
            self.problems.append(one)


def _attendees(event: Any) -> Iterator[Any]:
    """Those of an event's attendees who are people and have not declined."""
    given = event.get("ATTENDEE", [])
    for attendee in given if isinstance(given, list) else [given]:
        kind = str(attendee.params.get("CUTYPE", "INDIVIDUAL")).upper()
        if kind in ("INDIVIDUAL", "GROUP", "UNKNOWN") and (
            str(attendee.params.get("PARTSTAT", "")).upper() != "DECLINED"
        ):
            yield attendee


def _recurring_days(event: Any, to_us: TimeUs) -> int:
    """Days that an event recurs over, to a moment at most; 0: it does not recur."""
    rules = event.get("RRULE", [])
    days = 0
    for rule in rules if isinstance(rules, list) else [rules]:
        end = _moment(to_us).date()
        for until in rule.get("UNTIL", []):
            end = min(end, date(until.year, until.month, until.day))
        begin = event["DTSTART"].dt
        days += max(0, (end - date(begin.year, begin.month, begin.day)).days)
    return days


def _moment(time_us: TimeUs) -> datetime:
    """UTC, to the second: iCalendar knows no parts of one."""
    return _EPOCH + timedelta(seconds=time_us // SECOND_US)
