"""The composition root: a Plant and its directory become a running system, and end cleanly.

Order of start: journal, host, OCPP (chargers are waited for by nobody), everything else. Order of stop: the
doors, the drivers, the host with its journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import structlog
import uvicorn

from scada import __version__, api, hmi, resources
from scada.core.errors import ProjectError, StartError
from scada.core.plant import Plant
from scada.core.ports import UserRow, UserStore
from scada.core.records import AuditRecord
from scada.core.tag import Source
from scada.core.value import GOOD
from scada.drivers.modbus.driver import ModbusDriver
from scada.drivers.modbus.profile import Profile, load_profile
from scada.drivers.ocpp.server import OcppServer
from scada.history import CoreStore, SampleWriter, open_core
from scada.identity import passwords
from scada.identity.accounts import Accounts
from scada.notify import Notifier
from scada.opcua.server import OpcUaServer
from scada.project.loader import with_network
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.runtime.plant_core import Note
from scada.runtime.router import CommandRouter
from scada.runtime.secrets import read_secret
from scada.runtime.supervise import supervise

ADMIN = "admin"
ADMIN_PASSWORD_VARIABLE = "SCADA_ADMIN_PASSWORD"  # noqa: S105 (the name of a variable)
STOP_TIMEOUT_S = 5.0
HTTP_STOP_TIMEOUT_S = 4.0
SIMULATOR_BUSY_EXIT = 75
"""Exit code of `scada simulate` while another one serves the project (EX_TEMPFAIL of sysexits.h)."""

log = structlog.get_logger()


@dataclass
class Running:
    """What a started system tells of itself.

    Attributes:
        ports: those in use: http, ocpp, opcua.
        services: name → whether it runs.
    """

    plant: Plant
    host: PlantHost
    router: CommandRouter
    accounts: Accounts
    store: CoreStore
    ports: dict[str, int]
    services: dict[str, bool] = field(default_factory=dict)
    ready_after_s: float = 0.0

    def status(self) -> Mapping[str, Any]:
        """For `/api/v1/health`."""
        return {
            "project": self.plant.name,
            "ports": self.ports,
            "services": self.services,
            "ready_after_s": round(self.ready_after_s, 3),
        }


def run(plant: Plant, *, simulate: bool, say: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM.

    Args:
        simulate: start a simulated site beside it.
        say: prints a line for the person at the terminal.

    Raises:
        StartError: it cannot start; nothing was changed.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(plant, simulate=simulate, say=say))


async def _run(plant: Plant, *, simulate: bool, say: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with start(plant, simulate=simulate, say=say) as running:
        ports = running.ports
        host = plant.network.host
        say(f"EV-SCADA {__version__} runs project '{plant.name}' (ready after {running.ready_after_s:.1f} s)")
        say(f"  HMI      http://{host}:{ports['http']}/")
        say(f"  REST     http://{host}:{ports['http']}/api/v1/openapi.json")
        say(f"  OCPP     ws://{host}:{ports['ocpp']}{plant.network.ocpp_path}/<identity>")
        say(f"  OPC UA   opc.tcp://{host}:{ports['opcua']}/")
        say("  Ctrl-C stops it.")
        await stop.wait()
        say("stopping …")


@asynccontextmanager
async def start(
    plant: Plant, *, simulate: bool = False, say: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Running]:
    """Start a system, and stop it at the end of the block."""
    began = time.monotonic()
    data = plant.directory / "data"
    _make_directory(data)
    with _lock(data / "scada.lock"), _ports(plant) as sockets:
        profiles = _profiles(plant)
        plant = with_network(plant, **{f"{name}_port": _number(sock) for name, sock in sockets.items()})
        store = open_core(data)
        try:
            clock = SystemClock()
            restart = await asyncio.to_thread(store.restart)
            domain = plant.mail.sender.partition("@")[2] or "scada.invalid"
            host = PlantHost(plant, restart, clock, store.journal, store.samples, domain)
            _restore_values(host, store.samples)

            async def audit(record: AuditRecord) -> None:
                await host.request(Note((record,)))

            accounts = Accounts(store.users, plant.roles, clock, audit)
            await _first_administrator(store.users, say)
            running = Running(
                plant=plant,
                host=host,
                router=CommandRouter(host),
                accounts=accounts,
                store=store,
                ports={name: _number(sock) for name, sock in sockets.items()},
            )
            async with _services(running, sockets, profiles, simulate=simulate):
                running.ready_after_s = time.monotonic() - began
                yield running
            await host.close()
        finally:
            await asyncio.to_thread(store.close)


@asynccontextmanager
async def _services(
    running: Running,
    sockets: Mapping[str, socket.socket],
    profiles: Mapping[str, Profile],
    *,
    simulate: bool,
) -> AsyncIterator[None]:
    plant, host = running.plant, running.host
    archive = running.store.archive

    def health(name: str, ok: bool) -> None:
        running.services[name] = ok
        tag = host.tags.get(f"System.Service.{name}")
        if tag is not None:
            host.write([(tag, ok, GOOD, host.clock.now_us())])

    ocpp = OcppServer(plant, host, running.router, lambda ref: read_secret(ref, plant.directory))
    application = api.create_app(
        api.ApiServices(
            plant=plant,
            host=host,
            router=running.router,
            accounts=running.accounts,
            archive=archive,
            version=__version__,
            status=running.status,
        )
    )
    simulated_mail = simulate and plant.mail.port == plant.simulation.smtp_port
    pages = hmi.mount(
        application,
        hmi.HmiServices(
            plant=plant,
            host=host,
            router=running.router,
            accounts=running.accounts,
            archive=archive,
            mail_dir=_mail_directory(plant) if simulated_mail else None,
            version=__version__,
        ),
    )
    http = _HttpServer(application, sockets["http"])
    services: dict[str, Callable[[], Awaitable[None]]] = {
        "Ocpp": lambda: ocpp.run(sockets["ocpp"]),
        "Modbus": ModbusDriver(host, tuple(plant.meters()), profiles).run,
        "Http": http.run,
        "Hmi": pages.run,
        "Opcua": OpcUaServer(
            plant, host, running.router, running.accounts, plant.directory / "data" / "certificates"
        ).run,
    }
    if plant.mail.host:
        services["Notify"] = Notifier(
            plant,
            host,
            running.store.outbox,
            read_secret(plant.mail.password_ref, plant.directory) if plant.mail.password_ref else None,
            resources.folder("alarms") / "mail",
        ).run
    if simulate:
        services["Simulation"] = lambda: _simulator(plant)
    # OPC UA finds its port free only once the placeholder lets go of it.
    sockets["opcua"].close()
    tasks = [
        asyncio.create_task(host.run(), name="host"),
        asyncio.create_task(_vitals(host, running.store.samples)),
    ]
    tasks += [
        asyncio.create_task(supervise(name, service, health), name=name) for name, service in services.items()
    ]
    try:
        await asyncio.wait_for(ocpp.listening.wait(), 30)
        yield
    finally:
        await http.stop()
        for task in tasks[1:]:
            task.cancel()
        _, left = await asyncio.wait(tasks[1:], timeout=STOP_TIMEOUT_S)
        for task in left:
            log.warning("service_does_not_stop", service=task.get_name())
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])


class _HttpServer:
    """uvicorn on a socket of ours, without its own signal handling; a new server for each restart."""

    def __init__(self, application: Any, sock: socket.socket) -> None:
        self._application = application
        self._socket = sock
        self._server: uvicorn.Server | None = None
        self._stopping = False
        self._ended = asyncio.Event()

    async def run(self) -> None:
        config = uvicorn.Config(
            self._application,
            log_config=None,
            access_log=False,
            server_header=False,
            ws_max_size=1 << 20,
            timeout_graceful_shutdown=2,
            lifespan="on",
        )
        self._server = _QuietServer(config)
        # A duplicate: uvicorn closes what it is given, and a restart needs the port again.
        await self._server.serve([self._socket.dup()])
        if self._stopping:
            self._ended.set()
            await asyncio.get_running_loop().create_future()  # until cancelled with the other services

    async def stop(self) -> None:
        """Let requests under way end, for a moment, and close."""
        self._stopping = True
        if self._server is not None and self._server.started:
            self._server.should_exit = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), HTTP_STOP_TIMEOUT_S)


class _QuietServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the composition root."""
        yield


async def _vitals(host: PlantHost, samples: SampleWriter) -> None:
    """Keep the product's own figures as tags."""
    tag = host.tags.get("System.SamplesDropped")
    while tag is not None:
        await asyncio.sleep(1.0)
        dropped = samples.dropped + host.tags.samples_dropped
        if dropped != tag.value:
            host.write([(tag, dropped, GOOD, host.clock.now_us())])


async def _simulator(plant: Plant) -> None:
    """The simulated site, as a process of its own; ended with us."""
    network = plant.network
    arguments = [
        "simulate",
        str(plant.directory),
        "--ocpp-url",
        f"ws://{network.host}:{network.ocpp_port}{network.ocpp_path}",
        "--parent-pid",
        str(os.getpid()),
        "--speed",
        str(plant.simulation.speed),
    ]
    told = False
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scada", *arguments, stdin=asyncio.subprocess.DEVNULL
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
            raise
        if code != SIMULATOR_BUSY_EXIT:
            raise RuntimeError(f"the simulator ended with exit code {code}")
        if not told:
            told = True
            log.info("simulator_runs_already")
        await asyncio.sleep(5)


async def _first_administrator(users: UserStore, say: Callable[[str], None]) -> None:
    if await asyncio.to_thread(users.list):
        return
    given = os.environ.get(ADMIN_PASSWORD_VARIABLE) or None
    password = given or passwords.generate()
    # Whoever sets the variable has decided; a short one is used, but not without a word.
    password_hash = await asyncio.to_thread(passwords.hash_password, password, length_min=1)
    user = UserRow(ADMIN, "administrator", password_hash, "", False)
    await asyncio.to_thread(users.put, user)
    if given is None:
        say(f"First start: log in as '{ADMIN}' with the password  {password}")
        say("  It is shown only now. `scada user password` changes it.")
    else:
        say(f"First start: log in as '{ADMIN}' with the password out of {ADMIN_PASSWORD_VARIABLE}")
        if len(given) < passwords.LENGTH_MIN:
            say(
                f"  It has less than {passwords.LENGTH_MIN} characters: change it with `scada user password`."
            )


def _restore_values(host: PlantHost, samples: SampleWriter) -> None:
    for path, value, time_us in samples.last_values():
        tag = host.tags.get(path)
        if tag is not None and tag.definition.device and tag.definition.source is Source.DRIVER:
            host.tags.restore(tag, value, time_us)


def _profiles(plant: Plant) -> dict[str, Profile]:
    folders = [plant.directory / "drivers" / "modbus", resources.folder("config") / "drivers" / "modbus"]
    profiles: dict[str, Profile] = {}
    for meter in plant.meters():
        if meter.profile in profiles:
            continue
        for folder in folders:
            file = folder / f"{meter.profile}.toml"
            if file.is_file():
                profiles[meter.profile] = load_profile(file)
                break
        else:
            raise StartError(f"meter {meter.path}: there is no profile '{meter.profile}'")
    return profiles


def _mail_directory(plant: Plant) -> Path:
    return plant.directory / "data" / "simulator" / "mail"


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"{directory} cannot be written ({error.strerror}): give the user who runs this the right to write there"
        ) from error


@contextmanager
def _lock(file: Path) -> Iterator[TextIO]:
    """One supervisor a project: two would both write its journal."""
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(
                f"another supervisor runs this project already ({file.parent.parent}): stop it first"
            ) from None
        yield handle


@contextmanager
def _ports(plant: Plant) -> Iterator[dict[str, socket.socket]]:
    """The listening sockets, all or none: a port that is taken is found before anything starts."""
    network = plant.network
    sockets: dict[str, socket.socket] = {}
    try:
        for name, port in (
            ("http", network.http_port),
            ("ocpp", network.ocpp_port),
            ("opcua", network.opcua_port),
        ):
            sockets[name] = _bind(network.host, port, name)
        yield sockets
    finally:
        for sock in sockets.values():
            sock.close()


def _bind(host: str, port: int, name: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise StartError(f"the address '{host}' cannot be used: {error}") from error
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise StartError(
            f"port {port} for {name} cannot be opened on {host} ({error.strerror}): "
            f"stop the program that uses it, or choose another with --{name}-port or in project.toml"
        ) from error
    # A bound socket that does not listen yet: two of us could both bind with SO_REUSEADDR, one cannot listen.
    try:
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise StartError(
            f"port {port} for {name} is in use on {host}: stop the program that uses it, "
            f"or choose another with --{name}-port or in project.toml"
        ) from error
    sock.setblocking(False)
    return sock


def _number(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for this platform
        return None
    return uvloop.new_event_loop


__all__ = ["ProjectError", "Running", "run", "start"]
