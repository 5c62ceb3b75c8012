"""What the commands share: options, the console, errors as sentences."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scada.core.plant import Plant

# Into a pipe or a file nothing is cut to the width of a screen.
# Nor is `:100:` of a place in a file a picture.
console = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 300)
errors = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)

Directory = Annotated[Path, typer.Argument(help="the project's directory", show_default=False)]
Host = Annotated[str | None, typer.Option("--host", help="listening address")]
HttpPort = Annotated[int | None, typer.Option("--http-port", help="of HMI and REST", min=0, max=65535)]
OcppPort = Annotated[int | None, typer.Option("--ocpp-port", help="for chargers", min=0, max=65535)]
OcppsPort = Annotated[
    int | None, typer.Option("--ocpps-port", help="for chargers that speak TLS", min=0, max=65535)
]
OpcUaPort = Annotated[int | None, typer.Option("--opcua-port", help="of the OPC UA server", min=0, max=65535)]
LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error")]
LogJson = Annotated[bool, typer.Option("--log-json", help="logs as JSON objects")]


def say(line: str) -> None:
    """A line for the person at the terminal, at once."""
    print(line, flush=True)


def load_plant(
    directory: Path,
    host: str | None = None,
    http_port: int | None = None,
    ocpp_port: int | None = None,
    opcua_port: int | None = None,
    ocpps_port: int | None = None,
) -> Plant:
    """The project with the flags of the command line on top."""
    from scada.project import load  # late: `scada tags` and `--help` need no project
    from scada.project.loader import with_network

    return with_network(
        load(directory.resolve()),
        host=host,
        http_port=http_port,
        ocpp_port=ocpp_port,
        opcua_port=opcua_port,
        ocpps_port=ocpps_port,
    )


def check_log_level(level: str) -> str:
    """The level, or an error of usage."""
    if level not in ("debug", "info", "warning", "error"):
        raise typer.BadParameter("one of debug, info, warning, error", param_hint="--log-level")
    return level
