"""The FastAPI application: errors, limits and routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scada.api import routes
from scada.api.services import ApiServices
from scada.core.errors import BadRequest, Denied, JournalError, NotFound, ScadaError

BODY_BYTES_MAX = 1_000_000

_STATUS: dict[type[ScadaError], int] = {BadRequest: 400, Denied: 403, NotFound: 404, JournalError: 503}


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
    app.add_middleware(_BodyLimit)

    @app.exception_handler(ScadaError)
    async def _scada_error(_request: Request, error: ScadaError) -> JSONResponse:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
        return JSONResponse({"detail": str(error)}, status)

    app.include_router(routes.build(services), prefix="/api/v1")
    return app


class _BodyLimit:
    """Refuses bodies over `BODY_BYTES_MAX` on the interface, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > BODY_BYTES_MAX:
            await _too_large(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message: dict[str, Any] = dict(await receive())
            received += len(message.get("body", b""))
            if received > BODY_BYTES_MAX:
                raise BadRequest(f"a body has at most {BODY_BYTES_MAX:,} bytes")
            return message

        await self._app(scope, limited, send)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    response = JSONResponse({"detail": f"a body has at most {BODY_BYTES_MAX:,} bytes"}, 413)
    await response(scope, receive, send)
