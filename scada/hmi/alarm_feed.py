"""Alarms to browsers: at most four messages a second and page, from the published board.

Pages of one language and role share a summary; pages with the same filter besides share a list. In a flood the feed
takes longer and then waits longer: it takes no more than a fifth of the loop.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from scada.core.access import Actor, Role
from scada.hmi import alarms
from scada.hmi.alarm_list import AlarmFilter, listed
from scada.hmi.not_normal import oddities
from scada.hmi.pump import Emit
from scada.runtime.host import PlantHost

PERIOD_S = 0.25
LOOK_S = 1.0
"""Masks that hold without an alarm to hold back move no board: they are looked at so often."""
REST = 4.0
"""Rest after a round, in lengths of the round."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A page that is looked at.

    Attributes:
        room: of this page alone.
        where: which alarms it lists; None: it lists none.
    """

    language: str
    actor: Actor
    room: str
    where: AlarmFilter | None


def summary_room(language: str, role: Role) -> str:
    """Everybody who reads this language and sees the same alarms."""
    seen = (role.see, sorted(role.sites), sorted(role.domains))
    return f"scada.alarms.{language}.{hashlib.sha256(repr(seen).encode()).hexdigest()[:16]}"


class AlarmFeed:
    """Sends banner, counters, marks and the list.

    Args:
        readers: the pages that are looked at now.
        moved: told that the board has changed, before anything is sent.
    """

    def __init__(
        self,
        host: PlantHost,
        emit: Emit,
        readers: Callable[[], Iterable[Reader]],
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._host = host
        self._emit = emit
        self._readers = readers
        self._moved = moved
        self._event = asyncio.Event()
        self._beside = (0, 0)
        """Masks that hold, and what is not normal without an alarm: the board tells of neither."""

    def take(self) -> None:
        """Note that the board has changed (listener of `AlarmBoard.subscribe`)."""
        self._event.set()

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._event.wait()
            except TimeoutError:
                beside = (len(self._host.core.masks.holding()), len(oddities(self._host, Role())))
                if beside == self._beside:
                    continue
                self._beside = beside
            self._event.clear()
            began = loop.time()
            self._moved()
            await self.send()
            await asyncio.sleep(max(PERIOD_S, REST * (loop.time() - began)))

    async def send(self) -> None:
        """Send everybody what stands now."""
        pictures: dict[Role, alarms.Json] = {}
        told: set[str] = set()
        lists: dict[Any, alarms.Json] = {}
        for reader in list(self._readers()):
            role = reader.actor.scope
            room = summary_room(reader.language, role)
            if room not in told:
                told.add(room)
                if role not in pictures:
                    pictures[role] = alarms.picture(self._host, role)
                summary = alarms.in_language(self._host, pictures[role], reader.language, role)
                await self._emit("scada_alarms", summary, room)
            if reader.where is not None:
                key = (reader.language, reader.actor.rights, role, reader.where)
                if key not in lists:
                    lists[key] = listed(self._host, reader.language, reader.actor, reader.where)
                await self._emit("scada_alarmlist", lists[key], reader.room)
