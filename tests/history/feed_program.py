"""Commits records for ever, feeds PostgreSQL, and prints after each commit the last number that is on disk."""

import sys
from pathlib import Path

from scada.core.plant import HistorySettings
from scada.core.records import AuditRecord, TransactionRecord
from scada.history import open_core

store = open_core(
    Path(sys.argv[1]), history=HistorySettings(url="env:URL"), project="Test", secret=lambda _: sys.argv[2]
)
store.begin_feed()
number = store.restart().next_transaction
print("from", number, flush=True)
while True:
    batch: list[TransactionRecord | AuditRecord] = []
    for _ in range(1 + number % 5):
        batch.append(
            TransactionRecord(
                id=number,
                charger="Depot.CP01",
                connector=1,
                site="Depot",
                id_tag="TAG",
                started_us=number,
                meter_start_wh=0,
            )
        )
        batch.append(AuditRecord(time_us=number, user="u", origin="o", action="a", object=str(number)))
        number += 1
    store.journal.commit(batch)
    print(number - 1, flush=True)
