"""Files of tables: FILE.xlsx with both sheets, or FILE.csv with FILE.thresholds.csv beside it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from scada.core.errors import Problem, StartError
from scada.project.files import Reader
from scada.project.tag_table import csv_pair, workbook
from scada.project.tag_table.table import Table

OWN = "tags.csv"
"""A project's own table."""
WORKBOOK, CSV = ".xlsx", ".csv"


def own_table(reader: Reader) -> Table | None:
    """A project's own table, or None if it has none; mistakes are noted at the reader."""
    files = [OWN, csv_pair.thresholds_of(Path(OWN)).name]
    if not any(os.path.lexists(reader.directory / file) for file in files):
        return None
    table, problems = csv_pair.read(reader.directory / OWN)
    reader.problems += problems
    return table


def read_table(file: Path) -> tuple[Table, list[Problem]]:
    """A table out of a file, and what cannot be read of it.

    Raises:
        StartError: neither .xlsx nor .csv.
    """
    _check_name(file)
    if not file.is_file():
        return Table(), [Problem(file.name, "", "there is no such file")]
    if file.suffix.lower() == WORKBOOK:
        return workbook.read(file)
    return csv_pair.read(file)


def write_table(file: Path, table: Table) -> list[Path]:
    """Write a table, each file at once or not at all; what was there is replaced. Returns the files.

    Raises:
        StartError: neither .xlsx nor .csv, too many rows for a workbook, or it cannot be written.
    """
    _check_name(file)
    if file.suffix.lower() == WORKBOOK:
        contents = {file: workbook.content(table)}
    else:
        contents = csv_pair.contents(file, table)
    _put(contents)
    return list(contents)


def write_own(directory: Path, table: Table) -> list[Path]:
    """Write a project's own table; without thresholds there is no second file. Returns the files.

    Raises:
        StartError: it cannot be written.
    """
    contents = csv_pair.contents(directory / OWN, table)
    thresholds = csv_pair.thresholds_of(directory / OWN)
    if not table.thresholds.rows and not thresholds.exists():
        del contents[thresholds]
    _put(contents)
    return list(contents)


def _check_name(file: Path) -> None:
    if file.suffix.lower() not in (WORKBOOK, CSV):
        raise StartError(f"{file.name}: a tag table is a {WORKBOOK} or a {CSV} file")


def _put(contents: dict[Path, bytes]) -> None:
    """Thresholds first: tags may speak of their bits. Nothing is replaced before all is on the disk."""
    temporary: dict[Path, Path] = {}
    try:
        for file, content in contents.items():
            descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
            temporary[Path(name)] = file
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
        for made, file in reversed(list(temporary.items())):
            made.replace(file)
    except OSError as error:
        raise StartError(f"{next(iter(contents)).parent} cannot be written: {error.strerror}") from error
    finally:
        for made in temporary:
            made.unlink(missing_ok=True)
