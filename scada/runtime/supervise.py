"""Supervision of services: a service that falls is started again with back-off; its health is a tag."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

RESTART_FIRST_S = 0.5
RESTART_MAX_S = 30.0
STABLE_AFTER_S = 60.0

log = structlog.get_logger()


async def supervise(
    name: str,
    service: Callable[[], Awaitable[None]],
    health: Callable[[str, bool], None],
) -> None:
    """Run a service for ever; end only by cancellation.

    Args:
        service: runs until it fails or is cancelled; returning counts as failing.
        health: told the state of the service whenever it changes.
    """
    delay_s = RESTART_FIRST_S
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        health(name, True)
        try:
            await service()
            log.error("service_ended", service=name)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("service_failed", service=name)
        health(name, False)
        if loop.time() - started > STABLE_AFTER_S:
            delay_s = RESTART_FIRST_S
        await asyncio.sleep(delay_s * random.uniform(0.8, 1.2))
        delay_s = min(delay_s * 2, RESTART_MAX_S)
