"""Alarms to browsers: at most four messages a second and language, from the published board."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from scada.core.plant import Plant
from scada.hmi import alarms
from scada.hmi.pump import Emit
from scada.runtime.board import AlarmBoard

PERIOD_S = 0.25


def summary_room(language: str) -> str:
    """Everybody who reads this language."""
    return f"scada.alarms.{language}"


def list_room(language: str) -> str:
    """Those of them who look at the alarm list."""
    return f"scada.alarmlist.{language}"


class AlarmFeed:
    """Sends banner, counters, marks and the list.

    Args:
        readers: languages that are looked at now → whether somebody looks at the list in it.
    """

    def __init__(
        self, plant: Plant, board: AlarmBoard, emit: Emit, readers: Callable[[], dict[str, bool]]
    ) -> None:
        self._plant = plant
        self._board = board
        self._emit = emit
        self._readers = readers
        self._event = asyncio.Event()

    def take(self) -> None:
        """Note that the board has changed (listener of `AlarmBoard.subscribe`)."""
        self._event.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._event.wait()
            self._event.clear()
            for language, listed in self._readers().items():
                summary = alarms.summary(self._plant, self._board, language)
                await self._emit("scada_alarms", summary, summary_room(language))
                if listed:
                    rows = alarms.rows(self._plant, self._board, language)
                    await self._emit("scada_alarmlist", rows, list_room(language))
            await asyncio.sleep(PERIOD_S)
