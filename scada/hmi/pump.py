"""Values to browsers: conflated for at most 100 ms, one message a site, however many look.

A slow browser never holds anybody up: the socket server queues for it, and a page that is hidden or gone has
left its room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from scada.core.tag import Tag
from scada.hmi.live import message

PERIOD_S = 0.1

Emit = Callable[[str, Any, str], Awaitable[None]]
"""(event, payload, room)."""


def room_of(site: str) -> str:
    """The room of those who look at a site; of everybody for tags that belong to none."""
    return f"scada.tags.{site}"


class Pump:
    """Gathers changed tags and sends them to the rooms that are looked at.

    Args:
        watched: the sites that somebody looks at now.
        changed: told the indexes of each round before it is sent.
    """

    def __init__(
        self,
        emit: Emit,
        watched: Callable[[], set[str]],
        changed: Callable[[set[int]], None],
    ) -> None:
        self._emit = emit
        self._watched = watched
        self._changed = changed
        # Bounded by the number of tags: each is in it once, its newest value is read when it is sent.
        self._dirty: dict[int, Tag] = {}
        self._event = asyncio.Event()

    def take(self, tags: Iterable[Tag]) -> None:
        """Note changed tags (listener of `PlantHost.subscribe_changes`)."""
        self._dirty.update((tag.index, tag) for tag in tags)
        self._event.set()

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._event.wait()
            started = loop.time()
            await self.flush()
            await asyncio.sleep(max(0.0, PERIOD_S - (loop.time() - started)))

    async def flush(self) -> None:
        """Send what has changed since the last call."""
        self._event.clear()
        dirty, self._dirty = self._dirty, {}
        self._changed(set(dirty))
        watched = self._watched()
        by_site: dict[str, list[Tag]] = {}
        for tag in dirty.values():
            site = tag.definition.site
            if site in watched:
                by_site.setdefault(site, []).append(tag)
        for site, tags in by_site.items():
            await self._emit("scada_tags", message(tags), room_of(site))
