"""Campaigns in the loop: real journal, real router; chargers are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scada.charging.campaign import Campaign, Phase, State
from scada.core.access import Actor, Right
from scada.core.command import Command, CommandResult, Outcome
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.ports import DeedFilter
from scada.core.value import GOOD, Quality
from scada.history import CoreStore, open_core
from scada.runtime.campaigns import CampaignOrder, Campaigns
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter
from scada.testing import FakeClock, small_plant, until

EVE = Actor("eve", frozenset(Right), "test")
GUS = Actor("gus", frozenset({Right.SEE}), "test")


@dataclass
class World:
    """A plant with chargers that do what `act` says."""

    store: CoreStore
    host: PlantHost
    clock: FakeClock
    campaigns: Campaigns
    act: Callable[[Command], CommandResult | None]
    asked: list[str] = field(default_factory=list)
    accounts: dict[str, Actor] = field(default_factory=lambda: {"eve": EVE})
    keys: dict[str, dict[str, tuple[str, bool]]] = field(default_factory=dict)

    @property
    def chargers(self) -> list[str]:
        return [charger.path for charger in self.host.plant.chargers()]

    async def execute(self, command: Command) -> CommandResult:
        self.asked.append(command.target)
        result = self.act(command)
        if result is None:  # it never answers
            await asyncio.get_running_loop().create_future()
            raise AssertionError
        return result

    def tell(self, path: str, value: object) -> None:
        self.host.write([(self.host.tags[path], value, GOOD, self.clock.now_us())])  # type: ignore[list-item]


def done(_command: Command) -> CommandResult:
    return CommandResult(Outcome.DONE, "done")


@asynccontextmanager
async def world(
    folder: Path, clock: FakeClock, act: Callable[[Command], CommandResult | None] = done
) -> AsyncIterator[World]:
    plant = small_plant(folder)
    store = open_core(folder / "data")
    restart = store.restart()
    host = PlantHost(plant, restart, clock, store.journal, store.samples)
    router = CommandRouter(host)
    made = World(store, host, clock, None, act)  # type: ignore[arg-type]
    made.campaigns = Campaigns(
        host,
        router,
        Documents(host, restart.documents),
        lambda user, _origin: made.accounts.get(user),
        lambda charger: made.keys.get(charger, {}),
    )
    for charger in made.chargers:
        router.register(charger, made)
        made.tell(f"{charger}.Online", True)
    task = asyncio.create_task(made.campaigns.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])
        await host.close()
        await asyncio.to_thread(store.close)


def order(**more: object) -> CampaignOrder:
    base = {"name": "test", "command": "ClearCache", "targets": ["Depot.*"], "ready_wait_s": 60.0}
    return CampaignOrder(**{**base, **more})  # type: ignore[arg-type]


async def phase(campaign: Campaign, wanted: Phase) -> None:
    await until(lambda: campaign.head.phase is wanted, f"{wanted}: {campaign.head}")


async def test_all_chargers_are_asked_once_and_it_is_in_the_books(tmp_path: Path) -> None:
    async with world(tmp_path, FakeClock()) as here:
        campaign = await here.campaigns.start(order(waves=["1", "50%"]), EVE)
        await phase(campaign, Phase.DONE)
        assert here.asked == here.chargers
        assert campaign.count(State.DONE) == len(here.chargers)
        page = await here.store.archive.audit(DeedFilter(action="start_campaign"), 10, None)
        assert [one.user for one in page.items] == ["eve"]
        commands = await here.store.archive.commands(DeedFilter(action="ClearCache"), 100, None)
        assert {one.record.user for one in commands.items} == {"eve"}


async def test_a_roll_out_is_stopped_by_a_failure_and_goes_on_when_told(tmp_path: Path) -> None:
    def act(command: Command) -> CommandResult:
        bad = command.target == "Depot.CP02"
        return CommandResult(Outcome.FAILED if bad else Outcome.DONE, "InstallationFailed" if bad else "")

    async with world(tmp_path, FakeClock(), act) as here:
        campaign = await here.campaigns.start(order(waves=["2"]), EVE)
        await phase(campaign, Phase.STOPPED)
        assert here.asked == ["Depot.CP01", "Depot.CP02"]
        assert campaign.items["Depot.CP02"].text == "InstallationFailed"
        with pytest.raises(Denied):
            await here.campaigns.steer(campaign.head.id, "resume", GUS)
        await here.campaigns.steer(campaign.head.id, "resume", EVE)
        await phase(campaign, Phase.DONE)
        assert sorted(here.asked) == sorted(here.chargers)


async def test_who_is_charging_or_offline_waits(tmp_path: Path) -> None:
    clock = FakeClock()
    async with world(tmp_path, clock) as here:
        here.tell("Depot.CP01.C1.InTransaction", True)
        old = here.host.tags["Depot.CP02.Online"]  # as an earlier run left it
        here.host.write([(old, True, Quality.UNCERTAIN_LAST_USABLE_VALUE, clock.now_us())])
        campaign = await here.campaigns.start(
            order(targets=["Depot.CP01", "Depot.CP02", "Depot.CP03"], idle_only=True), EVE
        )
        await until(lambda: campaign.count(State.DONE) == 1)
        assert campaign.items["Depot.CP01"].text == "a transaction runs"
        assert campaign.items["Depot.CP02"].text == "offline"
        here.tell("Depot.CP01.C1.InTransaction", False)
        await until(lambda: campaign.count(State.DONE) == 2)
        clock.leap(61)
        await phase(campaign, Phase.DONE)
        assert campaign.items["Depot.CP02"].state is State.SKIPPED


async def test_rights_that_are_taken_away_stop_it(tmp_path: Path) -> None:
    async with world(tmp_path, FakeClock()) as here:
        with pytest.raises(Denied):
            await here.campaigns.start(order(), GUS)
        campaign = await here.campaigns.start(order(waves=["1"], pause_s=10.0), EVE)
        await until(lambda: campaign.count(State.DONE) == 1)
        here.accounts.clear()
        await phase(campaign, Phase.STOPPED)
        assert campaign.head.reason == "eve may not do this any more"
        assert len(here.asked) == 1


async def test_what_was_under_way_at_a_crash_is_judged_by_the_chargers(tmp_path: Path) -> None:
    clock = FakeClock()
    first, second, third = "Depot.CP01", "Depot.CP02", "Depot.CP03"
    update = order(
        command="UpdateFirmware",
        arguments={"file": "fw"},
        targets=[first, second, third],
        failures_max="100%",
    )
    async with world(tmp_path, clock, lambda _: None) as here:
        for charger in (first, second, third):
            here.tell(f"{charger}.Firmware", "1.0")
        campaign = await here.campaigns.start(update, EVE)
        await until(lambda: len(here.asked) == 3)
    clock.leap(60)
    async with world(tmp_path, clock) as here:
        campaign = here.campaigns.get(campaign.head.id)
        assert campaign.count(State.JUDGED) == 3
        here.tell(f"{first}.Firmware", "2.0")
        here.tell(f"{second}.FirmwareStatus", "InstallationFailed")
        await until(lambda: campaign.count(State.JUDGED) == 1)
        assert campaign.items[first].text == "firmware 1.0 → 2.0"
        assert campaign.items[second].text == "the charger says InstallationFailed"
        assert set(here.asked) <= {third}  # nobody was updated again; the third is asked for its version
        clock.leap(3_600)
        here.tell(f"{third}.Firmware", "1.0")
        await phase(campaign, Phase.DONE)
        assert campaign.items[third].text == "the charger still runs 1.0"


async def test_a_key_that_was_being_changed_is_looked_up(tmp_path: Path) -> None:
    clock = FakeClock()
    change = order(
        command="ChangeConfiguration",
        arguments={"key": "HeartbeatInterval", "value": "60"},
        targets=["Depot.CP01", "Depot.CP02"],
        retries=1,
        retry_wait_s=1.0,
    )
    async with world(tmp_path, clock, lambda _: None) as here:
        campaign = await here.campaigns.start(change, EVE)
        await until(lambda: len(here.asked) == 2)
    async with world(tmp_path, clock) as here:
        here.keys = {
            "Depot.CP01": {"HeartbeatInterval": ("60", False)},
            "Depot.CP02": {"heartbeatinterval": ("300", False)},
        }
        campaign = here.campaigns.get(campaign.head.id)
        await until(lambda: campaign.items["Depot.CP02"].state is State.WAITING)
        clock.leap(2)
        await phase(campaign, Phase.DONE)
        assert here.asked == ["Depot.CP02"]  # only the one that has not got it
        assert campaign.count(State.DONE) == 2


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"command": "Nonsense"}, NotFound),
        ({"command": "RemoteStop"}, BadRequest),
        ({"command": "UpdateFirmware"}, BadRequest),
        ({"targets": ["Nowhere.*"]}, NotFound),
        ({"targets": ["a b"]}, BadRequest),
        ({"targets": []}, BadRequest),
        ({"waves": ["0"]}, BadRequest),
        ({"waves": ["many"]}, BadRequest),
        ({"failures_max": "half"}, BadRequest),
        ({"at_once": 0}, BadRequest),
    ],
)
async def test_a_wrong_order_begins_nothing(
    tmp_path: Path, wrong: dict[str, object], error: type[Exception]
) -> None:
    async with world(tmp_path, FakeClock()) as here:
        with pytest.raises(error):
            await here.campaigns.start(order(**wrong), EVE)
        assert not here.campaigns.all()
        with pytest.raises(NotFound):
            await here.campaigns.steer("none", "pause", EVE)
