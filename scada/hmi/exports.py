"""Files that are being made for users: started from a page, shown with their progress, fetched or cancelled.

A file outlives the page that asked for it, not the process; whoever asked for it alone may have it.
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
class Export:
    """A file, under way or ended.

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


class Exports:
    """All files of this process."""

    def __init__(self, desk: ReportDesk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
        self._exports: dict[str, Export] = {}

    def start(self, user: str, request: ReportRequest, form: str) -> Export:
        """Begin to make a file.

        Raises:
            BadRequest: there is no such format, or enough of this user's are under way.
        """
        if form not in FORMATS:
            raise BadRequest(f"a report is one of {', '.join(FORMATS)}")
        if sum(one.state == "running" for one in self.of(user)) >= RUNNING_MAX:
            raise BadRequest(f"{RUNNING_MAX} files are being made for you: wait for one, or cancel it")
        export = Export(
            id=secrets.token_urlsafe(12),
            user=user,
            request=request,
            form=form,
            asked_us=self._clock.now_us(),
        )
        self._exports[export.id] = export
        export.task = asyncio.create_task(self._make(export), name=f"export {export.id}")
        self._forget()
        return export

    def of(self, user: str) -> Sequence[Export]:
        """A user's, newest first."""
        self._forget()
        return [one for one in reversed(self._exports.values()) if one.user == user]

    def file(self, user: str, number: str) -> ReportFile:
        """A file that is done. Raises NotFound."""
        self._forget()
        export = self._exports.get(number)
        if export is None or export.user != user or export.file is None:
            raise NotFound("this file is not there any more: make it again")
        return export.file

    async def cancel(self, user: str, number: str) -> None:
        """Stop making a file; of one that is done, nothing. Raises NotFound."""
        export = self._exports.get(number)
        if export is None or export.user != user:
            raise NotFound("this file is not there any more: make it again")
        await self._stop(export)

    async def close(self) -> None:
        """Stop all."""
        for export in list(self._exports.values()):
            await self._stop(export)

    async def _stop(self, export: Export) -> None:
        if export.task is not None and not export.task.done():
            export.task.cancel()
            await asyncio.wait([export.task])
            if export.state == "running":  # it had not even begun
                export.state = "cancelled"

    async def _make(self, export: Export) -> None:
        def progress(rows: int) -> None:
            export.rows = rows

        try:
            export.file = await self._desk.file(export.request, export.form, progress)
            export.state = "done"
        except asyncio.CancelledError:
            export.state = "cancelled"
            raise
        except ScadaError as error:
            export.state, export.error = "failed", str(error)
        except Exception as error:
            log.exception("export_failed", report=export.request.report, form=export.form)
            export.state, export.error = "failed", f"internal error: {type(error).__name__}"

    def _forget(self) -> None:
        """Let go of what is old or too much; what is under way stays."""
        now_us = self._clock.now_us()
        ended = [one for one in self._exports.values() if one.state != "running"]
        size = sum(len(one.file.content) for one in ended if one.file)
        count: dict[str, int] = {}
        for one in self._exports.values():
            count[one.user] = count.get(one.user, 0) + 1
        for one in ended:
            if now_us - one.asked_us > KEPT_US or size > KEPT_BYTES_MAX or count[one.user] > KEPT_MAX:
                size -= len(one.file.content) if one.file else 0
                count[one.user] -= 1
                del self._exports[one.id]
