"""Who is on duty: weekly shifts in a zone, overrides, a calendar, a fallback.

Overrides outrank the calendar, the calendar outranks the shifts, and where nothing holds the fallback is on duty.
So every moment has exactly one answer, and the spans of a stretch of time tile it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scada.alarming.oncall.wall import local_day, window
from scada.core.errors import BadRequest
from scada.core.plant import DutySpan, Rota, Shift
from scada.core.value import SECOND_US, TimeUs

DAY_US = 86_400 * SECOND_US
STRETCH_US_MAX = 800 * DAY_US
"""Longest stretch that is told at once."""

_A_MONDAY = date(1970, 1, 5)
_DAY = timedelta(days=1)


class _Turn(NamedTuple):
    """Something that holds for a while. Of several the one with the highest rank counts."""

    begin_us: TimeUs
    end_us: TimeUs
    rank: tuple[int, int]
    who: tuple[str, ...]
    reason: str


class Roster:
    """A rota that can be asked.

    Args:
        calendar: entries of the rota's calendar file; of several that hold at a moment the last counts.
    """

    def __init__(self, rota: Rota, calendar: Sequence[DutySpan] = ()) -> None:
        self.rota = rota
        self._zone = ZoneInfo(rota.timezone)
        self._holidays = frozenset(map(date.fromisoformat, rota.holidays))
        self._calendar = tuple(calendar)
        self._now: DutySpan | None = None

    def set_calendar(self, spans: Sequence[DutySpan]) -> None:
        """Put other entries in place of the calendar's."""
        self._calendar = tuple(spans)
        self._now = None

    def at(self, time_us: TimeUs) -> DutySpan:
        """Who is on duty at a moment, until when at least (one day at most); `who` is empty where nobody is."""
        span = self._now
        if span is None or not span.begin_us <= time_us < span.end_us:
            span = self._now = self.spans(time_us, time_us + DAY_US)[0]
        return span

    def spans(self, from_us: TimeUs, to_us: TimeUs) -> list[DutySpan]:
        """Who is on duty from when to when; the spans follow each other without gap, neighbours differ.

        Raises:
            BadRequest: the stretch is longer than 800 days, or ends before it begins.
        """
        if not 0 <= to_us - from_us <= STRETCH_US_MAX:
            raise BadRequest(f"duty is told for 0 to {STRETCH_US_MAX // DAY_US} days at once")
        turns = sorted(
            turn for turn in self._turns(from_us, to_us) if turn.begin_us < to_us and turn.end_us > from_us
        )
        edges = {from_us, to_us}
        for turn in turns:
            edges.update((max(turn.begin_us, from_us), min(turn.end_us, to_us)))
        moments = sorted(edges)
        out: list[DutySpan] = []
        holding: list[_Turn] = []
        position = 0
        for begin_us, end_us in pairwise(moments):
            while position < len(turns) and turns[position].begin_us <= begin_us:
                holding.append(turns[position])
                position += 1
            holding = [turn for turn in holding if turn.end_us > begin_us]
            best = max(holding, key=lambda turn: turn.rank, default=None)
            who, reason = (best.who, best.reason) if best else (self.rota.fallback, "")
            if out and (out[-1].who, out[-1].reason) == (who, reason):
                begin_us = out.pop().begin_us  # noqa: PLW2901
            out.append(DutySpan(begin_us=begin_us, end_us=end_us, who=who, reason=reason))
        return out

    def _turns(self, from_us: TimeUs, to_us: TimeUs) -> Iterator[_Turn]:
        for number, span in enumerate(self.rota.overrides):
            yield _Turn(span.begin_us, span.end_us, (2, number), span.who, span.reason)
        for number, span in enumerate(self._calendar):
            yield _Turn(span.begin_us, span.end_us, (1, number), span.who, span.reason)
        # A shift that began on the day before may still hold; two days, for zones have left out a whole one.
        day = local_day(from_us, self._zone) - 2 * _DAY
        last = local_day(to_us, self._zone)
        while day <= last:
            for number, shift in enumerate(self.rota.shifts):
                if _begins(shift, day, self._holidays):
                    begin_us, end_us = window(day, shift.begin_min, shift.end_min, self._zone)
                    yield _Turn(begin_us, end_us, (0, -number), _who(shift, day), "")
            day += _DAY


def _begins(shift: Shift, day: date, holidays: frozenset[date]) -> bool:
    if day.weekday() not in shift.days:
        return False
    if shift.holidays is not None and shift.holidays is not (day in holidays):
        return False
    text = day.isoformat()
    return (not shift.from_date or shift.from_date <= text) and (not shift.to_date or text <= shift.to_date)


def _who(shift: Shift, day: date) -> tuple[str, ...]:
    """Who takes the shift of a day: all, or with `rotate` the one whose week it is.

    Weeks are counted from `from_date`, on whatever day of the week it lies (a hand-over on Wednesdays), else
    from Monday.
    """
    if not shift.rotate:
        return shift.who
    first = date.fromisoformat(shift.from_date) if shift.from_date else _A_MONDAY
    return (shift.who[(day - first).days // 7 % len(shift.who)],)
