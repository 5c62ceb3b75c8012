"""The program as a process: its loop, its collector, its signals; it ends in order, or starts anew in place."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable

from scada import __version__
from scada.app.compose import start
from scada.core.plant import Plant

SWITCH_S = 0.0005


def run(plant: Plant, *, simulate: bool, say: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM.

    Args:
        simulate: start a simulated site beside it.
        say: prints a line for the person at the terminal.

    Raises:
        StartError: it cannot start; nothing was changed.
    """
    # Messages come and go in cycles of their own; a collector that looks every 700 objects at all that live for
    # ever costs a seventh of the messages a CPU-second (./dev bench ocpp).
    # A thread that computes (history) gives way ten times as soon: the loop lets go of the interpreter with each message
    # that it sends, and would wait 5 ms to have it back (answers at 200 messages/s: longest 85 ms → 28 ms).
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(50_000, 20, 50)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        again = runner.run(_run(plant, simulate=simulate, say=say))
    if again:
        say("starting anew …")
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (our own arguments)


async def _run(plant: Plant, *, simulate: bool, say: Callable[[str], None]) -> bool:
    """Run; whether to start anew."""
    ended, again = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        again.clear()  # who asks it to stop has the last word
        ended.set()

    def start_anew() -> None:
        again.set()
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with start(plant, simulate=simulate, say=say, start_anew=start_anew) as running:
        gc.freeze()  # what lives for ever is not looked through again
        gc.enable()
        ports = running.ports
        host = plant.network.host
        say(f"EV-SCADA {__version__} runs project '{plant.name}' (ready after {running.ready_after_s:.1f} s)")
        say(f"  HMI      http://{host}:{ports['http']}/")
        say(f"  REST     http://{host}:{ports['http']}/api/v1/openapi.json")
        say(f"  OCPP     ws://{host}:{ports['ocpp']}{plant.network.ocpp_path}/<identity>")
        if "ocpps" in ports:
            say(f"  OCPP     wss://{host}:{ports['ocpps']}{plant.network.ocpp_path}/<identity>")
        say(f"  OPC UA   opc.tcp://{host}:{ports['opcua']}/")
        say("  Ctrl-C stops it.")
        await ended.wait()
        say("stopping …")
    return again.is_set()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for this platform
        return None
    return uvloop.new_event_loop
