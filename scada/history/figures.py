"""How well the alarm system does (ISA-18.2 clause 16.5, EEMUA 191), counted by the database out of the journal.

The database sorts in files of its own where a span is large: memory is bounded by the lists that are returned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, Subquery, case, desc, func, select

from scada.core.ports import AlarmFigures, JournalFilter
from scada.core.records import AlarmEvent, AlarmState
from scada.core.value import SECOND_US, TimeUs
from scada.history import filters, schema

SPAN_US = 600 * SECOND_US
"""Ten minutes; spans are those of the clock."""
FLOOD_ABOVE = 10
"""A span with more alarms is a flood."""
MOST_FREQUENT = 10
CHATTER_TIMES = 3
CHATTER_US = 60 * SECOND_US
FLEETING_US = 10 * SECOND_US
STALE_US = 24 * 3600 * SECOND_US
LIST_MAX = 1_000
"""Bound of the lists of chattering, fleeting and stale alarms: the worst come first."""
UNKNOWN_PRIORITY = "journal"

_J = schema.alarm_journal.c
_ACTIVE = [state.value for state in AlarmState if state.active]


def figures(
    connection: Connection,
    where: JournalFilter,
    from_us: TimeUs,
    to_us: TimeUs,
    priorities: Mapping[int, str],
) -> AlarmFigures:
    """The figures of `from_us <= time < to_us`.

    Args:
        where: of it, site, branch, levels and role count.
        priorities: level → priority class; a level without one counts as `journal`.
    """
    alarms = filters.of_alarms(where)
    span = [*alarms, _J.time_us >= from_us, _J.time_us < to_us]
    raised = [*span, _J.event == AlarmEvent.RAISED.value]
    levels = connection.execute(select(_J.level, func.count()).where(*raised).group_by(_J.level))
    by_level: dict[int, int] = {level: number for level, number in levels}  # noqa: C416 (rows are no pairs to the type checker)
    total = sum(by_level.values())
    peak, floods = _rate(connection, raised)
    # Each span of the clock that lies in the time asked for, be it in part.
    spans = -(-to_us // SPAN_US) - from_us // SPAN_US
    median, p90 = _time_to_acknowledge(connection, span)
    return AlarmFigures(
        from_us=from_us,
        to_us=to_us,
        raised=total,
        per_10_min_mean=total * SPAN_US / (to_us - from_us),
        per_10_min_peak=peak,
        flood_percent=100 * floods / spans,
        most_frequent=_most_frequent(connection, raised),
        chattering=_chattering(connection, raised),
        fleeting=_fleeting(connection, alarms, from_us, to_us),
        stale=_stale(connection, alarms, to_us),
        by_priority=_shares(by_level, priorities),
        acknowledge_s_median=median,
        acknowledge_s_p90=p90,
    )


def _rate(connection: Connection, raised: filters.Conditions) -> tuple[int, int]:
    """(alarms of the worst ten minutes, number of spans in flood)."""
    span = select(func.count().label("raised")).where(*raised).group_by(_J.time_us // SPAN_US).subquery()
    flood = case((span.c.raised > FLOOD_ABOVE, 1), else_=0)
    peak, floods = connection.execute(select(func.max(span.c.raised), func.sum(flood))).one()
    return int(peak or 0), int(floods or 0)


def _most_frequent(connection: Connection, raised: filters.Conditions) -> list[tuple[str, int]]:
    query = (
        select(_J.alarm, func.count().label("times"))
        .where(*raised)
        .group_by(_J.alarm)
        .order_by(desc("times"), _J.alarm)
        .limit(MOST_FREQUENT)
    )
    return [(alarm, times) for alarm, times in connection.execute(query)]


def _chattering(connection: Connection, raised: filters.Conditions) -> list[str]:
    """Raised so often within a minute: each time is compared with the one but one before."""
    before = func.lag(_J.time_us, CHATTER_TIMES - 1).over(partition_by=_J.alarm, order_by=_J.sequence)
    times = select(_J.alarm, (_J.time_us - before).label("took_us")).where(*raised).subquery()
    return _worst(connection, times, times.c.took_us <= CHATTER_US)


def _fleeting(
    connection: Connection, alarms: filters.Conditions, from_us: TimeUs, to_us: TimeUs
) -> list[tuple[str, int]]:
    """Raised, and the next row of the alarm is its return: nobody did anything between."""

    def following(column: ColumnElement[object]) -> ColumnElement[object]:
        return func.lead(column).over(partition_by=_J.alarm, order_by=_J.sequence)

    rows = (
        select(
            _J.alarm,
            _J.event,
            _J.time_us,
            following(_J.event).label("next_event"),
            following(_J.user).label("next_user"),
            (following(_J.time_us) - _J.time_us).label("took_us"),
        )
        # A return shortly after the span still counts for what was raised in it.
        .where(*alarms, _J.time_us >= from_us, _J.time_us < to_us + FLEETING_US + 1)
        .subquery()
    )
    query = (
        select(rows.c.alarm, func.count().label("times"))
        .where(
            rows.c.event == AlarmEvent.RAISED.value,
            rows.c.time_us < to_us,
            rows.c.next_event == AlarmEvent.RETURNED.value,
            rows.c.next_user == "",
            rows.c.took_us <= FLEETING_US,
        )
        .group_by(rows.c.alarm)
        .order_by(desc("times"), rows.c.alarm)
        .limit(LIST_MAX)
    )
    return [(alarm, times) for alarm, times in connection.execute(query)]


def _worst(connection: Connection, rows: Subquery, condition: ColumnElement[bool]) -> list[str]:
    query = (
        select(rows.c.alarm)
        .where(condition)
        .group_by(rows.c.alarm)
        .order_by(func.count().desc(), rows.c.alarm)
        .limit(LIST_MAX)
    )
    return list(connection.scalars(query))


def _stale(connection: Connection, alarms: filters.Conditions, to_us: TimeUs) -> list[str]:
    """Active at the end, and since when: from the first row after the last one that was not active."""
    last = (
        select(_J.alarm, func.max(_J.sequence).label("sequence"))
        .where(*alarms, _J.time_us < to_us)
        .group_by(_J.alarm)
        .subquery()
    )
    row, earlier = schema.alarm_journal.alias("last_row"), schema.alarm_journal.alias("earlier")
    inactive = (
        select(func.max(earlier.c.sequence))
        .where(
            earlier.c.alarm == row.c.alarm,
            earlier.c.sequence < row.c.sequence,
            earlier.c.state.not_in(_ACTIVE),
        )
        .correlate(row)
        .scalar_subquery()
    )
    first = schema.alarm_journal.alias("first_row")
    since = (
        select(first.c.time_us)
        .where(
            first.c.alarm == row.c.alarm,
            first.c.sequence <= row.c.sequence,
            first.c.sequence > func.coalesce(inactive, 0),
        )
        .order_by(first.c.sequence)
        .limit(1)
        .correlate(row)
        .scalar_subquery()
    )
    active = (
        select(row.c.alarm, since.label("since_us"))
        .join_from(last, row, row.c.sequence == last.c.sequence)
        .where(row.c.state.in_(_ACTIVE))
        .subquery()
    )
    query = (
        select(active.c.alarm)
        .where(active.c.since_us < to_us - STALE_US)
        .order_by(active.c.since_us, active.c.alarm)
        .limit(LIST_MAX)
    )
    return list(connection.scalars(query))


def _shares(by_level: Mapping[int, int], priorities: Mapping[int, str]) -> dict[str, float]:
    """Priority class → percent of the alarms raised."""
    classes: dict[str, int] = {}
    for level, number in by_level.items():
        name = priorities.get(level, UNKNOWN_PRIORITY)
        classes[name] = classes.get(name, 0) + number
    total = sum(classes.values())
    return {name: 100 * number / total for name, number in classes.items()}


def _time_to_acknowledge(
    connection: Connection, span: filters.Conditions
) -> tuple[float | None, float | None]:
    """Median and 90th percentile (nearest rank) in seconds, by the time of acknowledgement."""
    acknowledged = [*span, _J.event == AlarmEvent.ACKNOWLEDGED.value]
    number = connection.scalar(select(func.count()).where(*acknowledged)) or 0
    if not number:
        return None, None
    # A clock that was put back makes no negative time.
    took = case((_J.time_us > _J.raised_us, _J.time_us - _J.raised_us), else_=0)
    sorted_times = select(took.label("took_us")).where(*acknowledged).order_by("took_us")

    def at(rank: int) -> float:
        took_us: int = connection.scalar(sorted_times.limit(1).offset(rank)) or 0
        return took_us / SECOND_US

    middle = at((number - 1) // 2) if number % 2 else (at(number // 2 - 1) + at(number // 2)) / 2
    return middle, at(math.ceil(0.9 * number) - 1)
