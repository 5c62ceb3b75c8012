"""The alarm journal: filtered, exported, and as the figures of ISA-18.2.

No postponed annotations here: FastAPI evaluates them.
"""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from scada.api import csv_export, models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core import moment
from scada.core.access import LEVEL_MAX, Actor, Right
from scada.core.errors import BadRequest
from scada.core.ports import AlarmFigures, JournalFilter, Page
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.core.value import SECOND_US

LIMIT_MAX = 1_000
DAY_US = 24 * 3600 * SECOND_US

Path = Annotated[str, Query(max_length=256)]
Level = Annotated[int, Query(ge=0, le=LEVEL_MAX)]
Time = Annotated[str | None, Query(max_length=40, description="RFC 3339")]
From = Annotated[str | None, Query(alias="from", max_length=40, description="RFC 3339")]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    see = Depends(requires(services, Right.SEE))
    archive = services.archive

    async def alarms_of(
        actor: Annotated[Actor, see],
        site: Path = "",
        branch: Annotated[str, Query(max_length=256, description="alarms at this path or below it")] = "",
        level_min: Level = 0,
        level_max: Level = LEVEL_MAX,
    ) -> JournalFilter:
        return JournalFilter(
            site=site, branch=branch, level_min=level_min, level_max=level_max, role=actor.scope
        )

    async def filtered(
        where: Annotated[JournalFilter, Depends(alarms_of)],
        alarm: Path = "",
        event: Annotated[
            list[AlarmEvent] | None, Query(max_length=20, description="any of these; may be repeated")
        ] = None,
        state: AlarmState | None = None,
        user: Annotated[str, Query(max_length=100)] = "",
        text: Annotated[str, Query(max_length=100, description="in path, comment or user")] = "",
        from_: From = None,
        to: Time = None,
    ) -> JournalFilter:
        return replace(
            where,
            alarm=alarm,
            events=tuple(event or ()),
            state=state,
            user=user,
            text=text,
            from_us=models.parse_time(from_, "from"),
            to_us=models.parse_time(to, "to"),
        )

    @router.get("/alarms/journal", tags=["alarms"], dependencies=secured)
    async def journal(
        where: Annotated[JournalFilter, Depends(filtered)],
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="items at most")] = 100,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the part before")] = None,
    ) -> models.Page[models.JournalItem]:
        """The alarm journal, newest first, as far as the caller's role sees it."""
        page = await archive.alarm_journal(where, limit, cursor)
        items = [models.journal_item(row) for row in page.items]
        return models.Page(items=items, next=page.next, complete=page.complete)

    @router.get(
        "/alarms/journal.csv", tags=["alarms"], dependencies=secured, response_class=StreamingResponse
    )
    async def export(where: Annotated[JournalFilter, Depends(filtered)]) -> StreamingResponse:
        """The same as CSV, the newest 100,000 rows; older ones with an earlier `to`."""

        async def read(limit: int, cursor: str | None) -> Page[AlarmTransition]:
            return await archive.alarm_journal(where, limit, cursor)

        return csv_export.response("alarm-journal", models.JournalItem, read, models.journal_item)

    @router.get("/alarms/figures", tags=["alarms"], dependencies=secured)
    async def figures(
        where: Annotated[JournalFilter, Depends(alarms_of)], from_: From = None, to: Time = None
    ) -> models.FiguresItem:
        """How well the alarm system does (ISA-18.2 16.5) over a span; default: the last 24 hours."""
        to_us = models.parse_time(to, "to")
        to_us = services.host.clock.now_us() if to_us is None else to_us
        from_us = models.parse_time(from_, "from")
        from_us = to_us - DAY_US if from_us is None else from_us
        if from_us >= to_us:
            raise BadRequest("'from' must be before 'to'")
        return _item(await archive.alarm_figures(where, from_us, to_us))


def _item(figures: AlarmFigures) -> models.FiguresItem:
    return models.FiguresItem(
        from_=moment.text(figures.from_us),
        to=moment.text(figures.to_us),
        raised=figures.raised,
        per_10_min_mean=figures.per_10_min_mean,
        per_10_min_peak=figures.per_10_min_peak,
        flood_percent=figures.flood_percent,
        most_frequent=[models.AlarmCount(alarm=alarm, times=times) for alarm, times in figures.most_frequent],
        chattering=list(figures.chattering),
        fleeting=[models.AlarmCount(alarm=alarm, times=times) for alarm, times in figures.fleeting],
        stale=list(figures.stale),
        by_priority=dict(figures.by_priority),
        acknowledge_s_median=figures.acknowledge_s_median,
        acknowledge_s_p90=figures.acknowledge_s_p90,
    )
