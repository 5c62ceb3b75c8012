"""One tick for all charge points of a simulation, instead of a timer and tasks for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

SLICES_MAX = 20
"""A tick is done in parts, so that the loop serves connections between them."""
SLICE_MEMBERS = 25

Step = Callable[[float], None]
"""Lets real seconds pass."""

log = structlog.get_logger()


class Pulse:
    """Steps its members, each once a tick.

    Args:
        tick_s: real seconds.
    """

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._members: list[tuple[Step, list[float]]] = []
        """(step, [loop time of the last one])."""

    def add(self, step: Step) -> None:
        """Step this one too, from now on."""
        self._members.append((step, [asyncio.get_running_loop().time()]))

    def remove(self, step: Step) -> None:
        """No longer."""
        self._members[:] = [one for one in self._members if one[0] != step]

    async def run(self) -> None:
        """Tick until cancelled; a member that fails is told and steps on: it hurts no other."""
        loop = asyncio.get_running_loop()
        while True:
            slices = min(SLICES_MAX, 1 + len(self._members) // SLICE_MEMBERS)
            for part in range(slices):
                began_s = loop.time()
                for step, last_s in self._members[part::slices]:
                    now_s = loop.time()
                    real_s, last_s[0] = now_s - last_s[0], now_s
                    try:
                        step(real_s)
                    except Exception:
                        log.exception("simulated_step_failed")
                spent_s = loop.time() - began_s
                await asyncio.sleep(max(0.0, self._tick_s / slices - spent_s))
