"""Taking a charger into chargers.csv: one row more, or another identity in one; every other byte stays as it is."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from scada.core.errors import BadRequest, ProjectError
from scada.project.loader import load

FILE = "chargers.csv"
LOCAL = "data"
"""The folder of a project that its files do not need to be right."""


class Cell(NamedTuple):
    """A cell of a table: where it stands in the text, and what it says."""

    start: int
    end: int
    value: str


def adopt(directory: Path, identity: str, cells: Mapping[str, str], replaces: str = "") -> None:
    """Change the project's chargers.csv, if the project is right with it. Blocks, about a second.

    Args:
        cells: column → text of the new row.
        replaces: path of the charger that gets the new identity; then there is no new row.

    Raises:
        BadRequest: the project would not be right, or cannot be changed; nothing was changed.
    """
    path = directory / FILE
    try:
        before = path.read_bytes()
        text = before.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{FILE} cannot be read: {error}") from None
    if replaces:
        changed = with_identity(text, replaces, identity)
    else:
        changed = with_row(text, {**cells, "identity": identity})
    with _copy(directory, changed) as trial:
        try:
            load(trial)
        except ProjectError as error:
            raise BadRequest("; ".join(map(str, error.problems))) from None
    try:
        if path.read_bytes() != before:
            raise BadRequest(f"{FILE} was changed by somebody else meanwhile: try again")
        _write(path, changed.encode())
    except OSError as error:
        raise BadRequest(f"{FILE} cannot be written: {error.strerror}") from None


def with_row(text: str, cells: Mapping[str, str]) -> str:
    """The table with a row more at its end. Raises BadRequest where it has no column for a cell."""
    rows = list(records(text))
    if not rows:
        raise BadRequest(f"{FILE} has no header")
    header = [cell.value.strip() for cell in rows[0]]
    for column, value in cells.items():
        if value and column not in header:
            raise BadRequest(f"{FILE} has no column '{column[:50]}'")
    newline = "\r\n" if "\r\n" in text else "\n"
    line = io.StringIO()
    csv.writer(line, lineterminator=newline).writerow([cells.get(column, "") for column in header])
    return text + ("" if text.endswith("\n") else newline) + line.getvalue()


def with_identity(text: str, charger: str, identity: str) -> str:
    """The table with another identity for a charger. Raises BadRequest where it is not in it."""
    rows = list(records(text))
    header = [cell.value.strip() for cell in rows[0]] if rows else []
    try:
        site, tag, column = (header.index(name) for name in ("site", "tag", "identity"))
    except ValueError:
        raise BadRequest(f"{FILE} has not the columns site, tag and identity") from None
    for row in rows[1:]:
        if len(row) == len(header) and f"{row[site].value.strip()}.{row[tag].value.strip()}" == charger:
            cell = row[column]
            return text[: cell.start] + identity + text[cell.end :]
    raise BadRequest(f"{FILE} has no charger {charger[:100]}")


def records(text: str) -> Iterator[list[Cell]]:
    """The records of a CSV text (RFC 4180) with the places of their cells, a byte order mark passed over."""
    position, length = int(text.startswith("\ufeff")), len(text)
    while position < length:
        row: list[Cell] = []
        while True:
            end = _cell_end(text, position)
            raw = text[position:end]
            value = raw.strip()
            if value.startswith('"') and value.endswith('"') and len(value) > 1:
                value = value[1:-1].replace('""', '"')
            row.append(Cell(position, end, value))
            position = end
            if position >= length or text[position] != ",":
                break
            position += 1
        yield row
        position += 2 if text.startswith("\r\n", position) else 1


def _cell_end(text: str, start: int) -> int:
    """Where a cell ends: at a comma or a line's end that no quotes enclose."""
    quoted = False
    for position in range(start, len(text)):
        character = text[position]
        if character == '"':
            quoted = not quoted
        elif not quoted and character in ",\r\n":
            return position
    return len(text)


@contextmanager
def _copy(directory: Path, chargers: str) -> Iterator[Path]:
    """The project in a folder of its own, with another chargers.csv; all else are links."""
    with tempfile.TemporaryDirectory(prefix="scada-adopt-") as folder:
        trial = Path(folder)
        for entry in directory.iterdir():
            if entry.name not in (FILE, LOCAL):
                (trial / entry.name).symlink_to(entry.resolve())
        (trial / FILE).write_bytes(chargers.encode())
        yield trial


def _write(path: Path, content: bytes) -> None:
    """Replace a file whole, with its rights."""
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, draft)
    draft.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
