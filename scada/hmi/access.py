"""The door: log-in page, session cookie, and the check in front of every page.

The check runs before a page is built, so that a stranger costs nothing. NiceGUI's own files are open: they
hold nothing of the plant; its socket answers only to the secret id of a page that was built for a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scada.core.access import Actor
from scada.core.errors import BadRequest, ScadaError
from scada.hmi.context import THEMES, environment
from scada.hmi.sentences import sentence
from scada.hmi.services import HmiServices
from scada.i18n import DEFAULT_LANGUAGE, LANGUAGES, translator
from scada.identity.passwords import LENGTH_MAX, LENGTH_MIN

SESSION_COOKIE = "scada_session"
COOKIE_AGE_S = 365 * 86_400
FORM_BYTES_MAX = 10_000
OPEN_PATHS = (
    "/login",
    "/screen/",
    "/prefs",
    "/hmi/static/",
    "/_nicegui/",
    "/_nicegui_ws/",
    "/api/",
    "/favicon.ico",
)

OWN_PATHS = ("/password", "/logout")
"""Open to a user who first has to choose a password."""

PAGE_POLICY = (
    # NiceGUI's start-up needs inline script and eval; everything else stays on this server.
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
LOGIN_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}


def origin(request: Request) -> str:
    """The door and the address behind it, as it is journalled."""
    return f"hmi {request.client.host}" if request.client else "hmi"


def actor_of(services: HmiServices, request: Request) -> Actor | None:
    """Who holds the session of a request."""
    token = request.cookies.get(SESSION_COOKIE, "")
    return services.accounts.actor(token, origin(request)) if token else None


def language_of(request: Request, services: HmiServices, user: str = "") -> str:
    """The user's language, else the cookie's, else the browser's, else the project's first."""
    wanted = [services.accounts.language(user) if user else "", request.cookies.get("lang", "")]
    if not user:
        accepted = request.headers.get("accept-language", "")
        wanted += [part.split(";")[0].strip()[:2].lower() for part in accepted.split(",")[:8]]
    wanted += services.plant.languages
    return next((language for language in wanted if language in LANGUAGES), DEFAULT_LANGUAGE)


def theme_of(request: Request, services: HmiServices, user: str = "") -> str:
    """The user's theme, else the cookie's."""
    wanted = (services.accounts.theme(user) if user else "", request.cookies.get("theme", ""))
    return next((theme for theme in wanted if theme in THEMES), THEMES[0])


def local_path(target: str) -> str:
    """A path on this server, or `/`: nobody is sent elsewhere by a link to our log-in."""
    parts = urlsplit(target)
    bad = (
        not target.startswith("/")
        or target.startswith("//")
        or "\\" in target
        or not target.isprintable()
        or parts.scheme
        or parts.netloc
    )
    return "/" if bad else target


class Gate:
    """ASGI middleware: pages only with a session, and the headers that keep a browser strict."""

    def __init__(self, app: ASGIApp, services: HmiServices) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or send to the log-in."""
        if scope["type"] != "http":
            # A page elsewhere must not open a socket with our user's cookie (nor without it).
            if scope["type"] == "websocket" and not same_origin(HTTPConnection(scope)):
                await send({"type": "websocket.close", "code": 1008, "reason": "of another origin"})
                return
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        path = request.url.path
        if not path.startswith(OPEN_PATHS):
            here = path + (f"?{request.url.query}" if request.url.query else "")
            actor = actor_of(self._services, request)
            if actor is None:
                await RedirectResponse(f"/login?next={quote(here)}", 303)(scope, receive, send)
                return
            if path not in OWN_PATHS and self._services.accounts.must_change(actor.name):
                await RedirectResponse(f"/password?next={quote(here)}", 303)(scope, receive, send)
                return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except RuntimeError as error:
            # NiceGUI's middleware (Starlette's BaseHTTPMiddleware) takes a browser that left before the answer for
            # a fault of ours. Leaving a page while it loads is none.
            if str(error) != "No response returned." or not await request.is_disconnected():
                raise


class Door:
    """The routes of log-in, log-out and preferences."""

    def __init__(self, services: HmiServices) -> None:
        self._services = services

    async def login_page(self, request: Request) -> Response:
        """The form."""
        return self._form(request, local_path(request.query_params.get("next", "/")))

    async def login(self, request: Request) -> Response:
        """The form, sent."""
        fields = await _form_fields(request)
        if fields is None or not same_origin(request):
            return self._form(request, "/", "This request did not come from the log-in page.", status=400)
        target = local_path(fields.get("next", "/"))
        name = fields.get("name", "")
        try:
            token = await self._services.accounts.log_in(name, fields.get("password", ""), origin(request))
        except ScadaError as error:
            return self._form(request, target, str(error), name=name, status=403)
        response = RedirectResponse(target, 303)
        secure = request.url.scheme == "https"
        response.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="lax", secure=secure)
        return response

    async def logout(self, request: Request) -> Response:
        """End the session."""
        if same_origin(request):
            self._services.accounts.log_out(request.cookies.get(SESSION_COOKIE, ""))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(SESSION_COOKIE)
        return response

    async def preferences(self, request: Request) -> Response:
        """Set language or theme and go back to where the link was."""
        response = RedirectResponse(local_path(request.query_params.get("next", "/")), 303)
        chosen = {}
        for name, allowed in (("lang", tuple(LANGUAGES)), ("theme", THEMES)):
            value = request.query_params.get(name)
            if value in allowed:
                response.set_cookie(name, value, max_age=COOKIE_AGE_S, samesite="lax")
                chosen[name] = value
        actor = actor_of(self._services, request)
        # A link on another site may change what this browser shows, not the account.
        if actor is not None and request.headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
            await self._services.accounts.choose(
                actor.name, language=chosen.get("lang", ""), theme=chosen.get("theme", "")
            )
        return response

    async def password_page(self, request: Request) -> Response:
        """The form of one's own password."""
        actor = actor_of(self._services, request)
        if actor is None:
            return RedirectResponse("/login", 303)
        return self._password_form(request, actor, local_path(request.query_params.get("next", "/account")))

    async def password(self, request: Request) -> Response:
        """The form of one's own password, sent."""
        actor, users = actor_of(self._services, request), self._services.users
        if actor is None or users is None:
            return RedirectResponse("/login", 303)
        fields = await _form_fields(request)
        if fields is None or not same_origin(request):
            return self._password_form(
                request, actor, "/account", "This request did not come from this page."
            )
        target = local_path(fields.get("next", "/account"))
        wanted = fields.get("wanted", "")
        try:
            if wanted != fields.get("again", ""):
                raise BadRequest("the two new passwords differ")
            token = request.cookies.get(SESSION_COOKIE, "")
            await users.change_password(fields.get("present", ""), wanted, token, actor)
        except ScadaError as error:
            return self._password_form(request, actor, target, str(error))
        return RedirectResponse(target, 303)

    def _password_form(self, request: Request, actor: Actor, target: str, error: str = "") -> Response:
        language = language_of(request, self._services, actor.name)
        tr = translator(language)
        text = (
            environment()
            .get_template("password.html")
            .render(
                _=tr,
                language=language,
                theme=theme_of(request, self._services, actor.name),
                name=actor.name,
                must=self._services.accounts.must_change(actor.name),
                next=target,
                length_min=LENGTH_MIN,
                length_max=LENGTH_MAX,
                error=sentence(error, tr),
            )
        )
        headers = {"Content-Security-Policy": LOGIN_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(text, 403 if error else 200, headers)

    def _form(
        self, request: Request, target: str, error: str = "", *, name: str = "", status: int = 200
    ) -> Response:
        language = language_of(request, self._services)
        tr = translator(language)
        text = (
            environment()
            .get_template("login.html")
            .render(
                _=tr,
                language=language,
                theme=theme_of(request, self._services),
                plant_name=self._services.plant.text(self._services.plant.label, language),
                version=self._services.version,
                next=target,
                name=name,
                error=sentence(error, tr),
            )
        )
        return HTMLResponse(
            text, status, {"Content-Security-Policy": LOGIN_POLICY, "Cache-Control": "no-store"}
        )


async def _form_fields(request: Request) -> Mapping[str, str] | None:
    """The fields of a small urlencoded form; None when it is something else."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return None
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}


def same_origin(request: HTTPConnection) -> bool:
    """Whether a browser sent the form from a page of ours; clients that say nothing are no browsers."""
    sent_from = request.headers.get("origin")
    if sent_from in (None, "null"):
        return sent_from is None
    return urlsplit(sent_from).netloc == request.headers.get("host", "")
