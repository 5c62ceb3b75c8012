"""Commits old records for ever, feeds PostgreSQL and deletes at once what it has; prints the last number on disk."""

import sys
import time
from pathlib import Path

from scada.core.plant import HistorySettings
from scada.core.records import AuditRecord, TransactionRecord, TransactionState
from scada.history import feed, open_core, prune

prune.BATCH = 100
prune.CLOSED_REMEMBERED = 20  # type: ignore[attr-defined]  # fewer than a plant keeps
feed.POLL_S = 0.01
feed.PRUNE_EVERY_S, feed.PRUNE_PAUSE_S = 0.05, 0.0
store = open_core(
    Path(sys.argv[1]),
    history=HistorySettings(url="env:URL", local_days=45),
    project="Test",
    secret=lambda _: sys.argv[2],
)
store.begin_feed()
number = store.restart().next_transaction
print("from", number, flush=True)
while True:
    batch: list[TransactionRecord | AuditRecord] = []
    for _ in range(5):
        batch.append(
            TransactionRecord(
                id=number,
                charger="Depot.CP01",
                connector=1,
                site="Depot",
                id_tag="TAG",
                started_us=number // 3,
                stopped_us=number,
                state=TransactionState.CLOSED,
                meter_start_wh=0,
            )
        )
        batch.append(AuditRecord(time_us=number, user="u", origin="o", action="a", object=str(number)))
        number += 1
    store.journal.commit(batch)
    print(number - 1, flush=True)
    time.sleep(0.02)  # while the feeder is behind it does not delete
