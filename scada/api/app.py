"""The FastAPI application: errors, limits and routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scada.api import answer, files, routes
from scada.api.services import ApiServices
from scada.core.errors import BadRequest, Denied, JournalError, NotFound, ScadaError, Unavailable

BODY_BYTES_MAX = 1_000_000
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]

_STATUS: dict[type[ScadaError], int] = {
    BadRequest: 400,
    Denied: 403,
    NotFound: 404,
    JournalError: 503,
    Unavailable: 503,
}


def create_app(services: ApiServices) -> FastAPI:
    """The application. Its OpenAPI document is at `/api/v1/openapi.json`."""
    app = FastAPI(
        title="EV-SCADA",
        version=services.version,
        description="Tags, alarms, sessions and commands of a charging site.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page would load scripts from outside
        redoc_url=None,
    )
    app.add_middleware(_Doorkeeper)

    @app.exception_handler(ScadaError)
    async def _scada_error(_request: Request, error: ScadaError) -> JSONResponse:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
        return JSONResponse({"detail": _printable(str(error))}, status)

    @app.exception_handler(RequestValidationError)
    async def _wrong_shape(_request: Request, error: RequestValidationError) -> JSONResponse:
        # Without the input itself: it may be a password, and it need not be text that can be sent back.
        detail = [
            {"loc": [_printable(str(part)) for part in one["loc"]], "msg": _printable(one["msg"])}
            for one in error.errors()
        ]
        return JSONResponse({"detail": detail}, 422)

    app.include_router(routes.build(services), prefix="/api/v1")
    if services.links is not None:
        app.include_router(answer.answer_routes(services, services.links, services.secret))

    @app.api_route("/api/{path:path}", methods=_METHODS, include_in_schema=False)
    async def _nowhere(path: str) -> JSONResponse:
        return JSONResponse({"detail": f"there is no /api/{_printable(path)}"}, 404)

    return app


def _printable(text: str) -> str:
    """Text that can be encoded: JSON can bring half of a surrogate pair, UTF-8 cannot carry it."""
    return text.encode(errors="replace").decode()


class _Doorkeeper:
    """Refuses bodies over `BODY_BYTES_MAX` on the interface, announced or not, and sets its answers' headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        if (
            scope["path"] == files.FIRMWARE_PATH
        ):  # counted where it is written, by the settings of the file server
            await self._app(scope, receive, send_with_headers)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > BODY_BYTES_MAX:
            await _too_large(scope, receive, send_with_headers)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message: dict[str, Any] = dict(await receive())
            received += len(message.get("body", b""))
            if received > BODY_BYTES_MAX:
                raise BadRequest(f"a body has at most {BODY_BYTES_MAX:,} bytes")
            return message

        await self._app(scope, limited, send_with_headers)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    response = JSONResponse({"detail": f"a body has at most {BODY_BYTES_MAX:,} bytes"}, 413)
    await response(scope, receive, send)
