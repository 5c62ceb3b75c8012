"""The figures out of the database are those that counting by hand gives."""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from scada.core.access import Role
from scada.core.errors import BadRequest
from scada.core.ports import AlarmFigures, JournalFilter
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.core.value import SECOND_US
from scada.history import CoreStore, open_core, schema

PRIORITIES = {2: "low", 20: "high"}
HOUR_US = 3600 * SECOND_US
Transition = Callable[..., AlarmTransition]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreStore]:
    opened = open_core(tmp_path_factory.mktemp("figures"), PRIORITIES)
    yield opened
    opened.close()


def refill(store: CoreStore, rows: Sequence[AlarmTransition]) -> None:
    with store._writer.begin() as connection:
        connection.execute(delete(schema.alarm_journal))
    if rows:
        store.journal.commit(rows)


def counted(rows: Sequence[AlarmTransition], where: JournalFilter, from_us: int, to_us: int) -> AlarmFigures:
    """By hand, over lists."""
    mine = [
        row
        for row in rows
        if (not where.site or row.site == where.site)
        and (not where.branch or f"{row.alarm}.".startswith(f"{where.branch}."))
        and where.level_min <= row.level <= where.level_max
        and (where.role is None or where.role.sees(row.level, row.site, row.domain))
    ]
    of_alarm: dict[str, list[AlarmTransition]] = {}
    for row in mine:
        of_alarm.setdefault(row.alarm, []).append(row)
    raised = [row for row in mine if row.event is AlarmEvent.RAISED and from_us <= row.time_us < to_us]
    ten_minutes = 600 * SECOND_US
    spans = dict.fromkeys(range(from_us // ten_minutes, -(-to_us // ten_minutes)), 0)
    for row in raised:
        spans[row.time_us // ten_minutes] += 1
    chatter: Counter[str] = Counter()
    fleeting: Counter[str] = Counter()
    stale: list[tuple[int, str]] = []
    for alarm, history in of_alarm.items():
        times = [row.time_us for row in history if row in raised]
        chatter[alarm] = sum(
            third - first <= 60 * SECOND_US for first, third in zip(times, times[2:], strict=False)
        )
        fleeting[alarm] = sum(
            one in raised
            and following.event is AlarmEvent.RETURNED
            and not following.user
            and following.time_us - one.time_us <= 10 * SECOND_US
            for one, following in pairwise(history)
        )
        since = None
        for row in history:
            if row.time_us < to_us:
                since = (row.time_us if since is None else since) if row.state.active else None
        if since is not None and since < to_us - 24 * HOUR_US:
            stale.append((since, alarm))

    def ranked(counts: Counter[str]) -> list[tuple[str, int]]:
        return sorted(((a, n) for a, n in counts.items() if n), key=lambda pair: (-pair[1], pair[0]))

    took = sorted(
        (row.time_us - row.raised_us) / SECOND_US
        for row in mine
        if row.event is AlarmEvent.ACKNOWLEDGED and from_us <= row.time_us < to_us
    )
    classes = Counter(PRIORITIES.get(row.level, "journal") for row in raised)
    return AlarmFigures(
        from_us=from_us,
        to_us=to_us,
        raised=len(raised),
        per_10_min_mean=len(raised) * ten_minutes / (to_us - from_us),
        per_10_min_peak=max(spans.values()),
        flood_percent=100 * sum(n > 10 for n in spans.values()) / len(spans),
        most_frequent=ranked(Counter(row.alarm for row in raised))[:10],
        chattering=[alarm for alarm, _ in ranked(chatter)],
        fleeting=ranked(fleeting),
        stale=[alarm for _, alarm in sorted(stale)],
        by_priority={name: 100 * n / len(raised) for name, n in classes.items()},
        acknowledge_s_median=statistics.median(took) if took else None,
        acknowledge_s_p90=took[math.ceil(0.9 * len(took)) - 1] if took else None,
    )


@st.composite
def journals(draw: st.DrawFn) -> list[AlarmTransition]:
    """A journal in order of time, with alarms that keep their site, level and domain."""
    time_us = 0
    rows = []
    raised: dict[str, int] = {}
    for sequence in range(1, draw(st.integers(0, 60)) + 1):
        gap = st.sampled_from([0, 1, 4, 10, 29, 30, 60, 600, 3 * 3600, 25 * 3600])
        time_us += draw(gap) * SECOND_US + draw(st.sampled_from([0, 0, 0, 1]))
        alarm, site, level, domain = draw(
            st.sampled_from(
                [("D.A", "D", 20, "grid"), ("D.A.B", "D", 2, ""), ("N.C", "N", 29, "grid"), ("S", "", 2, "x")]
            )
        )
        event = draw(
            st.sampled_from(
                [
                    AlarmEvent.RAISED,
                    AlarmEvent.RAISED,
                    AlarmEvent.RETURNED,
                    AlarmEvent.ACKNOWLEDGED,
                    AlarmEvent.COMMENTED,
                ]
            )
        )
        if event is AlarmEvent.RAISED:
            raised[alarm] = time_us
        rows.append(
            AlarmTransition(
                sequence=sequence,
                time_us=time_us,
                alarm=alarm,
                site=site,
                level=level,
                domain=domain,
                event=event,
                state=draw(st.sampled_from(AlarmState)),
                raised_us=raised.get(alarm, 0),
                user=draw(st.sampled_from(["", "", "ann"])),
            )
        )
    return rows


@given(
    rows=journals(),
    where=st.builds(
        JournalFilter,
        site=st.sampled_from(["", "", "D"]),
        branch=st.sampled_from(["", "", "D.A"]),
        level_min=st.sampled_from([0, 0, 5]),
        role=st.sampled_from([None, Role(see=(0, 25)), Role(domains=frozenset({"grid"}))]),
    ),
    from_s=st.integers(0, 100_000),
    length_us=st.integers(1, 300_000 * SECOND_US),
)
@settings(max_examples=200, deadline=None)
async def test_the_database_counts_as_one_does_by_hand(
    kept: CoreStore, rows: list[AlarmTransition], where: JournalFilter, from_s: int, length_us: int
) -> None:
    refill(kept, rows)
    from_us = from_s * SECOND_US
    found = await kept.archive.alarm_figures(where, from_us, from_us + length_us)
    expected = counted(rows, where, from_us, from_us + length_us)
    assert replace(found, by_priority={}) == replace(expected, by_priority={})
    assert found.by_priority == pytest.approx(dict(expected.by_priority))


async def test_a_day_of_a_site(kept: CoreStore, transition: Transition) -> None:
    minute = 60 * SECOND_US
    plan = [
        # A door contact rattles: four times within a minute, gone in seconds each time.
        *((n * 15 * SECOND_US, "Door", "raised", 2) for n in range(4)),
        # A storm: twelve chargers within one ten minutes.
        *((30 * minute + n * SECOND_US, f"CP{n:02}", "raised", 20) for n in range(12)),
    ]
    rows: list[AlarmTransition] = []

    def add(time_us: int, alarm: str, event: AlarmEvent, state: AlarmState, **more: object) -> None:
        rows.append(
            transition(
                len(rows) + 1,
                **({"time_us": time_us, "alarm": alarm, "event": event, "state": state} | more),
            )
        )

    active, normal = AlarmState.ACTIVE_UNACKNOWLEDGED, AlarmState.NORMAL
    add(-26 * HOUR_US, "Fan", AlarmEvent.RAISED, active, raised_us=-26 * HOUR_US)
    for time_us, alarm, _, level in plan:
        add(time_us, alarm, AlarmEvent.RAISED, active, raised_us=time_us, level=level)
        if alarm == "Door":
            add(time_us + 2 * SECOND_US, alarm, AlarmEvent.RETURNED, normal, raised_us=time_us)
    acknowledged = AlarmState.ACTIVE_ACKNOWLEDGED
    for n in range(10):
        add(
            40 * minute + n * SECOND_US,
            f"CP{n:02}",
            AlarmEvent.ACKNOWLEDGED,
            acknowledged,
            raised_us=30 * minute + n * SECOND_US - n * n * SECOND_US,
            user="ann",
        )
    refill(kept, rows)
    found = await kept.archive.alarm_figures(JournalFilter(), 0, HOUR_US)
    assert found.raised == 16
    assert (found.per_10_min_peak, found.flood_percent) == (12, 100 / 6)
    assert found.per_10_min_mean == pytest.approx(16 / 6)
    assert found.most_frequent[0] == ("Door", 4)
    assert len(found.most_frequent) == 10
    assert found.chattering == ["Door"]
    assert found.fleeting == [("Door", 4)]
    assert found.stale == ["Fan"]
    assert found.by_priority == {"low": 25.0, "high": 75.0}
    assert found.acknowledge_s_median == 600 + (16 + 25) / 2
    assert found.acknowledge_s_p90 == 600 + 64


async def test_an_empty_span_is_refused(kept: CoreStore) -> None:
    with pytest.raises(BadRequest, match="span"):
        await kept.archive.alarm_figures(JournalFilter(), 5, 5)


async def test_a_quiet_day_divides_by_nothing(kept: CoreStore) -> None:
    refill(kept, [])
    found = await kept.archive.alarm_figures(JournalFilter(), 0, HOUR_US)
    assert (found.raised, found.per_10_min_peak, found.by_priority) == (0, 0, {})
    assert found.acknowledge_s_median is None
