"""The product's own figures as tags, so that it watches itself with the means that it has for everything else."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from scada.core.database import Write
from scada.core.value import GOOD, Value
from scada.drivers.ocpp.recorder import Recorder
from scada.history import CoreStore
from scada.identity.accounts import Accounts
from scada.opcua.access import CONNECTIONS_MAX
from scada.opcua.certificates import days_left
from scada.opcua.server import OpcUaServer
from scada.runtime.host import PlantHost

EVERY_S = 1.0
SLOW_EVERY = 60
"""What the disk has to be asked for is looked at each so many turns."""


class Vitals:
    """Keeps the tags below `System`."""

    def __init__(
        self,
        host: PlantHost,
        data: Path,
        store: CoreStore,
        accounts: Accounts,
        opcua: OpcUaServer,
        recorder: Recorder | None = None,
    ) -> None:
        self._host = host
        self._data = data
        samples, feeder = store.samples, store.feeder
        self._fast: dict[str, Callable[[], Value]] = {
            "SamplesDropped": lambda: float(samples.dropped + host.tags.samples_dropped),
            "HistoryOk": lambda: not samples.state,
            "HistoryState": lambda: samples.state,
            "HistoryWaiting": lambda: float(samples.waiting),
            "HistorySpill": lambda: round(samples.spill_bytes / 1e6, 1),
            "FeedOk": lambda: feeder is None or not feeder.state,
            "FeedState": lambda: feeder.state if feeder else "",
            "FeedWaiting": lambda: float(feeder.waiting) if feeder else 0.0,
            "FeedLag": lambda: round(feeder.lag_s, 0) if feeder else 0.0,
            "MessageLogState": lambda: recorder.state if recorder else "",
            "MessageLogDropped": lambda: float(recorder.dropped) if recorder else 0.0,
            "LogInFailures": lambda: float(accounts.refused),
            "OpcuaClients": lambda: float(opcua.clients),
            "OpcuaClientsMax": lambda: float(CONNECTIONS_MAX),
        }

    async def run(self) -> None:
        """Look until cancelled."""
        turn = 0
        while True:
            values = {name: read() for name, read in self._fast.items()}
            if turn % SLOW_EVERY == 0:
                values |= await asyncio.to_thread(self._slow)
            self._put(values)
            turn += 1
            await asyncio.sleep(EVERY_S)

    def _slow(self) -> dict[str, Value]:
        usage = shutil.disk_usage(self._data)
        found: dict[str, Value] = {"DiskFree": round(100 * usage.free / usage.total, 2)}
        days = days_left(self._data / "certificates")
        if days is not None:
            found["CertificateDays"] = float(days)
        return found

    def _put(self, values: dict[str, Value]) -> None:
        now_us = self._host.clock.now_us()
        batch: list[Write] = []
        for name, value in values.items():
            tag = self._host.tags.get(f"System.{name}")
            if tag is not None:
                batch.append((tag, value, GOOD, now_us))
        self._host.write(batch)
