"""`scada backup` and `scada restore`: a project with its databases as one file, also while it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from scada import __version__
from scada.cli.common import Directory, console, load_plant

File = Annotated[Path, typer.Argument(help="the backup", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    directory: Directory,
    file: File,
    secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets", help="also keys, certificates and files that settings refer to: keep it safe"
        ),
    ] = False,
) -> None:
    """Write a backup of a project; the system may run meanwhile."""
    from scada.history import backup as history

    elsewhere = bool(load_plant(directory).history.url)
    facts = history.backup(
        directory.resolve(),
        file.resolve(),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        secrets=secrets,
        samples_elsewhere=elsewhere,
    )
    _tell(facts.rows)
    for name in facts.left_out:
        console.print(f"left out, for it is secret: {name} (--with-secrets takes it in)", markup=False)
    if elsewhere:
        console.print("Samples and old records are in PostgreSQL: back it up with pg_dump, after this one.")
    console.print(f"{file}: {facts.files} files, {facts.size:,} bytes", markup=False)


def restore(
    file: File,
    directory: Annotated[Path, typer.Argument(help="made; must not hold anything", show_default=False)],
) -> None:
    """Put a backup in place, once everything in it was found to be whole."""
    from scada.history import backup as history

    facts = history.restore(file.resolve(), directory.resolve())
    _tell(facts.rows)
    for name in facts.left_out:
        console.print(f"not in the backup, for it is secret: {name}", markup=False)
    if facts.samples_elsewhere:
        console.print("Samples and old records were in PostgreSQL: restore that database too (pg_restore).")
    console.print(f"{directory}: {facts.files} files. Next: scada check {directory}", markup=False)


def _tell(rows: dict[str, dict[str, int]]) -> None:
    for name, tables in rows.items():
        console.print(f"{name}: {sum(tables.values()):,} rows in {len(tables)} tables", markup=False)
