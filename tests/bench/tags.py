"""Tag writes through the public call: thresholds, alarms and change-set on.

Baseline: the obvious way, a write that checks every threshold and calls every subscriber each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from scada.core.plant import Level, Plant
from scada.core.tag import AlarmDefinition, Condition, Source, TagDefinition, ThresholdDefinition
from scada.core.value import Kind
from scada.runtime.plant_core import PlantCore, Restart
from tests.bench.report import figure

TAGS = 1_000
ROUNDS = 300
NOW_US = 1_800_000_000_000_000
LIMITS = (
    ("HiHi", Condition.HIGH, 95.0),
    ("Hi", Condition.HIGH, 90.0),
    ("Lo", Condition.LOW, 10.0),
    ("LoLo", Condition.LOW, 5.0),
)


def plant() -> Plant:
    tags = []
    for number in range(TAGS):
        path = f"Site.M{number}.Value"
        thresholds = tuple(
            ThresholdDefinition(name=name, condition=condition, limit=limit, hysteresis=1.0)
            for name, condition, limit in LIMITS
        )
        tags.append(TagDefinition(path=path, kind=Kind.REGISTER, source=Source.DRIVER, thresholds=thresholds))
        tags += [
            TagDefinition(
                path=f"{path}.{name}", kind=Kind.BIT, source=Source.THRESHOLD, alarm=AlarmDefinition(level=10)
            )
            for name, _, _ in LIMITS
        ]
    levels = tuple(Level(number=n, name={"en": str(n)}, priority="low", severity=1) for n in range(30))
    return Plant(
        name="Bench", label={}, languages=("en",), timezone="UTC", sites=(), tags=tuple(tags), levels=levels
    )


class NaiveTag:
    def __init__(self) -> None:
        self.value = 0.0
        self.quality = 0
        self.time_us = 0
        self.on = [False] * len(LIMITS)
        self.subscribers: list[Callable[[NaiveTag], None]] = []

    def write(self, value: float, quality: int, time_us: int) -> None:
        self.value, self.quality, self.time_us = value, quality, time_us
        for number, (_, condition, limit) in enumerate(LIMITS):
            on = self.on[number]
            if condition is Condition.HIGH:
                self.on[number] = value > (limit - 1.0 if on else limit)
            else:
                self.on[number] = value < (limit + 1.0 if on else limit)
        for subscriber in self.subscribers:
            subscriber(self)


def main() -> None:
    core = PlantCore(plant(), Restart(), NOW_US)
    registers = [tag for tag in core.tags if tag.definition.kind is Kind.REGISTER]
    core.write([(tag, 50.0, 0, NOW_US) for tag in registers], NOW_US)

    batches = [
        [
            (tag, 40.0 + (number * 7 + turn * 13) % 41, 0, NOW_US + turn)
            for number, tag in enumerate(registers)
        ]
        for turn in range(4)
    ]
    best_batch = best_single = best_naive = 0.0
    for _ in range(3):
        began = time.perf_counter()
        for turn in range(ROUNDS):
            core.write(batches[turn % 4], NOW_US + turn)
            if turn % 10 == 9:
                core.tags.drain_changes()
        best_batch = max(best_batch, ROUNDS * TAGS / (time.perf_counter() - began))

        singles = [[write] for batch in batches for write in batch]
        began = time.perf_counter()
        for turn in range(ROUNDS // 10):
            write = core.write
            for single in singles:
                write(single, NOW_US + turn)
            core.tags.drain_changes()
        best_single = max(best_single, len(singles) * (ROUNDS // 10) / (time.perf_counter() - began))

        changed: set[NaiveTag] = set()
        naive = [NaiveTag() for _ in registers]
        for tag in naive:
            tag.subscribers = [changed.add]
        values = [[value for _, value, _, _ in batch] for batch in batches]
        began = time.perf_counter()
        for turn in range(ROUNDS // 3):
            for tag, value in zip(naive, values[turn % 4], strict=True):
                tag.write(value, 0, NOW_US + turn)
            changed.clear()
        best_naive = max(best_naive, (ROUNDS // 3) * TAGS / (time.perf_counter() - began))
    figure("tags", "write_single_per_s", best_single, "1/s", best_naive)
    figure("tags", "write_batch_per_s", best_batch, "1/s", best_naive)
