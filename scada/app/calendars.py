"""Calendar files of rotas, read again when they change and as time goes on.

A file that cannot be read, or names nobody, changes nothing: who was on duty by the last good one still is, and
`System.CalendarsOk` says so.
"""

from __future__ import annotations

import asyncio

import structlog

from scada.core.errors import ScadaError
from scada.core.plant import DutySpan, Plant, Rota
from scada.core.value import GOOD, SECOND_US
from scada.notify.calendar import read_rota
from scada.runtime.host import PlantHost

LOOK_EVERY_S = 30.0
READ_AGAIN_US = 86_400 * SECOND_US
"""Without a change too: recurrences are expanded up to a horizon that moves."""

log = structlog.get_logger()


class Calendars:
    """Keeps the calendars of a plant's rotas."""

    def __init__(self, plant: Plant, host: PlantHost, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._plant = plant
        self._host = host
        self._look_every_s = look_every_s
        self._rotas = [rota for rota in plant.rotas if rota.calendar]
        self._seen: dict[str, tuple[float, int]] = {}
        """Rota → (when its file was changed, when it was read)."""
        self._wrong: dict[str, str] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            for rota in self._rotas:
                await self._look(rota)
            self._say(not self._wrong)
            await asyncio.sleep(self._look_every_s)

    async def _look(self, rota: Rota) -> None:
        now_us = self._host.clock.now_us()
        path = self._plant.directory / rota.calendar
        try:
            changed = (await asyncio.to_thread(path.stat)).st_mtime
            before, read_us = self._seen.get(rota.name, (0.0, 0))
            if changed == before and now_us - read_us < READ_AGAIN_US:
                return
            spans = await asyncio.to_thread(self._read, rota, now_us)
        except (OSError, ScadaError) as error:
            if self._wrong.get(rota.name) != str(error):
                log.error("calendar_failed", rota=rota.name, error=str(error))
            self._wrong[rota.name] = str(error)
            return
        self._wrong.pop(rota.name, None)
        self._seen[rota.name] = (changed, now_us)
        self._host.set_calendar(rota.name, spans)
        log.info("calendar_read", rota=rota.name, entries=len(spans))

    def _read(self, rota: Rota, now_us: int) -> tuple[DutySpan, ...]:
        return read_rota(rota, self._plant.contacts, self._plant.teams, self._plant.directory, now_us)

    def _say(self, well: bool) -> None:
        tag = self._host.tags.get("System.CalendarsOk")
        if tag is not None:
            self._host.write([(tag, well, GOOD, self._host.clock.now_us())])
