"""Fills the file system it is given, writes sessions, alarms and samples all the while, and prints what became of them.

As the product does: a commit that fails is tried again, and the state of the history is asked for between.
"""

import json
import os
import sys
import time
from pathlib import Path

from scada.core.database import Sample, TagDatabase
from scada.core.plant import HistorySettings
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, Record, TransactionRecord
from scada.core.tag import HistoryRule, Source, TagDefinition
from scada.core.value import GOOD, Kind
from scada.history import open_core
from scada.history.samples import disk

MB = 2**20
DEADLINE_S = 15.0
disk.LOOK_EVERY_S = 0.1  # for a test of seconds

folder = Path(sys.argv[1])
tags = TagDatabase(
    [TagDefinition(path="Power", kind=Kind.REGISTER, source=Source.DRIVER, history=HistoryRule())]
)
store = open_core(folder / "data", history=HistorySettings(free_bytes_min=40 * MB))
number = 0


def free() -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def records() -> list[Record]:
    """One session and one alarm of some kilobytes, so that their files must grow."""
    session = TransactionRecord(
        id=number,
        charger="CP01",
        connector=1,
        site="Depot",
        id_tag="TAG",
        started_us=number,
        meter_start_wh=0,
        flags="x" * 60_000,
    )
    alarm = AlarmTransition(
        sequence=number,
        time_us=number,
        alarm="CP01.Online",
        site="Depot",
        level=20,
        event=AlarmEvent.RAISED,
        state=AlarmState.ACTIVE_UNACKNOWLEDGED,
        raised_us=number,
    )
    return [session, alarm]


def commit(times: int) -> int:
    """So many commits, each tried until it is acknowledged; how often one failed."""
    global number
    failed, deadline = 0, time.monotonic() + DEADLINE_S
    for _ in range(times):
        number += 1
        while True:
            try:
                store.journal.commit(records())
                break
            except Exception:
                failed += 1
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
                assert store.samples.state is not None  # looks at the disk
    return failed


def sample(value: float) -> None:
    store.samples.append([Sample(tags["Power"], value, GOOD, time.time_ns() // 1_000)])
    assert store.samples.flush()


def until_state(words: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while store.samples.state != words:
        assert time.monotonic() < deadline, store.samples.state
        time.sleep(0.05)


NEARLY_FULL = "the disk is nearly full: samples are not written"
reserve = store.samples.disk.reserve
told: dict[str, object] = {"reserve": reserve.stat().st_size}
commit(3)
sample(1.0)
# Others take the room until less is free than samples may have.
ballast = folder / "ballast"
with ballast.open("wb") as file:
    os.posix_fallocate(file.fileno(), 0, free() - 30 * MB)
until_state(NEARLY_FULL)
sample(2.0)
told["dropped"] = store.samples.dropped
told["reserve_kept"] = reserve.exists()
commit(3)
# And then the very last byte.
rest = folder / "rest"
with rest.open("wb") as file:
    try:
        while True:
            file.write(b"\0" * MB)
            file.flush()
    except OSError as error:
        told["full"] = error.errno
told["free_when_full"] = free()
told["failed"] = commit(100)
told["grown"] = (folder / "data" / "core.db-wal").stat().st_size + (
    folder / "data" / "core.db"
).stat().st_size
told["reserve_released"] = not reserve.exists()
sample(2.5)
told["dropped_when_full"] = store.samples.dropped
# There is room again: all heals by itself.
ballast.unlink()
rest.unlink()
until_state("")
deadline = time.monotonic() + DEADLINE_S
while not reserve.exists():
    assert time.monotonic() < deadline
    store.samples.disk.look()
    time.sleep(0.05)
sample(3.0)
commit(3)
told["acknowledged"] = number
told["values"] = [point.value for point in store.samples.points("Power", 0, time.time_ns(), 9)]
restart = store.restart()
told["next"] = [restart.next_transaction, restart.next_sequence]
store.close()
print(json.dumps(told))
