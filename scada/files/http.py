"""The HTTP door (RFC 9110): GET and HEAD with ranges for what chargers fetch, PUT and POST for what they upload.

A URL is `/TOKEN/NAME`. Whatever is not a slot that is open is 404, without a word more: there is no listing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import structlog
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from scada.core.errors import BadRequest
from scada.files.desk import Desk, TooLarge, Upload
from scada.files.slots import Busy, Slot, Way

STALL_S = 30.0
"""A client that sends or takes nothing for so long is let go."""
WRITE_BYTES = 1 << 18
"""Gathered before a thread writes them: memory of an upload."""
CONNECTIONS_MAX = 200
"""At once; a further one is answered 503."""
log = structlog.get_logger()

_NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class HttpDoor:
    """The ASGI application."""

    def __init__(self, desk: Desk, *, stall_s: float = STALL_S) -> None:
        self._desk = desk
        self._stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served here")
        request = Request(scope, receive)
        token, _, name = scope["path"].lstrip("/").partition("/")
        slot = self._desk.find(token)
        if slot is None:
            await _say(404, "not found")(scope, receive, send)
        elif slot.way is Way.TO_CHARGER:
            await self._give(slot, request, send)
        else:
            answer = await self._take(slot, request, name)
            await answer(scope, receive, send)

    async def _give(self, slot: Slot, request: Request, send: Send) -> None:
        if request.method not in ("GET", "HEAD"):
            await _say(405, "use GET", {"allow": "GET, HEAD"})(request.scope, request.receive, send)
            return
        try:
            self._desk.begin(slot)
        except (Busy, BadRequest) as error:
            await _refusal(error)(request.scope, request.receive, send)
            return
        try:
            if not slot.file.is_file():
                await _say(410, "the file is gone")(request.scope, request.receive, send)
                return
            size = slot.file.stat().st_size
            response = FileResponse(slot.file, media_type="application/octet-stream", headers=_NO_STORE)
            response.max_ranges = 1
            meter = _Meter(self._desk, slot, size, send, self._stall_s)
            try:
                await response(request.scope, request.receive, meter.send)
            except* (TimeoutError, ClientDisconnect):
                log.info(
                    "file_fetch_cut", charger=slot.charger, file=slot.name
                )  # the server closes the connection
            if meter.whole and request.method == "GET":
                self._desk.fetched(slot)
        finally:
            self._desk.table.end(slot)

    async def _take(self, slot: Slot, request: Request, name: str) -> Response:
        if request.method not in ("PUT", "POST"):
            return _say(405, "use PUT", {"allow": "PUT, POST"})
        announced = request.headers.get("content-length", "0")
        if not announced.isdigit():
            return _say(400, "the length cannot be read")
        if int(announced) > slot.bytes_max + _overhead(request):
            return _say(413, f"a file has at most {slot.bytes_max:,} bytes", {"connection": "close"})
        if "content-range" in request.headers:  # RFC 9110 14.5: a part would be taken for the whole
            return _say(400, "a file is uploaded as a whole")
        try:
            self._desk.begin(slot)
        except (Busy, BadRequest) as error:
            return _refusal(error)
        upload = await asyncio.to_thread(Upload, self._desk, slot)
        try:
            given = await self._copy(request, upload)
            await asyncio.to_thread(upload.finish, given or name)
        except TooLarge as error:
            return _say(413, str(error), {"connection": "close"})
        except TimeoutError:
            return _say(408, "nothing came", {"connection": "close"})
        except (BadRequest, MultipartParseError) as error:
            return _say(400, str(error), {"connection": "close"})
        except ClientDisconnect:
            return _say(400, "the upload broke off")  # nobody reads it
        except OSError as error:
            return _say(507, f"the file cannot be kept: {error.strerror}", {"connection": "close"})
        finally:
            await asyncio.shield(asyncio.to_thread(upload.abandon))
        return Response(status_code=201, headers=_NO_STORE)

    async def _copy(self, request: Request, upload: Upload) -> str:
        """The body, or the first file of a form, to disk; returns the name that the form gives."""
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        form = _Form(options.get(b"boundary", b"")) if kind == b"multipart/form-data" else None
        gathered = bytearray()
        async for chunk in self._chunks(request):
            gathered += form.take(chunk) if form else chunk
            if len(gathered) >= WRITE_BYTES:
                await asyncio.to_thread(upload.write, bytes(gathered))
                gathered.clear()
        if form:
            form.check()
        await asyncio.to_thread(upload.write, bytes(gathered))
        return form.name if form else ""

    async def _chunks(self, request: Request) -> AsyncIterator[bytes]:
        while True:
            async with asyncio.timeout(self._stall_s):
                message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return


class _Meter:
    """Counts what goes out, lets a client go that takes nothing, and knows whether the last byte went."""

    def __init__(self, desk: Desk, slot: Slot, size: int, send: Send, stall_s: float) -> None:
        self._desk, self._slot, self._size, self._send = desk, slot, size, send
        self._stall_s = stall_s
        self._at = 0
        self.whole = False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self._at = _first_byte(message)
        body = len(message.get("body", b""))
        if body:
            if not self._desk.table.serve(self._slot, body, self._size) or not self._desk.usable(self._slot):
                raise ClientDisconnect  # the connection is closed within the body
            self._at += body
        async with asyncio.timeout(self._stall_s):
            await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.whole = self._at == self._size


class _Form:
    """The first file of a form (RFC 7578); other parts are passed over."""

    def __init__(self, boundary: bytes) -> None:
        if not boundary:
            raise BadRequest("the form has no boundary")
        self.name = ""
        self._found = self._inside = self._ended = False
        self._out = bytearray()
        self._field = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def take(self, data: bytes) -> bytes:
        """The file's bytes among these."""
        self._parser.write(data)
        out, self._out = self._out, bytearray()
        return bytes(out)

    def check(self) -> None:
        """Raises BadRequest: the form broke off, or holds no file."""
        if not self._ended:
            raise BadRequest("the form broke off")
        if not self._found:
            raise BadRequest("the form holds no file")

    def _begin(self) -> None:
        self._headers, self._field, self._value = {}, b"", b""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._inside = not self._found and b"filename" in options
        if self._inside:
            self._found = True
            self.name = options[b"filename"].decode(errors="replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._out += data[start:end]

    def _part_end(self) -> None:
        self._inside = False

    def _end(self) -> None:
        self._ended = True


def _first_byte(message: Message) -> int:
    for name, value in message["headers"]:
        if name == b"content-range" and value.startswith(b"bytes ") and b"-" in value:
            return int(value[6:].partition(b"-")[0])
    return 0


def _overhead(request: Request) -> int:
    """Room for the parts of a form round the file."""
    return 10_000 if "multipart/" in request.headers.get("content-type", "") else 0


def _refusal(error: Exception) -> Response:
    if isinstance(error, Busy):
        return _say(503, str(error), {"retry-after": "30"})
    return _say(404, "not found")


def _say(status: int, text: str, headers: dict[str, Any] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, {**_NO_STORE, **(headers or {})})
