"""Reading files of a project: TOML and CSV, with the place of each mistake."""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from scada.core.errors import Problem

FILE_BYTES_MAX = 20_000_000
ROWS_MAX = 100_000

Model = TypeVar("Model", bound=BaseModel)


class Reader:
    """Reads files of one directory and gathers the problems."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problems: list[Problem] = []

    def problem(self, file: str, where: str, reason: str, hint: str = "", line: int = 0) -> None:
        """Note a mistake."""
        self.problems.append(Problem(file, where, reason, hint, line))

    def line_of(self, file: str, location: Sequence[int | str]) -> int:
        """The line that a location of a TOML file most likely stands at; 0 where it cannot be said."""
        text = self._text(file)
        return _line_of(text, location) if text is not None else 0

    def toml(self, file: str, model: type[Model]) -> Model | None:
        """A TOML file as its model; None after noting what is wrong."""
        text = self._text(file)
        if text is None:
            return None
        try:
            data = tomllib.loads(text)
        except RecursionError:
            self.problem(file, "", "nested too deeply")
            return None
        except tomllib.TOMLDecodeError as error:
            match = re.search(r"line (\d+)", str(error))
            self.problem(file, "", f"not valid TOML: {error}", line=int(match.group(1)) if match else 0)
            return None
        try:
            return model.model_validate(data)
        except ValidationError as errors:
            for one in errors.errors():
                if one["type"] == "literal_error" and one["loc"][-1] == "literal['']":
                    continue  # "or empty" is not what was meant; the other way to read the key says what is wrong
                location = tuple(part for part in one["loc"] if not _is_branch(part))
                where = _where(location)
                line = _line_of(text, location)
                self.problem(file, where, _reason(one), _hint(one, data, model), line)
            return None

    def table(self, file: str, model: type[Model], *, required: bool = True) -> list[tuple[int, Model]]:
        """The rows of a CSV file with their line numbers; wrong ones are noted and left out."""
        if not required and not os.path.lexists(self.directory / file):
            return []
        text = self._text(file)
        return [] if text is None else self.rows(file, text, model)

    def rows(self, file: str, text: str, model: type[Model]) -> list[tuple[int, Model]]:
        """The rows of a CSV text; `file` is what mistakes are noted under."""
        reader = csv.DictReader(io.StringIO(text), skipinitialspace=True, strict=True)
        rows: list[tuple[int, Model]] = []
        try:
            header = [name.strip() for name in reader.fieldnames or ()]
            if not self._header_fits(file, header, model):
                return []
            reader.fieldnames = header
            for row in reader:
                line = reader.line_num
                if len(rows) >= ROWS_MAX:
                    self.problem(file, "", f"more than {ROWS_MAX:,} rows", line=line)
                    break
                if None in row or None in row.values():
                    self.problem(
                        file, f"row {line}", "the number of columns does not fit the header", line=line
                    )
                    continue
                # An empty cell means the default.
                cells = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
                if not cells or next(iter(cells.values())).startswith("#"):
                    continue
                try:
                    rows.append((line, model.model_validate(cells)))
                except ValidationError as errors:
                    for one in errors.errors():
                        column = one["loc"][0] if one["loc"] else ""
                        self.problem(file, f"row {line}, column {column}", _reason(one), line=line)
        except csv.Error as error:
            self.problem(file, f"row {reader.line_num}", f"not valid CSV: {error}", line=reader.line_num)
        return rows

    def _header_fits(self, file: str, header: Sequence[str], model: type[BaseModel]) -> bool:
        unknown = [name for name in header if name not in model.model_fields]
        missing = [
            name for name, field in model.model_fields.items() if field.is_required() and name not in header
        ]
        known = ", ".join(model.model_fields)
        for name in unknown:
            self.problem(file, f"column {name}", "unknown column", f"known: {known}", 1)
        for name in missing:
            self.problem(file, f"column {name}", "the column is missing", line=1)
        for name in {n for n in header if list(header).count(n) > 1}:
            self.problem(file, f"column {name}", "the column is there twice", line=1)
        return not (unknown or missing) and len(set(header)) == len(header)

    def _text(self, file: str) -> str | None:
        path = self.directory / file
        try:
            if not path.is_file() and path.exists():
                self.problem(file, "", "is not a file")  # a folder, or a pipe that nobody writes to
                return None
            if path.stat().st_size > FILE_BYTES_MAX:
                self.problem(file, "", f"larger than {FILE_BYTES_MAX:,} bytes")
                return None
            return path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            self.problem(
                file, "", "the file is missing", "is this a project directory? `scada new` makes one"
            )
        except UnicodeDecodeError as error:
            self.problem(file, "", f"not UTF-8 at byte {error.start}", "save the file as UTF-8")
        except OSError as error:
            self.problem(file, "", f"cannot be read: {error.strerror}")
        return None


def near_or_known(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is not known: the one that is most likely meant, else all that there are."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(names) or 'none'}"


def _where(location: Sequence[int | str]) -> str:
    where = ""
    for part in location:
        where += f"[{part}]" if isinstance(part, int) else (f".{part}" if where else part)
    return where


def _is_branch(part: int | str) -> bool:
    """Whether a part of a location is no key: pydantic names there which way of a union it tried."""
    return isinstance(part, str) and part.startswith(("function-", "literal[", "constrained-"))


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key"
    if error["type"] == "missing":
        return "is missing"
    message = str(error["msg"]).removeprefix("Value error, ")
    value = error.get("input")
    if isinstance(value, (str, int, float, bool)) and str(value) not in message:
        return f"{message[0].lower()}{message[1:]}, not {value!r}"
    return message


def _hint(error: Any, data: Any, model: type[BaseModel]) -> str:
    if error["type"] != "extra_forbidden":
        return ""
    return near_or_known(str(error["loc"][-1]), _fields_at(model, error["loc"][:-1]))


def _fields_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    current: Any = model
    names = 0
    for part in location:
        if isinstance(part, int):
            continue
        if names:
            names -= 1  # the name of a thing in a table of things, not a key of ours
            continue
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            return []
        current, names = _model_in(field.annotation)
    return list(getattr(current, "model_fields", {}))


def _model_in(annotation: Any) -> tuple[Any, int]:
    """(the model within an annotation or None, how many names of a dict stand before it)."""
    if hasattr(annotation, "model_fields"):
        return annotation, 0
    for inner in getattr(annotation, "__args__", ()):
        found, names = _model_in(inner)
        if found is not None:
            return found, names + (getattr(annotation, "__origin__", None) is dict)
    return None, 0


def _line_of(text: str, location: Sequence[int | str]) -> int:
    """The line that a location of a TOML file most likely stands at; 0 where it cannot be said."""
    tables: list[str] = [str(part) for part in location if isinstance(part, str)]
    index = next((part for part in location if isinstance(part, int)), 0)
    if not tables:
        return 0
    header = re.compile(rf"\s*\[\[?\s*{re.escape(tables[0])}\s*[.\]]")
    key = re.compile(rf"\s*(\[+[^\]]*\b)?{re.escape(tables[-1])}\s*[=\]]")
    seen = -1
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if header.match(line):
            exact = re.match(rf"\s*\[\[?\s*{re.escape(tables[0])}\s*\]", line)
            seen += 1 if exact else 0
            if seen <= index and exact:
                start = number
        inside = start and seen == index
        if (inside or len(tables) == 1) and key.match(line):
            return number
    return start
