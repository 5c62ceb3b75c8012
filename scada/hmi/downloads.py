"""Files and frames beside the pages: the journal and the outbox for spreadsheets, bodies of mails for frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse

from scada.core import csv_text, moment
from scada.core.access import Right
from scada.core.errors import BadRequest, ScadaError
from scada.core.message_ports import OutboxRow
from scada.core.ports import Page
from scada.core.records import AlarmTransition, AuditRecord
from scada.core.value import quality_name
from scada.hmi import access, curves, words
from scada.hmi.context import Visit
from scada.hmi.mailbox import read_mail
from scada.hmi.pages import journal, oncall, outbox, trends
from scada.hmi.sentences import sentence
from scada.hmi.services import HmiServices
from scada.runtime.requests import Note

BODY_POLICY = (
    # A mail may look as it likes and do nothing: no script, no request, no form, no frame.
    "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
PIXELS_MAX = 4_000
PAGE = 500
EXPORT_MAX = 100_000
"""Rows of one file, newest first; what is older comes with an earlier end."""

Respond = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


def _guarded(make: Callable[[Visit], Awaitable[Response]]) -> Callable[[HmiServices], Respond]:
    """A route for who may see the plant."""

    def route(services: HmiServices) -> Respond:
        async def respond(request: Request) -> Response:
            actor = access.actor_of(services, request)
            if actor is None or not actor.may(Right.SEE):
                return Response(status_code=403)
            visit = Visit(
                services=services,
                actor=actor,
                language=access.language_of(request, services, actor.name),
                theme=access.theme_of(request, services, actor.name),
                url=request.url.path,
                path=request.path_params.get("path", ""),
                query={name: value for name, value in request.query_params.items() if value},
            )
            try:
                return await make(visit)
            except ScadaError as error:
                return Response(sentence(str(error), visit.tr), 400, media_type="text/plain")

        return respond

    return route


@_guarded
async def mail_body(visit: Visit) -> Response:
    """The HTML part of a caught mail alone, for a frame that can do nothing."""
    folder = visit.services.mail_dir
    mail = None
    if folder is not None and visit.actor.scope.sees_all:
        mail = await asyncio.to_thread(read_mail, folder, visit.query.get("id", ""))
    return _body(mail.html if mail else "")


@_guarded
async def preview_body(visit: Visit) -> Response:
    """The HTML part of a preview."""
    preview = oncall.chosen_preview(visit, visit.query.get("template", ""), visit.query.get("preview", ""))
    return _body(preview.html if preview else "")


PICTURES: Mapping[str, str] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
PICTURE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""A drawing may look as it likes and do nothing, opened alone too; in a view it is an image and runs nothing anyway."""


@_guarded
async def picture(visit: Visit) -> Response:
    """The background of a view of the project: only what a view that was loaded names."""
    known = {mimic.background for mimic in visit.plant.mimics if mimic.background}
    path = visit.plant.directory / "views" / visit.path
    if visit.path not in known or not path.is_file():
        return Response(status_code=404)
    headers = {"Content-Security-Policy": PICTURE_POLICY, "Cache-Control": "private, max-age=300"}
    return FileResponse(path, media_type=PICTURES[path.suffix.lower()], headers=headers)


@_guarded
async def journal_csv(visit: Visit) -> Response:
    """The journal as the page's filter says, in the reader's language."""
    where, tr, formats = journal.where(visit), visit.tr, visit.formats()

    async def read(limit: int, cursor: str | None) -> Page[AlarmTransition]:
        return await visit.services.archive.alarm_journal(where, limit, cursor)

    head = ["No.", "Date", "Time", "Event", "State", "Level", "Place", "Alarm", "Tag", "Value", "User"]
    names = [tr(words.COLUMNS[name]) for name in (*head, "From", "Comment", "Until")]

    def cells(transition: AlarmTransition) -> list[object]:
        (row,) = journal.journal_rows(visit, [transition])
        return [
            transition.sequence,
            row.date,
            formats.time(transition.time_us, milliseconds=True),
            row.event,
            row.state,
            transition.level,
            row.device,
            row.text,
            transition.alarm,
            row.value,
            transition.user,
            transition.origin,
            transition.comment,
            row.until,
        ]

    return _csv(
        "alarm-journal", names, read, cells, tr("Older rows cannot be read now: they are missing here.")
    )


@_guarded
async def outbox_csv(visit: Visit) -> Response:
    """The outbox, in the reader's language."""
    tr, formats = visit.tr, visit.formats()
    head = (
        "No.",
        "Date",
        "Contact",
        "Channel",
        "Address",
        "Template",
        "Profile",
        "Level",
        "Subject",
        "State",
    )
    names = [tr(words.COLUMNS[name]) for name in (*head, "Tries", "Last answer", "Sent", "Sent with")]

    def cells(sent: OutboxRow) -> list[object]:
        row = outbox.readable(sent, visit.actor.scope)
        record = row.record
        return [
            row.id,
            formats.date_time(record.created_us),
            record.contact,
            tr(words.CHANNELS[record.channel]),
            record.recipient,
            record.template,
            record.profile,
            record.level,
            row.subject,
            tr(words.MAIL_STATES.get(row.state, row.state)),
            row.attempts,
            row.last_answer,
            formats.date_time(row.sent_us) if row.sent_us else "",
            row.sent_with if row.sent_with != row.id else 0,
        ]

    return _csv("outbox", names, visit.services.archive.outbox, cells)


@_guarded
async def export_file(visit: Visit) -> Response:
    """A file that was made for this user."""
    made = visit.services.report_jobs.file(visit.actor.name, visit.query.get("id", "")[:40])
    return Response(
        made.content,
        media_type=made.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{made.name}"',
            "Cache-Control": "no-store",
        },
    )


@_guarded
async def trend_data(visit: Visit) -> Response:
    """Curves of the tags of the address, as columns; see `scada.hmi.curves`."""
    tags, span = trends.chosen(visit), trends.span(visit)
    if span is None:
        raise BadRequest("the span must end after it begins")
    given = visit.query.get("pixels", "")
    pixels = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 1_000
    pixels = min(max(pixels, 10), PIXELS_MAX)
    from_us, to_us = span
    end_us = min(to_us, visit.services.host.clock.now_us())
    archive = visit.services.archive
    found = await asyncio.gather(*(archive.curve(tag.path, from_us, to_us, pixels) for tag in tags))
    series = [curves.columns(points, from_us, to_us, end_us, pixels) for points in found]
    return JSONResponse({"series": series}, headers={"Cache-Control": "no-store"})


@_guarded
async def trend_csv(visit: Visit) -> Response:
    """Samples of the tags of the address, one a line, tag after tag: times in UTC, values with a point."""
    tags, span = trends.chosen(visit), trends.span(visit)
    if span is None:
        raise BadRequest("the span must end after it begins")
    from_us, to_us = span

    async def parts() -> AsyncIterator[str]:
        yield csv_text.MARK + csv_text.lines([["time", "tag", "value", "unit", "quality"]])
        for tag in tags:
            points = await visit.services.archive.points(tag.path, from_us, to_us, EXPORT_MAX)
            unit = tag.definition.unit
            for begin in range(0, len(points), PAGE):
                yield csv_text.lines(
                    [moment.text(one.time_us), tag.path, one.value, unit, quality_name(one.quality)]
                    for one in points[begin : begin + PAGE]
                )

    return _stream("trend", parts())


def _body(html: str) -> Response:
    if not html:
        return Response(status_code=404)
    return HTMLResponse(html, headers={"Content-Security-Policy": BODY_POLICY})


def _csv(
    name: str,
    head: list[str],
    read: Callable[[int, str | None], Awaitable[Page[T]]],
    cells: Callable[[T], list[object]],
    missing: str = "",
) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield csv_text.MARK + csv_text.lines([head])
        cursor: str | None = None
        for _ in range(EXPORT_MAX // PAGE):
            page = await read(PAGE, cursor)
            yield csv_text.lines(map(cells, page.items))
            if not page.complete:
                yield csv_text.lines([[missing]])
                return
            cursor = page.next
            if cursor is None:
                return

    return _stream(name, parts())


def _stream(name: str, parts: AsyncIterator[str]) -> Response:
    return StreamingResponse(
        parts,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        },
    )


@_guarded
async def received_file(visit: Visit) -> Response:
    """A file that a charger has uploaded; audited, for it may hold personal data."""
    shelf, host, actor = visit.services.files, visit.services.host, visit.actor
    if shelf is None or not actor.may(Right.MAINTAIN):
        return Response(status_code=403)
    file, path = await shelf.received_path(visit.query.get("id", ""))
    record = AuditRecord(
        time_us=host.clock.now_us(),
        user=actor.name,
        origin=actor.origin,
        action="download_diagnostics",
        object=file.charger,
        new=file.name,
    )
    await host.request(Note((record,)))
    return FileResponse(path, media_type="application/octet-stream", filename=f"{file.charger}_{file.name}")


ROUTES: Mapping[str, Callable[[HmiServices], Respond]] = {
    "/hmi/picture/{path}": picture,
    "/mails/body": mail_body,
    "/mails/outbox.csv": outbox_csv,
    "/alarms/journal.csv": journal_csv,
    "/oncall/preview": preview_body,
    "/files/received": received_file,
    "/exports/file": export_file,
    "/trends/data": trend_data,
    "/trends.csv": trend_csv,
}
