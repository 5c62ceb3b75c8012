"""Which rows go out together, and when."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scada.core.message_ports import OutboxQueue, OutboxRow
from scada.core.records import Channel, OutboxRecord
from scada.core.value import SECOND_US
from scada.notify.parcel import HOUR_US, Hold, Parcel, Rest, plan

NOW_US = 10 * HOUR_US


def row(number: int, **changes: Any) -> OutboxRow:
    record: dict[str, Any] = {
        "message_id": f"<{number}@scada>",
        "thread_id": "",
        "created_us": NOW_US,
        "contact": "Ann",
        "recipient": "ann@plant.example",
        "language": "en",
        "template": "alarm",
        "cause": number,
        "snapshot": json.dumps({"alarm": f"A{number}"}),
    }
    values: dict[str, Any] = {
        "id": number,
        "state": "waiting",
        "attempts": 0,
        "next_try_us": NOW_US,
        "last_answer": "",
        "subject": "",
    }
    for name, value in changes.items():
        (values if name in OutboxRow.__slots__ else record)[name] = value
    return OutboxRow(record=OutboxRecord(**record), **values)


def decide(*rows: OutboxRow, sent: tuple[int, ...] = (), per_hour: int = 30) -> Any:
    return plan(OutboxQueue(rows=rows, sent_us=sent), NOW_US, per_hour)


def ids(parcel: Parcel) -> list[int]:
    return [one.id for one in parcel.rows]


def test_nothing_is_due() -> None:
    assert decide(row(1, next_try_us=NOW_US + 1)) is None


def test_what_waits_travels_with_the_first_that_is_due() -> None:
    assert ids(decide(row(1, next_try_us=NOW_US + 5), row(2), row(3))) == [2, 1, 3]


def test_what_is_not_about_an_alarm_goes_alone() -> None:
    report = row(1, template="report", snapshot='{"kind": "report"}')
    assert ids(decide(report, row(2), row(3))) == [1]
    assert ids(decide(row(2), row(3), report)) == [2, 3]


def test_what_was_bound_goes_again_as_it_was() -> None:
    bound = (row(1, sent_with=1), row(2, sent_with=1))
    parcel = decide(*bound, row(3))
    assert ids(parcel) == [1, 2]
    assert parcel.bound
    later = tuple(row(n, sent_with=1, next_try_us=NOW_US + 9, attempts=1) for n in (1, 2))
    assert ids(decide(*later, row(3))) == [3]


def test_a_recipient_whose_server_said_later_is_left_alone_until_then() -> None:
    assert decide(row(1, attempts=1, next_try_us=NOW_US + 9), row(2)) == Rest(NOW_US + 9)


def test_past_the_limit_rows_are_held_until_the_oldest_leaves_the_hour() -> None:
    sent = (NOW_US - 3000 * SECOND_US, NOW_US - 10 * SECOND_US)
    hold = decide(row(1), row(2, next_try_us=NOW_US + 5), sent=sent, per_hour=2)
    assert isinstance(hold, Hold)
    assert [one.id for one in hold.rows] == [1]
    assert hold.until_us == NOW_US + 600 * SECOND_US


def test_an_urgent_row_passes_and_takes_the_others_along() -> None:
    parcel = decide(row(1, state="held"), row(2, urgent=True), row(3), sent=(NOW_US - 1,), per_hour=1)
    assert ids(parcel) == [2, 1, 3]
    assert len(parcel.held) == 1


def test_webhooks_get_each_row_but_no_endless_body() -> None:
    rows = [row(number, channel=Channel.WEBHOOK) for number in range(1, 251)]
    assert len(decide(*rows).rows) == 100


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("waiting", "held")),
            st.integers(-5, 5),
            st.booleans(),
            st.booleans(),
            st.sampled_from((0, 0, 0, 1)),
            st.integers(0, 1),
        ),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.integers(1, 3599), max_size=5),
    st.integers(1, 5),
)
def test_a_plan_is_made_of_what_waits_and_sends_nothing_early(
    shapes: list[tuple[str, int, bool, bool, int, int]], ago: list[int], per_hour: int
) -> None:
    rows = []
    for number, (state, due, urgent, alarm, bound, attempts) in enumerate(shapes, 1):
        snapshot = json.dumps({"alarm": "A"} if alarm else {"kind": "boot"})
        rows.append(
            row(
                number,
                state=state,
                next_try_us=NOW_US + due,
                urgent=urgent,
                snapshot=snapshot,
                sent_with=bound and 1,
                attempts=attempts,
            )
        )
    rows[0] = row(1, sent_with=1 if any(one.sent_with for one in rows) else 0, next_try_us=NOW_US)
    sent = tuple(sorted(NOW_US - seconds * SECOND_US for seconds in ago))
    planned = decide(*rows, sent=sent, per_hour=per_hour)
    if isinstance(planned, Parcel):
        assert planned.carrier.next_try_us <= NOW_US
        assert len({one.id for one in planned.rows}) == len(planned.rows)
        assert {one.sent_with for one in planned.rows} in ({0}, {1})
        if len(sent) >= per_hour and not planned.bound:
            assert planned.carrier.record.urgent
    elif isinstance(planned, Hold):
        assert planned.until_us > NOW_US
        assert len(sent) >= per_hour
        assert not any(one.record.urgent for one in planned.rows)
    elif isinstance(planned, Rest):
        assert planned.until_us > NOW_US
