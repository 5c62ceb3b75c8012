"""The mode of a site on its pages: what a button will do is said before, what came of it after."""

from __future__ import annotations

import asyncio
from typing import Any

from scada.core.command import CommandResult, Outcome
from scada.hmi.pages import PAGES


async def shown(world: Any, route: str, user: str = "op", language: str = "en", path: str = "") -> str:
    return str((await PAGES[route](world.visit(user, path=path, language=language))).main)


async def test_a_mode_is_switched_and_told(world: Any) -> None:
    page = await shown(world, "/site/{path}", path="Depot")
    assert "none switched yet" in page
    assert "Close connector → Depot.CP07" in page  # in what the button asks first
    assert "switch_mode" not in await shown(world, "/site/{path}", "guest", path="Depot")
    assert "Bornes rapides fermées" in await shown(world, "/site/{path}", language="fr", path="Depot")
    world.charger.result = CommandResult(Outcome.REFUSED, "the charger answered Rejected")
    modes = world.services.modes
    running = asyncio.create_task(modes.run())
    try:
        tab, wire = await world.open()
        await tab.act("switch_mode", {"id": "1", "site": "Depot", "mode": "FastClosed"})
        assert wire.toasts()[-1][0] == "done"
        async with asyncio.timeout(5):
            while modes.of("Depot").state == "switching":
                await asyncio.sleep(0.005)
        assert "only partly: 2 of 3 steps failed" in await shown(world, "/site/{path}", path="Depot")
        odd = await shown(world, "/not-normal")
        assert "Fast chargers closed – only partly on" in odd
        assert "Ada" in odd or modes.of("Depot").user in odd
        guest, wire = await world.open(user="guest")
        await guest.act("switch_mode", {"id": "2", "site": "Depot", "mode": "Normal"})
        assert wire.toasts()[-1][0] == "failed"
        world.charger.result = CommandResult(Outcome.DONE)
        await tab.act("switch_mode", {"id": "3", "site": "Depot", "mode": "Normal"})
        async with asyncio.timeout(5):
            while modes.of("Depot").state == "switching":
                await asyncio.sleep(0.005)
        assert "Mode of a site" not in await shown(world, "/not-normal")
    finally:
        running.cancel()
        await asyncio.wait([running])
