"""Commits records for ever and prints, after each commit, the last number that is on disk."""

import sys
from pathlib import Path

from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    OutboxRecord,
    Record,
    TransactionRecord,
)
from scada.history import open_core

store = open_core(Path(sys.argv[1]))
restart = store.restart()
number = restart.next_sequence
print("from", number, restart.next_transaction, flush=True)
while True:
    batch: list[Record] = []
    for _ in range(1 + number % 7):
        batch += [
            AlarmTransition(
                sequence=number,
                time_us=number,
                alarm=f"Depot.CP{number % 5}.Online",
                site="Depot",
                level=20,
                event=AlarmEvent.RAISED,
                state=AlarmState.ACTIVE_UNACKNOWLEDGED,
                raised_us=number,
            ),
            TransactionRecord(
                id=number,
                charger="Depot.CP01",
                connector=1,
                site="Depot",
                id_tag="TAG",
                started_us=number,
                meter_start_wh=0,
            ),
            OutboxRecord(
                message_id=f"<{number}@scada>",
                thread_id="",
                created_us=number,
                contact="Ann",
                recipient="ann@example.org",
                language="en",
                template="alarm",
                cause=number,
                snapshot="{}",
            ),
        ]
        number += 1
    store.journal.commit(batch)
    print(number - 1, flush=True)
