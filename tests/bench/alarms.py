"""A flood of alarms through host, gate and a real database: nothing lost, how soon it is on disk, how long the loop stalls.

Baseline of the transitions: one commit for each of them, the obvious way.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from scada.core.plant import Level, Plant
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.core.tag import AlarmDefinition, Source, TagDefinition
from scada.core.value import GOOD, Kind
from scada.history import open_core
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from tests.bench.report import figure

COUNT = 10_000
NAIVE = 200


def plant() -> Plant:
    tags = tuple(
        TagDefinition(
            path=f"Site.D{n // 100}.B{n % 100}",
            kind=Kind.BIT,
            source=Source.DRIVER,
            alarm=AlarmDefinition(level=n % 30),
        )
        for n in range(COUNT)
    )
    levels = tuple(Level(number=n, name={"en": str(n)}, priority="low", severity=1) for n in range(30))
    return Plant(
        name="Bench", label={}, languages=("en",), timezone="UTC", sites=(), tags=tags, levels=levels
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        per_s, journalled_s, stall_ms = asyncio.run(_flood(Path(folder)))
        naive_per_s = _one_by_one(Path(folder) / "naive")
    figure("alarms", "transitions_per_s", per_s, "1/s", naive_per_s)
    figure("alarms", "flood_10000_journalled_s", journalled_s, "s")
    figure("alarms", "flood_longest_stall_ms", stall_ms, "ms")


async def _flood(folder: Path) -> tuple[float, float, float]:
    store = open_core(folder)
    clock = SystemClock()
    host = PlantHost(plant(), store.restart(), clock, store.journal, store.samples)
    runner = asyncio.create_task(host.run())
    stall_ms = 0.0

    async def feel() -> None:
        nonlocal stall_ms
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            stall_ms = max(stall_ms, (time.perf_counter() - before) * 1000 - 1)

    feeler = asyncio.create_task(feel())
    await asyncio.sleep(0.2)
    stall_ms = 0.0
    tags = list(host.tags)
    began = time.perf_counter()
    for start in range(0, COUNT, 100):  # a second's worth, as a hundred devices bring it
        host.write([(tag, True, GOOD, clock.now_us()) for tag in tags[start : start + 100]])
        await asyncio.sleep(0)
    raised_s = time.perf_counter() - began
    while len(host.board) < COUNT:
        await asyncio.sleep(0.001)
    journalled_s = time.perf_counter() - began
    feeler.cancel()
    runner.cancel()
    await asyncio.gather(feeler, runner, return_exceptions=True)
    await host.close()
    store.close()
    return COUNT / raised_s, journalled_s, stall_ms


def _one_by_one(folder: Path) -> float:
    store = open_core(folder)
    began = time.perf_counter()
    for number in range(NAIVE):
        store.journal.commit(
            [
                AlarmTransition(
                    sequence=number + 1,
                    time_us=number,
                    alarm=f"S.B{number}",
                    site="S",
                    level=1,
                    event=AlarmEvent.RAISED,
                    state=AlarmState.ACTIVE_UNACKNOWLEDGED,
                    raised_us=number,
                )
            ]
        )
    spent = time.perf_counter() - began
    store.close()
    return NAIVE / spent
