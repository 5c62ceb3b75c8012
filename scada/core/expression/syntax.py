"""Text → tree.

Python's own parser reads the text; of its syntax only what is handled here by name is taken. The tree holds
constants, references and operations of ours: nothing of the parser's goes further.
"""

from __future__ import annotations

import ast
import functools
import math
import re
import warnings
from dataclasses import dataclass
from typing import TypeAlias

from scada.core.expression.functions import ALARM_FIELDS, FUNCTIONS, Role
from scada.core.path import matcher

LENGTH_MAX = 2_000
NODES_MAX = 500
DEPTH_MAX = 40

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.And: "and",
    ast.Or: "or",
    ast.Not: "not",
    ast.USub: "-",
    ast.UAdd: "+",
}
_NAMES: dict[str, bool] = {"true": True, "false": False, "True": True, "False": False}
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z")


class ExpressionError(ValueError):
    """A mistake in an expression.

    Attributes:
        reason: in words.
        line, column: from 1, within the expression's text.
    """

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        self.reason = reason
        self.line = line
        self.column = column
        super().__init__(f"line {line}, column {column}: {reason}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the text a node begins."""

    line: int
    column: int

    def error(self, reason: str) -> ExpressionError:
        """A mistake at this place."""
        return ExpressionError(reason, self.line, self.column)


@dataclass(frozen=True, slots=True)
class Constant:
    """A number (float), a text or a truth value."""

    value: float | bool | str
    place: Place


@dataclass(frozen=True, slots=True)
class Reference:
    """A tag, by its dotted name."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Field:
    """A property of the alarm that a filter looks at."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Unary:
    """`not x`, `-x`, `+x`."""

    operator: str
    operand: Node
    place: Place


@dataclass(frozen=True, slots=True)
class Binary:
    """`x + y` and its like."""

    operator: str
    left: Node
    right: Node
    place: Place


@dataclass(frozen=True, slots=True)
class Compare:
    """`a < b <= c`."""

    operators: tuple[str, ...]
    operands: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Among:
    """`x in ("a", "b")`, `x not in (…)`."""

    operand: Node
    choices: tuple[Constant, ...]
    negated: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Logic:
    """`a and b and c`, `a or b`."""

    operator: str
    operands: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Choice:
    """`x if condition else y`."""

    condition: Node
    then: Node
    otherwise: Node
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Node, ...]
    place: Place


Node: TypeAlias = Constant | Reference | Field | Unary | Binary | Compare | Among | Logic | Choice | Call


@functools.lru_cache(maxsize=4_096)
def parse(text: str, *, filter_: bool = False) -> Node:
    """The tree of an expression.

    Args:
        filter_: `alarm.…` names properties of an alarm.

    Raises:
        ExpressionError: with its place.
    """
    if not text.strip():
        raise ExpressionError("there is nothing")
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"an expression has at most {LENGTH_MAX} characters")
    if "\0" in text:
        raise ExpressionError("there is a NUL character")
    lines = f"({text}\n)".replace("\r\n", "\n").replace("\r", "\n").split("\n")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "\d" and 1if are mistakes here
            # In brackets a text may go over several lines.
            tree = ast.parse("\n".join(lines), mode="eval").body
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        if line >= len(lines):  # found missing at our own bracket: that is behind the text's last line
            line, column = len(lines) - 1, len(lines[-2]) + 1
        raise ExpressionError(
            f"this cannot be read: {error.msg}", line, max(1, column - (line == 1))
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError("this cannot be read") from None
    if tree.col_offset == 0 and tree.lineno == 1 and not isinstance(tree, (ast.Tuple, ast.GeneratorExp)):
        raise ExpressionError("this cannot be read: a bracket is closed that was not opened")
    return _Reader(filter_, lines, _parts(tree)).read(tree, 0)


class _Reader:
    def __init__(self, filter_: bool, lines: list[str], nodes: int) -> None:
        self._filter = filter_
        self._lines = lines
        if nodes > NODES_MAX:
            raise ExpressionError(f"an expression has at most {NODES_MAX} parts")

    def read(self, node: ast.AST, depth: int) -> Node:
        place = self._place(node)
        if depth > DEPTH_MAX:
            raise place.error(f"an expression is at most {DEPTH_MAX} levels deep")
        below = depth + 1
        match node:
            case ast.Constant():
                return _constant(node, place)
            case ast.Name() | ast.Attribute():
                return self._name(node, place)
            case ast.UnaryOp(op=ast.Invert()):
                raise place.error("'~' is not known here; write 'not'")
            case ast.UnaryOp():
                return Unary(_OPERATORS[type(node.op)], self.read(node.operand, below), place)
            case ast.BinOp() if type(node.op) in _OPERATORS:
                return Binary(
                    _OPERATORS[type(node.op)],
                    self.read(node.left, below),
                    self.read(node.right, below),
                    place,
                )
            case ast.BoolOp():
                return Logic(
                    _OPERATORS[type(node.op)], tuple(self.read(v, below) for v in node.values), place
                )
            case ast.Compare():
                return self._compare(node, place, below)
            case ast.IfExp():
                return Choice(
                    self.read(node.test, below),
                    self.read(node.body, below),
                    self.read(node.orelse, below),
                    place,
                )
            case ast.Call():
                return self._call(node, place, below)
        raise place.error(f"{_word(node)} is not known in expressions")

    def _place(self, node: ast.AST) -> Place:
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        # The parser counts bytes; people count characters. In line 1 our own bracket stands before the text.
        column = len(self._lines[line - 1].encode()[:offset].decode(errors="ignore"))
        return Place(line, max(1, column + (line != 1)))

    def _name(self, node: ast.Name | ast.Attribute, place: Place) -> Node:
        segments: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            segments.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise place.error("only a tag has parts with '.'")
        name = ".".join((inner.id, *reversed(segments)))
        if name in _NAMES:
            return Constant(_NAMES[name], place)
        if not name.isascii():
            raise place.error(f"'{name}' is no tag: a name is made of A-Z, a-z, 0-9 and '_'")
        if self._filter and inner.id == "alarm":
            field = name.removeprefix("alarm.")
            if field not in ALARM_FIELDS:
                known = ", ".join(f"alarm.{one}" for one in ALARM_FIELDS)
                raise place.error(f"an alarm has no '{field}', known: {known}")
            return Field(field, place)
        if not segments and name in FUNCTIONS:
            raise place.error(f"'{name}' is a function: write {name}(…)")
        return Reference(name, place)

    def _compare(self, node: ast.Compare, place: Place, below: int) -> Node:
        if isinstance(node.ops[0], (ast.In, ast.NotIn)):
            choices = node.comparators[0]
            if len(node.ops) > 1 or not isinstance(choices, (ast.Tuple, ast.List)) or not choices.elts:
                raise place.error('after \'in\' stands a list of constants: x in ("A", "B")')
            read = [self.read(choice, below) for choice in choices.elts]
            constants = [one for one in read if isinstance(one, Constant)]
            if len(constants) != len(read):
                raise place.error('after \'in\' stands a list of constants: x in ("A", "B")')
            return Among(
                self.read(node.left, below), tuple(constants), isinstance(node.ops[0], ast.NotIn), place
            )
        for operator in node.ops:
            if type(operator) not in _OPERATORS:
                raise place.error("compare with ==, !=, <, <=, >, >= or in")
        operands = (node.left, *node.comparators)
        return Compare(
            tuple(_OPERATORS[type(one)] for one in node.ops),
            tuple(self.read(one, below) for one in operands),
            place,
        )

    def _call(self, node: ast.Call, place: Place, below: int) -> Node:
        if not isinstance(node.func, ast.Name):
            raise place.error("only functions of the list can be called")
        name = node.func.id
        function = FUNCTIONS.get(name)
        if function is None:
            raise place.error(f"there is no function '{name}', known: {', '.join(FUNCTIONS)}")
        if node.keywords:
            raise place.error(f"{name} takes its arguments by their order, without names")
        arguments = tuple(self.read(one, below) for one in node.args)
        least = len(function.takes) if function.least is None else function.least
        most = None if function.many else len(function.takes)
        if len(arguments) < least or (most is not None and len(arguments) > most):
            raise place.error(f"{name} takes {_number(least, most)}, not {len(arguments)}: {function.help}")
        for position in function.constant:
            if position < len(arguments) and not _is_constant(arguments[position]):
                raise arguments[position].place.error(f"{name} takes a constant here")
        if function.role in (Role.TAG, Role.ALARM) and not isinstance(arguments[0], Reference):
            raise arguments[0].place.error(f"{name} takes a tag")
        _check_constants(name, arguments)
        return Call(name, arguments, place)


def _parts(tree: ast.AST) -> int:
    """How many constants, tags, operations and calls there are."""
    return sum(isinstance(one, ast.expr) and not isinstance(one, ast.Attribute) for one in ast.walk(tree))


def patterns_of(call: Call) -> tuple[str, ...]:
    """The patterns of a call over a branch; empty where it is over its arguments."""
    texts = [one.value for one in call.arguments if isinstance(one, Constant) and isinstance(one.value, str)]
    return tuple(texts) if FUNCTIONS[call.function].role is Role.BRANCH else ()


def _check_constants(name: str, arguments: tuple[Node, ...]) -> None:
    function = FUNCTIONS[name]
    texts = [one for one in arguments if isinstance(one, Constant) and isinstance(one.value, str)]
    if function.role is Role.BRANCH and texts and len(texts) < len(arguments):
        raise texts[0].place.error(f"{name} takes either patterns or values, not both")
    if function.role is Role.BRANCH or name == "matches":
        for text in texts[-1:] if name == "matches" else texts:
            try:
                matcher(str(text.value))
            except ValueError as error:
                raise text.place.error(str(error)) from None
    if name == "time_between":
        for text in texts:
            if not _CLOCK.match(str(text.value)):
                raise text.place.error('a time of day is written "HH:MM"')
    if function.role is Role.MEMORY and function.constant:
        seconds = arguments[1]
        if not (
            isinstance(seconds, Constant)
            and isinstance(seconds.value, float)
            and 0 < seconds.value <= 604_800
        ):
            raise seconds.place.error(f"{name} takes seconds, more than 0 and at most 604800 (a week)")


def _is_constant(node: Node) -> bool:
    return isinstance(node, Constant)


def _constant(node: ast.Constant, place: Place) -> Constant:
    value = node.value
    if isinstance(value, bool | str):
        return Constant(value, place)
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise place.error("this number is too large")
        return Constant(number, place)
    raise place.error(f"{value!r} is no number, text or truth value")


def _number(least: int, most: int | None) -> str:
    if most is None:
        return f"{least} or more arguments"
    if least == most:
        return "no argument" if not most else f"{most} argument{'s' if most > 1 else ''}"
    return f"{least} to {most} arguments"


def _word(node: ast.AST) -> str:
    words = {
        ast.Subscript: "'[…]'",
        ast.Lambda: "'lambda'",
        ast.Tuple: "a list",
        ast.List: "a list",
        ast.Dict: "'{…}'",
        ast.JoinedStr: "an f-text",
        ast.NamedExpr: "':='",
        ast.BinOp: "this operator",
        ast.Starred: "'*'",
    }
    return words.get(type(node), "this")
