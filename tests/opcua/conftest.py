import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua.client.client import Client

from scada.core.access import Right, Role
from scada.core.command import Command, CommandResult, Outcome
from scada.core.database import Sample
from scada.core.plant import (
    Charger,
    Connector,
    Current,
    Feeder,
    Meter,
    ModbusEndpoint,
    Network,
    Plant,
    Security,
    Site,
)
from scada.core.ports import UserRow
from scada.core.records import AuditRecord
from scada.core.tag import Condition, Source, TagDefinition, ThresholdDefinition, WriteRule
from scada.core.value import GOOD, Kind
from scada.history import CoreStore, open_core
from scada.identity import passwords
from scada.identity.accounts import Accounts
from scada.opcua import OpcUaServer
from scada.opcua.ids import node_id
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.runtime.requests import Note
from scada.runtime.router import CommandRouter

PASSWORD = "correct horse battery"
ROLES = {
    "operator": Role(rights=frozenset({Right.SEE, Right.OPERATE})),
    "guest": Role(rights=frozenset({Right.SEE})),
    "blind": Role(),
}


def make_plant(policies: tuple[str, ...], anonymous: bool) -> Plant:
    connectors = tuple(
        Connector(
            number=n, path=f"Depot.CP01.C{n}", plug="Type 2", current=Current.AC, phases=3, current_max_a=32,
            power_max_kw=22,
        )
        for n in (1, 2)
    )  # fmt: skip
    charger = Charger(
        path="Depot.CP01", name="CP01", site="Depot", identity="CP01", device_type="ac22",
        label={"en": "Bay 1"}, feeder="Main", connectors=connectors,
    )  # fmt: skip
    meter = Meter(
        path="Depot.Grid", name="Grid", site="Depot", role="grid", label={"en": "Grid meter"},
        modbus=ModbusEndpoint(profile="x", host="127.0.0.1"),
    )  # fmt: skip
    site = Site(
        path="Depot", label={"en": "North depot"}, timezone="Europe/Paris", limit_a=100,
        feeders=(Feeder(name="Main", label={}, limit_a=100),), chargers=(charger,), meters=(meter,),
    )  # fmt: skip
    tags: list[TagDefinition] = []
    for connector in connectors:
        for name, kind in (
            ("TransactionId", Kind.REGISTER),
            ("IdTag", Kind.TEXT),
            ("InTransaction", Kind.BIT),
            ("SessionStart", Kind.REGISTER),
            ("SessionEnergy", Kind.REGISTER),
        ):
            tags.append(
                TagDefinition(
                    path=f"{connector.path}.{name}", kind=kind, source=Source.INTERNAL, site="Depot"
                )
            )
    driver: dict[str, Any] = {"source": Source.DRIVER, "site": "Depot", "device": "Depot.CP01"}
    tags += [
        TagDefinition(
            path="Depot.CP01.C1.ActivePower", kind=Kind.REGISTER, unit="kW", decimals=2, low=0, high=22,
            label={"en": "Active power", "fr": "Puissance active"}, description={"en": "Sum of the phases"},
            **driver,
        ),
        TagDefinition(path="Depot.CP01.C1.Energy", kind=Kind.REGISTER, unit="kWh", **driver),
        TagDefinition(
            path="Depot.CP01.C1.Status", kind=Kind.TEXT, choices=("Available", "Charging"), **driver
        ),
        TagDefinition(path="Depot.CP01.Online", kind=Kind.BIT, **driver),
        TagDefinition(
            path="Depot.CP01.C1.Temperature", kind=Kind.REGISTER, unit="°C",
            thresholds=(ThresholdDefinition(name="Hi", condition=Condition.HIGH, limit=80),), **driver,
        ),
        TagDefinition(path="Depot.CP01.C1.Temperature.Hi", kind=Kind.BIT, source=Source.THRESHOLD, site="Depot"),
        TagDefinition(
            path="Depot.Target", kind=Kind.REGISTER, source=Source.INTERNAL, unit="A", site="Depot",
            initial=10.0, write=WriteRule(low=0, high=100),
        ),
        TagDefinition(path="System.JournalOk", kind=Kind.BIT, source=Source.INTERNAL),
    ]  # fmt: skip
    return Plant(
        name="Model depot",
        label={"en": "Model"},
        languages=("en", "fr"),
        timezone="Europe/Paris",
        sites=(site,),
        tags=tuple(tags),
        levels=(),
        roles=ROLES,
        network=Network(opcua_port=0),
        security=Security(opcua_policies=policies, opcua_anonymous=anonymous),
    )


@dataclass
class Driver:
    """What stands for the charger's driver: carries out commands and remembers them."""

    commands: list[Command] = field(default_factory=list)
    held: asyncio.Event | None = None

    async def execute(self, command: Command) -> CommandResult:
        self.commands.append(command)
        if self.held is not None:
            await self.held.wait()
        return CommandResult(Outcome.DONE, "stopped")


class NoSamples:
    def append(self, samples: list[Sample]) -> None:
        """History is not part of these tests."""


@dataclass
class Running:
    plant: Plant
    host: PlantHost
    store: CoreStore
    accounts: Accounts
    driver: Driver
    server: OpcUaServer
    certificates: Path
    index: int = 2

    def client(self, user: str = "", password: str = PASSWORD) -> Client:
        client = Client(self.server.endpoint, timeout=15)
        if user:
            client.set_user(user)
            client.set_password(password)
        return client

    def node(self, client: Client, path: str) -> Any:
        return client.get_node(node_id(path, self.index))

    def put(self, path: str, value: Any, quality: int = GOOD, source_us: int = 1_700_000_000_123_456) -> None:
        self.host.write([(self.host.tags[path], value, quality, source_us)])


async def serve(
    folder: Path, policies: tuple[str, ...], anonymous: bool
) -> tuple[Running, Callable[[], Awaitable[None]]]:
    plant = make_plant(policies, anonymous)
    store = open_core(folder / "data")
    clock = SystemClock()
    host = PlantHost(plant, store.restart(), clock, store.journal, NoSamples())  # type: ignore[arg-type]

    async def audit(record: AuditRecord) -> None:
        await host.request(Note((record,)))

    accounts = Accounts(store.users, plant.roles, clock, audit)
    hashed = passwords.hash_password(PASSWORD)
    for name, role in (("olga", "operator"), ("gus", "guest"), ("bea", "blind"), ("admin", "guest")):
        store.users.put(UserRow(name, role, hashed, "en", False))
    router = CommandRouter(host)
    driver = Driver()
    router.register("Depot.CP01", driver)
    server = OpcUaServer(plant, host, router, accounts, folder / "certificates")
    tasks = [asyncio.create_task(host.run()), asyncio.create_task(server.run())]
    listening = asyncio.create_task(server.listening.wait())
    await asyncio.wait([listening, tasks[1]], timeout=60, return_when=asyncio.FIRST_COMPLETED)
    if tasks[1].done():
        listening.cancel()
        tasks[1].result()

    async def close() -> None:
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await host.close()
        await asyncio.to_thread(store.close)

    return Running(plant, host, store, accounts, driver, server, folder / "certificates"), close


@pytest_asyncio.fixture(scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A server with anonymous access and every policy."""
    one, close = await serve(tmp_path_factory.mktemp("opcua"), ("none", "basic256sha256"), True)
    yield one
    await close()


@pytest_asyncio.fixture(scope="session")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A server as it is by default: encrypted, with users only."""
    one, close = await serve(tmp_path_factory.mktemp("opcua"), ("basic256sha256",), False)
    yield one
    await close()
