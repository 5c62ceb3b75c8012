"""One page in one browser tab: its rooms, its fragments, and what its user does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import structlog

from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.core.errors import ScadaError
from scada.hmi import alarms, words
from scada.hmi.alarm_feed import Reader, summary_room
from scada.hmi.alarm_list import listed
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.deeds import Deeds
from scada.hmi.given import Shown
from scada.hmi.live import Live
from scada.hmi.pages.alarm import detail
from scada.hmi.pump import Emit, room_of
from scada.hmi.sentences import sentence

EVERYBODY = "scada.all"
COMMANDS_AT_ONCE_MAX = 8
"""Commands of one tab under way; more are refused with a sentence."""
OPENED_MAX = 10
"""Details of alarms that stand open at once in a list; of more the first is closed."""
RENDER_TIMEOUT_S = 5.0

log = structlog.get_logger()


class Tab:
    """What the server keeps of an open page.

    Args:
        room: of this tab alone.
        enter, leave: join and leave a room with all sockets of the tab.
        actor: asks who holds the session now; None when it is over.
    """

    def __init__(
        self,
        visit: Visit,
        view: View,
        room: str,
        emit: Emit,
        enter: Callable[[str], Awaitable[None]],
        leave: Callable[[str], Awaitable[None]],
        actor: Callable[[], Actor | None],
    ) -> None:
        self.visit = visit
        self.view = view
        self.visible = False
        self._room = room
        self._emit = emit
        self._enter = enter
        self._leave = leave
        self._actor = actor
        self._commands = 0
        self._actions: Mapping[str, Callable[[Actor, Mapping[str, Any]], Awaitable[None]]] = {
            "command": self._command,
            "select": self._select,
            "alarm": self._alarm,
        }
        self._deeds = Deeds(visit, view.alarm_list)

    @property
    def sees(self) -> bool:
        """Whether the page was built for somebody who may see the plant."""
        return self.visit.actor.may(Right.SEE)

    @property
    def rooms(self) -> list[str]:
        """The rooms of the page while it is visible."""
        if not self.sees:
            return [EVERYBODY]
        summary = summary_room(self.visit.language, self.visit.actor.scope)
        return [EVERYBODY, summary, *(room_of(site) for site in ("", *self.view.sites))]

    @property
    def reader(self) -> Reader:
        """Which alarms it is told of."""
        return Reader(self.visit.language, self.visit.actor, self._room, self.view.alarm_list)

    @property
    def fragments(self) -> list[Fragment]:
        """All parts that are made anew."""
        return [*self.view.fragments, *self.view.selected, *self.view.opened.values()]

    async def act(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Carry out what the page's script says its user did; errors are shown as sentences."""
        actor = await self.check_session()
        if actor is None:
            return
        try:
            if name == "show":
                await self.show()
            elif name == "hide":
                await self.hide()
            elif name in self._actions:
                actor.require(Right.SEE)
                await self._actions[name](actor, arguments)
            elif name in self._deeds:
                actor.require(Right.SEE)
                await self._deed(name, actor, arguments)
        except ScadaError as error:
            await self._toast(arguments, "failed", sentence(str(error), self.visit.tr))

    async def check_session(self) -> Actor | None:
        """Who holds the session now, or None: the page gets nothing more and is sent on.

        To the log-in when the session is over; to itself, to be built anew, when it may see more or less than before.
        """
        actor = self._actor()
        was = self.visit.actor
        if actor is not None and (actor.may(Right.SEE), actor.scope) == (self.sees, was.scope):
            return actor
        await self.hide()
        url = self.visit.url if actor else "/login?next=" + quote(self.visit.url)
        await self._send("scada_goto", {"url": url})
        return None

    async def show(self) -> None:
        """The page is seen (again): join the rooms, then send everything as it is now."""
        for room in self.rooms:
            await self._enter(room)
        self.visible = True
        host = self.visit.services.host
        language, actor = self.visit.language, self.visit.actor
        payload: dict[str, Any] = {
            "tags": self.view.live.snapshot(),
            "alarms": alarms.summary(host, language, actor.scope) if self.sees else alarms.NOTHING,
            "now": host.clock.now_us() // 1000,
        }
        if self.view.alarm_list is not None:
            payload["list"] = listed(host, language, actor, self.view.alarm_list)
        await self._send("scada_snapshot", payload)
        for fragment in self.fragments:
            fragment.due_s = 0.0

    async def hide(self) -> None:
        """The page is hidden: it costs nothing until it is seen again."""
        self.visible = False
        for room in self.rooms:
            await self._leave(room)

    def touch(self, changed: set[int]) -> None:
        """Tags have changed: the fragments that rest on them are due."""
        for fragment in self.fragments:
            if fragment.tags & changed:
                fragment.due_s = 0.0

    def touch_alarms(self) -> None:
        """The alarm board has changed."""
        for fragment in self.fragments:
            if fragment.alarms:
                fragment.due_s = 0.0

    def touch_branch(self, path: str) -> None:
        """A tag has been added: the fragments that list those of its branch are due."""
        for fragment in self.fragments:
            if fragment.branch and path.startswith(fragment.branch + "."):
                fragment.due_s = 0.0

    async def refresh(self, now_s: float) -> None:
        """Send the fragments that are due and have changed."""
        if not self.visible:
            return
        for fragment in self.fragments:
            if fragment.due_s <= now_s and fragment.not_before_s <= now_s:
                fragment.due_s = now_s + fragment.every_s if fragment.every_s else float("inf")
                fragment.not_before_s = now_s + fragment.pause_s
                await self._refresh(fragment)

    async def _refresh(self, fragment: Fragment) -> None:
        live = Live(self.visit.services.host.tags)
        try:
            async with asyncio.timeout(RENDER_TIMEOUT_S):
                html = str(await fragment.render(live))
        except (TimeoutError, ScadaError) as error:
            log.warning("fragment_failed", slot=fragment.slot, error=str(error) or type(error).__name__)
            return
        if html != fragment.shown:
            fragment.shown = html
            await self._fill(fragment.slot, html, live)

    async def _fill(self, slot: str, html: str, live: Live) -> None:
        self.view.live.used |= live.used
        await self._send("scada_fragment", {"slot": slot, "html": html, "tags": live.snapshot()})

    async def _select(self, _actor: Actor, arguments: Mapping[str, Any]) -> None:
        if self.view.select is None:
            return
        live = self.visit.live()
        selection = await self.view.select(str(arguments.get("path") or ""), live)
        self.view.selected = selection.fragments
        await self._fill("panel", str(selection.main), live)

    async def _command(self, actor: Actor, arguments: Mapping[str, Any]) -> None:
        name, target = str(arguments.get("command") or ""), str(arguments.get("target") or "")
        given = arguments.get("arguments")
        tr = self.visit.tr
        if self._commands >= COMMANDS_AT_ONCE_MAX:
            await self._toast(
                arguments, "failed", tr("Too many commands are under way; wait for one to end.")
            )
            return
        steps: asyncio.Queue[str] = asyncio.Queue(maxsize=8)

        def progress(step: str) -> None:
            if not steps.full():  # a step that is not shown is no loss: the outcome is
                steps.put_nowait(step)

        async def tell() -> None:
            while True:
                step = await steps.get()
                await self._toast(arguments, "running", tr(words.PROGRESS.get(step, step)))

        self._commands += 1
        teller = asyncio.create_task(tell())
        try:
            result = await self.visit.services.router.execute(
                name, target, given if isinstance(given, dict) else {}, actor, progress
            )
        finally:
            self._commands -= 1
            teller.cancel()
        await self._outcome(arguments, result)

    async def _outcome(self, arguments: Mapping[str, Any], result: CommandResult) -> None:
        tr = self.visit.tr
        text = tr(words.OUTCOMES[result.outcome])
        if result.text:
            text = tr("{outcome}: {text}").format(outcome=text, text=sentence(result.text, tr))
        state = "done" if result.outcome is Outcome.DONE else "later" if result.outcome.ok else "failed"
        if result.outcome is Outcome.TIMED_OUT:
            state = "unknown"
        await self._toast(arguments, state, text)
        if "configurationKey" in result.answer:
            live = self.visit.live()
            html = self.visit.render("configuration.html", live, answer=result.answer)
            await self._fill("configuration", str(html), live)

    async def _alarm(self, _actor: Actor, arguments: Mapping[str, Any]) -> None:
        """Open or close the details of an alarm in the list."""
        path = str(arguments.get("path") or "")[:256]
        opened = self.view.opened
        if not arguments.get("open"):
            opened.pop(path, None)
            return
        fragment = detail(self.visit, path)
        if fragment is None:
            return
        while len(opened) >= OPENED_MAX:
            del opened[next(iter(opened))]
        opened[path] = fragment
        await self._refresh(fragment)

    async def _deed(self, name: str, actor: Actor, arguments: Mapping[str, Any]) -> None:
        said = await self._deeds.do(name, actor, arguments)
        if isinstance(said, Shown):
            await self._fill(said.slot, str(said.html), self.visit.live())
            await self._toast(arguments, said.state, said.text)
        else:
            await self._toast(arguments, "done", said)
        for fragment in self.fragments:  # whoever did it sees at once what came of it
            fragment.due_s = 0.0

    async def _toast(self, arguments: Mapping[str, Any], state: str, text: str) -> None:
        toast = {"id": str(arguments.get("id") or ""), "state": state, "text": text}
        await self._send("scada_toast", toast)

    async def _send(self, event: str, payload: Any) -> None:
        await self._emit(event, payload, self._room)
