"""Kinds of values: what is no sense is found when the project is loaded, not when a value comes."""

from __future__ import annotations

from collections.abc import Mapping

from scada.core.expression.functions import ALARM_FIELDS, FUNCTIONS, Role, Type
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
    Reference,
    Unary,
    patterns_of,
)
from scada.core.value import Kind

TYPE_OF_KIND = {Kind.BIT: Type.BIT, Kind.REGISTER: Type.NUMBER, Kind.TEXT: Type.TEXT}
_NUMERIC = (Type.NUMBER, Type.BIT)
"""A bit counts as 0 or 1 in arithmetic; a number is no condition."""


def check(node: Node, kinds: Mapping[str, Kind]) -> Type:  # noqa: C901, PLR0912 (one case a kind of node)
    """The type of an expression.

    Args:
        kinds: name of each referenced tag → its kind.

    Raises:
        ExpressionError: types do not fit, with the place.
    """
    match node:
        case Constant():
            return _type_of(node.value)
        case Reference():
            return TYPE_OF_KIND[kinds[node.name]]
        case Field():
            return ALARM_FIELDS[node.name]
        case Unary():
            if node.operator == "not":
                _need(node.operand, kinds, (Type.BIT,), "'not'")
                return Type.BIT
            _need(node.operand, kinds, _NUMERIC, f"'{node.operator}'")
            return Type.NUMBER
        case Binary():
            _need(node.left, kinds, _NUMERIC, f"'{node.operator}'")
            _need(node.right, kinds, _NUMERIC, f"'{node.operator}'")
            return Type.NUMBER
        case Logic():
            for operand in node.operands:
                _need(operand, kinds, (Type.BIT,), f"'{node.operator}'")
            return Type.BIT
        case Compare():
            return _compare(node, kinds)
        case Among():
            found = check(node.operand, kinds)
            for choice in node.choices:
                if not _alike(found, _type_of(choice.value)):
                    raise choice.place.error(f"{found.value} is never among these")
            return Type.BIT
        case Choice():
            _need(node.condition, kinds, (Type.BIT,), "'if'")
            then, otherwise = check(node.then, kinds), check(node.otherwise, kinds)
            if then is not otherwise:
                raise node.place.error(
                    f"this is {then.value} or else {otherwise.value}: it must be one of them"
                )
            return then
        case Call():
            return _call(node, kinds)


def _compare(node: Compare, kinds: Mapping[str, Kind]) -> Type:
    types = [check(operand, kinds) for operand in node.operands]
    for operator, left, right, operand in zip(
        node.operators, types, types[1:], node.operands[1:], strict=False
    ):
        if not _alike(left, right):
            raise operand.place.error(f"{left.value} cannot be compared with {right.value}")
        if operator not in ("==", "!=") and Type.TEXT in (left, right):
            raise operand.place.error("texts have no order: compare them with == or !=")
    return Type.BIT


def _call(node: Call, kinds: Mapping[str, Kind]) -> Type:
    function = FUNCTIONS[node.function]
    if function.role is Role.BRANCH and patterns_of(node):
        assert function.gives is not None
        return function.gives
    if function.role in (Role.TAG, Role.ALARM):
        assert function.gives is not None
        return function.gives
    found = []
    for position, argument in enumerate(node.arguments):
        takes = function.takes[min(position, len(function.takes) - 1)]
        if takes is None:
            found.append(check(argument, kinds))
            if not _alike(found[0], found[-1]) or (function.gives is None and found[0] is not found[-1]):
                raise argument.place.error(f"this is {found[-1].value}, but the first is {found[0].value}")
        else:
            allowed = _NUMERIC if takes is Type.NUMBER else (takes,)
            found.append(_need(argument, kinds, allowed, f"{node.function}(…)"))
    return found[0] if function.gives is None else function.gives


def _need(node: Node, kinds: Mapping[str, Kind], allowed: tuple[Type, ...], who: str) -> Type:
    found = check(node, kinds)
    if found not in allowed:
        hint = ": compare it with something" if allowed == (Type.BIT,) else ""
        raise node.place.error(f"{who} takes {allowed[0].value}, this is {found.value}{hint}")
    return found


def _alike(left: Type, right: Type) -> bool:
    return left is right or (left in _NUMERIC and right in _NUMERIC)


def _type_of(value: float | bool | str) -> Type:
    if isinstance(value, bool):
        return Type.BIT
    return Type.TEXT if isinstance(value, str) else Type.NUMBER
