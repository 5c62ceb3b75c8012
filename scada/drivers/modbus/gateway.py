"""A line and the devices on it: fair turns, one request at a time, orders before reads."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from scada.core.command import CommandResult, Outcome
from scada.core.plant import ModbusSettings
from scada.drivers.modbus.device import Device
from scada.drivers.modbus.link import Link, LinkLost

RETRY_FIRST_S = 1.0
JOBS_MAX = 200
"""Orders that wait for a line; a further one is refused."""
JOBS_AT_ONCE = 10
"""Orders in a row before a device is read again."""

Work = Callable[[Link], Awaitable[CommandResult]]


class Gateway:
    """A connection and the devices behind it. One that fails costs the others the time-out of its own requests."""

    def __init__(self, link: Link, devices: Sequence[Device], settings: ModbusSettings) -> None:
        self.name = str(link)
        self.devices = devices
        self._link, self._settings = link, settings
        self._jobs: deque[tuple[Work, asyncio.Future[CommandResult]]] = deque()
        self._wanted = asyncio.Event()
        self._silent = 0
        """Turns since anybody behind this gateway said anything."""

    async def run(self) -> None:
        """Give each device its turn when it is due, the longest waiting first."""
        loop, own = asyncio.get_running_loop(), asyncio.current_task()
        in_a_row = 0
        try:
            while True:
                if own is not None and own.cancelling():
                    # A wait within the package loses a cancellation that comes together with its answer (Python 3.11).
                    raise asyncio.CancelledError
                await self._connect()
                device = min(self.devices, key=lambda one: one.due_s)
                await self._wait(device.due_s - loop.time())
                if self._jobs and (in_a_row < JOBS_AT_ONCE or device.due_s > loop.time()):
                    in_a_row += 1
                    await self._job()
                    continue
                in_a_row = 0
                self._silent = 0 if await device.turn(self._link) else self._silent + 1
                if self._silent > 2 * len(self.devices):
                    # Nobody answers any more: a connection that is half dead looks like this.
                    self._link.close()
                    self._silent = 0
        finally:
            self._link.close()
            self._drop("the driver stops")

    async def do(self, work: Work) -> CommandResult:
        """Have something done on the line, before the next reads."""
        if not self._link.up:
            return CommandResult(Outcome.UNREACHABLE, f"no connection to {self.name}")
        if len(self._jobs) >= JOBS_MAX:
            return CommandResult(Outcome.REFUSED, f"{JOBS_MAX} orders wait for {self.name}")
        future: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        self._jobs.append((work, future))
        self._wanted.set()
        return await future

    async def _wait(self, delay_s: float) -> None:
        if self._jobs or delay_s <= 0:
            await asyncio.sleep(0)  # whatever the devices do, others of the loop get their turn
            return
        self._wanted.clear()
        try:
            async with asyncio.timeout(delay_s if delay_s != float("inf") else None):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _job(self) -> None:
        work, future = self._jobs.popleft()
        if future.done():  # who asked does not wait any more
            return
        try:
            result = await work(self._link)
        except Exception as error:
            if not future.done():
                future.set_exception(error)
            return
        if not future.done():
            future.set_result(result)

    def _drop(self, reason: str) -> None:
        while self._jobs:
            _, future = self._jobs.popleft()
            if not future.done():
                future.set_result(CommandResult(Outcome.UNREACHABLE, reason))

    async def _connect(self) -> None:
        """Make sure of a connection; tries for ever, at most `retry_max_s` apart."""
        delay_s = min(RETRY_FIRST_S, self._settings.retry_max_s)
        while not self._link.up:
            try:
                await self._link.connect()
            except LinkLost as lost:
                self._drop(str(lost))
                for device in self.devices:
                    device.lose(str(lost))
                await asyncio.sleep(delay_s * random.uniform(0.8, 1.2))
                delay_s = min(delay_s * 2, self._settings.retry_max_s)
                continue
            for device in self.devices:
                device.renew()
