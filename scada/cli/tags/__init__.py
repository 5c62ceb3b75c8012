"""`scada tags`: tags of a running system (`live`), and of a project's files as a table (`files`)."""

from __future__ import annotations

import typer

from scada.cli.tags import files, live

app = typer.Typer(
    help="Tags: list, get, set, force, release, watch on a running system; export, import of a project.",
    no_args_is_help=True,
)
live.add_to(app)
files.add_to(app)

__all__ = ["app"]
