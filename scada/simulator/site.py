"""The simulated site as a program: chargers, drivers, meters and mail catcher of one project."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import fcntl
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import structlog

from scada import resources
from scada.core.errors import StartError
from scada.core.plant import Charger, Meter, ModbusEndpoint, Plant, Site
from scada.drivers.modbus.imitation import ImitatedDevice, Values
from scada.drivers.modbus.profile import find_profiles
from scada.drivers.modbus.server import ModbusServer
from scada.runtime.secrets import read_secret
from scada.simulator.building import SiteLoad
from scada.simulator.charge_point import TICK_S, ChargePoint
from scada.simulator.life import Life
from scada.simulator.mail import MailCatcher
from scada.simulator.pulse import Pulse
from scada.simulator.recipes import RECIPES
from scada.simulator.storage import Store
from scada.simulator.wallbox import Wallbox

ORPHAN_AFTER_S = 120.0
"""Without parent and without any connection for this long, the simulation ends."""
SAVE_EVERY_S = 10.0
LOOPBACK = ("127.0.0.1", "localhost")

log = structlog.get_logger()


class AlreadyRunning(StartError):
    """Another simulation of the same project runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOptions:
    """How the plant is simulated.

    Attributes:
        ocpp_url: of the central system, without identity: `ws://127.0.0.1:9000/ocpp`.
        speed: simulated seconds a real second; messages keep their real intervals.
        seed: of everything random.
        state_dir: what survives: registers, transactions, messages that are owed.
        mail_dir: Maildir of the mail catcher.
        smtp_port: None: no mail catcher; 0 lets the system choose.
        parent_pid: when this process is gone and no charger finds a central system, the simulation ends.
    """

    ocpp_url: str
    state_dir: Path
    mail_dir: Path
    speed: float = 1.0
    seed: int = 1
    smtp_port: int | None = None
    parent_pid: int | None = None


async def run_simulation(plant: Plant, options: SimulationOptions) -> None:
    """Simulate the plant until cancelled, or until nobody needs it any more (`parent_pid`).

    Raises:
        AlreadyRunning: another simulation of the same `state_dir` runs.
        StartError: the folder cannot be written or a port is taken.
        ProjectError: a meter's profile is wrong.
    """
    with _lock(options.state_dir):
        store, pulse = Store(options.state_dir), Pulse(TICK_S)
        points = [
            _charge_point(plant, charger, options, store, pulse, place)
            for place, charger in enumerate(plant.ocpp_chargers())
        ]
        async with contextlib.AsyncExitStack() as stack:
            meters = _SiteMeters(plant, points, options)
            await meters.start(stack)
            tasks = [asyncio.ensure_future(_orphaned(points, options.parent_pid))]
            tasks.append(asyncio.ensure_future(_live(plant, points, meters, options, pulse)))
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                meters.save()
                store.close()


async def _live(
    plant: Plant,
    points: Sequence[ChargePoint],
    meters: _SiteMeters,
    options: SimulationOptions,
    pulse: Pulse,
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            if options.smtp_port is not None:
                group.create_task(MailCatcher(options.mail_dir, options.smtp_port).run())
            group.create_task(meters.run())
            group.create_task(pulse.run())
            for point in points:
                group.create_task(point.run())
            for site in plant.sites:
                here = [point for point in points if point.charger.site == site.path]
                group.create_task(Life(plant, here, options.speed, options.seed).run())
    except ExceptionGroup as failures:
        # What cannot start says why in one sentence; anything else is a fault of ours and keeps its traceback.
        starts = failures.subgroup(StartError)
        if starts is not None:
            raise _first(starts) from None
        raise


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def _charge_point(
    plant: Plant, charger: Charger, options: SimulationOptions, store: Store, pulse: Pulse, place: int
) -> ChargePoint:
    password = None
    if charger.basic_auth_ref:
        password = read_secret(charger.basic_auth_ref, plant.directory)
    recipe = plant.simulation.recipes.get(charger.name)
    if recipe is not None and recipe not in RECIPES:
        near = difflib.get_close_matches(recipe, RECIPES, 1)
        raise StartError(
            f"there is no recipe '{recipe}' for the simulated charger {charger.path}; "
            + (f"perhaps {near[0]}" if near else "`scada simulate DIR --recipes` lists them")
        )
    return ChargePoint(
        charger,
        options.ocpp_url,
        store,
        speed=options.speed,
        seed=options.seed,
        password=password,
        pulse=pulse,
        recipe=RECIPES[recipe]() if recipe is not None else None,
        # Electricians turn the phases from charger to charger, so that L1 does not carry all small cars.
        phase_shift=place % 3,
    )


async def _orphaned(points: Sequence[ChargePoint], parent_pid: int | None) -> None:
    """Return when the simulation is of no use to anybody any more."""
    loop = asyncio.get_running_loop()
    useful_s = loop.time()
    while True:
        await asyncio.sleep(1.0)
        if parent_pid is None or _alive(parent_pid) or any(point.online for point in points):
            useful_s = loop.time()
        elif loop.time() - useful_s > ORPHAN_AFTER_S:
            log.info("simulation_ends", reason="the supervisor is gone and no other has come")
            return


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Only one simulation of a project at a time; the lock goes with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("a+")
    except OSError as error:
        raise StartError(f"cannot write to {folder}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"another simulation of this project runs already ({folder}); end it first, or leave it running"
            ) from None
        yield


class _SiteMeters:
    """The meters of all sites, on their own sockets, and the loads that they see."""

    def __init__(self, plant: Plant, points: Sequence[ChargePoint], options: SimulationOptions) -> None:
        self._plant, self._points, self._options = plant, points, options
        self._file = options.state_dir / "meters.json"
        self._energy: dict[str, dict[str, float]] = self._load()
        self._loads = {
            site.path: SiteLoad(
                plant.simulation.building_base_kw,
                random.Random(f"{options.seed} building {site.path}"),
                self._energy.setdefault(site.path, {"grid": 184_000.0, "building": 121_000.0}),
            )
            for site in plant.sites
        }
        self._began_s = time.time()
        self._boxes = {
            charger.path: self._wallbox(charger)
            for charger in plant.modbus_chargers()
            if charger.modbus is not None and _simulated(charger.modbus)
        }
        for site in plant.sites:
            self._step(site, 0.0, 0.0)

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Open the sockets; they close with the stack."""
        folders = [
            self._plant.directory / "drivers" / "modbus",
            resources.folder("config") / "drivers" / "modbus",
        ]
        by_port: dict[int, dict[int, ImitatedDevice]] = {}
        local = [one for one in self._plant.modbus_endpoints() if _simulated(one)]
        profiles = find_profiles([endpoint.profile for endpoint in local], folders)
        for meter in self._plant.meters():
            if meter.modbus not in local:
                log.info("meter_not_simulated", meter=meter.path, host=meter.modbus.host)
                continue
            device = ImitatedDevice(profiles[meter.modbus.profile], self._values(meter))
            by_port.setdefault(meter.modbus.port, {})[meter.modbus.unit_id] = device
        for path, box in self._boxes.items():
            endpoint = self._plant.chargers_by_path[path].modbus
            assert endpoint is not None
            device = ImitatedDevice(profiles[endpoint.profile], box.readings, box.written)
            by_port.setdefault(endpoint.port, {})[endpoint.unit_id] = device
        for port, devices in by_port.items():
            server = ModbusServer("127.0.0.1", port, devices)
            try:
                await server.start()
            except OSError:
                raise StartError(
                    f"simulated Modbus devices cannot listen on 127.0.0.1:{port}; "
                    "end what uses that port or choose another in meters.csv and modbus_chargers.csv"
                ) from None
            stack.push_async_callback(server.close)

    async def run(self) -> None:
        """Let the loads follow the chargers until cancelled."""
        loop = asyncio.get_running_loop()
        last_s = saved_s = loop.time()
        while True:
            await asyncio.sleep(1.0)
            now_s = loop.time()
            for site in self._plant.sites:
                self._step(site, (now_s - last_s) * self._options.speed, now_s - last_s)
            last_s = now_s
            if now_s - saved_s >= SAVE_EVERY_S:
                saved_s = now_s
                self.save()

    def save(self) -> None:
        """Keep the registers for another life."""
        draft = self._file.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(self._energy))
        draft.replace(self._file)

    def _load(self) -> dict[str, dict[str, float]]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, dict[str, float]])
        except (OSError, msgspec.MsgspecError):
            return {}

    def _values(self, meter: Meter) -> Values:
        load, role = self._loads[meter.site], meter.role
        box = self._boxes.get(f"{meter.site}.{meter.measures}")
        if box is not None:
            return lambda: {**load.readings("grid"), **box.readings(), "Import": box.energy_kwh}
        return lambda: load.readings(role)

    def _wallbox(self, charger: Charger) -> Wallbox:
        connector = charger.connectors[0]
        kept = self._energy.setdefault(charger.path, {"energy": 1_000.0})
        arrivals = self._plant.simulation.arrivals_per_hour / max(1, sum(1 for _ in self._plant.chargers()))
        return Wallbox(
            current_max_a=connector.current_max_a,
            phases=connector.phases,
            energy_kwh=kept["energy"],
            arrivals_per_hour=arrivals,
            rng=random.Random(f"{self._options.seed} wallbox {charger.path}"),
        )

    def _step(self, site: Site, simulated_s: float, real_s: float) -> None:
        boxes = {one.path: box for one in site.chargers if (box := self._boxes.get(one.path)) is not None}
        for path, box in boxes.items():
            box.step(simulated_s, real_s)
            self._energy[path]["energy"] = box.energy_kwh
        chargers = [
            list(point.hardware.outlets.values()) for point in self._points if point.charger.site == site.path
        ]
        # The day goes by at the speed of the simulation, from the hour at which it began.
        now_s = self._began_s + (time.time() - self._began_s) * self._options.speed
        local = datetime.fromtimestamp(now_s, ZoneInfo(site.timezone))
        currents_a = [[box.current_a] * box.phases for box in boxes.values()]
        self._loads[site.path].step(simulated_s, local.hour + local.minute / 60, chargers, currents_a)


def _simulated(endpoint: ModbusEndpoint) -> bool:
    return endpoint.host in LOOPBACK and endpoint.transport == "tcp"
