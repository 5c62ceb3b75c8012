"""Reports on demand, as data or as a file.

No postponed annotations here: FastAPI evaluates them.
"""

from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.api.sessions import session_filter
from scada.core.access import Actor, Right
from scada.core.errors import BadRequest
from scada.core.ports import SessionFilter
from scada.core.report_ports import ReportRequest

Kind = Literal["sessions", "energy", "availability", "utilisation", "peak", "alarms", "audit"]
Form = Literal["json", "csv", "xlsx", "pdf"]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the route."""
    see = Depends(requires(services, Right.SEE))
    filtered = session_filter(services)

    @router.get("/reports/{report}.{form}", tags=["reports"], dependencies=secured)
    async def report(
        report: Kind,
        form: Form,
        actor: Annotated[Actor, see],
        where: Annotated[SessionFilter, Depends(filtered)],
        period: Annotated[
            str, Query(max_length=20, description="yesterday, last_week, last_month, …; or from and to")
        ] = "",
        by: Annotated[str, Query(max_length=20, description="of energy")] = "charger",
        step: Annotated[str, Query(max_length=20, description="of energy")] = "day",
        language: Literal["en", "fr"] = "en",
    ) -> Response:
        """A report of `period`, or of `from <= time < to`, about what the filters of `/sessions` choose.

        json holds every table; csv the first, with heads that do not change with the language. The audit is for who manages
        users.
        """
        if report == "audit":
            actor.require(Right.MANAGE_USERS)
        zone = services.plant.timezone_of(where.site) if where.site else services.plant.timezone
        from_us, to_us = where.from_us, where.to_us
        if period:
            if from_us is not None or to_us is not None:
                raise BadRequest("give 'period', or 'from' and 'to'")
            from_us, to_us = services.reports.span(period, services.host.clock.now_us(), zone)
        if from_us is None or to_us is None:
            raise BadRequest("give 'period', or 'from' and 'to'")
        request = ReportRequest(
            report=report,
            from_us=from_us,
            to_us=to_us,
            site=where.site,
            by=by,
            step=step,
            language=language,
            where=replace(where, site="", from_us=None, to_us=None),
            scope=actor.scope,
        )
        made = await services.reports.file(request, form)
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.content, media_type=made.media_type, headers=headers)

    _reconciliation(router, services, secured)


def _reconciliation(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    see = Depends(requires(services, Right.SEE))
    operate = Depends(requires(services, Right.OPERATE))
    reconciler = services.reconciler

    @router.get("/reconciliation", tags=["reports"], dependencies=[*secured, see])
    async def reconciled(
        limit: Annotated[int, Query(ge=1, le=400)] = 31,
    ) -> models.Page[dict[str, Any]]:
        """What the daily job filled and what is open, newest day first."""
        items = [msgspec.to_builtins(one) for one in reconciler.reports()[:limit]]
        return models.Page(items=items, next=None)

    @router.post("/reconciliation/{day}", tags=["reports"], dependencies=secured)
    async def reconcile(
        day: Annotated[str, Path(max_length=10)], actor: Annotated[Actor, operate]
    ) -> dict[str, Any]:
        """Rebuild a day that is over, now; again is harmless."""
        made: dict[str, Any] = msgspec.to_builtins(await reconciler.rebuild(day, actor.name))
        return made
