"""The reference scenario over real sockets: three simulated chargers on one phase behind 16 A, and a meter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from scada.core.access import Actor, Right
from scada.core.errors import BadRequest
from scada.core.plant import Network, Plant
from scada.core.value import GOOD, Quality
from scada.project import load, scaffold
from scada.runtime.allocation import LoadManagement, Sent
from scada.runtime.documents import Documents
from scada.simulator import ChargePoint, Vehicle
from scada.testing import Central, central_system, until
from scada.testing.plants import without_modes

ADMIN = Actor("admin", frozenset(Right), "test")
RULES = """
[sites.allocation]
meter = "Grid"
safe_a = 12
period_s = 0.5
lease_s = 60
ramp_s = 0
"""


def plant_of(folder: Path) -> Plant:
    """A project of three wallboxes on L1 behind 16 A; rules as in the field."""
    project = folder / "project"
    scaffold(project)
    head, _, _ = (project / "chargers.csv").read_text().partition("\n")
    columns = head.split(",")
    rows = [
        {
            "site": "Depot",
            "tag": f"CP{n}",
            "identity": f"CP{n}",
            "type": "ac1",
            "plug": "Type_2",
            "current_a": "32",
            "power_kw": "7.4",
            "connectors": "1",
            "security": "0",
        }
        for n in (1, 2, 3)
    ]
    lines = [head, *(",".join(row.get(column, "") for column in columns) for row in rows)]
    (project / "chargers.csv").write_text("\n".join(lines) + "\n")
    text = without_modes((project / "project.toml").read_text())
    text = text.replace("limit_a = 315", "limit_a = 16\n" + RULES, 1)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("recipes"))
    text = text.replace("meter_sample_s = 10", "meter_sample_s = 1")
    (project / "project.toml").write_text(text)
    return replace(load(project), network=Network(http_port=0, ocpp_port=0, opcua_port=0))


@dataclass
class Street:
    """The scene."""

    central: Central
    sharing: LoadManagement
    points: list[ChargePoint]
    building_a: float = 0.0
    meter_speaks: bool = True

    @property
    def site(self) -> str:
        return self.central.plant.sites[0].path

    def meter(self) -> None:
        """What the grid meter sees, as its driver would write it."""
        host = self.central.host
        drawn_a = sum(point.hardware.outlets[1].measured.currents_a[0] for point in self.points)
        now_us = host.clock.now_us()
        for n, value in enumerate((drawn_a + self.building_a, 0.0, 0.0), 1):
            quality = GOOD if self.meter_speaks else Quality.BAD_NO_DATA
            host.write([(host.tags[f"{self.site}.Grid.CurrentL{n}"], value, quality, now_us)])

    def limits(self) -> list[float]:
        """What the chargers themselves hold to."""
        return [round(point.hardware.outlets[1].offered_a, 1) for point in self.points]

    def targets(self) -> list[float]:
        decision = self.sharing.sites[self.site].last
        return [] if decision is None else [share.target_a for share in decision.shares]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    plant = plant_of(folder)
    async with central_system(plant, folder / "data") as central:
        sharing = LoadManagement(
            plant, central.host, central.router, Documents(central.host, ()), central.ocpp.limit_habit
        )
        for one in plant.sites[0].chargers:
            (folder / one.name).mkdir()
        points = [
            ChargePoint(one, central.url, folder / one.name, tick_s=0.05, boot_s=0.1)
            for one in plant.sites[0].chargers
        ]
        scene = Street(central, sharing, points)
        tasks = [asyncio.create_task(point.run()) for point in points]

        async def metering() -> None:
            while True:
                scene.meter()
                await asyncio.sleep(0.25)

        tasks += [asyncio.create_task(metering()), asyncio.create_task(sharing.run())]
        try:
            yield scene
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def plug(street: Street, n: int) -> None:
    token = street.central.plant.tokens[0].id_tag
    point = street.points[n]
    point.plug_in(
        1,
        Vehicle(
            name=f"car {n}",
            battery_kwh=60,
            soc=20,
            phases=1,
            current_max_a=32,
            dc_power_max_kw=0,
            id_tag=token,
        ),
    )
    assert await point.identify(1, token) == "Accepted"
    path = street.central.plant.sites[0].chargers[n].connectors[0].path
    await until(lambda: street.central.host.tags[f"{path}.InTransaction"].value is True)


async def test_step_by_step(street: Street) -> None:
    await until(lambda: all(point.online for point in street.points), "all are online")
    await until(lambda: street.limits() == [0.0, 0.0, 0.0], "idle connectors are held back", 15)

    await plug(street, 0)
    await until(lambda: street.limits()[0] == 16.0, "one has all", 20)
    await plug(street, 1)
    await until(lambda: street.limits()[:2] == [8.0, 8.0], "two share", 30)
    await plug(street, 2)
    await until(lambda: street.sharing.sites[street.site].last is not None and len(street.targets()) == 3)
    await until(lambda: sorted(street.targets()) == [0.0, 8.0, 8.0], "the minimum or nothing")
    third = street.central.plant.sites[0].chargers[2].connectors[0].path
    await until(
        lambda: (
            street.central.host.tags[f"{third}.LimitBoundBy"].value == f"turn of others: {street.site}, L1"
        )
    )

    street.points[2].unplug(1)
    await until(lambda: street.targets() == [8.0, 8.0, 0.0])
    street.building_a = 8.0
    await until(lambda: sorted(street.limits()) == [0.0, 0.0, 8.0], "a load steps up", 15)
    street.building_a = 0.0
    # What was highest of late counts for a while.
    await until(lambda: street.limits() == [8.0, 8.0, 0.0], "the load is gone", 40)
    assert not any(entry.decision.invariant_kept is False for entry in street.sharing.sites[street.site].log)

    def orders() -> list[Sent]:
        entries = street.sharing.sites[street.site].log
        return [one for entry in entries for one in entry.sent.values()]

    # What was ordered stands in the log with its answer, and the charger has it as a profile.
    leased = "accepted leases of a minute"
    await until(lambda: any(one.answer == "accepted" and one.order.lease_s == 60 for one in orders()), leased)
    assert street.points[0].hardware.profiles


async def test_a_limit_behind_the_ledgers_back_is_refused(street: Street) -> None:
    path = street.central.plant.sites[0].chargers[0].connectors[0].path
    with pytest.raises(BadRequest, match="LimitManual"):
        await street.central.router.execute("SetLimit", path, {"limit_a": 32.0}, ADMIN)


async def test_the_site_is_stopped_and_released(street: Street) -> None:
    await street.central.router.write(f"{street.site}.ChargingMode", "stop", ADMIN)
    await until(lambda: street.limits() == [0.0, 0.0, 0.0], "all are paused", 15)
    await street.central.router.write(f"{street.site}.ChargingMode", "normal", ADMIN)
    await until(lambda: street.limits()[:2] == [8.0, 8.0], "and go on", 40)
