"""Modes of sites: switches one, step by step, and keeps what became of each step.

A mode is *on* only where every step succeeded; else it is *partly* on, and each step that failed says why. What was
switched, by whom and how far is a document, on disk before the first step, so that it is there after a restart; a
switch that a stop of the program cut off is told as such. Each step is a command or write of the router's, with its
own right, journal and outcome.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Literal

import msgspec
import structlog

from scada.core.access import Actor, Right, Role
from scada.core.catalogue import CATALOGUE
from scada.core.command import CommandResult, Outcome, check_arguments
from scada.core.errors import BadRequest, NotFound, ScadaError
from scada.core.plant import ModeStep, Plant, Site, SiteMode
from scada.core.records import AuditRecord
from scada.core.value import GOOD, TimeUs, Value
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.requests import Note
from scada.runtime.router import CommandRouter

TARGETS_AT_ONCE = 20
"""Targets of one step that are asked at once; the others wait their turn."""

State = Literal["switching", "on", "partly"]
log = structlog.get_logger()


class StepOutcome(msgspec.Struct, frozen=True):
    """What became of a step at one target.

    Attributes:
        step: position of the step in its mode, from 0.
        target: charger, connector or tag.
        what: command with its arguments, or the value that is written, as they were when it was switched.
        outcome: value of `Outcome`; empty: not carried out yet.
        text: as the device gave it.
    """

    step: int
    target: str
    what: str
    outcome: str = ""
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether the device did, or will do, what was asked."""
        return bool(self.outcome) and Outcome(self.outcome).ok


class Switched(msgspec.Struct, frozen=True):
    """The mode that a site was switched to last, by whom, and how far that came."""

    site: str
    mode: str
    state: State
    user: str
    since_us: TimeUs
    steps: tuple[StepOutcome, ...]

    @property
    def failed(self) -> tuple[StepOutcome, ...]:
        """Steps that did not succeed."""
        return tuple(one for one in self.steps if one.outcome and not one.ok)

    @property
    def open(self) -> int:
        """How many steps are not carried out yet."""
        return sum(not one.outcome for one in self.steps)


class Modes:
    """The modes of all sites."""

    def __init__(self, host: PlantHost, router: CommandRouter, documents: Documents) -> None:
        self._host, self._router = host, router
        self._drawer = documents.drawer("site_mode", Switched)
        self._waiting: deque[tuple[Switched, SiteMode, Actor]] = deque()  # at most one a site
        self._begun: set[str] = set()
        """Sites whose switch waits or is under way in this run of the service."""
        self._wake = asyncio.Event()
        self._now = {site: switched for site, switched in self._drawer if self._known(switched)}

    async def run(self) -> None:
        """Carry out what is switched, until cancelled."""
        for switched in list(self._now.values()):
            if switched.state == "switching" and switched.site not in self._begun:
                await self._keep(cut_off(switched))
            else:
                self._show(switched)
        async with asyncio.TaskGroup() as group:
            while True:
                while self._waiting:
                    group.create_task(self._carry_out(*self._waiting.popleft()))
                self._wake.clear()
                await self._wake.wait()

    def of(self, site: str) -> Switched | None:
        """What a site was switched to last; None: it never was, or the project has that mode no more."""
        return self._now.get(site)

    def abnormal(self, role: Role) -> list[Switched]:
        """Sites that are not in their normal mode, or not wholly, as far as a role reaches."""
        return [
            one
            for site in self._host.plant.sites
            if (one := self._now.get(site.path)) is not None
            and (not role.sites or site.path in role.sites)
            and not (one.state == "on" and mode_of(site, one.mode).normal)
        ]

    async def switch(self, site_path: str, name: str, actor: Actor) -> Switched:
        """Begin to switch a site; `of` tells how it goes.

        Raises:
            NotFound: no such site, or it has no such mode. BadRequest: it is being switched now.
            Denied: the rights do not cover every step. JournalError. Nothing was sent.
        """
        site = site_of(self._host.plant, site_path, actor.scope)
        mode = mode_of(site, name)
        for right in rights(mode, self._host.plant):
            actor.require(right)
        present = self._now.get(site.path)
        if present is not None and present.state == "switching":
            raise BadRequest(f"{site.path} is being switched now: wait until that has ended")
        switched = Switched(
            site=site.path,
            mode=mode.name,
            state="switching",
            user=actor.name,
            since_us=self._host.clock.now_us(),
            steps=tuple(planned(mode)),
        )
        self._now[site.path] = switched  # at once: nobody else begins
        self._begun.add(site.path)
        try:
            await self._audit(
                "mode_switched", present.mode if present else "", mode.name, switched, actor.origin
            )
            await self._drawer.put(site.path, switched)
        except BaseException:
            self._begun.discard(site.path)
            if present is None:
                self._now.pop(site.path, None)
            else:
                self._now[site.path] = present
            raise
        self._show(switched)
        self._waiting.append((switched, mode, actor))
        self._wake.set()
        return switched

    async def _carry_out(self, switched: Switched, mode: SiteMode, actor: Actor) -> None:
        try:
            await self._steps(switched, mode, actor)
        finally:
            self._begun.discard(switched.site)

    async def _steps(self, switched: Switched, mode: SiteMode, actor: Actor) -> None:
        turns = asyncio.Semaphore(TARGETS_AT_ONCE)
        done = dict(enumerate(switched.steps))

        async def one(number: int, step: ModeStep, target: str) -> None:
            async with turns:
                result = await self._do(step, target, actor)
            done[number] = msgspec.structs.replace(
                done[number], outcome=result.outcome.value, text=result.text
            )
            self._now[switched.site] = msgspec.structs.replace(switched, steps=tuple(done.values()))
            self._show(self._now[switched.site])

        for position, step in enumerate(mode.steps):
            async with asyncio.TaskGroup() as group:
                for number, planned_ in enumerate(switched.steps):
                    if planned_.step == position:
                        group.create_task(one(number, step, planned_.target))
        ended = finished(self._now[switched.site])
        await self._keep(ended, actor.origin)

    async def _do(self, step: ModeStep, target: str, actor: Actor) -> CommandResult:
        try:
            if step.command:
                return await self._router.execute(step.command, target, step.arguments, actor)
            written = await self._router.write(step.tag, step.value, actor)
            return written or CommandResult(Outcome.DONE)
        except ScadaError as error:
            return CommandResult(Outcome.FAILED, str(error))

    async def _keep(self, switched: Switched, origin: str = "system") -> None:
        told = switched.state + "".join(
            f"; {one.target}: {one.text or one.outcome}" for one in switched.failed
        )
        try:
            await self._drawer.put(switched.site, switched)
            await self._audit(
                "mode_" + switched.state, "", f"{switched.mode}: {told}"[:2_000], switched, origin
            )
        except ScadaError as error:  # the gate repeats it; it is shown all the same
            log.error("mode_not_journalled", site=switched.site, error=str(error))
        self._now[switched.site] = switched
        self._show(switched)

    async def _audit(self, action: str, old: str, new: str, switched: Switched, origin: str) -> None:
        record = AuditRecord(
            time_us=self._host.clock.now_us(),
            user=switched.user,
            origin=origin,
            action=action,
            object=switched.site,
            old=old,
            new=new,
        )
        await self._host.request(Note((record,)))

    def _show(self, switched: Switched) -> None:
        values: Mapping[str, Value] = {
            "Mode": switched.mode,
            "ModeState": switched.state,
            "ModeStepsDone": float(sum(one.ok for one in switched.steps)),
            "ModeStepsFailed": float(len(switched.failed)),
        }
        now_us = self._host.clock.now_us()
        tags = self._host.tags
        self._host.write(
            (tag, value, GOOD, now_us)
            for name, value in values.items()
            if (tag := tags.get(f"{switched.site}.{name}")) is not None
        )

    def _known(self, switched: Switched) -> bool:
        """Whether the project still has that mode."""
        sites = [site for site in self._host.plant.sites if site.path == switched.site]
        return any(mode.name == switched.mode for site in sites for mode in site.modes)


def planned(mode: SiteMode) -> list[StepOutcome]:
    """Every step at every target, not carried out yet."""
    return [
        StepOutcome(step=position, target=target, what=what(step))
        for position, step in enumerate(mode.steps)
        for target in (step.targets or (step.tag,))
    ]


def what(step: ModeStep) -> str:
    """What a step does: `ChangeAvailability type=Inoperative`, `= 32`."""
    if not step.command:
        return f"= {msgspec.json.encode(step.value).decode()}"
    return " ".join((step.command, *(f"{name}={value}" for name, value in step.arguments.items())))


def finished(switched: Switched) -> Switched:
    """With all steps carried out: on, or partly."""
    well = all(one.ok for one in switched.steps)
    return msgspec.structs.replace(switched, state="on" if well else "partly")


def cut_off(switched: Switched) -> Switched:
    """What an earlier run did not end: whether those steps were carried out is not known."""
    told = "the program ended before the outcome was known"
    steps = tuple(
        one if one.outcome else msgspec.structs.replace(one, outcome=Outcome.TIMED_OUT.value, text=told)
        for one in switched.steps
    )
    return finished(msgspec.structs.replace(switched, steps=steps))


def rights(mode: SiteMode, plant: Plant) -> set[Right]:
    """The rights that a mode needs: to operate, and those of each step."""
    found = {Right.OPERATE}
    for step in mode.steps:
        if step.command:
            spec = CATALOGUE[step.command]
            found.add(spec.right_for(check_arguments(spec, step.arguments)))
        elif (rule := plant.definitions[step.tag].write) is not None:
            found.add(Right(rule.right))
    return found


def site_of(plant: Plant, path: str, role: Role) -> Site:
    """A site that a role reaches. Raises NotFound."""
    found = next((site for site in plant.sites if site.path == path), None)
    if found is None or (role.sites and path not in role.sites):
        raise NotFound(f"there is no site {path}")
    return found


def mode_of(site: Site, name: str) -> SiteMode:
    """A mode of a site. Raises NotFound."""
    found = next((mode for mode in site.modes if mode.name == name), None)
    if found is None:
        raise NotFound(f"{site.path} has no mode {name}")
    return found
