"""Modes of sites: switched, partly switched, cut off and there again; on a real journal, chargers are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scada.core.access import Actor, Right, Role
from scada.core.command import Command, CommandResult, Outcome
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.ports import DeedFilter
from scada.history import CoreStore, open_core
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.modes import Modes
from scada.runtime.router import CommandRouter
from scada.testing import FakeClock, small_plant, until

EVE = Actor("eve", frozenset(Right), "test")
GUS = Actor("gus", frozenset({Right.SEE}), "test")


@dataclass
class World:
    """A plant whose chargers do what `act` says; None: they never answer."""

    store: CoreStore
    host: PlantHost
    act: Callable[[Command], CommandResult | None]
    modes: Modes = field(init=False)
    asked: list[str] = field(default_factory=list)

    async def execute(self, command: Command) -> CommandResult:
        self.asked.append(command.target)
        result = self.act(command)
        if result is None:
            await asyncio.get_running_loop().create_future()
            raise AssertionError
        return result

    def value(self, name: str) -> object:
        return self.host.tags[f"Depot.{name}"].value

    async def ended(self) -> None:
        await until(lambda: (found := self.modes.of("Depot")) is not None and found.state != "switching")


def done(_command: Command) -> CommandResult:
    return CommandResult(Outcome.DONE, "done")


@asynccontextmanager
async def world(folder: Path, act: Callable[[Command], CommandResult | None] = done) -> AsyncIterator[World]:
    store = open_core(folder / "data")
    restart = store.restart()
    host = PlantHost(small_plant(folder), restart, FakeClock(), store.journal, store.samples)
    router = CommandRouter(host)
    made = World(store, host, act)
    made.modes = Modes(host, router, Documents(host, restart.documents))
    for charger in host.plant.chargers():
        router.register(charger.path, made)
    running = [asyncio.create_task(host.run()), asyncio.create_task(made.modes.run())]
    try:
        yield made
    finally:
        for task in reversed(running):
            task.cancel()
            await asyncio.wait([task])
        await host.close()
        store.close()


async def test_a_mode_is_on_once_every_step_succeeded(tmp_path: Path) -> None:
    async with world(tmp_path) as plant:
        assert plant.modes.of("Depot") is None
        begun = await plant.modes.switch("Depot", "FastClosed", EVE)
        assert (begun.state, begun.open) == ("switching", 3)
        await plant.ended()
        assert plant.asked == ["Depot.CP07", "Depot.CP08"]
        assert [plant.value(name) for name in ("Mode", "ModeState", "ModeStepsDone")] == [
            "FastClosed",
            "on",
            3.0,
        ]
        assert plant.value("Note") == "Fast chargers closed"
        assert [one.mode for one in plant.modes.abnormal(Role())] == ["FastClosed"]
        assert plant.modes.abnormal(Role(sites=frozenset({"Harbour"}))) == []
        await plant.modes.switch("Depot", "Normal", EVE)
        await plant.ended()
        assert plant.modes.abnormal(Role()) == []
        page = await plant.store.archive.audit(DeedFilter(user="eve"), 20, None)
        deeds = [one.action for one in reversed(page.items)]
        assert [one for one in deeds if one.startswith("mode")] == ["mode_switched", "mode_on"] * 2
        commands = await plant.store.archive.commands(DeedFilter(action="ChangeAvailability"), 100, None)
        assert {row.record.user for row in commands.items} == {"eve"}


async def test_what_fails_makes_it_partly_and_the_rest_goes_on(tmp_path: Path) -> None:
    def act(command: Command) -> CommandResult:
        refused = command.target == "Depot.CP07"
        return CommandResult(Outcome.REFUSED, "the charger answered Rejected") if refused else done(command)

    async with world(tmp_path, act) as plant:
        await plant.modes.switch("Depot", "FastClosed", EVE)
        await plant.ended()
        found = plant.modes.of("Depot")
        assert found is not None
        assert found.state == plant.value("ModeState") == "partly"
        assert [(one.target, one.outcome) for one in found.failed] == [("Depot.CP07", "refused")]
        assert "Depot.CP08" in plant.asked
        page = await plant.store.archive.audit(DeedFilter(action="mode_partly"), 5, None)
        assert "Depot.CP07: the charger answered Rejected" in page.items[0].new


async def test_a_stop_in_the_middle_is_told_and_nothing_is_asked_again(tmp_path: Path) -> None:
    def act(command: Command) -> CommandResult | None:
        return None if command.target == "Depot.CP08" else done(command)

    async with world(tmp_path, act) as plant:
        await plant.modes.switch("Depot", "FastClosed", EVE)
        await until(lambda: "Depot.CP08" in plant.asked)
        with pytest.raises(BadRequest, match="being switched"):
            await plant.modes.switch("Depot", "Normal", EVE)
    async with world(tmp_path) as plant:
        await plant.ended()
        found = plant.modes.of("Depot")
        assert found is not None
        assert (found.mode, found.state, found.user) == ("FastClosed", "partly", "eve")
        assert len(found.failed) == 3  # of none is it known
        assert plant.asked == []
        await plant.modes.switch("Depot", "FastClosed", EVE)
        await plant.ended()
    async with world(tmp_path) as plant:
        await until(lambda: plant.value("ModeState") == "on")
        assert plant.value("Mode") == "FastClosed"


async def test_who_may_not_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as plant:
        elsewhere = Actor("eve", frozenset(Right), "test", scope=Role(sites=frozenset({"Harbour"})))
        for site, mode, actor, error in (
            ("Depot", "Normal", GUS, Denied),
            ("Depot", "Party", EVE, NotFound),
            ("Nowhere", "Normal", EVE, NotFound),
            ("Depot", "Normal", elsewhere, NotFound),
        ):
            with pytest.raises(error):
                await plant.modes.switch(site, mode, actor)
        assert plant.modes.of("Depot") is None
        assert plant.asked == []
