"""What may be called in an expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """Kinds of values within an expression."""

    NUMBER = "a number"
    BIT = "true or false"
    TEXT = "a text"


class Role(Enum):
    """How a function is worked out."""

    PLAIN = "plain"
    """From its arguments alone."""
    BRANCH = "branch"
    """Over all tags that patterns (constant texts) select, or over its arguments."""
    TAG = "tag"
    """From a tag itself rather than its value: quality, age."""
    CLOCK = "clock"
    """From the time of day in the site's zone."""
    MEMORY = "memory"
    """From its arguments and what they were before."""
    GUARD = "guard"
    """if_bad: the first argument, or the second where the first cannot be worked out."""
    ALARM = "alarm"
    """From the state of a tag's alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function.

    Attributes:
        takes: types of the arguments; None: any type (all of one call the same for `changed`, `if_bad`).
        gives: type of the result; None: that of the first argument.
        least: how many arguments are needed; default: all.
        many: the last one may be repeated.
        constant: positions of arguments that are written as a constant.
    """

    role: Role
    takes: tuple[Type | None, ...]
    gives: Type | None
    least: int | None = None
    many: bool = False
    constant: tuple[int, ...] = ()
    help: str


_N, _B, _T = Type.NUMBER, Type.BIT, Type.TEXT


def _plain(
    takes: tuple[Type | None, ...],
    gives: Type | None,
    text: str,
    *,
    least: int | None = None,
    many: bool = False,
) -> Function:
    return Function(role=Role.PLAIN, takes=takes, gives=gives, least=least, many=many, help=text)


def _branch(takes: Type, gives: Type, text: str) -> Function:
    return Function(role=Role.BRANCH, takes=(takes,), gives=gives, many=True, help=text)


def _memory(takes: tuple[Type | None, ...], gives: Type | None, text: str) -> Function:
    # A time is a constant: a window whose length changes has no meaning.
    constant = (1,) if len(takes) == 2 and takes[1] is _N else ()
    return Function(role=Role.MEMORY, takes=takes, gives=gives, constant=constant, help=text)


FUNCTIONS: Mapping[str, Function] = {
    "abs": _plain((_N,), _N, "absolute value"),
    "round": _plain((_N, _N), _N, "rounded, to so many digits after the point", least=1),
    "floor": _plain((_N,), _N, "next whole number below"),
    "ceil": _plain((_N,), _N, "next whole number above"),
    "sqrt": _plain((_N,), _N, "square root"),
    "clamp": _plain((_N, _N, _N), _N, "the first, but not below the second and not above the third"),
    "contains": _plain((_T, _T), _B, "whether the first text holds the second"),
    "starts_with": _plain((_T, _T), _B, "whether the first text begins with the second"),
    "matches": Function(
        role=Role.PLAIN, takes=(_T, _T), gives=_B, constant=(1,), help="whether a path fits a pattern"
    ),
    "sum": _branch(
        _N, _N, "sum of the tags that a pattern selects, or of the arguments; Bad ones are left out"
    ),
    "avg": _branch(_N, _N, "mean"),
    "min": _branch(_N, _N, "least"),
    "max": _branch(_N, _N, "greatest"),
    "count": _branch(
        _B, _N, "how many tags a pattern selects that are not Bad; of arguments: how many are true"
    ),
    "any": _branch(_B, _B, "whether one is true"),
    "all": _branch(_B, _B, "whether all are true"),
    "quality": Function(
        role=Role.TAG,
        takes=(None,),
        gives=_T,
        help="name of a tag's OPC UA status: Good, BadNoCommunication …",
    ),
    "is_good": Function(role=Role.TAG, takes=(None,), gives=_B, help="whether a tag's quality is Good"),
    "is_bad": Function(role=Role.TAG, takes=(None,), gives=_B, help="whether a tag's quality is Bad"),
    "age": Function(role=Role.TAG, takes=(None,), gives=_N, help="seconds since a tag's value came"),
    "active": Function(role=Role.ALARM, takes=(None,), gives=_B, help="whether a tag's alarm is active"),
    "if_bad": Function(
        role=Role.GUARD,
        takes=(None, None),
        gives=None,
        help="the first, or the second where the first is Bad",
    ),
    "hour": Function(role=Role.CLOCK, takes=(), gives=_N, help="0 to 23, site time"),
    "minute": Function(role=Role.CLOCK, takes=(), gives=_N, help="0 to 59"),
    "weekday": Function(role=Role.CLOCK, takes=(), gives=_N, help="1 (Monday) to 7"),
    "time_between": Function(
        role=Role.CLOCK,
        takes=(_T, _T),
        gives=_B,
        constant=(0, 1),
        help='whether the time of day is in the span "22:00", "06:00": the first in, the second out',
    ),
    "rising": _memory((_B,), _B, "true once when the bit becomes true"),
    "falling": _memory((_B,), _B, "true once when the bit becomes false"),
    "changed": _memory((None,), _B, "true once when the value changes"),
    "latch": _memory((_B, _B), _B, "true from the first being true until the second is"),
    "delay": _memory((_B, _N), _B, "true when the bit has been true for so many seconds"),
    "hold": _memory((_B, _N), _B, "true until the bit has been false for so many seconds"),
    "delta": _memory((_N,), _N, "newest value less the one before"),
    "change": _memory((_N, _N), _N, "newest value less the one so many seconds ago"),
    "average": _memory((_N, _N), _N, "mean over the last so many seconds, weighted by time"),
    "minimum": _memory((_N, _N), _N, "least value of the last so many seconds"),
    "maximum": _memory((_N, _N), _N, "greatest value of the last so many seconds"),
}
"""Name → function."""

ALARM_FIELDS: Mapping[str, Type] = {
    "path": _T,
    "name": _T,
    "site": _T,
    "device": _T,
    "domain": _T,
    "nature": _T,
    "level": _N,
    "priority": _T,
    "event": _T,
    "state": _T,
    "active": _B,
    "unacknowledged": _B,
    "suppressed": _B,
}
"""Properties of an alarm, written `alarm.level`, where an expression is a filter of alarms."""
