"""Supervision of services: a service that falls is started again with back-off; its health is a tag."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import structlog

RESTART_FIRST_S = 0.5
RESTART_MAX_S = 30.0
STABLE_AFTER_S = 60.0
UP_AFTER_S = 10.0
"""A service that has failed is said to be up again when it has run so long, not when it is tried."""

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
    health(name, True)
    failed = False
    while True:
        started = loop.time()
        # Said later and by a task of its own; it ends with this try, whatever happens.
        recovery = asyncio.create_task(_say_up(name, health)) if failed else None
        try:
            await service()
            log.error("service_ended", service=name)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("service_failed", service=name)
        finally:
            if recovery is not None:
                recovery.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await recovery
        failed = True
        health(name, False)
        if loop.time() - started > STABLE_AFTER_S:
            delay_s = RESTART_FIRST_S
        await asyncio.sleep(delay_s * random.uniform(0.8, 1.2))
        delay_s = min(delay_s * 2, RESTART_MAX_S)


async def _say_up(name: str, health: Callable[[str, bool], None]) -> None:
    await asyncio.sleep(UP_AFTER_S)
    log.info("service_works_again", service=name)
    health(name, True)
