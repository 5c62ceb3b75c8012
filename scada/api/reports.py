"""Reports on demand, as data or as a file.

No postponed annotations here: FastAPI evaluates them.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.api.sessions import session_filter
from scada.core import moment
from scada.core.access import Actor, Right
from scada.core.errors import BadRequest
from scada.core.ports import SessionFilter
from scada.core.report_ports import ReportFile, ReportRequest
from scada.runtime.report_jobs import ReportJob

Kind = Literal["sessions", "energy", "availability", "utilisation", "peak", "alarms", "audit"]
Form = Literal["json", "csv", "xlsx", "pdf"]
JobId = Annotated[str, Path(max_length=40)]


@dataclass(frozen=True)
class Asked:
    """Who wants which report as which file."""

    actor: Actor
    request: ReportRequest
    form: str


class ReportJobItem(BaseModel):
    """A report under way or ended. `state`: running, done, failed or cancelled; `rows`: written so far; `size`: bytes of the file."""

    id: str
    report: str
    form: str
    from_: Annotated[str, Field(serialization_alias="from")]
    to: str
    asked: str
    state: str
    rows: int
    error: str
    name: str | None
    size: int | None


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the route."""
    see = Depends(requires(services, Right.SEE))
    filtered = session_filter(services)

    async def asked(
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
    ) -> Asked:
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
        return Asked(actor, request, form)

    @router.get("/reports/{report}.{form}", tags=["reports"], dependencies=secured)
    async def report(wanted: Annotated[Asked, Depends(asked)]) -> Response:
        """A report of `period`, or of `from <= time < to`, about what the filters of `/sessions` choose.

        json holds every table; csv the first, with heads that do not change with the language. The audit is for who manages
        users. A large one is better made by `/report-jobs`.
        """
        return _download(await services.reports.file(wanted.request, wanted.form))

    _jobs(router, services, secured, Depends(asked))
    _reconciliation(router, services, secured)


def _download(made: ReportFile) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "no-store"}
    return Response(made.content, media_type=made.media_type, headers=headers)


def _jobs(router: APIRouter, services: ApiServices, secured: list[Any], asked: Any) -> None:
    see = Depends(requires(services, Right.SEE))
    jobs = services.report_jobs

    def mine(actor: Actor, number: str) -> ReportJob:
        job = jobs.job(actor.name, number)
        if job.request.report == "audit":  # the right may have been taken since
            actor.require(Right.MANAGE_USERS)
        return job

    @router.post("/report-jobs/{report}.{form}", tags=["reports"], dependencies=secured, status_code=202)
    async def start(wanted: Annotated[Asked, asked], response: Response) -> ReportJobItem:
        """Begin to make a report, by the same fields as `/reports`; the file is fetched when it is done.

        Two are made at the same time for a user, pages of the browser counted, and the last five are kept for half an hour; not
        over a restart.
        """
        job = jobs.start(wanted.actor.name, wanted.request, wanted.form)
        response.headers["Location"] = f"/api/v1/report-jobs/{job.id}"
        return _job_item(job)

    @router.get("/report-jobs", tags=["reports"], dependencies=secured)
    async def listed(actor: Annotated[Actor, see]) -> models.Page[ReportJobItem]:
        """One's own, newest first."""
        return models.Page(items=[_job_item(job) for job in jobs.of(actor.name)], next=None)

    @router.get("/report-jobs/{job}", tags=["reports"], dependencies=secured)
    async def progress(job: JobId, actor: Annotated[Actor, see]) -> ReportJobItem:
        """How far it is."""
        return _job_item(mine(actor, job))

    @router.get("/report-jobs/{job}/file", tags=["reports"], dependencies=secured)
    async def fetch(job: JobId, actor: Annotated[Actor, see]) -> Response:
        """The file of one that is done."""
        return _download(jobs.file(actor.name, mine(actor, job).id))

    @router.delete("/report-jobs/{job}", tags=["reports"], dependencies=secured, status_code=204)
    async def cancel(job: JobId, actor: Annotated[Actor, see]) -> None:
        """Stop making it where it is under way, and give it up."""
        await jobs.drop(actor.name, job)


def _job_item(job: ReportJob) -> ReportJobItem:
    made = job.file
    return ReportJobItem(
        id=job.id,
        report=job.request.report,
        form=job.form,
        from_=moment.text(job.request.from_us),
        to=moment.text(job.request.to_us),
        asked=moment.text(job.asked_us),
        state=job.state,
        rows=job.rows,
        error=job.error,
        name=made.name if made else None,
        size=len(made.content) if made else None,
    )


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
