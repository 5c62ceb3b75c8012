"""Killed at any moment: what was acknowledged is there, once."""

import random
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import func, select

from scada.history import open_core, schema

PROGRAM = Path(__file__).with_name("records_program.py")


def test_sigkill_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)
    acknowledged = 0
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, str(PROGRAM), str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline().split()
            assert first[0] == "from"
            assert int(first[1]) == int(first[2]) > acknowledged
            time.sleep(chance.uniform(0.05, 0.4))
            process.kill()
            lines = process.stdout.read().split()
            acknowledged = max([acknowledged, *map(int, lines)])
    assert acknowledged > 20
    store = open_core(tmp_path)
    try:
        with store._reader.connect() as connection:
            for column in (schema.alarm_journal.c.sequence, schema.transaction.c.id, schema.outbox.c.cause):
                low, high, rows, distinct = connection.execute(
                    select(
                        func.min(column), func.max(column), func.count(column), func.count(column.distinct())
                    )
                ).one()
                # Whole from 1 to the end, so nothing acknowledged is missing and nothing is there twice.
                assert (low, rows, distinct) == (1, high, high)
                assert high >= acknowledged
        restart = store.restart()
        assert len(restart.alarms) == 5
        assert len(restart.transactions) == restart.next_transaction - 1
    finally:
        store.close()
