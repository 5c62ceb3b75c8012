"""A plant made by hand, and a tiny central system on a real socket."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from scada.core import moment
from scada.core.plant import (
    Charger,
    Connector,
    Current,
    Level,
    Meter,
    ModbusEndpoint,
    Plant,
    Simulation,
    Site,
    Token,
)
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Peer
from scada.runtime.clock import SystemClock
from scada.simulator import ChargePoint, Vehicle
from scada.testing.ports import free_port


def connector(number: int, path: str, current: Current = Current.AC, phases: int = 3) -> Connector:
    return Connector(
        number=number,
        path=f"{path}.C{number}",
        plug="Type 2",
        current=current,
        phases=phases,
        current_max_a=32.0 if current is Current.AC else 150.0,
        power_max_kw=22.0 if current is Current.AC else 60.0,
    )


def charger(name: str, current: Current = Current.AC, connectors: int = 2) -> Charger:
    path = f"Depot.{name}"
    return Charger(
        path=path,
        name=name,
        site="Depot",
        identity=f"DEPOT-{name}",
        device_type="ac3" if current is Current.AC else "dc",
        label={},
        feeder="",
        connectors=tuple(connector(n + 1, path, current) for n in range(connectors)),
    )


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    site = Site(
        path="Depot",
        label={},
        timezone="Europe/Paris",
        limit_a=250,
        feeders=(),
        chargers=(charger("CP01"), charger("CP02"), charger("CP03", Current.DC, 1)),
        meters=(),
    )
    return Plant(
        name="Test",
        label={},
        languages=("en",),
        timezone="Europe/Paris",
        sites=(site,),
        tags=(),
        levels=(Level(number=10, name={}, priority="medium", severity=500),),
        tokens=(*(Token(id_tag=f"TOKEN-{n}") for n in range(8)), Token(id_tag="LOST", blocked=True)),
        simulation=Simulation(enabled=True, arrivals_per_hour=60, faults_per_hour=0),
        directory=tmp_path,
    )


@dataclass
class Central:
    """A central system: notes every call, answers as it is told."""

    port: int = 0
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    peers: dict[str, Peer] = field(default_factory=dict)
    registration: str = "Accepted"
    blocked: set[str] = field(default_factory=set)
    failing: dict[str, int] = field(default_factory=dict)
    """Action → how many more times it is answered with a CALLERROR."""
    transactions: int = 0
    headers: list[str] = field(default_factory=list)
    """Authorization of each connection."""
    security: tuple[str, ...] = (
        "SecurityEventNotification",
        "SignCertificate",
        "LogStatusNotification",
        "SignedFirmwareStatusNotification",
    )
    """Actions of the security whitepaper that it knows."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def of(self, action: str, **wanted: object) -> list[dict[str, Any]]:
        return [
            payload
            for _, name, payload in self.calls
            if name == action and all(payload.get(key) == value for key, value in wanted.items())
        ]

    def statuses(self, number: int = 1) -> list[str]:
        return [payload["status"] for payload in self.of("StatusNotification", connectorId=number)]

    def last(self, number: int = 1) -> str:
        return self.statuses(number)[-1] if self.statuses(number) else ""

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        identity = socket.request.path.rpartition("/")[2]
        self.headers.append(socket.request.headers.get("Authorization", ""))

        def handler(action: str) -> Any:
            async def handle(payload: dict[str, Any]) -> dict[str, Any]:
                self.calls.append((identity, action, payload))
                if self.failing.get(action):
                    self.failing[action] -= 1
                    raise CallError("InternalError", "not now")
                return self.answer(action, payload)

            return handle

        peer = Peer(
            socket,
            "ocpp1.6",
            {
                action: handler(action)
                for action in (
                    "BootNotification",
                    "Heartbeat",
                    "StatusNotification",
                    "Authorize",
                    "StartTransaction",
                    "StopTransaction",
                    "MeterValues",
                    "FirmwareStatusNotification",
                    "DiagnosticsStatusNotification",
                    "DataTransfer",
                    *self.security,
                )
            },
            name=identity,
        )
        self.peers[identity] = peer
        try:
            await peer.run()
        finally:
            if self.peers.get(identity) is peer:
                del self.peers[identity]

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        status = {"status": "Blocked" if payload.get("idTag") in self.blocked else "Accepted"}
        match action:
            case "BootNotification":
                return {
                    "currentTime": moment.text(SystemClock().now_us()),
                    "interval": 1,
                    "status": self.registration,
                }
            case "Heartbeat":
                return {"currentTime": moment.text(SystemClock().now_us())}
            case "Authorize":
                return {"idTagInfo": status}
            case "StartTransaction":
                self.transactions += 1
                return {"transactionId": self.transactions, "idTagInfo": status}
            case "DataTransfer" | "SignCertificate":
                return {"status": "Accepted"}
            case _:
                return {}

    async def call(
        self, action: str, payload: dict[str, Any], identity: str = "DEPOT-CP01"
    ) -> dict[str, Any]:
        return await self.peers[identity].call(action, payload, 5)

    @asynccontextmanager
    async def up(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """Listen; always on the port of the first time, so that chargers find it again."""
        async with serve(
            self.serve,
            "127.0.0.1",
            self.port,
            subprotocols=["ocpp1.6"],  # type: ignore[list-item]
            compression=None,
            ssl=tls,
        ):
            yield
        self.peers.clear()


@pytest.fixture
def central() -> Central:
    return Central(free_port())


@asynccontextmanager
async def running(point: ChargePoint) -> AsyncIterator[ChargePoint]:
    task = asyncio.create_task(point.run())
    try:
        yield point
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


MakePoint = Callable[..., AbstractAsyncContextManager[ChargePoint]]


@pytest.fixture
def point_of(tmp_path: Path, central: Central) -> MakePoint:
    def make(which: Charger | None = None, speed: float = 1.0) -> AbstractAsyncContextManager[ChargePoint]:
        return running(
            ChargePoint(
                which or charger("CP01"), central.url, tmp_path, speed=speed, tick_s=0.02, boot_s=0.05
            )
        )

    return make


@pytest.fixture
def dc_charger() -> Charger:
    return charger("CP03", Current.DC)


@pytest.fixture
def vehicle() -> Callable[..., Vehicle]:
    def make(**changes: Any) -> Vehicle:
        values: dict[str, Any] = {
            "name": "test car",
            "battery_kwh": 50.0,
            "soc": 40.0,
            "phases": 3,
            "current_max_a": 16.0,
            "dc_power_max_kw": 100.0,
            "id_tag": "TOKEN-1",
        }
        return Vehicle(**(values | changes))

    return make


@pytest.fixture
def meter() -> Callable[..., Meter]:
    def make(name: str, role: str, port: int, unit: int = 1, host: str = "127.0.0.1") -> Meter:
        return Meter(
            path=f"Depot.{name}",
            name=name,
            site="Depot",
            role=role,
            modbus=ModbusEndpoint(profile="eastron-sdm630", host=host, port=port, unit_id=unit),
            label={},
        )

    return make


@pytest.fixture(scope="session")
def until() -> Any:
    """Wait for a condition, with a deadline."""

    async def wait(condition: Callable[[], object], timeout_s: float = 15.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)

    return wait
