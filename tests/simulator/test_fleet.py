"""Many chargers at the tiny central system."""

import asyncio
from dataclasses import replace
from typing import Any

from scada.simulator import Fleet


async def test_hundreds_connect_charge_and_come_back_after_a_storm(
    central: Any, plant: Any, until: Any
) -> None:
    one = next(iter(plant.chargers()))
    chargers = [replace(one, path=f"Depot.L{n:03d}", identity=f"LOAD-{n:03d}") for n in range(200)]
    async with central.up():
        fleet = Fleet(
            chargers,
            central.url,
            sessions_per_hour=200.0,
            stay_s=1.0,
            tokens=("A", "B"),
            speed=60,
            at_once=20,
        )
        life = asyncio.create_task(fleet.run())
        try:
            await until(lambda: fleet.online == 200, 60)
            await until(lambda: fleet.left >= 20, 60)
            await until(lambda: len(central.of("StopTransaction")) >= 10, 60)
            fleet.lose_links(0.1)
            await until(lambda: not central.peers, 60)
            await until(lambda: fleet.online == 200 and len(central.peers) == 200, 60)
            assert len(central.of("BootNotification")) == 200  # nobody boots for a mere reconnect
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
