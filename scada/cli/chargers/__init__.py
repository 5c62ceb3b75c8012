"""`scada chargers`: commands, messages and traces of a running system, over its REST interface."""

from __future__ import annotations

import typer

from scada.cli.chargers import config, messages

app = typer.Typer(help="Chargers of a running system: commands, messages, traces.", no_args_is_help=True)
messages.add_to(app)
app.add_typer(config.app, name="config")

__all__ = ["app"]
