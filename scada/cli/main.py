"""The commands, and the way errors are told: a sentence and an exit code, a trace only with --debug."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from scada import __version__
from scada.cli import (
    backup,
    ca,
    campaigns,
    chargers,
    export,
    firmware,
    history,
    modbus,
    project,
    report,
    run,
    tags,
    user,
    views,
)
from scada.cli.common import errors
from scada.core.errors import ProjectError, ScadaError

app = typer.Typer(
    name="scada",
    help="EV-SCADA: supervision of electric-vehicle charging sites.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
project.add_to(app)
run.add_to(app)
report.add_to(app)
backup.add_to(app)
export.add_to(app)
app.add_typer(tags.app, name="tags")
app.add_typer(chargers.app, name="chargers")
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(firmware.app, name="firmware")
app.add_typer(user.app, name="user")
app.add_typer(ca.app, name="ca")
app.add_typer(history.app, name="history")
app.add_typer(modbus.app, name="modbus")
app.add_typer(views.app, name="views")

_options = {"debug": False}


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _common(
    debug: Annotated[bool, typer.Option("--debug", help="show the trace of an error")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version")
    ] = False,
) -> None:
    _options["debug"] = debug


def main() -> None:
    """Entry point of the program."""
    try:
        app()
    except ProjectError as error:
        _raise_if_debug()
        for problem in error.problems:
            errors.print(str(problem), markup=False)
        count = len(error.problems)
        errors.print(
            f"{count} mistake{'s' if count > 1 else ''} in the project; nothing was started", style="bold"
        )
        sys.exit(2)
    except ScadaError as error:
        _raise_if_debug()
        errors.print(f"scada: {error}", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _raise_if_debug() -> None:
    if _options["debug"]:
        raise  # noqa: PLE0704 (called while an exception is handled)
