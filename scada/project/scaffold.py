"""Making a project directory out of the model project."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from scada import resources
from scada.core.errors import StartError
from scada.core.path import is_segment


def scaffold(directory: Path, name: str | None = None, *, simulated: bool = True) -> None:
    """Copy the model project to a directory that does not exist yet or is empty.

    Raises:
        StartError: the directory is not empty or cannot be written; nothing was changed.
    """
    if name is not None and not is_segment(name):
        raise StartError(f"'{name}' is no project name: letters, digits and '_', not beginning with a digit")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise StartError(
            f"{directory} exists and is not empty: choose another directory, nothing was changed"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copytree(resources.folder("project_template"), directory, dirs_exist_ok=True)
        file = directory / "project.toml"
        text = file.read_text(encoding="utf-8")
        if name is not None:
            text = re.sub(r'^name = ".*"$', f'name = "{name}"', text, count=1, flags=re.MULTILINE)
        if not simulated:
            text = re.sub(r"^enabled = true", "enabled = false", text, count=1, flags=re.MULTILINE)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StartError(f"{directory} cannot be written: {error.strerror}") from error
