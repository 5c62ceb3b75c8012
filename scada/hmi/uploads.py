"""Files that people bring by the browser: firmware, streamed to the file server's shelf."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from scada.core.access import Right
from scada.core.errors import BadRequest, ScadaError
from scada.core.records import AuditRecord
from scada.hmi import access
from scada.hmi.sentences import sentence
from scada.hmi.services import HmiServices
from scada.i18n import translator
from scada.runtime.requests import Note

SILENCE_S = 60.0
"""An upload from which nothing comes for so long is given up."""
DRAIN_BYTES_MAX = 16_000_000
DRAIN_S = 10.0
"""What of a refused file is still read, and for how long: a browser that is cut off while it sends hears no reason."""

log = structlog.get_logger()


def firmware(services: HmiServices) -> Callable[[Request], Awaitable[Response]]:
    """The route of an upload. Query: `name`; the body is the file.

    The answer is 201, or a sentence (text/plain) in the reader's language: 403 for who may not configure and for forms
    of other sites, 400 for what is wrong with the file, 507 if the disk does not take it. Taken whole or not at all;
    audited; bounds: `[files] firmware_bytes_max`.
    """

    async def respond(request: Request) -> Response:
        actor = access.actor_of(services, request)
        tr = translator(access.language_of(request, services, actor.name if actor else ""))
        shelf, host = services.files, services.host
        body = request.stream()
        name = request.query_params.get("name", "")
        try:
            if actor is None or shelf is None or not actor.may(Right.CONFIGURE):
                return await _refuse(body, tr("Your role does not include this."), 403)
            if not access.same_origin(request):
                return await _refuse(body, tr("This request did not come from this page."), 403)
            try:
                file = await shelf.add_firmware(name, _steady(body))
                record = AuditRecord(
                    time_us=host.clock.now_us(),
                    user=actor.name,
                    origin=actor.origin,
                    action="add_firmware",
                    object=name,
                    new=f"sha256 {file.sha256}",
                )
                await host.request(Note((record,)))
            except ScadaError as error:
                return await _refuse(body, sentence(str(error), tr), 400)
            except OSError as error:
                log.error("firmware_not_kept", file=name, reason=error.strerror)
                return await _refuse(body, tr("The server's disk did not take the file."), 507)
        except ClientDisconnect:  # cancelled, or the link broke: nobody waits for an answer
            return Response(status_code=400)
        return Response(status_code=201)

    return respond


async def _steady(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                chunk = await anext(body, None)
        except TimeoutError:
            raise BadRequest(f"nothing of the file came for {SILENCE_S:g} s") from None
        if chunk is None:
            return
        yield chunk


async def _refuse(body: AsyncIterator[bytes], text: str, status: int) -> Response:
    size = 0
    try:
        async with asyncio.timeout(DRAIN_S):
            async for chunk in body:
                size += len(chunk)
                if size > DRAIN_BYTES_MAX:
                    break
    except TimeoutError:
        pass
    return Response(text, status, media_type="text/plain", headers={"Cache-Control": "no-store"})
