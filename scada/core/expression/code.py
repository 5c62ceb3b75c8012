"""Tree → code.

Two functions are made of each tree. `fast` serves while all inputs are Good: it looks at the qualities once and
then computes. `slow` minds each input's quality: a Bad one makes the whole Bad unless `if_bad` catches it, an
Uncertain one is noted. Functions with memory are called once each turn, in order, whichever way the rest takes:
`a and rising(b)` sees each edge of b.

The code is made of the tree's constants (by `repr`) and of names numbered here; no text of a project enters it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scada.core.expression import memory
from scada.core.expression.branch import Branch
from scada.core.expression.functions import FUNCTIONS, Role, Type
from scada.core.expression.memory import Turn
from scada.core.expression.syntax import (
    Among,
    Binary,
    Call,
    Choice,
    Compare,
    Constant,
    Field,
    Logic,
    Node,
    Place,
    Reference,
    Unary,
    parse,
    patterns_of,
)
from scada.core.expression.typing import check
from scada.core.path import matcher
from scada.core.tag import Tag
from scada.core.value import SECOND_US, Kind, is_bad, is_good, quality_name


class Unusable(Exception):
    """An input is Bad."""


class _NotGood:
    """What `fast` answers when it cannot serve."""


NOT_GOOD = _NotGood()


def _read(turn: Turn, tag: Tag) -> Any:
    quality = tag.quality
    if quality and not is_good(quality):
        if is_bad(quality) or tag.value is None:
            raise Unusable
        turn.uncertain = True
    return tag.value


def _whole(turn: Turn, branch: Branch) -> Branch:
    if branch.quality:
        if is_bad(branch.quality):
            raise Unusable
        turn.uncertain = True
    return branch


_FAILURES = (Unusable, ArithmeticError, ValueError)


class _Outcome(NamedTuple):
    """What became of a call that is made whether its value is needed or not."""

    value: Any
    uncertain: bool
    error: Exception | None


def _fine(tag: Tag) -> Any:
    """A Good value; anything else is left to `slow`."""
    if tag.quality:
        raise Unusable
    return tag.value


def _unsure() -> Any:
    raise Unusable


def _attempt(turn: Turn, memory_: memory.Memory, arguments: Callable[[], tuple[Any, ...]]) -> _Outcome:
    before, turn.uncertain = turn.uncertain, False
    try:
        return _Outcome(memory_(turn, *arguments()), turn.uncertain, None)
    except _FAILURES as error:
        memory_.freeze(turn)
        return _Outcome(None, turn.uncertain, error)
    finally:
        turn.uncertain = before


def _take(turn: Turn, outcome: _Outcome) -> Any:
    if outcome.error is not None:
        raise outcome.error
    turn.uncertain = turn.uncertain or outcome.uncertain
    return outcome.value


def _if_bad(turn: Turn, first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    before = turn.uncertain
    try:
        return first()
    except _FAILURES:
        turn.uncertain = before  # what was given up says nothing about the second
        return second()


def _age(turn: Turn, tag: Tag) -> float:
    return (turn.now_us - tag.server_us) / SECOND_US if tag.server_us else math.inf


def _round(value: float, digits: float = 0) -> float:
    return float(round(value, max(0, min(9, int(digits)))))


_NAMES: dict[str, Any] = {
    "__builtins__": {},
    "NOT_GOOD": NOT_GOOD,
    "read": _read,
    "whole": _whole,
    "fine": _fine,
    "unsure": _unsure,
    "attempt": _attempt,
    "take": _take,
    "if_bad": _if_bad,
    "age": _age,
    "quality_name": quality_name,
    "is_good": is_good,
    "is_bad": is_bad,
    "power": math.pow,
    "abs": abs,
    "round_": _round,
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "min": min,
    "max": max,
    "clamp": lambda value, low, high: min(max(value, low), high),
    "matches": lambda path, pattern: matcher(pattern)(path),
    "contains": lambda text, part: part in text,
    "starts_with": lambda text, part: text.startswith(part),
    "time_between": memory.time_between,
}
"""Everything that the code may name."""

_OVER_BRANCH = {
    "sum": "{}.total",
    "avg": "({0}.total / {0}.usable)",
    "min": "{}.least()",
    "max": "{}.greatest()",
    "count": "{}.usable",
    "any": "({}.total > 0)",
    "all": "({0}.total == {0}.usable)",
}
_OVER_ARGUMENTS: Mapping[str, Callable[[list[str]], str]] = {
    "sum": lambda a: f"({' + '.join(a)})",
    "avg": lambda a: f"(({' + '.join(a)}) / {len(a)})",
    "min": lambda a: f"min({', '.join(a)})" if len(a) > 1 else a[0],
    "max": lambda a: f"max({', '.join(a)})" if len(a) > 1 else a[0],
    "count": lambda a: f"({' + '.join(a)})",
    "any": lambda a: f"({' or '.join(a)})",
    "all": lambda a: f"({' and '.join(a)})",
}
_OF_TAG = {
    "quality": "quality_name({}.quality)",
    "is_good": "is_good({}.quality)",
    "is_bad": "is_bad({}.quality)",
    "age": "age(c, {})",
}
_OF_CLOCK = {"hour": "c.time().hour", "minute": "c.time().minute", "weekday": "c.time().isoweekday()"}


@dataclass(slots=True)
class Program:
    """A compiled expression, not yet bound to tags.

    Attributes:
        references: names of tags as written, in the order of the code's parameters, with their first places.
        branches: patterns, in order.
        memories: names of functions with memory, in order of their calls.
        alarms: names of tags whose alarms are asked for, in order.
        timed: it depends on the time though no input changes (clock, age).
        fast, slow: called with (turn, fields, *tags, *branches, *memories, *alarms).
    """

    tree: Node
    references: dict[str, Place] = field(default_factory=dict)
    branches: dict[tuple[str, ...], tuple[Place, Type | None]] = field(default_factory=dict)
    """Patterns → place, and what the members must be: numbers (or bits), bits, or anything."""
    memories: list[str] = field(default_factory=list)
    alarms: dict[str, Place] = field(default_factory=dict)
    timed: bool = False
    fast: Callable[..., Any] = lambda *_: NOT_GOOD
    slow: Callable[..., Any] = lambda *_: NOT_GOOD
    _types: dict[tuple[Kind, ...], Type] = field(default_factory=dict)

    def type_for(self, kinds: Mapping[str, Kind]) -> Type:
        """The type of the result for tags of these kinds. Raises ExpressionError."""
        key = tuple(kinds[name] for name in self.references)
        if key not in self._types:
            self._types[key] = check(self.tree, kinds)
        return self._types[key]


@functools.lru_cache(maxsize=4_096)
def compile_program(text: str, *, filter_: bool = False) -> Program:
    """Compile an expression.

    Raises:
        ExpressionError: with its place.
    """
    program = Program(parse(text, filter_=filter_))
    parts = _Parts(program)
    fast, slow = _Emitter(parts, guarded=False), _Emitter(parts, guarded=True)
    fast_result, slow_result = fast.emit(program.tree), slow.emit(program.tree)
    parameters = ", ".join(
        (
            "c",
            "f",
            *(f"t{n}" for n in range(len(program.references))),
            *(f"b{n}" for n in range(len(program.branches))),
            *(f"m{n}" for n in range(len(program.memories))),
            *(f"a{n}" for n in range(len(program.alarms))),
        )
    )
    watched = sorted(parts.watched)
    check_ = (
        [f"    if {' | '.join(f'{name}.quality' for name in watched)}: return NOT_GOOD"] if watched else []
    )
    program.fast = _make(parameters, [*check_, *fast.lines, f"    return {fast_result}"])
    program.slow = _make(parameters, [*slow.lines, f"    return {slow_result}"])
    return program


def _make(parameters: str, lines: list[str]) -> Callable[..., Any]:
    source = "\n".join((f"def formula({parameters}):", *lines))
    namespace = dict(_NAMES)
    exec(compile(source, "<expression>", "exec"), namespace)  # noqa: S102 (made here, of numbered names alone)
    made: Callable[..., Any] = namespace["formula"]
    return made


class _Parts:
    """The numbered parts that both functions share."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.watched: set[str] = set()
        """Parameters whose quality `fast` looks at."""
        self.numbers: dict[int, int] = {}
        """id of a memory call's node → its number."""

    def tag(self, node: Reference, *, watched: bool) -> str:
        self.program.references.setdefault(node.name, node.place)
        name = f"t{list(self.program.references).index(node.name)}"
        if watched:
            self.watched.add(name)
        return name

    def branch(self, patterns: tuple[str, ...], place: Place, needs: Type | None) -> str:
        known, needed = self.program.branches.get(patterns, (place, None))
        self.program.branches[patterns] = (
            known,
            Type.BIT if Type.BIT in (needs, needed) else needs or needed,
        )
        name = f"b{list(self.program.branches).index(patterns)}"
        if needs is not None:
            self.watched.add(name)
        return name

    def alarm(self, node: Reference) -> str:
        self.program.alarms.setdefault(node.name, node.place)
        return f"a{list(self.program.alarms).index(node.name)}"

    def memory(self, node: Call) -> int:
        number = self.numbers.get(id(node))
        if number is None:
            number = self.numbers[id(node)] = len(self.program.memories)
            self.program.memories.append(node.function)
        return number


class _Emitter:
    def __init__(self, parts: _Parts, *, guarded: bool) -> None:
        self._parts = parts
        self._guarded = guarded
        self._watching = True
        """`fast` looks at the quality of what is read before it begins; within the second part of `if_bad` as it goes."""
        self.lines: list[str] = []
        """Calls of functions with memory, in order."""

    def emit(self, node: Node) -> str:
        match node:
            case Constant():
                return repr(node.value)
            case Reference():
                name = self._parts.tag(node, watched=self._watching and not self._guarded)
                if self._guarded:
                    return f"read(c, {name})"
                return f"{name}.value" if self._watching else f"fine({name})"
            case Field():
                return f"f.{node.name}"
            case Unary():
                return f"({node.operator} {self.emit(node.operand)})"
            case Binary(operator="**"):
                return f"power({self.emit(node.left)}, {self.emit(node.right)})"
            case Binary():
                return f"({self.emit(node.left)} {node.operator} {self.emit(node.right)})"
            case Logic():
                return "(" + f" {node.operator} ".join(map(self.emit, node.operands)) + ")"
            case Compare():
                first, *rest = map(self.emit, node.operands)
                return (
                    f"({first}"
                    + "".join(f" {op} {one}" for op, one in zip(node.operators, rest, strict=True))
                    + ")"
                )
            case Among():
                choices = ", ".join(repr(choice.value) for choice in node.choices)
                return f"({self.emit(node.operand)} {'not in' if node.negated else 'in'} ({choices},))"
            case Choice():
                then, condition = self.emit(node.then), self.emit(node.condition)
                return f"({then} if {condition} else {self.emit(node.otherwise)})"
            case Call():
                return self._call(node)

    def _call(self, node: Call) -> str:
        name, function = node.function, FUNCTIONS[node.function]
        match function.role:
            case Role.BRANCH:
                return self._branch(node)
            case Role.TAG:
                assert isinstance(node.arguments[0], Reference)
                if name == "age":
                    self._parts.program.timed = True
                return _OF_TAG[name].format(self._parts.tag(node.arguments[0], watched=False))
            case Role.ALARM:
                assert isinstance(node.arguments[0], Reference)
                return f"({self._parts.alarm(node.arguments[0])}.value is True)"
            case Role.CLOCK:
                self._parts.program.timed = True
                if name != "time_between":
                    return _OF_CLOCK[name]
                return f"time_between(c, {', '.join(map(self.emit, node.arguments))})"
            case Role.GUARD:
                return self._guard(node)
            case Role.MEMORY:
                return self._memory(node)
            case Role.PLAIN:
                return self._plain(node)

    def _guard(self, node: Call) -> str:
        first, second = node.arguments
        if self._guarded:
            return f"if_bad(c, lambda: {self.emit(first)}, lambda: {self.emit(second)})"
        if not isinstance(first, Reference):
            return self.emit(first)
        # A tag that is Bad for long (nobody sends it) must not keep the whole from the fast way.
        name = self._parts.tag(first, watched=False)
        outer, self._watching = self._watching, False
        other = self.emit(second)
        self._watching = outer
        return f"({name}.value if not {name}.quality else {other} if is_bad({name}.quality) else unsure())"

    def _plain(self, node: Call) -> str:
        arguments = ", ".join(map(self.emit, node.arguments))
        return f"{'round_' if node.function == 'round' else node.function}({arguments})"

    def _branch(self, node: Call) -> str:
        patterns = patterns_of(node)
        if not patterns:
            return _OVER_ARGUMENTS[node.function]([self.emit(one) for one in node.arguments])
        needs = None if node.function == "count" else FUNCTIONS[node.function].takes[0]
        branch = self._parts.branch(patterns, node.place, needs)
        if self._guarded and needs is not None:
            branch = f"whole(c, {branch})"
        return _OVER_BRANCH[node.function].format(branch)

    def _memory(self, node: Call) -> str:
        arguments = ", ".join(map(self.emit, node.arguments))
        number = self._parts.memory(node)
        if self._guarded:
            self.lines.append(f"    v{number} = attempt(c, m{number}, lambda: ({arguments},))")
            return f"take(c, v{number})"
        self.lines.append(f"    v{number} = m{number}(c, {arguments})")
        return f"v{number}"
