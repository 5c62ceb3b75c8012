"""Everybody comes back at once: all are let in, in order, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from scada.testing import central_system, small_plant

CHARGERS = 500


@pytest.mark.timeout(120)
async def test_500_unknown_and_known_chargers_at_once(tmp_path: Path) -> None:
    plant = small_plant(tmp_path)
    site = plant.sites[0]
    # The same identity over and over would supersede itself; nothing else of a charger matters here.
    crowd = tuple(
        replace(site.chargers[0], identity=f"STORM-{number}", path=f"Storm.CP{number}", connectors=())
        for number in range(CHARGERS)
    )
    plant = replace(plant, sites=(replace(site, chargers=(*site.chargers, *crowd)), *plant.sites[1:]))
    async with central_system(plant, tmp_path / "data") as central:
        worst = 0.0
        loop = asyncio.get_running_loop()

        async def measure() -> None:
            nonlocal worst
            while True:
                before = loop.time()
                await asyncio.sleep(0.01)
                worst = max(worst, loop.time() - before)

        async def come(number: int) -> None:
            socket = await connect(
                f"{central.url}/STORM-{number}",
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                compression=None,
                proxy=None,
                open_timeout=60,
            )
            try:
                await socket.send('[2,"1","Heartbeat",{}]')
                async with asyncio.timeout(60):
                    while "currentTime" not in str(await socket.recv()):
                        pass
            finally:
                socket.transport.abort()

        meter = asyncio.create_task(measure())
        try:
            await asyncio.gather(*(come(number) for number in range(CHARGERS)))
        finally:
            meter.cancel()
        # The clients run on the same loop as the central system; the bound is for both together, on a busy machine.
        assert worst < 5.0
