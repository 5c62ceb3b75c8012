"""The tree of exceptions. Expected failures of devices are values (command.CommandResult), not exceptions.

ScadaError
├── ProjectError      the project's files are wrong; carries every problem found
├── StartError        the program cannot start (port taken, folder not writable, database too new)
├── BadRequest        an outside party asked for something malformed: nothing was changed
├── NotFound          ... for something that does not exist
├── Denied            ... for something its rights do not cover
├── Unavailable       ... for what lies where it cannot be read now
└── JournalError      a record could not be made durable in time
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ScadaError(Exception):
    """Base of all errors whose text is written for the person who reads it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the project's files.

    Attributes:
        file: path relative to the project directory.
        where: key (`sites[0].limit_a`), or row and column of a table (`row 4, column identity`).
        reason: what is wrong.
        hint: the likely mend, or empty.
        line: line in the file, 0 where it is not known.
    """

    file: str
    where: str
    reason: str
    hint: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = f"{place}: {self.where}: {self.reason}" if self.where else f"{place}: {self.reason}"
        return f"{text} ({self.hint})" if self.hint else text


class ProjectError(ScadaError):
    """The project's files hold mistakes; all of them are in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class StartError(ScadaError):
    """The program cannot start; the text says what to do."""


class BadRequest(ScadaError):
    """A request is malformed or not possible now; nothing was changed."""


class NotFound(ScadaError):
    """What a request names does not exist."""


class Denied(ScadaError):
    """The rights of who asks do not cover the request."""


class Unavailable(ScadaError):
    """What a request needs (a database) is away at the moment; the text says which, and nothing was changed."""


class JournalError(ScadaError):
    """A record could not be made durable within its deadline."""
