"""The Modbus driver: one task a line, which serves its devices in turn.

A gateway, a device or a register that fails costs the others nothing but the time-out of its own request.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping

import structlog

from scada.core.command import Command, CommandResult, Outcome
from scada.core.errors import Problem, ProjectError
from scada.core.plant import Charger, Meter, ModbusEndpoint, Plant
from scada.core.value import Quality
from scada.drivers.modbus.charger import ModbusCharger
from scada.drivers.modbus.device import Device, Sink
from scada.drivers.modbus.gateway import Gateway
from scada.drivers.modbus.link import Link, line_of
from scada.drivers.modbus.profile import Profile
from scada.drivers.modbus.wiring import source_of
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter
from scada.runtime.supervise import supervise

log = structlog.get_logger()


class ModbusDriver:
    """Reads, and writes to, all Modbus devices of a plant.

    Args:
        profiles: name → profile, for each profile that the devices name.

    Attributes:
        devices: path → device.

    Raises:
        ProjectError: a device names a profile that is not there.
    """

    def __init__(
        self, plant: Plant, host: PlantHost, router: CommandRouter, profiles: Mapping[str, Profile]
    ) -> None:
        self._host, self._settings = host, plant.modbus
        meters, chargers = tuple(plant.meters()), tuple(plant.modbus_chargers())
        _check(meters, chargers, profiles)
        self.devices: dict[str, Device] = {}
        self._chargers: list[ModbusCharger] = []
        secure = any(endpoint.transport == "tls" for endpoint in plant.modbus_endpoints())
        self._tls = _context(plant) if secure else None
        for meter in meters:
            self.devices[meter.path] = self._meter(meter, profiles[meter.modbus.profile])
        for charger in chargers:
            served = ModbusCharger(host, charger, profiles[_endpoint(charger).profile], self._settings)
            self._chargers.append(served)
            self.devices[charger.path] = served.device
        by_line: dict[tuple[str, str, int], list[Device]] = {}
        for device in self.devices.values():
            by_line.setdefault(line_of(device.endpoint), []).append(device)
        self._gateways = [self._gateway(devices) for devices in by_line.values()]
        at = {device.path: gateway for gateway in self._gateways for device in gateway.devices}
        for served in self._chargers:
            served.gateway = at[served.device.path]
            router.register(served.device.path, served)
        for meter in meters:
            router.register(meter.path, _Writer(self.devices[meter.path], at[meter.path]))

    def _gateway(self, devices: list[Device]) -> Gateway:
        return Gateway(
            Link(devices[0].endpoint, self._settings.timeout_s, self._tls), devices, self._settings
        )

    def _meter(self, meter: Meter, profile: Profile) -> Device:
        host = self._host
        sinks: list[Sink] = []
        unknown = []
        for tag in host.tags.below(meter.path):
            quantity = tag.definition.address
            if tag.definition.device != meter.path or not quantity:
                continue
            name, factor = source_of(quantity, profile, meter.modbus, profile.quantities)
            if name in profile.quantities:
                sinks.append((name, tag, factor))
            else:
                unknown.append(tag)
        if unknown:
            paths = [tag.path for tag in unknown]
            log.info("modbus_unknown_quantity", meter=meter.path, profile=profile.name, tags=paths)
            host.write([(tag, tag.value, int(Quality.BAD_CONFIGURATION_ERROR), 0) for tag in unknown])
        return Device(host, meter.path, meter.modbus, profile, self._settings, sinks)

    async def run(self) -> None:
        """Poll until cancelled. A line's task that falls is started again, the others do not notice."""
        if not self._gateways:
            await asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            for gateway in self._gateways:
                name = f"modbus {gateway.name}"
                group.create_task(supervise(name, gateway.run, _no_health), name=name)
            for charger in self._chargers:
                name = f"modbus {charger.device.path}"
                group.create_task(supervise(name, charger.run, _no_health), name=name)


class _Writer:
    """Carries out the commands for a meter."""

    def __init__(self, device: Device, gateway: Gateway) -> None:
        self._device, self._gateway = device, gateway

    async def execute(self, command: Command) -> CommandResult:
        """Only registers are written."""
        if command.name != "WriteRegister":
            return CommandResult(Outcome.REFUSED, f"{command.name} is nothing for a Modbus device")
        name, value = command.arguments["register"], float(command.arguments["value"])
        return await self._gateway.do(lambda link: self._device.write(link, name, value))


def _endpoint(one: Charger) -> ModbusEndpoint:
    assert one.modbus is not None
    return one.modbus


def _check(meters: Iterable[Meter], chargers: Iterable[Charger], profiles: Mapping[str, Profile]) -> None:
    named = [(one.name, one.modbus.profile, "meter") for one in meters]
    named += [(one.name, _endpoint(one).profile, "charger") for one in chargers]
    problems = [
        Problem(
            "meters.csv" if nature == "meter" else "modbus_chargers.csv",
            name,
            f"there is no profile '{profile}'",
        )
        for name, profile, nature in named
        if profile not in profiles
    ]
    problems += [
        Problem("modbus_chargers.csv", name, f"the profile '{profile}' is not of a charger")
        for name, profile, nature in named
        if nature == "charger" and profile in profiles and profiles[profile].nature != "charger"
    ]
    if problems:
        raise ProjectError(problems)


def _context(plant: Plant) -> ssl.SSLContext:
    """TLS for devices: their certificate is proved, and ours shown where there is one. Raises ProjectError."""
    settings, folder = plant.modbus, plant.directory
    try:
        context = ssl.create_default_context(
            cafile=str(folder / settings.tls_ca) if settings.tls_ca else None
        )
        if settings.tls_certificate:
            context.load_cert_chain(folder / settings.tls_certificate, folder / settings.tls_key)
    except OSError as error:  # SSLError is one
        raise ProjectError(
            [Problem("project.toml", "modbus", f"TLS files cannot be read: {error}")]
        ) from None
    return context


def _no_health(name: str, ok: bool) -> None:
    """A fallen task is logged by `supervise`; the devices' own tags say what it means."""
