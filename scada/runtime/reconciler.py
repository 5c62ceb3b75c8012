"""The daily job that rebuilds a day: what came late is put where it belongs, and what is still open is said.

- Figures of sessions that are missing or older than the session are worked out.
- Where a session's registers (StartTransaction and StopTransaction, often told after an outage) lie in a gap of the connector's
  energy register, they are put into its history as corrections by `<reconciliation>`: what was recorded is never overwritten.
- What people must look at is listed: lost stops, unknown starts, meters that differ, sessions that run for days.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import structlog

from scada.core import moment
from scada.core.errors import BadRequest, ScadaError
from scada.core.plant import Plant
from scada.core.ports import Archive, Correction, SessionFilter
from scada.core.records import TransactionRecord, TransactionState
from scada.core.session_ports import SessionRow, SessionStore
from scada.core.value import GOOD, SECOND_US, TimeUs, is_good
from scada.runtime.bookkeeper import BATCH, Bookkeeper
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost

USER = "<reconciliation>"
AT_HOUR = 3
"""Local hour after which the day before is rebuilt: chargers that were away have mostly come back by then."""
LOOK_S = 600.0
APART_US = 120 * SECOND_US
"""A sample of the register nearer than this to start or stop leaves no gap there."""
LONGEST_US = 31 * 86_400 * SECOND_US
RUNS_LONG_US = 48 * 3_600 * SECOND_US
SESSIONS_MAX = 50_000
OPEN_MAX = 500
DAYS_KEPT = 400
ROUNDS_MAX = 1_000

log = structlog.get_logger()


class OpenPoint(msgspec.Struct, frozen=True):
    """Something that people must look at: `lost_stop`, `unknown_start`, `meter_difference`, `runs_long`."""

    kind: str
    session: int
    charger: str
    text: str


class DayReport(msgspec.Struct, frozen=True):
    """What a run did and found.

    Attributes:
        filled: registers that were put into gaps, as (tag, time, kWh).
        cut: there was more than is listed.
    """

    day: str
    made: str
    by: str
    sessions: int
    figures: int
    filled: list[tuple[str, str, float]]
    open: list[OpenPoint]
    cut: bool = False


class Reconciler:
    """The service."""

    def __init__(
        self,
        plant: Plant,
        host: PlantHost,
        archive: Archive,
        sessions: SessionStore,
        books: Bookkeeper,
        documents: Documents,
    ) -> None:
        self._plant, self._host, self._archive, self._sessions = plant, host, archive, sessions
        self._books = books
        self._reports = documents.drawer("reconciliation", DayReport)
        self._zone = ZoneInfo(plant.timezone)
        self._one = asyncio.Lock()

    def report(self, day: str) -> DayReport | None:
        """The last report of a day (ISO 8601), or None."""
        return self._reports.get(day)

    def reports(self) -> list[DayReport]:
        """All that are kept, newest day first."""
        return sorted((one for _, one in self._reports), key=lambda one: one.day, reverse=True)

    async def run(self) -> None:
        """Rebuild each day once, in the night after it, until cancelled."""
        while True:
            now = self._now()
            day = (now - timedelta(days=1)).date().isoformat()
            if now.hour >= AT_HOUR and self._reports.get(day) is None:
                try:
                    await self.rebuild(day, USER)
                except ScadaError as error:  # the disk or the history; it is tried again
                    log.error("reconciliation_failed", day=day, reason=str(error))
            await asyncio.sleep(LOOK_S)

    async def rebuild(self, day: str, by: str) -> DayReport:
        """Rebuild a local day of the project; again is harmless: what was filled is there.

        Raises:
            BadRequest: it is no day, or not over yet.
            JournalError: the disk.
        """
        from_us, to_us = self._span(day)
        async with self._one:
            figures = 0
            for _ in range(ROUNDS_MAX):
                number = await self._books.work_off(from_us - LONGEST_US)
                figures += number
                if number < BATCH:
                    break
            rows = await self._sessions.span(
                SessionFilter(from_us=from_us - LONGEST_US, to_us=to_us, ended_from_us=from_us), SESSIONS_MAX
            )
            filled: list[tuple[str, str, float]] = []
            for row in rows:
                filled += await self._fill(row.record, from_us, to_us)
            points = [point for row in rows for point in self._open(row, to_us)]
            report = DayReport(
                day=day,
                made=moment.text(self._host.clock.now_us()),
                by=by,
                sessions=len(rows),
                figures=figures,
                filled=filled[:OPEN_MAX],
                open=points[:OPEN_MAX],
                cut=len(points) > OPEN_MAX or len(filled) > OPEN_MAX or len(rows) == SESSIONS_MAX,
            )
            await self._reports.put(day, report)
            old = sorted(key for key, _ in self._reports)[:-DAYS_KEPT]
            await self._reports.remove_all(old)
        log.info("day_rebuilt", day=day, sessions=len(rows), filled=len(filled), open=len(points))
        return report

    async def _fill(
        self, record: TransactionRecord, from_us: TimeUs, to_us: TimeUs
    ) -> list[tuple[str, str, float]]:
        """Put the registers of a session into gaps of its connector's register."""
        charger = self._plant.chargers_by_path.get(record.charger)
        connector = charger.connector(record.connector) if charger else None
        # Registers of a session's own (from 0) are others than the connector's.
        if connector is None or {"session_register", "meter_backwards", "meter_implausible", "clock"} & set(
            record.flags.split(",")
        ):
            return []
        path = f"{connector.path}.Energy"
        tag = self._host.tags.get(path)
        if tag is None or tag.definition.history is None:
            return []
        told = [(record.started_us, record.meter_start_wh)]
        if record.stopped_us is not None and record.meter_stop_wh is not None:
            told.append((record.stopped_us, record.meter_stop_wh))
        corrections: list[Correction] = []
        for time_us, register_wh in told:
            if not from_us <= time_us < to_us:
                continue
            near = await self._archive.points(path, time_us - APART_US, time_us + APART_US, 100)
            if any(is_good(point.quality) for point in near):
                continue
            corrections.append(
                Correction(
                    path=path,
                    time_us=time_us,
                    value=register_wh / 1000,
                    quality=GOOD,
                    user=USER,
                    reason=f"register of session {record.id}, told by the charger",
                )
            )
        if corrections:
            try:
                await self._archive.correct(corrections)
            except ScadaError as error:  # nothing was ever recorded there
                log.warning("gap_not_filled", tag=path, reason=str(error))
                return []
        return [(one.path, moment.text(one.time_us), float(one.value or 0)) for one in corrections]

    def _open(self, row: SessionRow, to_us: TimeUs) -> list[OpenPoint]:
        record, figures = row.record, row.figures
        found: list[OpenPoint] = []

        def point(kind: str, text: str) -> None:
            found.append(OpenPoint(kind, record.id, record.charger, text))

        if record.state is TransactionState.LOST_STOP:
            point("lost_stop", f"no stop came; {record.energy_wh} Wh by samples")
        if "unknown_start" in record.flags.split(","):
            point("unknown_start", f"a stop came without a start; {record.charger_id}")
        if figures is not None and "meter_difference" in figures.flags.split(","):
            point("meter_difference", f"{figures.meter} counted {figures.meter_difference_wh} Wh more")
        if record.state is TransactionState.OPEN and to_us - record.started_us > RUNS_LONG_US:
            point("runs_long", f"since {moment.text(record.started_us)}")
        return found

    def _span(self, day: str) -> tuple[TimeUs, TimeUs]:
        try:
            first = date.fromisoformat(day)
        except ValueError:
            raise BadRequest(f"'{day}' is no day, for example 2026-11-21") from None
        if not first < self._now().date():
            raise BadRequest(f"{day} is not over yet")
        return self._midnight_us(first), self._midnight_us(first + timedelta(days=1))

    def _midnight_us(self, day: date) -> TimeUs:
        return int(datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()) * SECOND_US

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._host.clock.now_us() / SECOND_US, self._zone)
