"""Life on a site: drivers who come, charge and leave, and faults now and then. Random, from a seed.

Times of people at the charger (to get out, to hold a card to it) and of faults are real seconds, so that an
observer can follow them; how often they come and how long vehicles stay goes with the speed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Iterator, Sequence

import structlog

from scada.core.plant import Plant
from scada.simulator.charge_point import ChargePoint
from scada.simulator.drawing import draw
from scada.simulator.outlet import WARM_UP_S, Outlet

FIRST_VISITS = 5
"""Vehicles that stand there when the site comes to life."""
BAD_TOKEN_SHARE = 0.06
STRANGER = "UNKNOWN-4711"
ROUTER_SHARE = 0.2
"""Of lost links: it is the site's uplink, and every charger is gone."""
ATTEMPTS = 3
"""How often a driver tries a charger that is offline before leaving."""
FULL_STAY_S = 900.0
"""How long, in simulated time, a driver takes to come back to a full vehicle at most."""

log = structlog.get_logger()


class Life:
    """The drivers and mishaps of one site.

    Args:
        points: the site's charge points.
        speed: simulated seconds a real second.
    """

    def __init__(self, plant: Plant, points: Sequence[ChargePoint], speed: float, seed: int) -> None:
        self._points = points
        self._speed = speed
        self._rng = random.Random(f"{seed} life {points[0].charger.site if points else ''}")
        self._arrivals_s = _interval_s(plant.simulation.arrivals_per_hour * speed)
        self._faults_s = _interval_s(plant.simulation.faults_per_hour * speed)
        self._good = [token.id_tag for token in plant.tokens if not token.blocked]
        self._bad = [token.id_tag for token in plant.tokens if token.blocked] + [STRANGER]
        self._visits: set[tuple[str, int]] = set()
        """Connectors that somebody is at, so that nobody else comes."""

    async def run(self) -> None:
        """Live until cancelled. At most one visit runs a connector."""
        if not self._points:
            await asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            resumed = [pair for pair in self._outlets() if pair[1].state.vehicle is not None]
            for point, outlet in resumed:
                group.create_task(self._visit(point, outlet, self._resume(point, outlet)))
            group.create_task(self._open(group, FIRST_VISITS - len(resumed)))
            group.create_task(self._arrive(group))
            group.create_task(self._answer_calls(group))
            group.create_task(self._go_wrong())

    async def _open(self, group: asyncio.TaskGroup, number: int) -> None:
        """The vehicles that are there from the beginning, at chargers that have found their central system."""
        outlets = list(self._outlets())
        self._rng.shuffle(outlets)
        # A mixed picture at once: one DC connector, then AC ones of as many chargers as there are, then the rest.
        direct = next((pair for pair in outlets if pair[1].is_dc), None)
        outlets.sort(key=lambda pair: (pair is not direct, pair[1].is_dc, pair[1].number))
        while number > 0:
            await asyncio.sleep(self._rng.uniform(0.5, 1.0))
            ready = [pair for pair in outlets if pair[0].online and self._vacant(*pair)]
            if ready:
                self._come(group, *ready[0], self._token(good=True))
                number -= 1

    async def _arrive(self, group: asyncio.TaskGroup) -> None:
        """Arrivals as a Poisson process; who finds no free connector drives on."""
        while True:
            await asyncio.sleep(self._rng.expovariate(1.0) * self._arrivals_s)
            ready = [pair for pair in self._outlets() if self._vacant(*pair)]
            if ready:
                self._come(
                    group, *self._rng.choice(ready), self._token(good=self._rng.random() > BAD_TOKEN_SHARE)
                )

    async def _answer_calls(self, group: asyncio.TaskGroup) -> None:
        """Somebody whom the control room has let in (remote start on an empty connector) comes soon."""
        while True:
            await asyncio.sleep(1.0)
            for point, outlet in self._outlets():
                if outlet.authorized is not None and self._vacant(point, outlet):
                    self._come(group, point, outlet, outlet.authorized)

    def _come(self, group: asyncio.TaskGroup, point: ChargePoint, outlet: Outlet, id_tag: str) -> None:
        if id_tag:
            group.create_task(self._visit(point, outlet, self._stay(point, outlet, id_tag)))

    async def _visit(self, point: ChargePoint, outlet: Outlet, story: Awaitable[None]) -> None:
        place = (point.charger.path, outlet.number)
        self._visits.add(place)
        try:
            await story
        finally:
            self._visits.discard(place)

    async def _stay(self, point: ChargePoint, outlet: Outlet, id_tag: str) -> None:
        """A whole visit."""
        number = outlet.number
        await self._moment(0.5, 1.5)
        if outlet.state.vehicle is not None:
            return
        point.plug_in(number, draw(outlet.spec, id_tag, self._rng))
        await self._moment(1.0, 3.0)
        for _ in range(ATTEMPTS):
            if outlet.state.transaction is not None or outlet.state.finished:
                break  # somebody else has started it, and perhaps stopped it again
            status = await point.identify(number, id_tag)
            if status == "Accepted":
                break
            await self._moment(10.0, 25.0)
            if status != "Offline":
                break  # refused; it stood there for a while, in case the control room lets it in
        await self._resume(point, outlet)

    async def _resume(self, point: ChargePoint, outlet: Outlet) -> None:
        """The rest of a visit, from wherever it stands: wait, then leave."""
        number = outlet.number
        vehicle = outlet.state.vehicle
        while vehicle is not None and outlet.state.vehicle is vehicle:
            await self._moment(0.8, 1.2)
            if vehicle.full:
                vehicle.stay_s = min(vehicle.stay_s, FULL_STAY_S)
            transaction = outlet.state.transaction
            if transaction is not None and vehicle.stay_s > 0:
                continue
            if transaction is not None:
                if self._rng.random() < 0.8:
                    await point.identify(number, transaction.id_tag)
            elif outlet.status == "Preparing":
                await self._moment(20.0, 60.0)  # nobody lets it in
            await self._moment(3.0, 8.0)
            if outlet.state.transaction is None or vehicle.stay_s <= 0:
                point.unplug(number)

    async def _go_wrong(self) -> None:
        """Faults as a Poisson process, one at a time."""
        while True:
            await asyncio.sleep(self._rng.expovariate(1.0) * self._faults_s)
            point = self._rng.choice(self._points)
            outlet = self._rng.choice(list(point.hardware.outlets.values()))
            number = outlet.number
            kind = self._rng.choice(("fault", "fault", "link", "heat", "power"))
            if kind == "link" and self._rng.random() < ROUTER_SHARE:
                kind = "router"
            log.info("simulated_mishap", kind=kind, connector=outlet.spec.path)
            if kind == "router":  # the site's uplink: everybody is gone at once
                for one in self._points:
                    one.lose_link(self._rng.uniform(40.0, 60.0))
            elif kind == "link":
                point.lose_link(self._rng.uniform(40.0, 120.0), abruptly=self._rng.random() < 0.5)
            elif kind == "power":
                point.lose_power(self._rng.uniform(20.0, 60.0))
            elif kind == "heat":
                point.heat(number, self._rng.uniform(48.0, 65.0))
                await self._moment(120.0, 240.0)
                await asyncio.sleep(WARM_UP_S / self._speed)
                point.heat(number, 0.0)
            else:
                code, vendor_code = self._rng.choice(
                    (
                        ("GroundFailure", "RCD 30mA"),
                        ("OverCurrentFailure", "OC-L2"),
                        ("HighTemperature", "TMP-85"),
                        ("ConnectorLockFailure", "LOCK-3"),
                    )
                )
                point.fault(number, code, vendor_code)
                await self._moment(45.0, 150.0)
                point.fault(number, "NoError")

    def _outlets(self) -> Iterator[tuple[ChargePoint, Outlet]]:
        for point in self._points:
            for outlet in point.hardware.outlets.values():
                yield point, outlet

    def _vacant(self, point: ChargePoint, outlet: Outlet) -> bool:
        return outlet.free and (point.charger.path, outlet.number) not in self._visits

    def _token(self, *, good: bool) -> str:
        """A token that nobody uses at the moment; empty: there is none."""
        if not good:
            return self._rng.choice(self._bad)
        used = {
            outlet.state.vehicle.id_tag for _, outlet in self._outlets() if outlet.state.vehicle is not None
        }
        spare = [id_tag for id_tag in self._good if id_tag not in used]
        return self._rng.choice(spare) if spare else ""

    async def _moment(self, low_s: float, high_s: float) -> None:
        await asyncio.sleep(self._rng.uniform(low_s, high_s))


def _interval_s(per_hour: float) -> float:
    """Mean interval of a process; a process that never happens waits a hundred years."""
    return 3600.0 / per_hour if per_hour > 0 else 3.2e9
