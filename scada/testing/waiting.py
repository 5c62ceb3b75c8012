"""Waiting for conditions, never for luck."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

DEADLINE_S = 15.0


async def until(condition: Callable[[], object], what: str = "", deadline_s: float = DEADLINE_S) -> None:
    """Return when the condition is true.

    Raises:
        AssertionError: it did not become true within `deadline_s`.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while not condition():
        if loop.time() > end:
            raise AssertionError(f"not within {deadline_s:g} s: {what or condition}")
        await asyncio.sleep(0.01)
