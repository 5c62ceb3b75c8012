"""Lists of tokens outside the project: the same columns as tokens.csv, the same rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scada.core.errors import ProjectError
from scada.core.plant import Token
from scada.project.charging_build import expiry_hint, token
from scada.project.charging_schema import TokenRow
from scada.project.files import Reader


def read_tokens(name: str, text: str, timezone: str, *, blocked: bool = False) -> list[Token]:
    """The tokens of a list.

    Args:
        name: of the list, for messages.
        timezone: in which expiries are meant.
        blocked: it is a block list: all its tokens are blocked.

    Raises:
        ProjectError: something in it is wrong; with every mistake and its place.
    """
    reader = Reader(Path())
    tokens = []
    for line, row in reader.rows(name, text, TokenRow):
        try:
            one = token(row, timezone)
        except ValueError:
            reader.problem(
                name, f"row {line}, column expires", *expiry_hint(row.expires, timezone), line=line
            )
            continue
        tokens.append(replace(one, blocked=True) if blocked else one)
    if reader.problems:
        raise ProjectError(reader.problems)
    return tokens
