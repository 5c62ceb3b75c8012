"""`scada run`, `scada demo` and `scada simulate`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scada.cli.common import (
    Directory,
    Host,
    HttpPort,
    LogJson,
    LogLevel,
    OcppPort,
    OcppsPort,
    OpcUaPort,
    check_log_level,
    errors,
    load_plant,
    say,
)

Simulate = Annotated[
    bool | None,
    typer.Option(
        "--simulate/--no-simulate", help="a simulated site beside it (default: as the project says)"
    ),
]
Speed = Annotated[float | None, typer.Option("--speed", help="how much faster simulated time runs", min=0.01)]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("demo")(demo)
    app.command("simulate")(simulate)


def run(
    directory: Directory,
    host: Host = None,
    http_port: HttpPort = None,
    ocpp_port: OcppPort = None,
    opcua_port: OpcUaPort = None,
    simulated: Simulate = None,
    speed: Speed = None,
    log_level: LogLevel = "info",
    log_json: LogJson = False,
    ocpps_port: OcppsPort = None,
) -> None:
    """Run a project until Ctrl-C or SIGTERM."""
    from scada import app as application  # late: other commands need not load every library
    from scada.runtime import logs

    logs.configure(check_log_level(log_level), json=log_json)
    # What is made until the doors are open lives as long as the program: to look through it for rubbish again and
    # again costs a third of the start (./dev bench start). `application.run` turns the collector on.
    gc.disable()
    plant = load_plant(directory, host, http_port, ocpp_port, opcua_port, ocpps_port)
    if speed is not None:
        plant = replace(plant, simulation=replace(plant.simulation, speed=speed))
    wanted = plant.simulation.enabled if simulated is None else simulated
    application.run(plant, simulate=wanted, say=say)


def demo(
    directory: Annotated[Path, typer.Option("--dir", help="project directory, kept between runs")] = Path(
        "run/demo"
    ),
    host: Host = None,
    http_port: HttpPort = None,
    ocpp_port: OcppPort = None,
    opcua_port: OpcUaPort = None,
    simulated: Simulate = None,
    speed: Speed = None,
    log_level: LogLevel = "warning",
    log_json: LogJson = False,
) -> None:
    """Run the model project; its directory is made when it is not there yet."""
    from scada.project import scaffold

    if not (directory / "project.toml").exists():
        scaffold(directory, demo=True)
        say(f"The model project was copied to {directory}.")
    run(directory, host, http_port, ocpp_port, opcua_port, simulated, speed, log_level, log_json)


def simulate(
    directory: Directory,
    ocpp_url: Annotated[str | None, typer.Option(help="where the chargers connect to")] = None,
    speed: Speed = None,
    seed: Annotated[int | None, typer.Option(help="of everything random")] = None,
    parent_pid: Annotated[
        int | None, typer.Option(help="end when this process is gone and no charger finds a system")
    ] = None,
    recipes: Annotated[
        bool,
        typer.Option("--recipes", help="list how simulated chargers can depart from the standard, and end"),
    ] = False,
    log_level: LogLevel = "warning",
) -> None:
    """Simulate the project's chargers, vehicles and meters, and catch its mails, over real sockets."""
    from scada.app import simulated as beside
    from scada.runtime import logs
    from scada.simulator import AlreadyRunning, SimulationOptions, run_simulation
    from scada.simulator.recipes import RECIPES

    if recipes:
        for name, recipe in RECIPES.items():
            say(f"{name:28} {(recipe.__doc__ or '').strip()}  [{recipe.seen}]")
        return
    logs.configure(check_log_level(log_level))
    plant = load_plant(directory)
    if parent_pid is not None:  # a supervisor started us, and may have chosen other ports
        plant = beside.with_ports(plant, beside.saved_ports(plant))
    network = plant.network
    options = SimulationOptions(
        ocpp_url=ocpp_url or f"ws://{network.host}:{network.ocpp_port}{network.ocpp_path}",
        speed=plant.simulation.speed if speed is None else speed,
        seed=plant.simulation.seed if seed is None else seed,
        state_dir=beside.state_directory(plant),
        mail_dir=beside.mail_directory(plant),
        smtp_port=plant.simulation.smtp_port,
        parent_pid=parent_pid,
    )

    async def until_stopped() -> None:
        task = asyncio.ensure_future(run_simulation(plant, options))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(until_stopped())
    except AlreadyRunning as error:
        errors.print(f"scada: {error}", markup=False)
        sys.exit(beside.BUSY_EXIT)
