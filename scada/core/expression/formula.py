"""A program bound to the tags of a plant."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from scada.core.database import TagDatabase
from scada.core.expression.branch import Branch
from scada.core.expression.code import NOT_GOOD, Program, Unusable, compile_program
from scada.core.expression.functions import Type
from scada.core.expression.memory import MEMORIES, Turn
from scada.core.expression.syntax import ExpressionError, Place
from scada.core.expression.typing import TYPE_OF_KIND
from scada.core.path import matcher
from scada.core.tag import ExpressionText, Tag
from scada.core.value import GOOD, Kind, Quality, TimeUs, Value

_BAD = int(Quality.BAD_NO_DATA)
_UNCERTAIN = int(Quality.UNCERTAIN_SUB_NORMAL)
_LIMIT = 1e300
_FAILURES = (Unusable, ArithmeticError, ValueError, TypeError)


@dataclass
class Environment:
    """What formulas are bound to.

    Attributes:
        zones: path of a site → its zone, for functions of the time of day.
        zone: for what belongs to no site.
        alarm_of: path of a bit → a tag that is true while the bit's alarm is active; None: it has no alarm.
    """

    database: TagDatabase
    zones: Mapping[str, tzinfo] = field(default_factory=dict)
    zone: tzinfo = UTC
    alarm_of: Callable[[str], Tag | None] = lambda _path: None
    _branches: dict[tuple[tuple[str, ...], str], Branch] = field(default_factory=dict)

    def branch(self, patterns: tuple[str, ...], owner: Tag | None) -> Branch:
        """The branch of these patterns, without the tag whose value it makes."""
        excluded = (
            owner.path if owner is not None and any(matcher(one)(owner.path) for one in patterns) else ""
        )
        key = (patterns, excluded)
        if key not in self._branches:
            members = [tag for one in patterns for tag in self.database.select(one) if tag.path != excluded]
            self._branches[key] = Branch(self.database, members)
        return self._branches[key]


class Formula:
    """An expression that can be worked out.

    Args:
        owner: the tag whose value it makes, if it makes one.
        filter_: `alarm.…` names properties of what is given to `evaluate`.

    Attributes:
        type: of the result.
        tags: what it reads: tags by value or quality, and the activity of alarms.
        branches: sums and the like that it reads.
        alarms: paths of the bits whose alarms it asks for.
        timed: it depends on the time though no input changes.
        wake_us: after `evaluate`: when it must be worked out again though nothing changed, or None.

    Raises:
        ExpressionError: the text is wrong, or names what there is not.
    """

    __slots__ = (
        "_arguments",
        "_fast",
        "_number",
        "_slow",
        "_turn",
        "alarms",
        "branches",
        "source",
        "tags",
        "timed",
        "type",
    )

    def __init__(
        self,
        source: ExpressionText,
        environment: Environment,
        owner: Tag | None = None,
        *,
        filter_: bool = False,
    ) -> None:
        program = compile_program(source.text, filter_=filter_)
        binder = _Binder(source.scope, environment, program)
        named = binder.tags()
        self.source = source
        self.type: Type = program.type_for({name: tag.definition.kind for name, tag in named.items()})
        activities = binder.activities()
        self.alarms = tuple(path for path, _ in activities)
        self.branches = binder.branches(owner)
        self.tags = (*named.values(), *(activity for _, activity in activities))
        self.timed = program.timed
        self._number = self.type is Type.NUMBER
        self._fast, self._slow = program.fast, program.slow
        self._arguments: tuple[Any, ...] = (
            *named.values(),
            *self.branches,
            *(MEMORIES[name]() for name in program.memories),
            *(activity for _, activity in activities),
        )
        zone = environment.zones.get(source.scope.get("site", ""), environment.zone)
        self._turn = Turn(zone)

    def check_fits(self, tag: Tag) -> None:
        """Raise ExpressionError unless the tag can hold the result."""
        wanted = TYPE_OF_KIND[tag.definition.kind]
        if self.type is not wanted:
            raise ExpressionError(f"this is {self.type.value}, but {tag.path} holds {wanted.value}")

    @property
    def wake_us(self) -> TimeUs | None:
        """When it must be worked out again though nothing changed."""
        return self._turn.wake_us

    def evaluate(self, now_us: TimeUs, fields: Any = None) -> tuple[Value, int]:
        """(value, quality). What cannot be worked out is (None, BadNoData); it never raises."""
        turn = self._turn
        turn.now_us = now_us
        turn.number += 1
        turn.wake_us = None
        quality = GOOD
        try:
            value = self._fast(turn, fields, *self._arguments)
        except _FAILURES:
            value = NOT_GOOD
        if value is NOT_GOOD:
            turn.uncertain = False
            try:
                value = self._slow(turn, fields, *self._arguments)
            except _FAILURES:
                return None, _BAD
            if turn.uncertain:
                quality = _UNCERTAIN
        if self._number:
            if not -_LIMIT < value < _LIMIT:
                return None, _BAD
            value = float(value)
        return value, quality

    def true(self, now_us: TimeUs, fields: Any = None) -> bool:
        """Whether it is true and can be relied on: what is Bad is not true."""
        return self.evaluate(now_us, fields)[0] is True


def condition(source: ExpressionText, environment: Environment, *, filter_: bool = False) -> Formula:
    """A formula that is true or false; arguments as those of `Formula`. Raises ExpressionError."""
    formula = Formula(source, environment, filter_=filter_)
    if formula.type is not Type.BIT:
        raise ExpressionError(f"this is {formula.type.value}: a condition is needed")
    return formula


class _Binder:
    def __init__(self, scope: Mapping[str, str], environment: Environment, program: Program) -> None:
        self._scope = scope
        self._environment = environment
        self._program = program

    def tags(self) -> dict[str, Tag]:
        return {name: self._tag(name, place) for name, place in self._program.references.items()}

    def activities(self) -> list[tuple[str, Tag]]:
        found = []
        for name, place in self._program.alarms.items():
            tag = self._tag(name, place)
            activity = self._environment.alarm_of(tag.path)
            if activity is None:
                raise place.error(f"{tag.path} has no alarm")
            found.append((tag.path, activity))
        return found

    def branches(self, owner: Tag | None) -> tuple[Branch, ...]:
        branches = []
        for patterns, (place, needs) in self._program.branches.items():
            for pattern in patterns:
                if "*" not in pattern:
                    self._tag(pattern, place)
                else:
                    self._check_word(pattern.partition(".")[0], place)
            resolved = tuple(self._resolve(pattern) for pattern in patterns)
            try:
                branch = self._environment.branch(resolved, owner)
            except ValueError as error:
                raise place.error(str(error)) from None
            for tag in branch.members if needs is not None else ():
                if tag.definition.kind is Kind.TEXT or (
                    needs is Type.BIT and tag.definition.kind is not Kind.BIT
                ):
                    kind = "a text" if tag.definition.kind is Kind.TEXT else "no bit"
                    raise place.error(
                        f"the pattern selects {tag.path}, which is {kind}: name the tags by leaf"
                    )
            branches.append(branch)
        return tuple(branches)

    def _tag(self, name: str, place: Place) -> Tag:
        path = self._resolve(name)
        tag = self._environment.database.get(path)
        if tag is not None:
            return tag
        self._check_word(name.partition(".")[0], place)
        raise place.error(f"there is no tag {path}{_near(path, self._environment.database)}")

    def _check_word(self, first: str, place: Place) -> None:
        if first in SCOPE_WORDS and first not in self._scope:
            known = ", ".join(self._scope) or "none"
            raise place.error(f"'{first}' has no meaning here, known: {known}")

    def _resolve(self, name: str) -> str:
        first, dot, rest = name.partition(".")
        branch = self._scope.get(first)
        return name if branch is None else branch + dot + rest


SCOPE_WORDS = ("this", "connector", "charger", "meter", "site")
"""Words that stand for a branch; no site may be called so."""


def _near(path: str, database: TagDatabase) -> str:
    branch, _, leaf = path.rpartition(".")
    beside: Iterable[Tag]
    try:
        beside = database.select(f"{branch}.*") if branch else ()
    except ValueError:
        beside = ()
    names = {tag.path.rpartition(".")[2]: tag.path for tag in beside if tag.path.rpartition(".")[0] == branch}
    near = difflib.get_close_matches(leaf, names, 1)
    return f"; do you mean {names[near[0]]}?" if near else ""


__all__ = ["SCOPE_WORDS", "Environment", "ExpressionError", "Formula", "condition"]
