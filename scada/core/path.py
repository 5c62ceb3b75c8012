"""Tag paths and the patterns that select them.

A path is dotted, `Depot.CP01.C1.ActivePower`; each segment is `[A-Za-z_][A-Za-z0-9_]*`.

In a pattern `*` stands for any characters within a segment, `**` for any number of whole segments, and a
`*` that is the *last* segment names the branch: everything below (`Depot.*`, `Depot.**.ActivePower`,
`*.CP0*.C1.*`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

_SEGMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PATTERN = re.compile(r"[A-Za-z0-9_.*]+\Z")
PATTERN_LENGTH_MAX = 256


def is_segment(text: str) -> bool:
    """Whether `text` may be one segment of a path."""
    return _SEGMENT.match(text) is not None


def is_path(text: str) -> bool:
    """Whether `text` is a whole path."""
    return all(map(is_segment, text.split(".")))


def parent(path: str) -> str:
    """The branch that a path lies in; empty at the top."""
    return path.rpartition(".")[0]


def leaf(path: str) -> str:
    """The last segment."""
    return path.rpartition(".")[2]


@functools.lru_cache(maxsize=512)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Compile a pattern.

    Raises:
        ValueError: the pattern holds characters that no path or pattern may hold, or is too long.
    """
    if len(pattern) > PATTERN_LENGTH_MAX or not _PATTERN.match(pattern):
        raise ValueError("a pattern holds letters, digits, '_', '.', '*' and '**'")
    segments = pattern.split(".")
    if not all(segments):
        raise ValueError("a pattern may not hold an empty segment")
    if "*" not in pattern:
        return pattern.__eq__
    parts: list[str] = []
    # Consecutive `**` say the same as one and would only make the match slow.
    folded = [s for i, s in enumerate(segments) if not (s == "**" and i and segments[i - 1] == "**")]
    for number, segment in enumerate(folded):
        last = number == len(folded) - 1
        if segment == "**" or (last and segment == "*"):
            parts.append(r".+" if last else r"(?:[^.]+\.)*")
            continue
        folded_stars = re.sub(r"\*+", "*", segment)
        parts.append(re.escape(folded_stars).replace(r"\*", "[^.]*") + ("" if last else r"\."))
    return _Match(re.compile("".join(parts) + r"\Z"))


class _Match:
    __slots__ = ("_match",)

    def __init__(self, expression: re.Pattern[str]) -> None:
        self._match = expression.match

    def __call__(self, path: str) -> bool:
        return self._match(path) is not None
