"""Values of an earlier run are shown once the database that has them is back, and never over newer ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from scada.app import last_values as module
from scada.app.last_values import LastValues
from scada.core.database import Sample
from scada.core.value import GOOD, SECOND_US, Quality
from scada.history import open_core
from scada.history.samples import Place, SampleHistory, parse_url
from scada.runtime.host import PlantHost
from scada.testing import until
from scada.testing.clock import FakeClock
from scada.testing.plants import small_plant
from scada.testing.postgresql import PostgreSql


@pytest.fixture
def server() -> Iterator[PostgreSql]:
    started = PostgreSql()
    yield started
    started.close()


async def test_a_database_that_comes_back_after_the_start(
    tmp_path: Path, server: PostgreSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.01)
    plant, clock = small_plant(tmp_path), FakeClock()
    place = Place(tmp_path, parse_url(server.url(server.database())), "Test")
    core = open_core(tmp_path / "data")

    def host_on(samples: SampleHistory) -> PlantHost:
        return PlantHost(plant, core.restart(), clock, core.journal, samples)

    history = SampleHistory(place, now_us=clock.now_us)
    host = host_on(history)
    spoken, silent = "Depot.CP01.C1.ActivePower", "Depot.CP01.C1.CurrentL1"
    history.append([Sample(host.tags[path], 7.0, GOOD, clock.now_us()) for path in (spoken, silent)])
    assert await asyncio.to_thread(history.flush)
    await asyncio.to_thread(history.close)
    server.stop()

    clock.leap(60)
    history = SampleHistory(place, now_us=clock.now_us)
    host = host_on(history)
    values = LastValues(host, history, 300 * SECOND_US)
    assert values.missing
    running = asyncio.create_task(values.run())
    clock.leap(1)
    host.write([(host.tags[spoken], 9.0, GOOD, clock.now_us())])
    host.cycle()  # a sample to write: the writer tries again with it
    server.start()
    monotonic = history.writer._monotonic
    history.writer._monotonic = lambda: monotonic() + 3_600  # it need not wait for the next try
    await until(lambda: not values.missing, deadline_s=30)
    await running
    tag = host.tags[silent]
    assert (tag.value, tag.quality) == (7.0, Quality.UNCERTAIN_LAST_USABLE_VALUE)
    assert (host.tags[spoken].value, host.tags[spoken].quality) == (9.0, GOOD)
    await asyncio.to_thread(history.close)
    core.close()
