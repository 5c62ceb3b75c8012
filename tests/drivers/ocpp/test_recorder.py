"""Frames reach the log named, without secrets and in order; while it is away so many wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
import pytest

from scada.core.device_ports import TracedFrame
from scada.core.errors import Unavailable
from scada.drivers.ocpp import recorder as module
from scada.drivers.ocpp.recorder import DAY_US, Recorder
from scada.drivers.ocpp.trace import Trace
from scada.testing import until
from scada.testing.clock import FakeClock
from scada.testing.plants import small_plant


class Log:
    def __init__(self) -> None:
        self.away = False
        self.frames: list[TracedFrame] = []
        self.forgotten: list[tuple[int, int]] = []

    def put(self, frames: Sequence[TracedFrame]) -> None:
        if self.away:
            raise Unavailable("the log is away")
        self.frames += frames

    def forget(self, before_us: int, rows_max: int) -> int:
        self.forgotten.append((before_us, rows_max))
        return 0


class Bench:
    def __init__(self, plant: object) -> None:
        self.clock, self.log = FakeClock(), Log()
        self.recorder = Recorder(self.log, self.clock, 3, 500)
        self.trace = Trace(self.clock, 1, self.recorder)
        self.tap = self.trace.tap(next(iter(plant.chargers())))  # type: ignore[attr-defined]

    def says(self, *frames: object) -> None:
        for one in frames:
            self.tap(False, orjson.dumps(one))


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(module, "POLL_S", 0.01)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    made = Bench(small_plant(tmp_path_factory.mktemp("plant")))
    yield made
    made.recorder.close()


async def test_each_frame_is_written_named_and_without_secrets(bench: Bench) -> None:
    bench.tap(
        True, orjson.dumps([2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "topsecret"}])
    )
    bench.says([3, "1", {"status": "Accepted"}])
    await until(lambda: len(bench.log.frames) == 2)
    order, answer = bench.log.frames
    assert (order.sent, order.kind, order.action) == (True, "call", "ChangeConfiguration")
    assert "topsecret" not in order.text
    assert (answer.sent, answer.kind, answer.action) == (False, "result", "ChangeConfiguration")
    await until(lambda: bool(bench.log.forgotten))
    assert bench.log.forgotten[0] == (bench.clock.now_us() - 3 * DAY_US, 500)


async def test_a_log_that_is_away_costs_nobody_and_gets_the_rest_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 5)
    bench.log.away = True
    bench.says([2, "0", "Heartbeat", {}])
    await until(lambda: bench.recorder.state != "")
    bench.says(*([2, str(number), "Heartbeat", {}] for number in range(1, 9)))
    assert bench.recorder.dropped == 3
    bench.log.away = False
    await until(lambda: len(bench.log.frames) == 6)
    assert [one.message_id for one in bench.log.frames] == ["0", "1", "2", "3", "4", "5"]
    await until(lambda: bench.recorder.state == "")


async def test_what_waits_at_the_end_is_written(bench: Bench) -> None:
    bench.says(*([2, str(number), "Heartbeat", {}] for number in range(50)))
    bench.recorder.close()
    assert len(bench.log.frames) == 50
