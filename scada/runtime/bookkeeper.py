"""Works out the figures of each transaction that has ended, and again when it changed later.

It wakes when one ends and looks at the table, never at a list of its own: a crash between the end and the figures
leaves a row without figures, and that is found again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from scada.charging.bookkeeping import APART_MAX_US, Power, SessionSamples, work_out
from scada.charging.registers import Reading
from scada.core.effects import Event
from scada.core.errors import ScadaError
from scada.core.plant import Meter, Plant
from scada.core.ports import Archive, Point
from scada.core.records import SessionFigures, TransactionRecord
from scada.core.session_ports import SessionStore
from scada.core.value import SECOND_US, TimeUs, is_good
from scada.runtime.host import PlantHost
from scada.runtime.requests import Note

SETTLE_S = 3.0
"""After an end, until its samples are sure to be stored."""
LOOK_S = 900.0
"""How often it looks without being told."""
LOOK_BACK_US = 40 * 86_400 * SECOND_US
"""Transactions that changed before are left as they are; their samples may be gone."""
BATCH = 100
PAUSE_S = 0.05
"""Between two of many, so that the queries of people come first."""
POINTS_MAX = 20_000

log = structlog.get_logger()


class Bookkeeper:
    """The service.

    Args:
        settle_s: see `SETTLE_S`.
    """

    def __init__(
        self,
        plant: Plant,
        host: PlantHost,
        archive: Archive,
        sessions: SessionStore,
        *,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._plant, self._host, self._archive, self._sessions = plant, host, archive, sessions
        self._settle_s = settle_s
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        end = self._host.events.subscribe(self._heard)
        try:
            while True:
                self._told.clear()
                if await self.work_off() == BATCH:
                    await asyncio.sleep(PAUSE_S)
                    continue
                try:
                    await asyncio.wait_for(self._told.wait(), LOOK_S)
                except TimeoutError:
                    continue
                await asyncio.sleep(self._settle_s)
        finally:
            end()

    async def work_off(self, since_us: TimeUs | None = None) -> int:
        """Work out what waits, at most `BATCH`; how many there were."""
        now_us = self._host.clock.now_us()
        since_us = now_us - LOOK_BACK_US if since_us is None else since_us
        records = await self._sessions.unfigured(since_us, BATCH)
        for record in records:
            figures = await self.figures(record)
            try:
                await self._host.request(Note((figures,)))
            except ScadaError as error:  # the disk; it is found again at the next look
                log.warning("figures_not_kept", session=record.id, error=str(error))
                return 0
            await asyncio.sleep(PAUSE_S if len(records) > 1 else 0)
        return len(records)

    async def figures(self, record: TransactionRecord) -> SessionFigures:
        """The figures of a transaction, from what is stored."""
        samples = await self._samples(record)
        zone = self._plant.timezone_of(record.site)
        return work_out(record, samples, self._plant.bookkeeping, zone, self._host.clock.now_us())

    def _heard(self, event: Event) -> None:
        if event.kind == "transaction_stopped":
            self._told.set()

    async def _samples(self, record: TransactionRecord) -> SessionSamples:
        charger = self._plant.chargers_by_path.get(record.charger)
        connector = charger.connector(record.connector) if charger else None
        if charger is None or connector is None or record.stopped_us is None:
            return SessionSamples()
        from_us, to_us = record.started_us, record.stopped_us + 1
        registers = await self._points(f"{connector.path}.Energy", from_us, to_us)
        power = await self._points(f"{connector.path}.ActivePower", from_us, to_us)
        meter = self._meter(charger.path)
        counted: Sequence[Point] = ()
        alone = True
        if meter is not None:
            counted = await self._points(
                f"{meter.path}.EnergyImport", from_us - APART_MAX_US, to_us + APART_MAX_US
            )
            alone = len(charger.connectors) == 1 or not await self._sessions.beside(record, 1)
        return SessionSamples(
            registers=readings(registers),
            power=[
                Power(point.time_us, float(point.value) if _is_number(point) else None)  # type: ignore[arg-type]
                for point in power
            ],
            meter=meter.path if meter else "",
            meter_registers=readings(counted),
            alone=alone,
            power_max_kw=connector.power_max_kw,
        )

    def _meter(self, charger: str) -> Meter | None:
        return next(
            (
                meter
                for meter in self._plant.meters()
                if meter.measures and f"{meter.site}.{meter.measures}" == charger
            ),
            None,
        )

    async def _points(self, path: str, from_us: TimeUs, to_us: TimeUs) -> Sequence[Point]:
        tag = self._host.tags.get(path)
        if tag is None or tag.definition.history is None:
            return ()
        return await self._archive.points(path, from_us, to_us, POINTS_MAX)


def readings(points: Sequence[Point]) -> list[Reading]:
    """Good samples of a register in kWh."""
    return [
        Reading(point.time_us, float(point.value) * 1000)  # type: ignore[arg-type]
        for point in points
        if _is_number(point)
    ]


def _is_number(point: Point) -> bool:
    return (
        is_good(point.quality) and isinstance(point.value, (int, float)) and not isinstance(point.value, bool)
    )
