"""Finds the data folders that ship with the product: in an installed wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

FOLDERS = ("alarms", "config", "symbols", "project_template")


def folder(name: str) -> Path:
    """The shipped folder `name`, one of `FOLDERS`."""
    if name not in FOLDERS:
        raise ValueError(f"{name} is no shipped folder")
    package = Path(__file__).parent
    shipped = package / "_shipped" / name
    return shipped if shipped.is_dir() else package.parent / name
