"""The Modbus driver: one task a gateway, which polls its units in turn.

A gateway, a unit or a register that fails costs the others nothing but the time-out of its own request.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from scada.core.errors import Problem, ProjectError
from scada.core.plant import Meter
from scada.drivers.modbus.profile import Profile
from scada.drivers.modbus.unit import Unit
from scada.drivers.modbus.wire import Link, LinkLost
from scada.runtime.host import PlantHost
from scada.runtime.supervise import supervise

TIMEOUT_S = 1.0
"""Bound of connecting and of each answer."""
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 30.0
"""Longest wait before a lost gateway or a silent unit is tried again."""


class ModbusDriver:
    """Reads all meters of a plant.

    Args:
        profiles: name → profile, for each profile that the meters name.
        timeout_s: bound of connecting and of each answer.
        retry_max_s: bound of the back-off.

    Raises:
        ProjectError: a meter names a profile that is not there.
    """

    def __init__(
        self,
        host: PlantHost,
        meters: Sequence[Meter],
        profiles: Mapping[str, Profile],
        *,
        timeout_s: float = TIMEOUT_S,
        retry_max_s: float = RETRY_MAX_S,
    ) -> None:
        missing = [meter for meter in meters if meter.profile not in profiles]
        if missing:
            raise ProjectError(
                [
                    Problem("meters.csv", meter.name, f"there is no profile '{meter.profile}'")
                    for meter in missing
                ]
            )
        by_gateway: dict[tuple[str, int], list[Unit]] = {}
        for meter in meters:
            unit = Unit(host, meter, profiles[meter.profile])
            by_gateway.setdefault((meter.host, meter.port), []).append(unit)
        self._gateways = [
            _Gateway(Link(address, port, timeout_s), units, retry_max_s, f"{address}:{port}")
            for (address, port), units in by_gateway.items()
        ]

    async def run(self) -> None:
        """Poll until cancelled. A gateway's task that falls is started again, the others do not notice."""
        if not self._gateways:
            await asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            for gateway in self._gateways:
                group.create_task(
                    supervise(f"modbus {gateway.name}", gateway.run, _no_health),
                    name=f"modbus {gateway.name}",
                )


class _Gateway:
    """A connection and the units behind it."""

    def __init__(self, link: Link, units: Sequence[Unit], retry_max_s: float, name: str) -> None:
        self.name = name
        self._link = link
        self._units = units
        self._retry_max_s = retry_max_s
        self._silent = 0
        """Rounds since anybody behind this gateway said anything."""

    async def run(self) -> None:
        """Poll each unit when it is due, the longest waiting first."""
        loop = asyncio.get_running_loop()
        due_s = dict.fromkeys(self._units, loop.time())
        try:
            while True:
                await self._connect()
                unit = min(self._units, key=due_s.__getitem__)
                await asyncio.sleep(max(0.0, due_s[unit] - loop.time()))
                self._silent = 0 if await unit.poll(self._link) else self._silent + 1
                if self._silent > 2 * len(self._units):
                    # Nobody answers any more: a connection that is half dead looks like this.
                    self._link.close()
                    self._silent = 0
                # Rounds that were missed are left out, so that a slow unit cannot take the others' turns.
                due_s[unit] = max(due_s[unit] + self._interval_s(unit), loop.time())
        finally:
            self._link.close()

    def _interval_s(self, unit: Unit) -> float:
        poll_s = unit.meter.poll_us / 1_000_000
        if unit.online or unit.failures == 0:
            return poll_s
        back_off_s = min(poll_s * 2.0 ** min(unit.failures, 16), self._retry_max_s)
        return max(poll_s, back_off_s * random.uniform(0.8, 1.2))

    async def _connect(self) -> None:
        """Make sure of a connection; tries for ever, at most `retry_max_s` apart."""
        delay_s = min(RETRY_FIRST_S, self._retry_max_s)
        while not self._link.up:
            try:
                await self._link.connect()
            except LinkLost as lost:
                for unit in self._units:
                    unit.lose(str(lost))
                await asyncio.sleep(delay_s * random.uniform(0.8, 1.2))
                delay_s = min(delay_s * 2, self._retry_max_s)
                continue
            for unit in self._units:
                unit.renew()


def _no_health(name: str, ok: bool) -> None:
    """A fallen task is logged by `supervise`; the meters' own tags say what it means."""
