"""`scada new` and `scada check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scada.cli.common import Directory, console, load_plant


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("new")(new)
    app.command("check")(check)


def new(
    directory: Annotated[Path, typer.Argument(help="made; must not hold anything yet", show_default=False)],
    name: Annotated[str | None, typer.Option(help="the project's name: letters, digits and '_'")] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated/--real", help="with a simulated site, or for real devices")
    ] = True,
) -> None:
    """Make a project directory out of the model project."""
    from scada.project import scaffold

    scaffold(directory, name, simulated=simulated)
    console.print(f"{directory} is made. Next: scada check {directory}; scada run {directory}")


def check(directory: Directory) -> None:
    """Find every mistake in a project's files."""
    plant = load_plant(directory)
    chargers = list(plant.chargers())
    connectors = sum(len(charger.connectors) for charger in chargers)
    console.print(
        f"{directory}: no mistakes. {len(plant.sites)} site(s), {len(chargers)} chargers with {connectors} "
        f"connectors, {len(list(plant.meters()))} meters, {len(plant.tags)} tags, "
        f"{sum(tag.alarm is not None for tag in plant.tags)} alarms, {len(plant.tokens)} tokens"
    )
