"""The HMI as a service: routes, open pages, and the loops that keep them live."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from nicegui import Client, app, core, ui
from nicegui.events import GenericEventArguments
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from scada.core.access import Right
from scada.core.tag import Tag
from scada.hmi import access, alarms, shell, uploads
from scada.hmi.alarm_feed import AlarmFeed, Reader
from scada.hmi.context import View, Visit
from scada.hmi.downloads import ROUTES
from scada.hmi.element import PageElement
from scada.hmi.pages import PAGES, errors, home
from scada.hmi.pump import Pump
from scada.hmi.screen import Screen
from scada.hmi.services import HmiServices
from scada.hmi.tab import EVERYBODY, Tab

BEAT_S = 1.0
"""A page that hears nothing for 2.2 s says that it is not live."""
REFRESH_S = 0.25
REFRESHES_AT_ONCE = 8
SESSION_CHECK_S = 15.0
RECONNECT_S = 15.0
"""How long the server keeps a page whose browser went away; one that comes later loads anew."""
NAMESPACE = "/"
STATIC = Path(__file__).parent / "static"

log = structlog.get_logger()


class Hmi:
    """The pages of one plant. NiceGUI is one per process, so is this."""

    def __init__(self, services: HmiServices) -> None:
        self._services = services
        self._tabs: dict[str, Tab] = {}
        self._pump = Pump(self._emit, self._watched, self._changed)
        self._feed = AlarmFeed(services.host, self._emit, self._readers, self._moved)
        services.host.tags.subscribe_added(self._added)

    async def run(self) -> None:
        """Keep the open pages live until cancelled."""
        host = self._services.host
        end_changes = host.subscribe_changes(self._pump.take)
        end_alarms = host.board.subscribe(self._feed.take)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump.run())
                group.create_task(self._feed.run())
                group.create_task(self._beat())
                group.create_task(self._refresh())
                group.create_task(self._check_sessions())
        finally:
            end_changes()
            end_alarms()

    async def page(self, client: Client, build: Callable[[Visit], Awaitable[View]]) -> Response | None:
        """Build a page for a request."""
        request = client.request
        actor = access.actor_of(self._services, request)
        if actor is None:  # the session ended between the gate and here
            return RedirectResponse("/login", 303)
        query = {name: value for name, value in request.query_params.items() if value}
        path = request.url.path
        visit = Visit(
            services=self._services,
            actor=actor,
            language=access.language_of(request, self._services, actor.name),
            theme=access.theme_of(request, self._services, actor.name),
            url=path + (f"?{request.url.query}" if request.url.query else ""),
            path=request.path_params.get("path", ""),
            query=query,
        )
        sees = actor.may(Right.SEE)
        try:
            view = await build(visit) if sees else errors.no_right(visit)
        except Exception:
            log.exception("page_failed", url=visit.url)
            view = errors.failed(visit)
        client.status_code = view.status
        client.title = f"{view.title} – {visit.text(visit.plant.label) or visit.plant.name}"
        ui.add_head_html(shell.head(visit))
        html = shell.around(visit, view)
        element = PageElement(
            html=str(html),
            options=shell.options(visit, view),
            snapshot=view.live.snapshot(),
            alarms=alarms.summary(self._services.host, visit.language, actor.scope)
            if sees
            else alarms.NOTHING,
        )
        tab = self._open(client, request, visit, view)

        async def act(event: GenericEventArguments) -> None:
            arguments = event.args
            if isinstance(arguments, dict):
                await tab.act(str(arguments.get("name")), arguments)

        element.on("act", act)
        return None

    def _open(self, client: Client, request: Request, visit: Visit, view: View) -> Tab:
        async def enter(room: str) -> None:
            for sid in self._sockets(client.id):
                await core.sio.enter_room(sid, room)

        async def leave(room: str) -> None:
            for sid in self._sockets(client.id):
                await core.sio.leave_room(sid, room)

        tab = Tab(
            visit,
            view,
            client.id,
            self._emit,
            enter,
            leave,
            actor=lambda: access.actor_of(self._services, request),
        )
        self._tabs[client.id] = tab

        def gone() -> None:
            # The old socket may be missed only after a new one has come: then the page is still seen.
            tab.visible = tab.visible and client.has_socket_connection

        client.on_disconnect(gone)
        client.on_delete(lambda: self._tabs.pop(client.id, None))
        return tab

    @staticmethod
    def _sockets(client_id: str) -> list[str]:
        """The sockets that shook hands for a page (NiceGUI puts them in a room of the page's id)."""
        return [sid for sid, _ in core.sio.manager.get_participants(NAMESPACE, client_id)]

    async def _emit(self, event: str, payload: Any, room: str) -> None:
        await core.sio.emit(event, payload, room=room)

    def _watched(self) -> set[str]:
        watched = {site for tab in self._tabs.values() if tab.visible for site in tab.view.sites}
        return watched | {""} if any(tab.visible for tab in self._tabs.values()) else watched

    def _readers(self) -> list[Reader]:
        return [tab.reader for tab in self._tabs.values() if tab.visible and tab.sees]

    def _moved(self) -> None:
        for tab in self._tabs.values():
            if tab.visible:
                tab.touch_alarms()

    def _added(self, tag: Tag) -> None:
        for open_tab in self._tabs.values():
            open_tab.touch_branch(tag.path)

    def _changed(self, indexes: set[int]) -> None:
        for tab in self._tabs.values():
            if tab.visible:
                tab.touch(indexes)

    async def _beat(self) -> None:
        while True:
            await self._emit("scada_beat", {"now": self._services.host.clock.now_us() // 1000}, EVERYBODY)
            await asyncio.sleep(BEAT_S)

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()
        limit = asyncio.Semaphore(REFRESHES_AT_ONCE)

        async def one(tab: Tab) -> None:
            async with limit:
                try:
                    await tab.refresh(loop.time())
                except Exception:
                    log.exception("refresh_failed", url=tab.visit.url)

        while True:
            await asyncio.gather(*(one(tab) for tab in self._tabs.values() if tab.visible))
            await asyncio.sleep(REFRESH_S)

    async def _check_sessions(self) -> None:
        """Send away pages whose session is over: logged out elsewhere, user disabled, time over."""
        while True:
            await asyncio.sleep(SESSION_CHECK_S)
            for tab in [tab for tab in self._tabs.values() if tab.visible]:
                await tab.check_session()


def mount(fastapi_app: Any, services: HmiServices) -> Hmi:
    """Put the HMI under an application; everything that no other route takes is a page."""
    hmi = Hmi(services)
    door = access.Door(services)
    app.add_route("/login", door.login_page, methods=["GET"])
    app.add_route("/login", door.login, methods=["POST"])
    app.add_route("/logout", door.logout, methods=["POST"])
    app.add_route("/password", door.password_page, methods=["GET"])
    app.add_route("/password", door.password, methods=["POST"])
    app.add_route("/prefs", door.preferences, methods=["GET"])
    screen = Screen(services)
    app.add_route("/screen/{site}", screen.page, methods=["GET"])
    app.add_route("/screen/{site}/state", screen.state, methods=["GET"])
    for path, respond in ROUTES.items():
        app.add_route(path, respond(services), methods=["GET"])
    app.add_route("/files/firmware", uploads.firmware(services), methods=["POST"])
    app.add_static_files("/hmi/static", STATIC, max_cache_age=3600)
    for path, build in PAGES.items():
        if path == "/" and home.leads_elsewhere(services.plant):
            app.add_route("/", _only_site(services), methods=["GET"])
        else:
            _route(hmi, path, build)
    ui.run_with(
        fastapi_app,
        title="EV-SCADA",
        favicon=shell.FAVICON,
        language=None,
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_S,
        message_history_length=0,
        show_welcome_message=False,
    )
    app.add_middleware(access.Gate, services=services)  # last: it is the outermost
    return hmi


def _only_site(services: HmiServices) -> Callable[[Request], Awaitable[Response]]:
    async def redirect(_request: Request) -> Response:
        return RedirectResponse(f"/site/{services.plant.sites[0].path}", 303)

    return redirect


def _route(hmi: Hmi, path: str, build: Callable[[Visit], Awaitable[View]]) -> None:
    @ui.page(path, language=None)
    async def page(client: Client) -> Response | None:  # pyright: ignore
        return await hmi.page(client, build)
