"""MeterValues with four samples over real sockets from another process: messages a CPU-second of the server.

Ours runs whole: journal, tags, thresholds, alarms, sessions, history, HMI, REST, OPC UA. The baseline is a central
system of the `ocpp` package with its default validation, which does nothing with the messages but answer.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from scada.testing.processes import supervisor
from tests.bench.projects import many_chargers
from tests.bench.report import figure

CHARGERS = 500
STORM = 5_000
MESSAGES = 40
BASELINE_MESSAGES = 8
PACED_PER_S = 200
PACED_S = 15
STORM_TIMEOUT_S = 120


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = many_chargers(Path(folder), CHARGERS)
        with supervisor(project, "--no-simulate", "--log-level", "error", own_interpreter=True) as running:
            ours = asyncio.run(_load(running.addresses["ocpp"], running.process.pid, MESSAGES))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.ocpp_package_server"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it tells of each connection that ends
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        theirs = asyncio.run(_load(url, process.pid, BASELINE_MESSAGES))
        process.terminate()
    figure("ocpp", "messages_per_cpu_s", ours["per_cpu_s"], "1/s", theirs["per_cpu_s"], chargers=CHARGERS)
    # With all chargers sending as fast as they are answered it would be the queue that is measured, not the way.
    for name in ("p50_ms", "p99_ms"):
        figure("ocpp", f"answer_{name}", ours[name], "ms", theirs[name], messages_per_s=PACED_PER_S)
    figure("ocpp", "storm_500_s", ours["storm_s"], "s", theirs["storm_s"])
    figure("ocpp", "kb_per_connection", ours["kb_per_connection"], "kB", theirs["kb_per_connection"])
    with tempfile.TemporaryDirectory() as folder:
        project = many_chargers(Path(folder), STORM)
        with supervisor(project, "--no-simulate", "--log-level", "error", own_interpreter=True) as running:
            seconds = asyncio.run(_storm(running.addresses["ocpp"]))
    figure("ocpp", "storm_5000_s", seconds, "s")


async def _storm(url: str) -> float:
    """All chargers at once, while the server still builds its address space: seconds until the last is booted."""
    began = time.perf_counter()
    async with asyncio.timeout(STORM_TIMEOUT_S):
        points = await asyncio.gather(*(_Point.boot(url, number) for number in range(STORM)))
    seconds = time.perf_counter() - began
    await asyncio.gather(*(point.close() for point in points))
    return seconds


async def _load(url: str, pid: int, messages: int) -> dict[str, float]:
    await _settled(pid)  # address space built, meters looked for
    before_kb = _rss_kb(pid)
    began = time.perf_counter()
    async with asyncio.timeout(STORM_TIMEOUT_S):
        points = await asyncio.gather(*(_Point.boot(url, number) for number in range(CHARGERS)))
    storm_s = time.perf_counter() - began
    connected_kb = _rss_kb(pid)
    await asyncio.gather(*(point.begin() for point in points))
    await _settled(pid)  # what the server asks of each new charger is over
    began_cpu = _cpu_s(pid)
    await asyncio.gather(*(point.meter(messages) for point in points))
    spent = _cpu_s(pid) - began_cpu
    await _settled(pid)
    latencies = sorted(ms for part in await asyncio.gather(*(p.meter_paced() for p in points)) for ms in part)
    await asyncio.gather(*(point.close() for point in points))
    return {
        "per_cpu_s": messages * CHARGERS / spent,
        "p50_ms": latencies[len(latencies) // 2],
        "p99_ms": latencies[len(latencies) * 99 // 100],
        "storm_s": storm_s,
        "kb_per_connection": (connected_kb - before_kb) / CHARGERS,
    }


class _Point:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._transaction = 0
        self._waiting: asyncio.Future[Any] | None = None
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def boot(cls, url: str, number: int) -> _Point:
        point = cls(await cls._connect(url, number))
        await point._call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        return point

    @staticmethod
    async def _connect(url: str, number: int) -> ClientConnection:
        """Tries again like a charger whose attempt failed; the storm's own bound ends it."""
        while True:
            try:
                return await connect(
                    f"{url}/X{number}",
                    subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                    proxy=None,
                    compression=None,
                    ping_interval=None,
                    open_timeout=STORM_TIMEOUT_S,
                )
            except (OSError, WebSocketException):
                await asyncio.sleep(random.uniform(0.5, 1.5))

    async def begin(self) -> None:
        body = {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 0, "timestamp": _now()}
        self._transaction = (await self._call("StartTransaction", body))["transactionId"]

    async def meter_paced(self) -> list[float]:
        """Messages at this charger's share of the pace, begun at a moment of its own."""
        every_s = CHARGERS / PACED_PER_S
        await asyncio.sleep(random.random() * every_s)
        latencies = []
        for _ in range(round(PACED_S / every_s)):
            (ms,) = await self.meter(1)
            latencies.append(ms)
            await asyncio.sleep(every_s - ms / 1000)
        return latencies

    async def meter(self, count: int) -> list[float]:
        latencies = []
        for number in range(count):
            samples = [
                {"value": str(1000 + number), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
                {"value": f"{7000 + number % 50}.5", "measurand": "Power.Active.Import", "unit": "W"},
                {"value": f"30.{number % 10}", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
                {"value": f"{229 + number % 5}", "measurand": "Voltage", "phase": "L1", "unit": "V"},
            ]
            body = {
                "connectorId": 1,
                "transactionId": self._transaction,
                "meterValue": [{"timestamp": _now(), "sampledValue": samples}],
            }
            began = time.perf_counter()
            await self._call("MeterValues", body)
            latencies.append((time.perf_counter() - began) * 1000)
        return latencies

    async def close(self) -> None:
        await self._socket.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _call(self, action: str, body: dict[str, Any]) -> Any:
        self._waiting = asyncio.get_running_loop().create_future()
        await self._socket.send(orjson.dumps([2, "1", action, body]).decode())
        return await asyncio.wait_for(self._waiting, STORM_TIMEOUT_S)

    async def _read(self) -> None:
        async for raw in self._socket:
            message = orjson.loads(raw)
            if message[0] == 2:
                answer: dict[str, Any] = {"status": "Accepted"}
                if message[2] == "GetConfiguration":
                    answer = {"configurationKey": []}
                await self._socket.send(orjson.dumps([3, message[1], answer]).decode())
            elif message[0] == 3 and self._waiting is not None:
                self._waiting.set_result(message[2])
            elif self._waiting is not None:
                self._waiting.set_exception(RuntimeError(f"CALLERROR {message}"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _settled(pid: int) -> None:
    """Wait until the server has next to nothing to do."""
    for _ in range(60):
        before = _cpu_s(pid)
        await asyncio.sleep(1)
        if _cpu_s(pid) - before < 0.1:
            return
    raise AssertionError("the server does not come to rest")


def _rss_kb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1000
