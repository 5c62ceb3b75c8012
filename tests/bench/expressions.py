"""Expressions: one formula worked out again and again, and a large network that settles.

Baselines in the same run: Python's `eval` of compiled code over a dictionary of values (which minds no quality), and
a walk of the tree that minds each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from scada.core.database import TagDatabase
from scada.core.expression import Environment, Formula, Network
from scada.core.expression.syntax import (
    Binary,
    Call,
    Choice,
    Compare,
    Constant,
    Logic,
    Node,
    Reference,
    Unary,
    parse,
)
from scada.core.tag import ExpressionText, Source, Tag, TagDefinition
from scada.core.value import GOOD, Kind, is_bad
from tests.bench.report import figure

NOW_US = 1_800_000_000_000_000
ROUNDS = 20_000
FORMULAS = {
    "difference": "Depot.Grid.Power - Depot.Building.Power",
    "condition": "Depot.InTransaction and Depot.Power < 0.1 and not Depot.Suspended",
    "choice": "max(Depot.L1, Depot.L2, Depot.L3) / Depot.Limit * 100 if Depot.Limit > 0 else 0",
}
VALUES: dict[str, Any] = {
    "Depot.Grid.Power": 120.0,
    "Depot.Building.Power": 35.5,
    "Depot.InTransaction": True,
    "Depot.Power": 0.05,
    "Depot.Suspended": False,
    "Depot.L1": 10.0,
    "Depot.L2": 12.0,
    "Depot.L3": 9.0,
    "Depot.Limit": 32.0,
}
NETWORK = 10_000


def database() -> TagDatabase:
    made = TagDatabase(
        TagDefinition(path=p, kind=Kind.BIT if isinstance(v, bool) else Kind.REGISTER, source=Source.DRIVER)
        for p, v in VALUES.items()
    )
    made.write([(made[path], value, GOOD, NOW_US) for path, value in VALUES.items()], NOW_US)
    return made


def walk(node: Node, tags: dict[str, Tag]) -> Any:
    """The obvious way."""
    match node:
        case Constant():
            return node.value
        case Reference():
            tag = tags[node.name]
            if is_bad(tag.quality):
                raise ValueError
            return tag.value
        case Unary():
            value = walk(node.operand, tags)
            return not value if node.operator == "not" else -value
        case Binary():
            left, right = walk(node.left, tags), walk(node.right, tags)
            return {"-": lambda: left - right, "*": lambda: left * right, "/": lambda: left / right}[
                node.operator
            ]()
        case Compare():
            left, right = (walk(one, tags) for one in node.operands)
            return left < right if node.operators[0] == "<" else left > right
        case Logic():
            return all(walk(one, tags) for one in node.operands)
        case Choice():
            return walk(node.then if walk(node.condition, tags) else node.otherwise, tags)
        case Call():
            return max(walk(one, tags) for one in node.arguments)
    raise AssertionError(node)


def main() -> None:
    tags = database()
    environment = Environment(tags)
    by_name = {tag.path: tag for tag in tags}
    for name, text in FORMULAS.items():
        formula = Formula(ExpressionText(text=text), environment)
        flat = text
        for path in sorted(VALUES, key=len, reverse=True):
            flat = flat.replace(path, path.replace(".", "_"))
        code = compile(flat, "<naive>", "eval")
        values = {path.replace(".", "_"): value for path, value in VALUES.items()}
        tree = parse(text)
        ours = _per_s(lambda formula=formula: formula.evaluate(NOW_US))  # type: ignore[misc]
        naive = _per_s(lambda code=code, values=values: eval(code, values))  # type: ignore[misc]
        walked = _per_s(lambda tree=tree: walk(tree, by_name))  # type: ignore[misc]
        figure("expressions", f"{name}_per_s", ours, "1/s", naive, tree_walk=round(walked))
    _settle()


def _settle() -> None:
    """A tenth of the tags are measured, the others worked out in four storeys; a tenth of the inputs change."""
    inputs = NETWORK // 10
    definitions = [
        TagDefinition(path=f"S.I{n}", kind=Kind.REGISTER, source=Source.DRIVER) for n in range(inputs)
    ]
    texts: dict[str, str] = {}
    below = [f"S.I{n}" for n in range(inputs)]
    for storey in range(4):
        made = [f"S.E{storey}_{n}" for n in range(NETWORK // 4)]
        for n, path in enumerate(made):
            texts[path] = f"{below[n % len(below)]} + {below[(n * 7 + 1) % len(below)]} * 0.5"
        below = made
    definitions += [
        TagDefinition(
            path=path, kind=Kind.REGISTER, source=Source.EXPRESSION, expression=ExpressionText(text=text)
        )
        for path, text in texts.items()
    ]
    tags = TagDatabase(definitions)
    network = Network(Environment(tags))
    began = time.perf_counter()
    network.add_tags()
    network.order()
    figure("expressions", "network_10000_build_s", time.perf_counter() - began, "s")
    changing = [tags[f"S.I{n}"] for n in range(inputs)]
    tags.write([(tag, 1.0, GOOD, NOW_US) for tag in changing], NOW_US)
    network.start(NOW_US)
    best, counted = 0.0, 0
    order = [(path, parse(text)) for path, text in texts.items()]
    by_name = {tag.path: tag for tag in tags}
    for turn in range(1, 4):
        tags.write([(tag, float(turn), GOOD, NOW_US) for tag in changing], NOW_US)
        tags.drain_changes()
        began = time.perf_counter()
        network.settle(NOW_US)
        spent = time.perf_counter() - began
        counted = len(tags.drain_changes())
        best = max(best, counted / spent)
    began = time.perf_counter()
    for path, tree in order:
        by_name[path].value = _plus(tree, by_name)
    naive = len(order) / (time.perf_counter() - began)
    figure("expressions", "network_10000_per_s", best, "1/s", naive, worked_out=counted)


def _plus(node: Node, tags: dict[str, Tag]) -> Any:
    if isinstance(node, Binary) and node.operator == "+":
        return _plus(node.left, tags) + walk(node.right, tags)
    return walk(node, tags)


def _per_s(call: Callable[[], Any]) -> float:
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        for _ in range(ROUNDS):
            call()
        best = max(best, ROUNDS / (time.perf_counter() - began))
    return best
