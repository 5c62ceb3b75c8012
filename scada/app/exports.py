"""Exports of rows to other databases (`[[exports]]`), each on its own time and in a thread of its own.

How far each has come is a document of `core.db`: it goes on there after a restart. A target that is away is tried
again, ever more seldom; `System.ExportsOk` says so, and nothing is lost, for the rows stay here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import structlog

from scada.alarming.oncall.wall import local_day, moment
from scada.core.errors import ScadaError
from scada.core.plant import Export, Plant
from scada.core.value import GOOD, SECOND_US, TimeUs, Value
from scada.history import Exporter, ExportError, Older
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost

LOOK_S = 30.0
"""The longest sleep: the clock may be set."""
RETRY_FIRST_S, RETRY_MAX_S = 30.0, 900.0
OVERLAP_US = 3_600 * SECOND_US
"""What changes later is taken again from so far before the last position: a commit that waited for the disk, a clock
that was set back."""
STATE_CHARS_MAX = 500
"""Of `System.ExportsState`."""
JOURNALS = ("alarms", "audit")

log = structlog.get_logger()


class Position(msgspec.Struct, frozen=True):
    """How far an export has come.

    Attributes:
        target: the URL without password; another one begins anew.
        done_us: begin of the last run that ended well.
        cursors: kind → position.
    """

    target: str = ""
    done_us: TimeUs = 0
    cursors: dict[str, tuple[int, int]] = {}


def next_run(export: Export, zone: ZoneInfo, done_us: TimeUs, now_us: TimeUs) -> TimeUs:
    """When an export runs that last began at `done_us`; a moment that was missed is made up for at once."""
    if export.at_min is None:
        # A clock that was set back must not hold it up.
        return min(done_us, now_us) + export.every_us
    today = local_day(now_us, zone)
    newest, following = (moment(today + timedelta(days=days), export.at_min, zone) for days in (0, 1))
    if newest > now_us:
        newest, following = moment(today - timedelta(days=1), export.at_min, zone), newest
    return newest if done_us < newest else following


class Exports:
    """The service.

    Args:
        secret: reference → secret, asked at each run.
        older: what `core.db` no longer has.

    Attributes:
        state: export → what is wrong with it; without those that work.
    """

    def __init__(
        self,
        plant: Plant,
        host: PlantHost,
        documents: Documents,
        secret: Callable[[str], str | None],
        older: Older,
    ) -> None:
        self._older = older
        self._plant, self._host, self._secret = plant, host, secret
        self._positions = documents.drawer("export", Position)
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self.state: dict[str, str] = {}

    async def run(self) -> None:
        """Export until cancelled."""
        self._say()
        try:
            async with asyncio.TaskGroup() as group:
                for export in self._plant.exports:
                    group.create_task(self._keep(export))
        finally:
            for pool in self._pools.values():
                pool.shutdown(wait=False)
            self._pools.clear()

    async def _keep(self, export: Export) -> None:
        zone = ZoneInfo(self._plant.timezone)
        retry_s = RETRY_FIRST_S
        while True:
            position = self._positions.get(export.name) or Position()
            now_us = self._host.clock.now_us()
            wait_s = (next_run(export, zone, position.done_us, now_us) - now_us) / SECOND_US
            if wait_s > 0:
                await asyncio.sleep(min(wait_s, LOOK_S))
            elif await self.attempt(export):
                retry_s = RETRY_FIRST_S
            else:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, RETRY_MAX_S)

    async def attempt(self, export: Export) -> bool:
        """Run an export now; False: it failed, which is told."""
        try:
            rows = await self._export(export)
        except (ExportError, ScadaError) as error:
            if self.state.get(export.name) != str(error):
                log.error("export_fails", export=export.name, reason=str(error))
            self.state[export.name] = str(error)
            self._say()
            return False
        if self.state.pop(export.name, None) is not None:
            log.info("export_works_again", export=export.name)
        log.info("exported", export=export.name, rows=rows)
        self._say()
        return True

    async def _export(self, export: Export) -> int:
        url = self._secret(export.url)
        if not url:
            raise ExportError(f"the URL of the export is not there: set {export.url}")
        loop = asyncio.get_running_loop()
        pool = self._pools.get(export.name)
        if pool is None:
            pool = self._pools[export.name] = ThreadPoolExecutor(1, f"export {export.name}")
        began_us = self._host.clock.now_us()
        exporter = await loop.run_in_executor(
            pool, Exporter, self._plant.directory, url, self._plant.name, export.prefix, self._older
        )
        try:
            made = await loop.run_in_executor(pool, exporter.prepare, export.what)
            position = self._positions.get(export.name) or Position()
            cursors = position.cursors if position.target == exporter.target else {}
            cursors = {kind: cursor for kind, cursor in cursors.items() if kind not in made}
            rows = 0
            for kind in export.what:
                cursor = _begin(kind, cursors.get(kind, (0, 0)), began_us)
                more = True
                while more:
                    step = await loop.run_in_executor(pool, exporter.step, kind, cursor, began_us)
                    cursor, more, rows = step.cursor, step.more, rows + step.rows
                    if cursor > cursors.get(kind, (0, 0)):
                        cursors = cursors | {kind: cursor}
                        await self._keep_position(export, exporter.target, position.done_us, cursors)
            await self._keep_position(export, exporter.target, began_us, cursors)
            return rows
        finally:
            pool.submit(exporter.close)  # after what the thread is just doing

    async def _keep_position(
        self, export: Export, target: str, done_us: TimeUs, cursors: dict[str, tuple[int, int]]
    ) -> None:
        await self._positions.put(export.name, Position(target=target, done_us=done_us, cursors=cursors))

    def _say(self) -> None:
        text = "; ".join(f"{name}: {reason}" for name, reason in sorted(self.state.items()))
        values: dict[str, Value] = {"ExportsOk": not self.state, "ExportsState": text[:STATE_CHARS_MAX]}
        now_us = self._host.clock.now_us()
        tags = self._host.tags
        self._host.write(
            [
                (tag, value, GOOD, now_us)
                for name, value in values.items()
                if (tag := tags.get(f"System.{name}")) is not None
            ]
        )


def _begin(kind: str, cursor: tuple[int, int], now_us: TimeUs) -> tuple[int, int]:
    return cursor if kind in JOURNALS else (max(0, min(cursor[0], now_us) - OVERLAP_US), 0)
