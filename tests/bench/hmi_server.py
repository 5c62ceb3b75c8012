"""The server of the HMI benchmark, a process of its own: 1,000 values that change at 5 Hz on one page.

Argument: `view`, the product's own page with 1,000 symbols on a view; or `labels`, a NiceGUI page with a bound label each.
Prints the port. The value of number 0 is the time of its change (ms since 1970), for the way to the glass.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from nicegui import Client, ui

from scada.core.plant import Mimic, PlacedSymbol
from scada.core.tag import Source, TagDefinition
from scada.core.value import GOOD, Kind
from scada.hmi import mount
from scada.hmi.hmi import Hmi
from scada.runtime.clock import SystemClock
from tests.hmi.conftest import make_world

VALUES = 1_000
PERIOD_S = 0.2
ACROSS = 40
PASSWORD = "x"


def _path(number: int) -> str:
    return f"Depot.Bench.V{number:04d}"


def _plant_parts() -> tuple[tuple[TagDefinition, ...], Mimic]:
    tags = tuple(
        TagDefinition(path=_path(n), kind=Kind.REGISTER, source=Source.DRIVER, site="Depot", decimals=0)
        for n in range(VALUES)
    )
    symbols = tuple(
        PlacedSymbol(
            symbol="number",
            x=10.0 + 48 * (n % ACROSS),
            y=10.0 + 30 * (n // ACROSS),
            size=44.0,
            label={},
            tags={"value": _path(n)},
        )
        for n in range(VALUES)
    )
    return tags, Mimic(
        name="bench",
        title={"en": "Bench"},
        site="Depot",
        width=1960.0,
        height=800.0,
        symbols=symbols,
        owned=True,
    )


async def _show_all(hmi: Hmi) -> None:
    """Bare sockets do not say that their page is seen: it is said for them."""
    while True:
        for name, tab in list(hmi._tabs.items()):
            client = Client.instances.get(name)
            if client is not None and client.has_socket_connection and not tab.visible:
                await tab.show()
        await asyncio.sleep(0.2)


def _view(application: FastAPI, folder: Path) -> list[Callable[[], Awaitable[None]]]:
    tags, mimic = _plant_parts()
    world = make_world(folder, SystemClock(), tags=tags, mimics=(mimic,))
    hmi = mount(application, world.services)
    host = world.host
    bench = [host.tags[_path(n)] for n in range(VALUES)]

    async def move() -> None:
        turn = 0
        while True:
            turn += 1
            now_us = host.clock.now_us()
            host.write([(bench[0], float(int(time.time() * 1000)), GOOD, now_us)])
            host.write([(tag, float((turn * 7 + n) % 997), GOOD, now_us) for n, tag in enumerate(bench) if n])
            await asyncio.sleep(PERIOD_S)

    return [host.run, hmi.run, move, lambda: _show_all(hmi)]


def _labels(application: FastAPI) -> list[Callable[[], Awaitable[None]]]:
    values = {str(n): "0" for n in range(VALUES)}

    @ui.page("/view/bench")
    def page() -> None:
        for name in values:
            ui.label().bind_text_from(values, name).classes(f"v{name}")

    ui.run_with(application, show_welcome_message=False)

    async def move() -> None:
        turn = 0
        while True:
            turn += 1
            for n in range(1, VALUES):
                values[str(n)] = str((turn * 7 + n) % 997)
            values["0"] = str(int(time.time() * 1000))
            await asyncio.sleep(PERIOD_S)

    return [move]


async def main() -> None:
    application = FastAPI()
    with tempfile.TemporaryDirectory() as folder:
        runs = _view(application, Path(folder)) if sys.argv[1] == "view" else _labels(application)
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        tasks = [asyncio.ensure_future(run()) for run in runs]
        await uvicorn.Server(uvicorn.Config(application, log_level="error")).serve(sockets=[listener])
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
