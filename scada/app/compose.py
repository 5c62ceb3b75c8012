"""The composition root: a Plant and its directory become a running system, and end cleanly.

Order of start: journal, host, OCPP (chargers are waited for by nobody), everything else. Order of stop: the
doors, the drivers, the host with its journal.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from scada import __version__, api, hmi, resources
from scada.app import simulated
from scada.app.adoption import Adoptions
from scada.app.calendars import Calendars
from scada.app.doors import listening_sockets, lock, port_of
from scada.app.exports import Exports
from scada.app.file_doors import FileDoors
from scada.app.http import HttpServer
from scada.app.last_values import LastValues
from scada.app.previews import Previews
from scada.app.tokens import TokenImports
from scada.app.vitals import Vitals
from scada.core.plant import Plant
from scada.core.ports import UserRow, UserStore
from scada.core.records import AuditRecord
from scada.core.value import GOOD
from scada.drivers.modbus.driver import ModbusDriver
from scada.drivers.modbus.northbound import Northbound
from scada.drivers.modbus.profile import Profile, find_profiles
from scada.drivers.ocpp.server import OcppServer
from scada.history import CoreStore, open_core, prepare_directory
from scada.identity import passwords
from scada.identity.accounts import Accounts
from scada.identity.users import Users
from scada.notify import Notifier, NotifierServices
from scada.notify.calendar import write_calendar
from scada.notify.links import LinkSigner, load_key
from scada.opcua.server import OpcUaServer
from scada.project.loader import with_network
from scada.reports import Desk
from scada.runtime.allocation import LoadManagement
from scada.runtime.bookkeeper import Bookkeeper
from scada.runtime.campaigns import Campaigns
from scada.runtime.clock import SystemClock
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.modes import Modes
from scada.runtime.reconciler import Reconciler
from scada.runtime.report_jobs import ReportJobs
from scada.runtime.requests import Note
from scada.runtime.router import CommandRouter
from scada.runtime.secrets import read_secret
from scada.runtime.shift_log import ShiftLog
from scada.runtime.supervise import supervise
from scada.runtime.tickets import Tickets

ADMIN = "admin"
ADMIN_PASSWORD_VARIABLE = "SCADA_ADMIN_PASSWORD"  # noqa: S105 (the name of a variable)
STOP_TIMEOUT_S = 5.0
DOORS = ("http", "ocpp", "opcua")
"""Doors whose ports are the network's; the file server's are its own."""

Service = Callable[[], Awaitable[None]]
"""Runs until it fails or is cancelled; supervised."""

log = structlog.get_logger()


@dataclass
class Running:
    """What a started system tells of itself.

    Attributes:
        ports: those in use: http, ocpp, opcua, and ocpps where it is open.
        services: name → whether it runs.
        documents: what services have kept of earlier runs.
        restart: has the program stop in order and start anew, as the same process, with the same arguments.
    """

    plant: Plant
    documents: Documents
    host: PlantHost
    router: CommandRouter
    accounts: Accounts
    users: Users
    store: CoreStore
    ports: dict[str, int]
    services: dict[str, bool] = field(default_factory=dict)
    ready_after_s: float = 0.0
    restart: Callable[[], None] = field(default=lambda: None)

    def status(self) -> Mapping[str, Any]:
        """For `/api/v1/health`."""
        journal = self.host.tags.get("System.JournalOk")
        well = all(self.services.values()) and (journal is None or journal.value is not False)
        return {
            "status": "ok" if well else "degraded",
            "project": self.plant.name,
            "ports": self.ports,
            "services": self.services,
            "ready_after_s": round(self.ready_after_s, 3),
        }


@asynccontextmanager
async def start(
    plant: Plant,
    *,
    simulate: bool = False,
    say: Callable[[str], None] = lambda _: None,
    start_anew: Callable[[], None] = lambda: None,
) -> AsyncIterator[Running]:
    """Start a system, and stop it at the end of the block.

    Args:
        start_anew: called when the project has changed: whoever runs it is to end the block and start it anew.
    """
    began = time.monotonic()
    data = plant.directory / "data"
    prepare_directory(data)
    with lock(data / "scada.lock"), listening_sockets(plant) as sockets:
        if simulate:
            plant = simulated.with_free_ports(plant)
        profiles = _profiles(plant)
        chosen = {f"{name}_port": port_of(sock) for name, sock in sockets.items() if name in DOORS}
        plant = with_network(plant, **chosen)
        store = await asyncio.to_thread(
            open_core,
            data,
            {level.number: level.priority for level in plant.levels},
            history=plant.history,
            project=plant.name,
            secret=lambda reference: read_secret(reference, plant.directory),
        )
        try:
            clock = SystemClock()
            await asyncio.to_thread(store.begin_feed)
            restart = await asyncio.to_thread(store.restart)
            domain = plant.mail.sender.partition("@")[2] or "scada.invalid"
            host = PlantHost(plant, restart, clock, store.journal, store.samples, domain)
            documents = Documents(host, restart.documents)
            last_values = LastValues(host, store.samples, plant.ocpp.stale_us)

            async def audit(record: AuditRecord) -> None:
                await host.request(Note((record,)))

            accounts = Accounts(store.users, plant.roles, clock, audit)
            await _first_administrator(store.users, say)
            running = Running(
                plant=plant,
                host=host,
                router=CommandRouter(host),
                accounts=accounts,
                users=Users(store.users, accounts, plant.roles, clock, audit),
                store=store,
                restart=start_anew,
                documents=documents,
                ports={name: port_of(sock) for name, sock in sockets.items()},
            )
            await accounts.refresh()
            waiting = asyncio.create_task(last_values.run())
            try:
                async with _services(running, sockets, profiles, simulate=simulate):
                    running.ready_after_s = time.monotonic() - began
                    yield running
            finally:
                waiting.cancel()
                await asyncio.wait([waiting])
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

    def secret(reference: str) -> str | None:
        return read_secret(reference, plant.directory)

    links = None
    if plant.oncall.public_url:
        links = LinkSigner(load_key(plant.directory / "data"), plant.oncall.link_valid_us)
    books = Bookkeeper(plant, host, archive, running.store.sessions)
    reconciler = Reconciler(plant, host, archive, running.store.sessions, books, running.documents)
    reports = Desk(plant, archive, running.store.sessions, host.clock)
    report_jobs = ReportJobs(reports, host.clock)
    notifier = Notifier(
        NotifierServices(
            reports=reports,
            plant=plant,
            host=host,
            outbox=running.store.outbox,
            archive=archive,
            folders=(plant.directory / "mail", resources.folder("alarms") / "mail"),
            secret=secret,
            links=links,
            duties=host.core.oncall.duties,
        )
    )
    files = FileDoors(plant, host, running.documents, sockets)
    ocpp = OcppServer(
        plant, host, running.router, secret, running.documents, files.server, running.store.messages
    )
    campaigns = Campaigns(
        host, running.router, running.documents, running.accounts.actor_named, ocpp.configuration
    )
    sharing = LoadManagement(plant, host, running.router, running.documents, ocpp.limit_habit)
    modes = Modes(host, running.router, running.documents)
    tickets, shift_log = Tickets(host, running.documents), ShiftLog(host, archive)
    pending = Adoptions(plant, host, ocpp.pending, running.restart) if ocpp.pending else None
    application = api.create_app(
        api.ApiServices(
            plant=plant,
            host=host,
            router=running.router,
            accounts=running.accounts,
            archive=archive,
            sessions=running.store.sessions,
            reports=reports,
            report_jobs=report_jobs,
            reconciler=reconciler,
            console=ocpp.console,
            messages=running.store.messages if ocpp.recorder else None,
            knowledge=ocpp.knowledge,
            campaigns=campaigns,
            sharing=sharing,
            tickets=tickets,
            modes=modes,
            shift_log=shift_log,
            configuration=ocpp.configuration,
            files=files.server,
            version=__version__,
            status=running.status,
            links=links,
            secret=secret,
            pending=pending,
            write_calendar=write_calendar,
        )
    )
    simulated_mail = simulate and any(simulated.catches(relay, plant) for relay in plant.mail.relays)
    pages = hmi.mount(
        application,
        hmi.HmiServices(
            plant=plant,
            host=host,
            router=running.router,
            accounts=running.accounts,
            archive=archive,
            sessions=running.store.sessions,
            reports=reports,
            report_jobs=report_jobs,
            mail_dir=simulated.mail_directory(plant) if simulated_mail else None,
            version=__version__,
            users=running.users,
            tickets=tickets,
            modes=modes,
            shift_log=shift_log,
            messages=Previews(notifier, plant.directory / "mail"),
            knowledge=ocpp.knowledge,
            console=ocpp.console,
            message_log=running.store.messages if ocpp.recorder else None,
            campaigns=campaigns,
            configuration=ocpp.configuration,
            files=files.server,
            pending=pending,
        ),
    )
    http = HttpServer(application, sockets["http"])
    opcua = OpcUaServer(
        plant, host, running.router, running.accounts, plant.directory / "data" / "certificates"
    )
    services: dict[str, Service] = {
        "Accounts": running.accounts.run,
        "Vitals": Vitals(
            host, plant.directory / "data", running.store, running.accounts, opcua, ocpp.recorder
        ).run,
        "Ocpp": lambda: ocpp.run(sockets["ocpp"], sockets.get("ocpps")),
        "Modbus": ModbusDriver(plant, host, running.router, profiles).run,
        "Bookkeeper": books.run,
        "Reconciler": reconciler.run,
        "Http": http.run,
        "Hmi": pages.run,
        "Opcua": opcua.run,
        "Campaigns": campaigns.run,
        **({"Allocation": sharing.run} if sharing.sites else {}),
        "Modes": modes.run,
        **files.services(),
        **_configured(running, notifier, secret, simulate=simulate),
    }
    # OPC UA finds its port free only once the placeholder lets go of it.
    sockets["opcua"].close()
    tasks = [asyncio.create_task(host.run(), name="host")]
    tasks += [
        asyncio.create_task(supervise(name, service, health), name=name) for name, service in services.items()
    ]
    try:
        await asyncio.wait_for(ocpp.listening.wait(), 30)
        yield
    finally:
        host.leave()
        await http.stop()
        await report_jobs.close()
        await files.stop()
        await sharing.stop()
        for task in tasks[1:]:
            task.cancel()
        _, left = await asyncio.wait(tasks[1:], timeout=STOP_TIMEOUT_S)
        for task in left:
            log.warning("service_does_not_stop", service=task.get_name())
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        if ocpp.recorder is not None:
            await asyncio.to_thread(ocpp.recorder.close)


def _configured(
    running: Running, notifier: Notifier, secret: Callable[[str], str | None], *, simulate: bool
) -> dict[str, Service]:
    """The services that a project has only where its files ask for them."""
    plant, host = running.plant, running.host
    services: dict[str, Service] = {}
    if plant.contacts or plant.mail.relays:
        services["Notify"] = notifier.run
    if plant.charging.imports:
        services["Tokens"] = TokenImports(plant, host, secret).run
    if plant.modbus.server.port is not None:
        northbound = Northbound(plant, host, running.router)
        services["ModbusServer"] = northbound.run
    if plant.exports:
        services["Exports"] = Exports(plant, host, running.documents, secret, running.store.older).run
    if any(rota.calendar for rota in plant.rotas):
        services["Calendars"] = Calendars(plant, host).run
    if simulate:
        services["Simulation"] = lambda: simulated.run(plant)
    return services


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


def _profiles(plant: Plant) -> Mapping[str, Profile]:
    folders = [plant.directory / "drivers" / "modbus", resources.folder("config") / "drivers" / "modbus"]
    return find_profiles([endpoint.profile for endpoint in plant.modbus_endpoints()], folders)
