"""Tags of a project as a table: out into a spreadsheet, and back in with everything checked first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from scada.cli.common import console, errors
from scada.core.errors import BadRequest, Problem, ProjectError
from scada.core.path import matcher

if TYPE_CHECKING:
    from scada.project.tag_table import Difference

SHOWN_MAX = 200
"""Lines of a difference that are shown one by one."""

File = Annotated[
    Path, typer.Argument(help=".xlsx, or .csv (with .thresholds.csv beside it)", show_default=False)
]
Directory = Annotated[Path, typer.Option("--dir", help="the project's directory")]

T = TypeVar("T")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export")(export_tags)
    app.command("import")(import_tags)


def export_tags(
    file: File,
    directory: Directory = Path(),
    pattern: Annotated[str, typer.Option(help="which tags: Depot.*, Depot.**.ActivePower")] = "**",
) -> None:
    """Write the tags of a project as a table; no running system is needed."""
    from scada.project import load  # late, as below: commands of a running system need no project
    from scada.project.tag_table import rows_of, write_table

    try:
        wanted = matcher(pattern)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    plant = load(directory.resolve())
    tags = [tag for tag in plant.tags if wanted(tag.path)]
    table = rows_of(tags, plant.languages)
    written = write_table(file, table)
    names = " and ".join(str(one) for one in written)
    console.print(
        f"{len(tags)} tags and {len(table.thresholds.rows)} thresholds are in {names}", markup=False
    )


def import_tags(
    file: File,
    directory: Directory = Path(),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would change, and change nothing")
    ] = False,
) -> None:
    """Take the changes of a table into a project: its tags.csv and tags.thresholds.csv.

    What the table does not hold stays as it is. With a single mistake nothing is changed.
    """
    from scada.project import load
    from scada.project.files import Reader
    from scada.project.tag_table import apply_table, difference, merged, own_table, read_table, write_own

    directory = directory.resolve()
    table, problems = read_table(file)
    plant = load(directory)
    after, more = apply_table(plant.tags, table, plant.languages)
    _stop(problems + more)
    if not difference(plant.tags, after, plant.languages):
        console.print(f"{file.name}: no difference", markup=False)
        return
    own = merged(own_table(Reader(directory)), plant.tags, table, plant.languages)
    checked = _stopping(lambda: load(directory, own=own))
    _show(difference(plant.tags, checked.tags, plant.languages))
    if dry_run:
        console.print("nothing was changed (--dry-run)")
        return
    names = " and ".join(one.name for one in write_own(directory, own))
    console.print(
        f"{names} of the project hold it now; a running system takes it with its next start", markup=False
    )


def _stopping(load: Callable[[], T]) -> T:
    try:
        return load()
    except ProjectError as error:
        _stop(error.problems)
        raise


def _stop(problems: Iterable[Problem]) -> None:
    """Tell every mistake, and end."""
    told = [str(problem) for problem in problems]
    if not told:
        return
    for line in told:
        errors.print(line, markup=False)
    errors.print(f"{len(told)} mistake{'s' if len(told) > 1 else ''}; nothing was changed", style="bold")
    raise typer.Exit(2)


def _show(found: Difference) -> None:
    lines = [
        *(f"+ {name}{_of(sheet)}" for sheet, name in found.added),
        *(f"- {name}{_of(sheet)}" for sheet, name in found.removed),
        *(
            f"  {change.name} {change.column}{_of(change.sheet)}: {change.old or '(empty)'} → {change.new or '(empty)'}"
            for change in found.changed
        ),
    ]
    for line in lines[:SHOWN_MAX]:
        console.print(line.replace("\n", "⏎"), markup=False)
    if len(lines) > SHOWN_MAX:
        console.print(f"… and {len(lines) - SHOWN_MAX:,} more")
    changed = len({(change.sheet, change.name) for change in found.changed})
    console.print(
        f"{len(found.added)} added, {changed} changed ({len(found.changed)} cells), {len(found.removed)} removed"
    )


def _of(sheet: str) -> str:
    return "" if sheet == "tags" else " (threshold)"
