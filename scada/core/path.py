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
    if segments[-1] == "*":
        segments[-1] = "**"
    # Runs of segments between `**`. Each but the last is taken at its first fit and never reconsidered (an atomic
    # group): the first fit leaves most to what follows, so no pattern costs more than its length times the path's.
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            runs.append([])
        else:
            runs[-1].append(segment)
    expression = "".join(_segment(s) + r"\." for s in runs[0])
    for run in runs[1:-1]:
        if run:
            expression += r"(?>(?:[^.]+\.)*?" + "".join(_segment(s) + r"\." for s in run) + ")"
    if len(runs) == 1:
        expression = expression.removesuffix(r"\.")
    elif runs[-1]:
        expression += r"(?:[^.]+\.)*" + r"\.".join(map(_segment, runs[-1]))
    else:
        expression += ".+"
    return _Match(re.compile(expression + r"\Z"))


def _segment(pattern: str) -> str:
    """The expression of one segment; `*` within it are atomic but for the last, as above."""
    first, *rest = map(re.escape, re.split(r"\*+", pattern))
    middle = "".join(rf"(?>[^.]*?{part})" for part in rest[:-1] if part)
    return first + middle + (rf"[^.]*{rest[-1]}" if rest else "")


class _Match:
    __slots__ = ("_match",)

    def __init__(self, expression: re.Pattern[str]) -> None:
        self._match = expression.match

    def __call__(self, path: str) -> bool:
        return self._match(path) is not None
