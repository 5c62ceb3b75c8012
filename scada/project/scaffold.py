"""Making a project directory out of the model project."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from scada import resources
from scada.core.errors import StartError
from scada.core.path import is_segment

REAL = "project.real.toml"
"""Stands for project.toml in a project for real devices."""
DEMO = "demo"
"""Files that take the place of the model project's in `scada demo`."""


def scaffold(directory: Path, name: str | None = None, *, simulated: bool = True, demo: bool = False) -> None:
    """Make a project in a directory that does not exist yet or is empty.

    Args:
        simulated: the model project as it is; else one for real devices, with its tables still empty.
        demo: with what is there to be looked at: a charger without OCPP, and meters of several makes.

    Raises:
        StartError: the directory is not empty or cannot be written; nothing was changed.
    """
    if name is not None and not is_segment(name):
        raise StartError(f"'{name}' is no project name: letters, digits and '_', not beginning with a digit")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise StartError(
            f"{directory} exists and is not empty: choose another directory, nothing was changed"
        )
    template = resources.folder("project_template")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copytree(template, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns(REAL, DEMO))
        if demo:
            shutil.copytree(template / DEMO, directory, dirs_exist_ok=True)
        file = directory / "project.toml"
        if not simulated:
            shutil.copyfile(template / REAL, file)
            for table in directory.glob("*.csv"):
                header = table.read_text(encoding="utf-8").splitlines()[0]
                table.write_text(f"{header}\n", encoding="utf-8")
        if name is not None:
            text = file.read_text(encoding="utf-8")
            text = re.sub(r'^name = ".*"$', f'name = "{name}"', text, count=1, flags=re.MULTILINE)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StartError(f"{directory} cannot be written: {error.strerror}") from error
