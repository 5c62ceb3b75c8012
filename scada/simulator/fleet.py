"""Thousands of simulated chargers in one process, for load tests: one tick, no file, a task for each connection alone."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import random
from collections.abc import Iterable, Sequence

from scada.core.plant import Charger
from scada.simulator.charge_point import CALL_TIMEOUT_S, TICK_S, ChargePoint
from scada.simulator.drawing import draw
from scada.simulator.outlet import Outlet
from scada.simulator.pulse import Pulse
from scada.simulator.storage import Store
from scada.simulator.uplink import Credentials

AT_ONCE = 100
"""Chargers that open their connections at a time."""
ARRIVING_MAX = 500
"""Drivers who hold their tokens to readers at a time; at it the next one drives on."""


class Fleet:
    """Many chargers of one central system; everything random comes from the seed.

    Args:
        url: of the central system.
        sessions_per_hour: of each charger, in real time.
        stay_s: how long a vehicle stands there, real seconds, on average.
        tokens: that drivers hold to the readers, in turn.
        at_once: chargers that connect at a time.

    Attributes:
        points: the charge points, in order of the chargers.
        arrived, left: vehicles so far.
    """

    def __init__(
        self,
        chargers: Iterable[Charger],
        url: str,
        *,
        sessions_per_hour: float = 0.0,
        stay_s: float = 600.0,
        tokens: Sequence[str] = ("LOAD",),
        speed: float = 1.0,
        seed: int = 1,
        at_once: int = AT_ONCE,
        credentials: Credentials | None = None,
        call_timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self._rng = random.Random(f"{seed} fleet")
        self._pulse = Pulse(TICK_S)
        store, gate = Store(None), asyncio.Semaphore(at_once)
        self.points = [
            ChargePoint(
                charger,
                url,
                store,
                speed=speed,
                seed=seed,
                credentials=credentials,
                call_timeout_s=call_timeout_s,
                pulse=self._pulse,
                gate=gate,
                phase_shift=place % 3,
            )
            for place, charger in enumerate(chargers)
        ]
        self.arrived = self.left = 0
        self._rate_hz = len(self.points) * sessions_per_hour / 3600.0
        self._stay_s = stay_s
        self._tokens = itertools.cycle(tokens)
        self._order = itertools.count()
        self._leaving: list[tuple[float, int, ChargePoint, int]] = []
        """(loop time, tie-breaker, where) of departures, as a heap."""
        self._arriving: set[asyncio.Task[None]] = set()

    @property
    def online(self) -> int:
        """How many are connected and accepted."""
        return sum(point.online for point in self.points)

    @property
    def owed(self) -> int:
        """Messages that wait for their answer, of all."""
        return sum(len(point.hardware.queue) for point in self.points)

    def lose_links(self, seconds: float, *, abruptly: bool = True) -> None:
        """The network fails for all at the same moment; they come back at once."""
        for point in self.points:
            point.lose_link(seconds, abruptly=abruptly)

    async def run(self) -> None:
        """Live until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pulse.run())
                group.create_task(self._come_and_go())
                for point in self.points:
                    group.create_task(point.run())
        finally:
            for task in self._arriving:
                task.cancel()
            await asyncio.gather(*self._arriving, return_exceptions=True)

    async def _come_and_go(self) -> None:
        """Arrivals as a Poisson process over all chargers, departures when their time has come."""
        loop = asyncio.get_running_loop()
        next_s = loop.time() + self._gap_s()
        while True:
            until_s = min(next_s, self._leaving[0][0]) if self._leaving else next_s
            await asyncio.sleep(min(1.0, max(0.0, until_s - loop.time())))
            now_s = loop.time()
            while self._leaving and self._leaving[0][0] <= now_s:
                _, _, point, number = heapq.heappop(self._leaving)
                point.unplug(number)
                self.left += 1
            while next_s <= now_s:
                next_s += self._gap_s()
                self._arrive(now_s)

    def _gap_s(self) -> float:
        return self._rng.expovariate(self._rate_hz) if self._rate_hz > 0 else 3.2e9

    def _arrive(self, now_s: float) -> None:
        point = self._rng.choice(self.points)
        outlet = next((one for one in point.hardware.outlets.values() if one.free), None)
        if outlet is None or not point.online or len(self._arriving) >= ARRIVING_MAX:
            return
        self.arrived += 1
        stay_s = self._rng.expovariate(1.0) * self._stay_s
        heapq.heappush(self._leaving, (now_s + stay_s, next(self._order), point, outlet.number))
        task = asyncio.get_running_loop().create_task(self._plug_in(point, outlet, next(self._tokens)))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _plug_in(self, point: ChargePoint, outlet: Outlet, token: str) -> None:
        point.plug_in(outlet.number, draw(outlet.spec, token, self._rng))
        with contextlib.suppress(ConnectionError):
            await point.identify(outlet.number, token)
