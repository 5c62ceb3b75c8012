"""Records are kept whole, in order, and a restart finds its place."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from scada.core.records import (
    AlarmState,
    AlarmTransition,
    AuditRecord,
    CommandRecord,
    OutboxRecord,
    Record,
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
    store.journal.commit([charging(n, state=TransactionState.CLOSED) for n in range(2, 1_203)])
    ids = [record.id for record in store.restart().transactions]
    assert ids[0] == 1
    assert ids[1:] == list(range(203, 1_203))


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
