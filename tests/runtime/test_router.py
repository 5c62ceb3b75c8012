"""Commands of the core: what an action orders of a whole plant is carried out, a bounded number at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from scada.core.command import Command, CommandResult, Outcome
from scada.core.effects import Order
from scada.core.ports import DeedFilter
from scada.history import CoreStore, open_core
from scada.runtime.host import PlantHost
from scada.runtime.router import ORDERS_AT_ONCE, CommandRouter
from scada.testing import FakeClock, small_plant

CHARGER = "Depot.CP01"


class SlowCharger:
    """Counts what is asked of it and answers when it is let."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = self.at_once = self.most = 0

    async def execute(self, command: Command) -> CommandResult:
        self.asked += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.at_once == ORDERS_AT_ONCE:
            self.go.set()
        await self.go.wait()
        self.at_once -= 1
        return CommandResult(Outcome.DONE, "")


async def ended(store: CoreStore) -> int:
    """How many commands the journal knows the outcome of."""
    page = await store.archive.commands(DeedFilter(), 500, None)
    return sum(row.ended_us is not None for row in page.items)


async def test_orders_for_more_chargers_than_are_served_at_once_wait_for_their_turn(tmp_path: Path) -> None:
    plant = small_plant(tmp_path)
    store = open_core(tmp_path / "data")
    host = PlantHost(plant, store.restart(), FakeClock(), store.journal, store.samples)
    router, charger = CommandRouter(host), SlowCharger()
    router.register(CHARGER, charger)
    wanted = ORDERS_AT_ONCE + 50
    try:
        for _ in range(wanted):
            router.order(Order("ClearCache", CHARGER, {}, "<action night>"))
        async with asyncio.timeout(30):
            while await ended(store) < wanted:
                await asyncio.sleep(0.01)
        assert (charger.asked, charger.most) == (wanted, ORDERS_AT_ONCE)
    finally:
        await host.close()
        store.close()
