"""`scada history check | compact`: the samples of a project, while it does not run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from scada.cli.common import Directory, console, errors, load_plant
from scada.core.errors import NotFound
from scada.runtime.clock import SystemClock
from scada.runtime.secrets import read_secret

if TYPE_CHECKING:
    from scada.history import SampleStore

app = typer.Typer(help="Look through and tidy the history of samples.", no_args_is_help=True)


@app.command()
def check(
    directory: Directory,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="move what cannot be read into files beside the database, work out wrong roll-ups",
        ),
    ] = False,
) -> None:
    """Read every block and roll-up. Ends with 1 if something is wrong and was not repaired."""
    from scada.history import check_samples

    with _store(directory) as store:
        found = check_samples(store, repair=repair)
    for problem in found.problems:
        errors.print(problem, markup=False)
    if found.more:
        errors.print(f"… and {found.more} more")
    console.print(
        f"{found.samples:,} samples in {found.blocks:,} blocks ({found.overlaps:,} overlap), {found.hot:,} in the "
        f"journal, {found.waiting:,} wait on disk, {found.rollups:,} days rolled up; "
        f"{len(found.problems) + found.more} problems, {found.repaired} repaired"
    )
    if len(found.problems) + found.more > found.repaired:
        raise typer.Exit(1)


@app.command()
def compact(directory: Directory) -> None:
    """Make blocks of the journal, join small ones, work out roll-ups, give room back to the disk."""
    from scada.history import compact_samples

    with _store(directory) as store:
        compact_samples(store, SystemClock().now_us(), console.print)


@contextmanager
def _store(directory: Directory) -> Iterator[SampleStore]:
    # Late: other commands need neither the database nor the whole program.
    from scada.app.doors import lock
    from scada.history import open_samples

    plant = load_plant(directory)
    data = plant.directory / "data"
    if not data.is_dir():
        raise NotFound(f"{data} is not there yet: start the project once with `scada run {directory}`")
    with lock(data / "scada.lock"):
        store = open_samples(
            data, plant.history, plant.name, lambda reference: read_secret(reference, plant.directory)
        )
        try:
            yield store
        finally:
            store.close()
