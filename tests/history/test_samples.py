"""Samples reach the disk, whatever they hold and whatever the disk does."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from scada.core.database import Sample, TagDatabase
from scada.core.ports import Point
from scada.core.value import GOOD, Quality
from scada.history import SampleWriter, open_core


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SampleWriter]:
    opened = SampleWriter(tmp_path)
    yield opened
    opened.close()


def _until(condition: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_every_kind_of_value_comes_back(tmp_path: Path, database: TagDatabase) -> None:
    power, online, status = database
    store = open_core(tmp_path)
    store.samples.append(
        [
            Sample(power, 1.5, GOOD, 10),
            Sample(power, math.nan, Quality.BAD_NO_DATA, 20),
            Sample(power, 7, GOOD, 30),
            Sample(power, 10**400, GOOD, 40),
            Sample(power, None, Quality.BAD_NO_COMMUNICATION, 50),
            Sample(online, True, GOOD, 10),
            Sample(online, False, GOOD, 11),
            Sample(status, "Charging \ud800 é", GOOD, 10),
        ]
    )
    store.close()

    store = open_core(tmp_path)
    assert await store.archive.points("Depot.Power", 0, 100, 10) == [
        Point(10, 1.5, GOOD),
        Point(20, None, Quality.BAD_NO_DATA),
        Point(30, 7.0, GOOD),
        Point(40, None, GOOD),
        Point(50, None, Quality.BAD_NO_COMMUNICATION),
    ]
    assert [p.value for p in await store.archive.points("Depot.Online", 0, 100, 10)] == [True, False]
    assert [p.time_us for p in await store.archive.points("Depot.Power", 20, 50, 2)] == [30, 40]
    assert await store.archive.points("Depot.Nothing", 0, 100, 10) == []
    last = store.samples.last_values()
    assert sorted(last) == [
        ("Depot.Online", False, 11),
        ("Depot.Power", 7.0, 30),
        ("Depot.Status", "Charging ? é", 10),
    ]
    assert [type(value) for _, value, _ in sorted(last)] == [bool, float, str]
    store.close()


def test_a_second_is_enough(writer: SampleWriter, database: TagDatabase) -> None:
    writer.append([Sample(database["Depot.Power"], 1.0, GOOD, 1)])
    _until(lambda: writer.points("Depot.Power", 0, 10, 1))


def test_a_disk_that_refuses_loses_nothing_in_its_bound(tmp_path: Path, database: TagDatabase) -> None:
    power = database["Depot.Power"]
    writer = SampleWriter(tmp_path, queue_max=100)
    with writer._engine.begin() as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON sample_hot BEGIN SELECT raise(FAIL, 'full'); END")
        )
    writer.append([Sample(power, float(n), GOOD, n) for n in range(60)])
    _until(lambda: writer.failing)
    writer.append([Sample(power, float(n), GOOD, n) for n in range(60, 150)])
    _until(lambda: writer.dropped == 50)
    with writer._engine.begin() as connection:
        connection.execute(text("DROP TRIGGER full"))
    _until(lambda: not writer.failing)
    assert writer.flush()
    assert [p.time_us for p in writer.points("Depot.Power", 0, 1_000, 1_000)] == list(range(50, 150))
    writer.close()


def test_closed_it_takes_nothing_and_does_not_raise(tmp_path: Path, database: TagDatabase) -> None:
    writer = SampleWriter(tmp_path)
    writer.close()
    writer.append([Sample(database["Depot.Power"], 1.0, GOOD, 1)])
    assert writer.dropped == 1
