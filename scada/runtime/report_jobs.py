"""Reports that are being made for users: started from a page or over REST, watched, fetched or cancelled.

A file outlives the page or the connection that asked for it, not the process; whoever asked for it alone may have it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from scada.core.errors import BadRequest, NotFound, ScadaError
from scada.core.ports import Clock
from scada.core.report_ports import FORMATS, ReportDesk, ReportFile, ReportRequest
from scada.core.value import SECOND_US, TimeUs

RUNNING_MAX = 2
"""Of one user; more are refused with a sentence."""
KEPT_MAX = 5
"""Of one user; of more the oldest ended one is forgotten."""
KEPT_BYTES_MAX = 400_000_000
"""Of all users; of more the oldest file is forgotten."""
KEPT_US = 1800 * SECOND_US

log = structlog.get_logger()


@dataclass(kw_only=True)
class ReportJob:
    """A report, under way or ended.

    Attributes:
        state: `running`, `done`, `failed` or `cancelled`.
        rows: rows written so far; a small file tells none.
        error: why it failed: a sentence.
    """

    id: str
    user: str
    request: ReportRequest
    form: str
    asked_us: TimeUs
    state: str = "running"
    rows: int = 0
    error: str = ""
    file: ReportFile | None = None
    task: asyncio.Task[None] | None = None


class ReportJobs:
    """All of this process."""

    def __init__(self, desk: ReportDesk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
        self._jobs: dict[str, ReportJob] = {}

    def start(self, user: str, request: ReportRequest, form: str) -> ReportJob:
        """Begin to make a file.

        Raises:
            BadRequest: there is no such format, or enough of this user's are under way.
        """
        if form not in FORMATS:
            raise BadRequest(f"a report is one of {', '.join(FORMATS)}")
        if sum(one.state == "running" for one in self.of(user)) >= RUNNING_MAX:
            raise BadRequest(f"{RUNNING_MAX} files are being made for you: wait for one, or cancel it")
        job = ReportJob(
            id=secrets.token_urlsafe(12),
            user=user,
            request=request,
            form=form,
            asked_us=self._clock.now_us(),
        )
        self._jobs[job.id] = job
        job.task = asyncio.create_task(self._make(job), name=f"job {job.id}")
        self._forget()
        return job

    def of(self, user: str) -> Sequence[ReportJob]:
        """A user's, newest first."""
        self._forget()
        return [one for one in reversed(self._jobs.values()) if one.user == user]

    def job(self, user: str, number: str) -> ReportJob:
        """One of a user's. Raises NotFound, whoever else it belongs to."""
        self._forget()
        job = self._jobs.get(number)
        if job is None or job.user != user:
            raise NotFound("this file is not there any more: make it again")
        return job

    def file(self, user: str, number: str) -> ReportFile:
        """A file that is done.

        Raises:
            NotFound: it is not this user's, or was given up.
            BadRequest: it is not done, or will never be.
        """
        job = self.job(user, number)
        if job.file is None:
            raise BadRequest(f"this file is not there: {job.error or job.state}")
        return job.file

    async def cancel(self, user: str, number: str) -> None:
        """Stop making a file; of one that is done, nothing. Raises NotFound."""
        await self._stop(self.job(user, number))

    async def drop(self, user: str, number: str) -> None:
        """Stop making a file, and give it up. Raises NotFound."""
        await self._stop(self.job(user, number))
        self._jobs.pop(number, None)

    async def close(self) -> None:
        """Stop all."""
        for job in list(self._jobs.values()):
            await self._stop(job)

    async def _stop(self, job: ReportJob) -> None:
        if job.task is not None and not job.task.done():
            job.task.cancel()
            await asyncio.wait([job.task])
            if job.state == "running":  # it had not even begun
                job.state = "cancelled"

    async def _make(self, job: ReportJob) -> None:
        def progress(rows: int) -> None:
            job.rows = rows

        try:
            job.file = await self._desk.file(job.request, job.form, progress)
            job.state = "done"
        except asyncio.CancelledError:
            job.state = "cancelled"
            raise
        except ScadaError as error:
            job.state, job.error = "failed", str(error)
        except Exception as error:
            log.exception("report_failed", report=job.request.report, form=job.form)
            job.state, job.error = "failed", f"internal error: {type(error).__name__}"

    def _forget(self) -> None:
        """Let go of what is old or too much; what is under way stays."""
        now_us = self._clock.now_us()
        ended = [one for one in self._jobs.values() if one.state != "running"]
        size = sum(len(one.file.content) for one in ended if one.file)
        count: dict[str, int] = {}
        for one in self._jobs.values():
            count[one.user] = count.get(one.user, 0) + 1
        for one in ended:
            if now_us - one.asked_us > KEPT_US or size > KEPT_BYTES_MAX or count[one.user] > KEPT_MAX:
                size -= len(one.file.content) if one.file else 0
                count[one.user] -= 1
                del self._jobs[one.id]
