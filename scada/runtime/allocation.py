"""Sharing of power: looks at the tags, asks the allocator, gives limits through the router, and writes down why.

Every `period_s`, and at once when a transaction begins or ends, a charger comes or goes, or a meter is over a limit.
What chargers may draw is on disk before anything is raised. A clean stop sends every charger its fallback.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import structlog

from scada.allocation import Allocator, Answer, Decision, Mode, Order, OrderKind
from scada.allocation.model import Note, Source, State
from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.core.database import Write
from scada.core.device_ports import LimitHabits
from scada.core.effects import Event
from scada.core.errors import JournalError, ScadaError
from scada.core.plant import Plant, Site, SiteAllocation
from scada.core.tag import Tag
from scada.core.value import GOOD, SECOND_US, TimeUs
from scada.runtime.allocation_facts import NO_LIMIT_A, Facts, settings_of, tree_of
from scada.runtime.documents import Documents, Drawer
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter

ACTOR = Actor("allocation", frozenset(Right), "system")
LOG_MAX = 2_000
"""Recalculations kept of a site, those that ordered or noted something. Older ones are in the journal of commands."""
FIRST_S = 0.2
"""At least between two recalculations, whatever happens."""
STOP_S = 2.0
"""For the fallbacks, when the product stops."""
_WAKING = frozenset(("transaction_started", "transaction_stopped", "link", "boot", "status"))
_GUARDED = frozenset(("SetLimit", "ClearLimit", "SetChargingProfile", "ClearChargingProfile"))
_ANSWERS = {
    Outcome.DONE: Answer.ACCEPTED,
    Outcome.REFUSED: Answer.REFUSED,
    Outcome.SCHEDULED: Answer.REFUSED,  # RebootRequired: it does not hold
    Outcome.DENIED: Answer.UNSENT,
    Outcome.UNREACHABLE: Answer.UNSENT,
}

log = structlog.get_logger()


class Line(msgspec.Struct):
    """What a connector may draw: kept on disk."""

    lowest_a: float
    highest_a: float


@dataclass(frozen=True, slots=True)
class Sent:
    """An order of a recalculation and what came back. `answer`: empty while it is under way."""

    order: Order
    answer: str = ""
    text: str = ""


@dataclass(slots=True)
class Entry:
    """A recalculation: when, why, with what result, what was sent, what was answered."""

    time_us: TimeUs
    why: str
    decision: Decision
    sent: dict[int, Sent]


class LoadManagement:
    """The service of all sites that share their power.

    Args:
        habits: how chargers take limits now.
    """

    def __init__(
        self, plant: Plant, host: PlantHost, router: CommandRouter, documents: Documents, habits: LimitHabits
    ) -> None:
        self._host, self._router = host, router
        drawer = documents.drawer("allocation", Line)
        self.sites = {
            site.path: SiteManagement(site, site.allocation, host, router, drawer, habits)
            for site in plant.sites
            if site.allocation is not None
        }
        self._managed = frozenset(name for one in self.sites.values() for name in one.connectors)

    async def run(self) -> None:
        """Work until cancelled."""
        ends = [
            self._host.events.subscribe(self._heard),
            self._host.subscribe_changes(self._changed),
            self._router.guard(self._guard),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for one in self.sites.values():
                    group.create_task(one.run(), name=f"allocation {one.site.path}")
        finally:
            for end in ends:
                end()

    async def stop(self) -> None:
        """Send every charger its fallback: nobody renews its lease from now on."""
        await asyncio.gather(*(one.stop() for one in self.sites.values()))

    def _guard(self, name: str, target: str, actor: Actor) -> str:
        """A limit behind the ledger's back would make it wrong."""
        if name not in _GUARDED or actor is ACTOR:
            return ""
        if target in self._managed or any(one.startswith(f"{target}.") for one in self._managed):
            return "limits of this charger are shared out: set LimitManual of the connector instead"
        return ""

    def _heard(self, event: Event) -> None:
        if event.kind in _WAKING:
            for one in self.sites.values():
                if event.path.startswith(f"{one.site.path}."):
                    one.heard(event)

    def _changed(self, tags: Iterable[Tag]) -> None:
        for one in self.sites.values():
            one.changed(tags)


class SiteManagement:
    """Of one site."""

    def __init__(
        self,
        site: Site,
        rules: SiteAllocation,
        host: PlantHost,
        router: CommandRouter,
        drawer: Drawer[Line],
        habits: LimitHabits,
    ) -> None:
        self.site, self.rules = site, rules
        self._host, self._router, self._drawer = host, router, drawer
        self.tree = tree_of(site, rules)
        self.connectors = tuple(one.name for one in self.tree.members)
        restored = {key: (line.lowest_a, line.highest_a) for key, line in drawer if key in self.connectors}
        self._known = set(restored)
        self.allocator = Allocator(self.tree, settings_of(rules), restored)
        self._facts = Facts(site, rules, host.tags, habits)
        self._watched = {
            f"{one.meter}.CurrentL{n}" for one in rules.circuits if one.meter for n in (1, 2, 3)
        } | {f"{site.path}.ChargingMode", f"{site.path}.ExternalLimit"}
        self._boots: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._why = "start"
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = False
        self._stopping: dict[str, float] = {}
        self.log: deque[Entry] = deque(maxlen=LOG_MAX)
        self.last: Decision | None = None

    async def run(self) -> None:
        """Recalculate until cancelled."""
        loop = asyncio.get_running_loop()
        while not self._ended:
            began_s = loop.time()
            self._wake.clear()
            why, self._why = self._why, "time"
            await self.recalculate(why)
            await asyncio.sleep(FIRST_S)
            try:
                async with asyncio.timeout(max(0.0, self.rules.period_s - (loop.time() - began_s))):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def recalculate(self, why: str) -> Decision:
        """One recalculation; its orders are under way when it returns."""
        now_s, now_us = asyncio.get_running_loop().time(), self._host.clock.now_us()
        requests = self._facts.requests(now_s, now_us, self._boots, self._known)
        self._known |= {name for name, one in zip(self.connectors, requests, strict=True) if one.online}
        decision = self.allocator.step(
            now_s,
            now_us / SECOND_US,
            requests,
            self._facts.meters(now_s, now_us),
            self._mode(),
            self._facts.limits(now_us),
        )
        self.last = decision
        if not decision.invariant_kept:
            log.error("allocation_invariant_broken", site=self.site.path, overload=decision.overload)
        entry = Entry(now_us, why, decision, {one.number: Sent(one) for one in decision.orders})
        if decision.orders or decision.notes:
            self.log.append(entry)
        for note in decision.notes:
            log.warning(
                "allocation", site=self.site.path, what=note.what, subject=note.subject, detail=note.detail
            )
        self._show(decision, now_us)
        # To reduce is never the wrong thing: it waits for no disk.
        later = [one for one in decision.orders if one.kind is not OrderKind.REDUCE]
        for order in decision.orders:
            if order.kind is OrderKind.REDUCE:
                self._begin(self._give(order, entry))
        if await self._keep(now_s):
            for order in later:
                self._begin(self._give(order, entry))
        else:
            for order in later:
                self._told(entry, order, Answer.UNSENT, CommandResult(Outcome.FAILED, "not on disk"))
        for connector in decision.stops:
            self._stop_one(connector, now_s)
        return decision

    async def stop(self) -> None:
        """Send fallbacks, for a bounded time; nothing else is sent after."""
        self._ended = True
        tasks = [
            self._router.execute("SetLimit", one.name, {"limit_a": one.fallback_a}, ACTOR)
            for one in self.tree.members
            if self._host.tags.get(f"{one.name.rpartition('.')[0]}.Online") is not None
            and self._host.tags[f"{one.name.rpartition('.')[0]}.Online"].value is True
        ]
        try:
            async with asyncio.timeout(STOP_S):
                await asyncio.gather(*tasks, return_exceptions=True)
        except TimeoutError:
            log.warning("allocation_fallbacks_late", site=self.site.path)

    def heard(self, event: Event) -> None:
        """Something happened to a charger of the site."""
        if event.kind == "boot":
            self._boots[event.path] = self._boots.get(event.path, 0) + 1
        if event.kind == "transaction_stopped":
            tag = self._host.tags.get(f"{event.path}.LimitManual")
            if tag is not None and tag.value != NO_LIMIT_A:  # an operator's limit ends with the session
                self._host.write([(tag, NO_LIMIT_A, GOOD, self._host.clock.now_us())])
        self._now(f"{event.kind} {event.path}")

    def changed(self, tags: Iterable[Tag]) -> None:
        """Tags changed: a meter over its limit, another mode or limit from outside is looked at at once."""
        for tag in tags:
            if tag.path in self._watched:
                if not tag.path.startswith(f"{self.site.path}.") or tag.is_state or "External" in tag.path:
                    self._now(tag.path)
                elif self._facts.over():
                    self._now(f"overload {tag.path}")
                return

    def _now(self, why: str) -> None:
        if not self._wake.is_set():
            self._why = why
        self._wake.set()

    def _mode(self) -> Mode:
        tag = self._host.tags.get(f"{self.site.path}.ChargingMode")
        return Mode(tag.value) if tag is not None and isinstance(tag.value, str) else Mode.NORMAL

    async def _keep(self, now_s: float) -> bool:
        """Whether what chargers may draw is on disk."""
        lines = {
            name: Line(*limits)
            for name, limits in self.allocator.ledger(now_s).items()
            if name in self._known
        }
        changed = {name: line for name, line in lines.items() if self._drawer.get(name) != line}
        if not changed:
            return True
        try:
            await self._drawer.put_all(changed)
        except JournalError as error:
            log.error("allocation_not_kept", site=self.site.path, error=str(error))
            return False
        return True

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """At most one order a connector is under way (the ledger sees to it), so these are bounded."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give(self, order: Order, entry: Entry) -> None:
        arguments: dict[str, object] = {"limit_a": order.limit_a, "phases": order.phases}
        if order.lease_s is not None:
            arguments |= {"duration_s": int(order.lease_s), "then_a": order.fallback_a}
        try:
            result = await self._router.execute("SetLimit", order.connector, arguments, ACTOR)
        except ScadaError as error:
            result = CommandResult(Outcome.UNREACHABLE, str(error))
        self._told(entry, order, _ANSWERS.get(result.outcome, Answer.UNKNOWN), result)

    def _told(self, entry: Entry, order: Order, answer: Answer, result: CommandResult) -> None:
        self.allocator.answered(order.number, answer, asyncio.get_running_loop().time())
        entry.sent[order.number] = replace(entry.sent[order.number], answer=answer.value, text=result.text)
        self._now(f"answer of {order.connector}")

    def _stop_one(self, connector: str, now_s: float) -> None:
        """A charger that disobeys while the site is in danger; asked again at most once a minute."""
        if now_s - self._stopping.get(connector, float("-inf")) < 60:
            return
        self._stopping[connector] = now_s

        async def stop() -> None:
            try:
                await self._router.execute("RemoteStop", connector, {}, ACTOR)
            except ScadaError as error:
                log.error("allocation_stop_failed", connector=connector, error=str(error))

        self._begin(stop())

    def _show(self, decision: Decision, now_us: TimeUs) -> None:
        batch: list[Write] = []

        def put(path: str, value: float | str | bool) -> None:
            tag = self._host.tags.get(path)
            if tag is not None and (tag.value != value or tag.quality != GOOD):
                batch.append((tag, value, GOOD, now_us))

        for share in decision.shares:
            put(f"{share.connector}.LimitTarget", float(share.target_a))
            put(f"{share.connector}.LimitBoundBy", share.bound_by)
            put(f"{share.connector}.LimitState", share.state.value)
        site = self.site.path
        put(f"{site}.LimitOverload", bool(decision.overload))
        put(f"{site}.LimitMeterLost", any(one.source is Source.SAFE for one in decision.nodes))
        put(f"{site}.LimitDisobeyed", any(one.state is State.DISOBEDIENT for one in decision.shares))
        if batch:
            self._host.write(batch)


__all__ = ["Entry", "LoadManagement", "Note", "Sent", "SiteManagement"]
