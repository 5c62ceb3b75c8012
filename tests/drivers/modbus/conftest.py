"""A plant of meters only, a real host round it, and devices to answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scada import resources
from scada.core.database import Sample
from scada.core.plant import Level, Meter, ModbusEndpoint, ModbusSettings, Plant, Site
from scada.core.records import Record
from scada.core.tag import Source, TagDefinition
from scada.core.value import Kind
from scada.drivers.modbus import Profile, load_profile
from scada.drivers.modbus.driver import ModbusDriver
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.runtime.plant_core import Restart
from scada.runtime.router import CommandRouter

READINGS = {
    "ActivePower": ("Power", "kW", 0.001),
    "CurrentL1": ("CurrentL1", "A", 1.0),
    "CurrentL2": ("CurrentL2", "A", 1.0),
    "CurrentL3": ("CurrentL3", "A", 1.0),
    "VoltageL1": ("VoltageL1", "V", 1.0),
    "Frequency": ("Frequency", "Hz", 1.0),
    "EnergyImport": ("Import", "kWh", 1.0),
}


class NullJournal:
    def commit(self, records: Sequence[Record]) -> None:
        pass


class NullSamples:
    def append(self, samples: Sequence[Sample]) -> None:
        pass


@pytest.fixture(scope="session")
def sdm630() -> Profile:
    return load_profile(resources.folder("config") / "drivers" / "modbus" / "eastron-sdm630.toml")


def _tags(meter: Meter) -> Iterator[TagDefinition]:
    for name, kind in (("Online", Kind.BIT), ("Errors", Kind.REGISTER)):
        yield TagDefinition(path=f"{meter.path}.{name}", kind=kind, source=Source.DRIVER)
    yield TagDefinition(
        path=f"{meter.path}.RoundTrip", kind=Kind.REGISTER, source=Source.DRIVER, device=meter.path
    )
    for name, (address, unit, gain) in READINGS.items():
        yield TagDefinition(
            path=f"{meter.path}.{name}",
            kind=Kind.REGISTER,
            source=Source.DRIVER,
            unit=unit,
            gain=gain,
            address=address,
            device=meter.path,
        )


Where = tuple[str, int, int]
"""Name, port, unit."""
Drive = Callable[..., AbstractAsyncContextManager[PlantHost]]


@pytest.fixture
def drive(sdm630: Profile) -> Drive:
    """Run the driver over meters; yields the host."""

    @asynccontextmanager
    async def run(
        *meters: Where, poll_s: float = 0.05, profile: Profile = sdm630, **how: Any
    ) -> AsyncIterator[PlantHost]:
        fitted = tuple(
            Meter(
                path=f"Depot.{name}",
                name=name,
                site="Depot",
                role="other",
                modbus=ModbusEndpoint(
                    profile=profile.name,
                    host="127.0.0.1",
                    port=port,
                    unit_id=unit,
                    poll_us=int(poll_s * 1_000_000),
                    **how,
                ),
                label={},
            )
            for name, port, unit in meters
        )
        site = Site(
            path="Depot", label={}, timezone="UTC", limit_a=100, feeders=(), chargers=(), meters=fitted
        )
        plant = Plant(
            name="Test",
            label={},
            languages=("en",),
            timezone="UTC",
            sites=(site,),
            tags=tuple(definition for meter in fitted for definition in _tags(meter)),
            modbus=ModbusSettings(
                timeout_s=0.2, retry_max_s=0.2, retries=0, normal_us=50_000, slow_us=50_000
            ),
            levels=(Level(number=10, name={}, priority="medium", severity=500),),
            directory=Path(),
        )
        host = PlantHost(plant, Restart(), SystemClock(), NullJournal(), NullSamples())
        driver = ModbusDriver(plant, host, CommandRouter(host), {profile.name: profile})
        task = asyncio.create_task(driver.run())
        try:
            yield host
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await host.close()

    return run


Until = Callable[..., object]


@pytest.fixture(scope="session")
def until() -> Callable[..., object]:
    """Wait for a condition, with a deadline."""

    async def wait(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)

    return wait
