"""The simulated site beside the supervisor: a process of its own, on ports that nobody else uses.

A supervisor that was killed leaves its simulator behind; chargers go on, and the next supervisor of the same
project finds them again, on the ports that they were given.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import structlog

from scada.core.plant import MailRelay, ModbusEndpoint, Plant, Site
from scada.simulator import LOOPBACK

BUSY_EXIT = 75
"""Exit code of `scada simulate` while another one serves the project (EX_TEMPFAIL of sysexits.h)."""
RETRY_S = 5.0

log = structlog.get_logger()


def state_directory(plant: Plant) -> Path:
    """Where the simulated site keeps what survives it."""
    return plant.directory / "data" / "simulator"


def mail_directory(plant: Plant) -> Path:
    """The Maildir of the mail catcher."""
    return state_directory(plant) / "mail"


def catches(relay: MailRelay, plant: Plant) -> bool:
    """Whether a relay is the mail catcher of the simulated site."""
    return relay.host in LOOPBACK and relay.port == plant.simulation.smtp_port


def with_ports(plant: Plant, ports: dict[int, int]) -> Plant:
    """The plant with the simulated site's own ports (Modbus and SMTP) changed as the map says."""

    def moved(endpoint: ModbusEndpoint) -> ModbusEndpoint:
        if endpoint.host not in LOOPBACK:
            return endpoint
        return replace(endpoint, port=ports.get(endpoint.port, endpoint.port))

    def site_moved(site: Site) -> Site:
        return replace(
            site,
            meters=tuple(replace(meter, modbus=moved(meter.modbus)) for meter in site.meters),
            chargers=tuple(
                replace(charger, modbus=moved(charger.modbus)) if charger.modbus else charger
                for charger in site.chargers
            ),
        )

    smtp_port = plant.simulation.smtp_port
    relays = tuple(
        replace(one, port=ports.get(one.port, one.port)) if catches(one, plant) else one
        for one in plant.mail.relays
    )
    return replace(
        plant,
        sites=tuple(map(site_moved, plant.sites)),
        mail=replace(plant.mail, relays=relays),
        simulation=replace(plant.simulation, smtp_port=ports.get(smtp_port, smtp_port)),
    )


def with_free_ports(plant: Plant) -> Plant:
    """The plant with each port of the simulated site that somebody else uses replaced by a free one.

    What a running simulator of this project uses stays as it is.
    """
    folder = state_directory(plant)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "ports.json"
    if _simulator_runs(folder):
        return with_ports(plant, _saved(file))
    wanted = {endpoint.port for endpoint in plant.modbus_endpoints() if endpoint.host in LOOPBACK}
    wanted.add(plant.simulation.smtp_port)
    ports = {port: _free(port) for port in sorted(wanted)}
    for port, other in ports.items():
        if other != port:
            log.warning("simulated_port_taken", port=port, instead=other)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({str(port): other for port, other in ports.items()}))
    draft.replace(file)
    return with_ports(plant, ports)


def saved_ports(plant: Plant) -> dict[int, int]:
    """The ports that the supervisor has chosen for the simulated site."""
    return _saved(state_directory(plant) / "ports.json")


async def run(plant: Plant) -> None:
    """Run the simulated site until cancelled; it ends with us."""
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
    await _while_another_runs(state_directory(plant))
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
        if code != BUSY_EXIT:
            raise RuntimeError(f"the simulator ended with exit code {code}")
        await _while_another_runs(state_directory(plant))


async def _while_another_runs(folder: Path) -> None:
    """Leave the simulator of an earlier supervisor alone as long as it lives."""
    told = False
    while _simulator_runs(folder):  # its lock goes with it; nobody tells us
        if not told:
            log.info("simulator_runs_already")
            told = True
        await asyncio.sleep(RETRY_S)


def _simulator_runs(folder: Path) -> bool:
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _saved(file: Path) -> dict[int, int]:
    try:
        return {int(port): int(other) for port, other in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _free(port: int) -> int:
    for candidate in (port, 0):
        try:
            with socket.create_server(("127.0.0.1", candidate)) as sock:
                return int(sock.getsockname()[1])
        except OSError:
            continue
    return port
