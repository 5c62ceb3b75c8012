"""Where reports are asked for: a request becomes data, and data a file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from scada.core.errors import BadRequest, NotFound
from scada.core.plant import Plant
from scada.core.ports import Archive, Clock
from scada.core.report_ports import FORMATS, REPORTS, Report, ReportFile, ReportRequest
from scada.core.session_ports import SessionStore
from scada.core.value import SECOND_US, TimeUs
from scada.reports import charging, plant_reports, spans
from scada.reports.filters import filter_text
from scada.reports.sources import Sources
from scada.reports.words import word
from scada.reports.worker import render, render_apart

ROWS_HERE_MAX = 500
"""A report of more rows is rendered in a process of its own."""
AT_ONCE = 2
"""Reports that are made at the same time; others wait in line."""
SPAN_US_MAX = 3 * 366 * 86_400 * SECOND_US

Plain = Callable[[Sources, ReportRequest, Report], Report]
Asking = Callable[[Sources, ReportRequest, Report], Awaitable[Report]]
_PLAIN: dict[str, Plain] = {
    "sessions": charging.sessions,
    "energy": charging.energy,
    "utilisation": charging.utilisation,
}
_ASKING: dict[str, Asking] = {
    "availability": plant_reports.availability,
    "peak": plant_reports.peak,
    "alarms": plant_reports.alarms,
    "audit": plant_reports.audit,
}


class Desk:
    """Implements `scada.core.report_ports.ReportDesk`."""

    def __init__(self, plant: Plant, archive: Archive, sessions: SessionStore, clock: Clock) -> None:
        self._plant, self._clock = plant, clock
        self._sources = Sources(plant, archive, sessions)
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def build(self, request: ReportRequest) -> Report:
        """The data of a report.

        Raises:
            BadRequest: there is no such report, dimension or step, or the span is empty or too long.
            NotFound: there is no such site.
        """
        request = self._checked(request)
        async with self._turn:
            return await self._build(request)

    async def file(
        self, request: ReportRequest, form: str, progress: Callable[[int], None] = lambda _: None
    ) -> ReportFile:
        """A report as a file.

        Raises:
            BadRequest, NotFound: as `build`; or there is no such format.
            ScadaError: it is too large, or took too long.
        """
        if form not in FORMATS:
            raise BadRequest(f"a report is one of {', '.join(FORMATS)}")
        request = self._checked(request)
        async with self._turn:
            report = await self._build(request)
            rows = sum(len(table.rows) for table in report.tables)
            if rows > ROWS_HERE_MAX or form == "pdf":
                content = await render_apart(report, form, progress)
            else:
                content = await asyncio.to_thread(render, report, form)
        return ReportFile(_name(report, form), FORMATS[form], content)

    def span(self, period: str, now_us: TimeUs, timezone: str) -> tuple[TimeUs, TimeUs]:
        """A named period; raises BadRequest."""
        return spans.span(period, now_us, ZoneInfo(timezone or self._plant.timezone))

    def _checked(self, request: ReportRequest) -> ReportRequest:
        if request.report not in REPORTS:
            raise BadRequest(f"there is no report '{request.report}': {', '.join(REPORTS)}")
        if request.from_us >= request.to_us:
            raise BadRequest("the span must end after it begins")
        if request.to_us - request.from_us > SPAN_US_MAX:
            raise BadRequest("a report covers at most three years")
        if request.site and all(site.path != request.site for site in self._plant.sites):
            raise NotFound(f"there is no site {request.site}")
        zone = request.timezone or (
            self._plant.timezone_of(request.site) if request.site else self._plant.timezone
        )
        return replace(request, timezone=zone)

    async def _build(self, request: ReportRequest) -> Report:
        title = word(request.report, request.language)
        empty = Report(
            kind=request.report,
            title=f"{title} · {request.site}" if request.site else title,
            project=self._plant.name,
            language=request.language,
            timezone=request.timezone,
            from_us=request.from_us,
            to_us=request.to_us,
            made_us=self._clock.now_us(),
            facts=[(word("filter", request.language), filter_text(request))],
        )
        plain = _PLAIN.get(request.report)
        if plain is not None:
            return await asyncio.to_thread(plain, self._sources, request, empty)
        return await _ASKING[request.report](self._sources, request, empty)


def _name(report: Report, form: str) -> str:
    zone = ZoneInfo(report.timezone)
    begin, end = (spans.local(one, zone) for one in (report.from_us, report.to_us - 1))
    project = "".join(one if one.isalnum() else "-" for one in report.project)
    return f"{project}-{report.kind}-{begin:%Y%m%d}-{end:%Y%m%d}.{form}"
