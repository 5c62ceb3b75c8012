"""A charger without OCPP as operators see it, over a real socket: sessions, limits, faults, watchdog."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.core.database import Sample
from scada.core.effects import Event
from scada.core.records import Record
from scada.core.value import GOOD, Value
from scada.drivers.modbus import find_profiles
from scada.drivers.modbus.driver import ModbusDriver
from scada.drivers.modbus.imitation import ImitatedDevice
from scada.drivers.modbus.server import ModbusServer
from scada.project import load
from scada.project.sections import PROFILES
from scada.resources import folder
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.runtime.plant_core import Restart
from scada.runtime.router import CommandRouter
from scada.simulator.wallbox import Wallbox
from scada.testing.waiting import until

PROJECT = """
[project]
name = "Site"
timezone = "UTC"
[ocpp]
security_profile = 0
[modbus]
timeout_s = 1
normal_s = 0.2
slow_s = 0.2
retry_max_s = 1
[[sites]]
tag = "Depot"
limit_a = 100
[sites.charging]
authorization = "{mode}"
"""


class Nothing:
    """Journal and history that keep nothing."""

    def commit(self, records: Sequence[Record]) -> None:
        pass

    def append(self, samples: Sequence[Sample]) -> None:
        pass


HEAD = "site,tag,type,profile,host,port,unit,poll_s,plug,current_a,power_kw,token\n"
OPERATOR = Actor("olga", frozenset(Right), "test")
C1 = "Depot.W1.C1"


@dataclass
class Scene:
    host: PlantHost
    router: CommandRouter
    box: Wallbox
    server: ModbusServer
    events: list[Event] = field(default_factory=list)

    def value(self, name: str) -> Value:
        tag = self.host.tags[f"Depot.W1.{name}"]
        return tag.value if tag.quality == GOOD else None

    async def order(self, name: str, target: str = C1, **arguments: object) -> CommandResult:
        return await self.router.execute(name, target, arguments, OPERATOR)

    async def shows(self, name: str, value: Value) -> None:
        await until(lambda: self.value(name) == value, f"{name} = {value}, it is {self.value(name)}")


@contextlib.asynccontextmanager
async def charger(
    tmp_path: Path, mode: str = "free", profile: str = "generic-charger"
) -> AsyncIterator[Scene]:
    box = Wallbox()
    profiles = find_profiles([profile], [folder("config") / PROFILES])
    server = ModbusServer("127.0.0.1", 0, {5: ImitatedDevice(profiles[profile], box.readings, box.written)})
    await server.start()
    (tmp_path / "project.toml").write_text(PROJECT.replace("{mode}", mode))
    (tmp_path / "chargers.csv").write_text("site,tag,identity,type,plug,current_a,power_kw\n")
    (tmp_path / "tokens.csv").write_text("id_tag,name\nOLGA,Olga\n")
    (tmp_path / "modbus_chargers.csv").write_text(
        f"{HEAD}Depot,W1,ac3,{profile},127.0.0.1,{server.port},5,0.2,Type_2,20,22,CAR\n"
    )
    plant = load(tmp_path)
    host = PlantHost(plant, Restart(), SystemClock(), Nothing(), Nothing())
    router = CommandRouter(host)
    driver = ModbusDriver(plant, host, router, profiles)
    tasks = [asyncio.create_task(driver.run()), asyncio.create_task(host.run())]
    try:
        scene = Scene(host, router, box, server)
        host.events.subscribe(scene.events.append)
        await scene.shows("Online", True)
        yield scene
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await host.close()
        await server.close()


async def test_a_vehicle_comes_charges_and_goes(tmp_path: Path) -> None:
    async with charger(tmp_path) as scene:
        await scene.shows("C1.Status", "Available")
        await scene.shows("C1.Energy", 1000.0)
        scene.box.plug_in(wanted_a=16)
        await scene.shows("C1.InTransaction", True)
        await scene.shows("C1.Status", "Charging")
        assert scene.value("C1.IdTag") == "CAR"
        scene.box.step(3600, 0)
        await until(lambda: float(scene.value("C1.SessionEnergy") or 0) > 10)
        await until(lambda: scene.value("C1.CurrentL3") == 16.0)
        assert scene.value("C1.ActivePower") == pytest.approx(16 * 230 * 3 / 1000, rel=0.01)
        scene.box.unplug()
        await scene.shows("C1.InTransaction", False)
        await until(lambda: any(one.kind == "transaction_stopped" for one in scene.events))
        ends = [one.data["reason"] for one in scene.events if one.kind == "transaction_stopped"]
        assert ends == ["EVDisconnected"]
        await until(lambda: scene.box.values["Enable"] == 0)


async def test_without_a_good_token_nothing_flows_until_an_operator_starts_it(tmp_path: Path) -> None:
    async with charger(tmp_path, "tokens", "generic-charger-float") as scene:
        await scene.shows("C1.Energy", 1000.0)
        refused = await scene.order("RemoteStart", id_tag="OLGA")
        assert refused.outcome is Outcome.REFUSED  # no vehicle
        scene.box.plug_in()
        await scene.shows("C1.Status", "Preparing")
        unknown = await scene.order("RemoteStart", id_tag="NOBODY")
        assert unknown.outcome is Outcome.REFUSED
        assert scene.box.values["Enable"] == 0
        started = await scene.order("RemoteStart", id_tag="OLGA", limit_a=10.0)
        assert started.outcome is Outcome.DONE, started.text
        await scene.shows("C1.Status", "Charging")
        assert scene.box.current_a == 10.0
        stopped = await scene.order("RemoteStop")
        assert stopped.outcome is Outcome.DONE, stopped.text
        await scene.shows("C1.Status", "Preparing")
        assert scene.value("C1.InTransaction") is False


async def test_limits_are_read_back_and_never_more_than_asked(tmp_path: Path) -> None:
    async with charger(tmp_path) as scene:
        await scene.shows("C1.Energy", 1000.0)
        done = await scene.order("SetLimit", limit_a=9.99)
        assert done.outcome is Outcome.DONE, done.text
        assert scene.box.values["CurrentLimit"] == pytest.approx(9.9)
        await until(lambda: scene.value("C1.CurrentOffered") == pytest.approx(9.9))
        cleared = await scene.order("ClearLimit")
        assert cleared.outcome is Outcome.DONE
        assert scene.box.values["CurrentLimit"] == pytest.approx(20)  # what the connector is built for
        too_much = await scene.order("WriteRegister", "Depot.W1", register="CurrentLimit", value=81.0)
        assert too_much.outcome is Outcome.REFUSED
        read_only = await scene.order("WriteRegister", "Depot.W1", register="Energy", value=0.0)
        assert read_only.outcome is Outcome.REFUSED
        scene.box.written = lambda name, value: name != "CurrentLimit"  # type: ignore[method-assign]
        nothing = await scene.order("Reset", "Depot.W1", type="Soft")
        assert nothing.outcome is Outcome.REFUSED


async def test_a_device_that_takes_a_write_and_does_nothing_is_found_out(tmp_path: Path) -> None:
    async with charger(tmp_path) as scene:
        values = dict(scene.box.values)
        written = scene.server._spaces[5]
        assert isinstance(written, ImitatedDevice)
        written._written = lambda name, value: True
        failed = await scene.order("SetLimit", limit_a=8.0)
        assert failed.outcome is Outcome.FAILED
        assert "reads" in failed.text
        assert scene.box.values["CurrentLimit"] == values["CurrentLimit"]


async def test_it_knows_of_us_and_falls_back_without_us(tmp_path: Path) -> None:
    async with charger(tmp_path) as scene:
        await until(lambda: scene.box.values["FailsafeCurrent"] == 6 and scene.box.values["Heartbeat"] > 0)
        assert scene.box.values["FailsafeTimeout"] == 60
        scene.box.step(61)
        assert scene.box.limit_a == 6


async def test_a_fault_is_an_alarm_and_a_lost_link_keeps_the_session(tmp_path: Path) -> None:
    async with charger(tmp_path) as scene:
        scene.box.plug_in()
        await scene.shows("C1.InTransaction", True)
        scene.box.fault = 17
        await scene.shows("C1.Status", "Faulted")
        assert scene.value("C1.VendorErrorCode") == "17"
        assert scene.value("C1.Faulted") is True
        scene.box.fault = 0
        await scene.shows("C1.Status", "Charging")
        await scene.server.close()
        await until(lambda: scene.host.tags["Depot.W1.Online"].value is False)
        unreachable = await scene.order("RemoteStop")
        assert unreachable.outcome is Outcome.UNREACHABLE
        assert scene.host.tags["Depot.W1.C1.InTransaction"].value is True
        scene.box.unplug()
        await scene.server.start()
        await scene.shows("C1.InTransaction", False)
