"""Secrets by reference: `env:NAME` or `file:PATH`. They never stand in the project's files."""

from __future__ import annotations

import os
from pathlib import Path

SECRET_BYTES_MAX = 10_000


def read_secret(reference: str, directory: Path) -> str | None:
    """The secret that a reference names, or None where it is not there.

    Args:
        directory: what a relative `file:` is relative to.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        return os.environ.get(name)
    if kind == "file":
        try:
            with (directory / name).open("rb") as file:
                return file.read(SECRET_BYTES_MAX).decode().strip()
        except (OSError, UnicodeDecodeError):
            return None
    return None
