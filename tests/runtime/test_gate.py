"""The outside sees what is on disk, in order; a slow or broken disk delays answers, not annunciation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from scada.core.effects import Effects, Reply
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, AuditRecord, Record
from scada.runtime import gate as gate_module
from scada.runtime.gate import CommitGate
from scada.testing import until


class Disk:
    """A journal whose disk can be held and broken."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.failures = 0
        self.batches: list[list[Record]] = []

    def commit(self, records: Sequence[Record]) -> None:
        assert self.free.wait(10)
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")
        self.batches.append(list(records))


class Outside:
    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.released: list[int] = []
        self.on_disk_at_release: list[int] = []
        self.annunciated: list[int] = []
        self.health: list[bool] = []
        self.gate = CommitGate(disk, self._release, self._annunciate, self.health.append)

    def _release(self, effects: Effects) -> None:
        self.released += [reply.number for reply in effects.replies]
        self.on_disk_at_release.append(sum(map(len, self.disk.batches)))

    def _annunciate(self, effects: Effects) -> None:
        self.annunciated += [t.sequence for t in effects.transitions]


def durable(number: int) -> Effects:
    record = AuditRecord(time_us=0, user="u", origin="o", action=str(number), object="")
    return Effects(records=[record], replies=[Reply(number, None)])


def alarm(sequence: int) -> Effects:
    transition = AlarmTransition(
        sequence=sequence,
        time_us=0,
        alarm="S.B",
        site="S",
        level=1,
        event=AlarmEvent.RAISED,
        state=AlarmState.ACTIVE_UNACKNOWLEDGED,
        raised_us=0,
    )
    return Effects(records=[transition], transitions=[transition])


async def test_an_answer_leaves_after_its_record_is_on_disk() -> None:
    outside = Outside(Disk())
    outside.disk.free.clear()
    outside.gate.submit(durable(1))
    await asyncio.sleep(0)
    assert outside.released == []
    outside.disk.free.set()
    await until(lambda: outside.released == [1])
    assert outside.on_disk_at_release == [1]
    await outside.gate.close()


async def test_what_needs_no_disk_waits_only_behind_what_does() -> None:
    outside = Outside(Disk())
    outside.gate.submit(Effects(replies=[Reply(1, None)]))
    assert outside.released == [1]
    outside.disk.free.clear()
    outside.gate.submit(durable(2))
    outside.gate.submit(Effects(replies=[Reply(3, None)]))
    assert outside.released == [1]
    outside.disk.free.set()
    await until(lambda: outside.released == [1, 2, 3])
    await outside.gate.close()


async def test_commits_group_themselves_and_keep_the_order() -> None:
    outside = Outside(Disk())
    outside.disk.free.clear()
    for number in range(200):
        outside.gate.submit(durable(number))
        if number == 0:
            await asyncio.sleep(0.01)  # let the first batch reach the disk
    outside.disk.free.set()
    await until(lambda: len(outside.released) == 200)
    assert outside.released == list(range(200))
    assert [len(batch) for batch in outside.disk.batches] == [1, 199]
    await outside.gate.close()


async def test_a_slow_disk_does_not_hide_alarms() -> None:
    outside = Outside(Disk())
    outside.disk.free.clear()
    outside.gate.submit(alarm(1))
    outside.gate.submit(durable(2))
    await until(lambda: outside.annunciated == [1])
    assert outside.health == [False]
    assert outside.released == []
    outside.gate.submit(alarm(3))
    await until(lambda: outside.annunciated == [1, 3])  # each once
    outside.disk.free.set()
    await until(lambda: outside.released == [2])
    await until(lambda: outside.health == [False, True])
    await outside.gate.close()


async def test_a_broken_disk_is_tried_until_it_takes_everything(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(gate_module, "RETRY_FIRST_S", 0.01)
    outside = Outside(Disk())
    outside.disk.failures = 3
    for number in range(5):
        outside.gate.submit(durable(number))
    await until(lambda: outside.released == list(range(5)))
    assert [r.action for batch in outside.disk.batches for r in batch] == list("01234")  # type: ignore[union-attr]
    assert outside.health == [False, True]
    await outside.gate.close()


async def test_what_comes_while_a_broken_disk_is_waited_for_is_shown_too(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(gate_module, "ANNUNCIATE_AFTER_S", 0.05)
    monkeypatch.setattr(gate_module, "RETRY_FIRST_S", 60.0)
    outside = Outside(Disk())
    outside.disk.failures = 1
    outside.gate.submit(alarm(1))
    await until(lambda: outside.annunciated == [1])
    outside.gate.submit(alarm(2))
    await until(lambda: outside.annunciated == [1, 2])
    outside.gate._task.cancel()  # type: ignore[union-attr]
    outside.gate._writer.shutdown()


async def test_one_effect_that_fails_outside_does_not_stop_the_others() -> None:
    outside = Outside(Disk())
    outside.disk.free.clear()
    good = outside.gate._release

    def fail_once(effects: Effects) -> None:
        outside.gate._release = good
        raise RuntimeError("a display is broken")

    outside.gate._release = fail_once
    for number in (1, 2, 3):
        outside.gate.submit(durable(number))
    outside.disk.free.set()
    await until(lambda: outside.released == [2, 3])
    await outside.gate.close()
