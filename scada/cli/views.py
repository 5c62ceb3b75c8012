"""`scada views`: the mimic diagrams of a project."""

from __future__ import annotations

from typing import Annotated

import typer

from scada.cli.common import Directory, console, load_plant
from scada.core.errors import StartError

app = typer.Typer(
    help="Mimic diagrams: list them, and write generated ones out to own them.", no_args_is_help=True
)

Names = Annotated[list[str] | None, typer.Argument(help="of the views; without one, all", show_default=False)]


@app.command("list")
def listing(directory: Directory) -> None:
    """List the views: the project's own ones, and those that are generated."""
    from scada.mimic import views

    for name, mimic in views(load_plant(directory)).items():
        kind = "own" if mimic.owned else "generated"
        console.print(f"{name}  {kind}  {len(mimic.symbols)} symbols", markup=False)


@app.command("generate")
def generate(directory: Directory, names: Names = None) -> None:
    """Write generated views into the folder views, to be copied, changed and owned. An owned one is never touched."""
    from scada.mimic import generate as made
    from scada.project.view_files import write

    generated = made(load_plant(directory))
    unknown = [name for name in names or () if name not in generated]
    if unknown:
        raise StartError(
            f"there is no generated view {', '.join(unknown)}; there are: {', '.join(generated)}"
        )
    for name in names or generated:
        path = directory / "views" / f"{name}.toml"
        if not names and path.exists():  # asked for by name it is an error, see `write`
            console.print(f"{path} belongs to the project and stays as it is", markup=False)
            continue
        console.print(f"{write(directory, generated[name])} is written", markup=False)
