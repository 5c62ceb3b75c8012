"""Records are kept whole, in order, and a restart finds its place."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import SQLAlchemyError

from scada.alarming.alarm import AlarmSnapshot
from scada.charging.sessions import CLOSED_REMEMBERED
from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    AuditRecord,
    Channel,
    CommandRecord,
    EscalationRecord,
    HoldKind,
    HoldRecord,
    OutboxRecord,
    Record,
    RetainedRecord,
    TransactionRecord,
    TransactionState,
)
from scada.history import CoreStore, schema

Transition = Callable[..., AlarmTransition]
Charging = Callable[..., TransactionRecord]
Mail = Callable[..., OutboxRecord]


def test_a_new_project_begins_at_one(store: CoreStore) -> None:
    restart = store.restart()
    assert (restart.next_sequence, restart.next_transaction) == (1, 1)
    assert not restart.alarms
    assert not restart.transactions


def test_a_restart_finds_alarms_that_are_not_normal(store: CoreStore, transition: Transition) -> None:
    store.journal.commit(
        [
            transition(1, alarm="A", raised_us=11),
            transition(2, alarm="B"),
            transition(3, alarm="A", raised_us=11, state=AlarmState.RETURNED_UNACKNOWLEDGED),
        ]
    )
    store.journal.commit([transition(4, alarm="B", state=AlarmState.NORMAL)])
    restart = store.restart()
    assert restart.next_sequence == 5
    assert [(a.alarm, a.state, a.raised_us) for a in restart.alarms] == [
        ("A", AlarmState.RETURNED_UNACKNOWLEDGED, 11)
    ]


ACKNOWLEDGED, RAISED = AlarmEvent.ACKNOWLEDGED, AlarmEvent.RAISED
ACTIVE = AlarmState.ACTIVE_ACKNOWLEDGED


@pytest.mark.parametrize("commits", ["one", "each"])
def test_a_restart_knows_everything_of_an_alarm(
    store: CoreStore, transition: Transition, commits: str
) -> None:
    rows: list[Record] = [
        transition(1, raised_us=50, first_out=1),
        transition(2, raised_us=50, first_out=1, event=ACKNOWLEDGED, state=ACTIVE, user="ann"),
        transition(
            3,
            raised_us=50,
            first_out=1,
            time_us=777,
            event=AlarmEvent.SHELVED,
            state=AlarmState.SHELVED,
            user="bob",
            comment="crane",
            value="12 A",
            until_us=9_000,
        ),
    ]
    for batch in [rows] if commits == "one" else [[row] for row in rows]:
        store.journal.commit(batch)
    assert list(store.restart().alarms) == [
        AlarmSnapshot(
            alarm="Depot.CP01.Online",
            state=AlarmState.SHELVED,
            raised_us=50,
            sequence=3,
            first_out=1,
            leads=True,
            changed_us=777,
            value="12 A",
            user="bob",
            acknowledged_by="ann",
            comment="crane",
            until_us=9_000,
        )
    ]


@pytest.mark.parametrize("commits", ["one", "each"])
@pytest.mark.parametrize(
    "again",
    [
        {"raised_us": 60, "state": ACTIVE},  # another occurrence, which asks nobody
        {"raised_us": 50, "state": AlarmState.ACTIVE_UNACKNOWLEDGED},  # the same, asking again
    ],
)
def test_who_acknowledged_counts_for_one_occurrence(
    store: CoreStore, transition: Transition, commits: str, again: dict[str, object]
) -> None:
    rows: list[Record] = [
        transition(1, raised_us=50),
        transition(2, raised_us=50, event=ACKNOWLEDGED, state=ACTIVE, user="ann"),
        transition(3, event=RAISED, **again),
    ]
    for batch in [rows] if commits == "one" else [[row] for row in rows]:
        store.journal.commit(batch)
    (alarm,) = store.restart().alarms
    assert alarm.acknowledged_by == ""


def test_what_is_held_is_found_until_it_ends(store: CoreStore) -> None:
    def hold(kind: HoldKind, path: str, **changes: object) -> HoldRecord:
        values: dict[str, object] = {
            "kind": kind,
            "path": path,
            "user": "ann",
            "origin": "hmi",
            "reason": "work",
            "since_us": 5,
            "until_us": None,
        }
        return HoldRecord(**(values | changes))  # type: ignore[arg-type]

    out, shelved = hold(HoldKind.OUT_OF_SERVICE, "Depot.CP01"), hold(HoldKind.SHELVED, "Depot.CP01")
    forced = hold(HoldKind.FORCED, "Depot.CP01.C1.Status", value='"Faulted"', until_us=99)
    store.journal.commit([out, shelved, forced])
    store.journal.commit([replace(shelved, active=False), replace(forced, reason="longer", until_us=200)])
    assert list(store.restart().holds) == [replace(forced, reason="longer", until_us=200), out]
    # Begun and ended within one commit, and the other way round.
    store.journal.commit([shelved, replace(shelved, active=False), replace(out, active=False), out])
    assert list(store.restart().holds) == [replace(forced, reason="longer", until_us=200), out]


def test_retained_values_and_escalations_are_one_row_each(store: CoreStore, transition: Transition) -> None:
    step = EscalationRecord(alarm="A", profile="duty", raised_us=50, step=1)
    other = EscalationRecord(alarm="B", profile="duty", raised_us=50, step=3, ended=True)
    store.journal.commit(
        [
            RetainedRecord(path="Depot.Note", value='"a"', time_us=1),
            RetainedRecord(path="Depot.Note", value='"b"', time_us=2),
            transition(1, alarm="A", raised_us=50),
            transition(2, alarm="B", raised_us=50),
            step,
            other,
        ]
    )
    store.journal.commit([replace(step, step=2), RetainedRecord(path="Depot.Note", value='"é"', time_us=3)])
    restart = store.restart()
    assert list(restart.retained) == [RetainedRecord(path="Depot.Note", value='"é"', time_us=3)]
    assert list(restart.escalations) == [replace(step, step=2), other]
    # One that has ended is forgotten with the occurrence that it was of.
    store.journal.commit([transition(3, alarm="B", raised_us=50, state=AlarmState.NORMAL)])
    assert list(store.restart().escalations) == [replace(step, step=2)]


def test_numbers_go_on_though_the_journal_was_cut(store: CoreStore, transition: Transition) -> None:
    store.journal.commit([transition(41), transition(42)])
    with store._writer.begin() as connection:
        connection.execute(delete(schema.alarm_journal))
    assert store.restart().next_sequence == 43
    assert len(store.restart().alarms) == 1


async def test_a_mail_waits_for_its_time(store: CoreStore, mail: Mail) -> None:
    later = mail(
        1, created_us=5, not_before_us=90, channel=Channel.SMS, profile="duty", level=27, urgent=True
    )
    store.journal.commit([later, mail(2, created_us=5, not_before_us=3)])
    first, second = sorted((await store.archive.outbox(9, None)).items, key=lambda row: row.id)
    assert (first.record, first.next_try_us, first.sent_with, first.sent_us) == (later, 90, 0, 0)
    assert second.next_try_us == 5


def test_a_transaction_is_one_row_however_often_it_changes(store: CoreStore, charging: Charging) -> None:
    record = charging(7)
    closed = replace(
        record, state=TransactionState.CLOSED, stopped_us=9_000, meter_stop_wh=510, energy_wh=500
    )
    store.journal.commit([record])
    store.journal.commit([closed, charging(8), replace(charging(8), energy_wh=3)])
    restart = store.restart()
    assert restart.next_transaction == 9
    assert list(restart.transactions) == [closed, replace(charging(8), energy_wh=3)]


def test_a_restart_takes_all_open_and_the_newest_closed(store: CoreStore, charging: Charging) -> None:
    store.journal.commit([charging(1)])
    store.journal.commit(
        [charging(n, state=TransactionState.CLOSED) for n in range(2, CLOSED_REMEMBERED + 203)]
    )
    ids = [record.id for record in store.restart().transactions]
    assert ids[0] == 1
    assert ids[1:] == list(range(203, CLOSED_REMEMBERED + 203))


def test_a_command_keeps_its_issue_and_gains_its_outcome(store: CoreStore) -> None:
    issued = CommandRecord(
        id="c1", time_us=5, name="Reset", target="Depot.CP01", arguments="{}", user="ann", origin="hmi"
    )
    store.journal.commit([issued])
    store.journal.commit([replace(issued, time_us=9, outcome="done", text="booted")])
    with store._reader.connect() as connection:
        row = connection.execute(select(schema.command)).one()
    assert (row.issued_us, row.ended_us, row.outcome, row.text) == (5, 9, "done", "booted")


def test_a_repeated_commit_doubles_nothing(
    store: CoreStore, transition: Transition, charging: Charging, mail: Mail
) -> None:
    batch: list[Record] = [transition(1), mail(1), charging(1)]
    store.journal.commit(batch)
    store.journal.commit(batch)
    with store._reader.connect() as connection:
        for table in (schema.alarm_journal, schema.outbox, schema.transaction):
            assert len(connection.execute(select(table)).all()) == 1


def test_a_commit_that_fails_wrote_nothing(
    store: CoreStore, transition: Transition, charging: Charging
) -> None:
    with store._writer.begin() as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(FAIL, 'full'); END")
        )
    batch: list[Record] = [
        transition(1),
        charging(1),
        AuditRecord(time_us=1, user="ann", origin="hmi", action="log_in", object=""),
    ]
    with pytest.raises(SQLAlchemyError, match="full"):
        store.journal.commit(batch)
    assert store.restart().next_sequence == 1
    with store._writer.begin() as connection:
        connection.execute(text("DROP TRIGGER full"))
    store.journal.commit(batch)
    assert store.restart().next_sequence == 2


def test_what_a_charger_made_up_does_not_stop_the_journal(store: CoreStore, charging: Charging) -> None:
    store.journal.commit([charging(1, id_tag="\ud800\x00é", meter_start_wh=10**40)])
    (kept,) = store.restart().transactions
    assert kept.id_tag == "?\x00é"
    assert kept.meter_start_wh == 2**63 - 1


def test_core_survives_a_power_cut_and_readers_do_not_wait(store: CoreStore) -> None:
    with store._writer.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
