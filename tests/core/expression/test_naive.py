"""Random expressions against the obvious way: walk the tree each time, minding each quality."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from scada.core.expression.code import NOT_GOOD
from scada.core.value import GOOD, Quality, Value, is_bad, is_good, quality_name
from scada.testing.formulas import Formulas

TAGS: dict[str, Value] = {
    "S.N1": 1.0, "S.N2": -3.5, "S.N3": 0.0, "S.B1": True, "S.B2": False, "S.T1": "a", "S.T2": "abc",
}  # fmt: skip
NUMBERS, BITS, TEXTS = ("S.N1", "S.N2", "S.N3"), ("S.B1", "S.B2"), ("S.T1", "S.T2")
UNSURE = Quality.UNCERTAIN_LAST_USABLE_VALUE
QUALITIES = [GOOD, GOOD, GOOD, Quality.GOOD_LOCAL_OVERRIDE, UNSURE, Quality.BAD_DEVICE_FAILURE]

Tree = tuple[Any, ...]
"""(what, part …), for example ("+", ("tag", "S.N1"), ("constant", 2.0))."""


N, B, T, ANY = "number", "bit", "text", "any"
GRAMMAR: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    N: [
        *((sign, ("numeric", "numeric")) for sign in ("+", "-", "*", "/", "//", "%", "**")),
        *((name, ("numeric",)) for name in ("negative", "abs", "floor", "ceil", "sqrt", "round", "delta")),
        *((name, ("numeric", "numeric")) for name in ("sum", "avg", "min", "max")),
        ("clamp", (N, N, N)),
        ("count", (B, B)),
        ("if_bad", (N, N)),
        ("choice", (B, N, N)),
    ],
    B: [
        *((sign, ("numeric", "numeric")) for sign in ("<", "<=", ">", ">=", "==", "!=")),
        *((name, (T, T)) for name in ("==", "!=", "contains", "starts_with")),
        *((name, (B, B)) for name in ("and", "or", "and", "or", "latch", "any", "all", "if_bad")),
        *((name, (B,)) for name in ("not", "rising", "falling", "changed")),
        ("between", (N, N, N)),
        ("is_good", (ANY,)),
        ("is_bad", (ANY,)),
        ("choice", (B, B, B)),
        ("in", (T,)),
    ],
    T: [("quality", (ANY,)), ("if_bad", (T, T)), ("choice", (B, T, T))],
}
LEAVES: dict[str, tuple[tuple[str, ...], list[Value]]] = {
    N: (NUMBERS, [0.0, 1.0, 2.5, 100.0]),
    B: (BITS, [True, False]),
    T: (TEXTS, ["", "a", "b\n'\"\\"]),
}


def grown(kind: str, depth: int, dice: random.Random) -> Tree:
    """Any tree of a kind; drawn by dice, for hypothesis is slow at growing trees."""
    if kind == "numeric":
        kind = dice.choice((N, N, B))
    if kind == ANY:
        return ("tag", dice.choice(sorted(TAGS)))
    if depth == 0 or dice.random() < 0.2:
        tags, constants = LEAVES[kind]
        return ("tag", dice.choice(tags)) if dice.random() < 0.7 else ("constant", dice.choice(constants))
    what, parts = dice.choice(GRAMMAR[kind])
    return (what, *(grown(part, depth - 1, dice) for part in parts))


def written(tree: Tree) -> str:
    what, *parts = tree
    if what == "tag":
        return str(parts[0])
    if what == "constant":
        return repr(parts[0])
    words = [written(part) for part in parts]
    match what:
        case "negative":
            return f"(-{words[0]})"
        case "not":
            return f"(not {words[0]})"
        case "choice":
            return f"({words[1]} if {words[0]} else {words[2]})"
        case "between":
            return f"({words[0]} < {words[1]} <= {words[2]})"
        case "in":
            return f'({words[0]} in ("a", "Good"))'
        case _ if what[0].isalpha() and what not in ("and", "or"):
            return f"{what}({', '.join(words)})"
    return f"({words[0]} {what} {words[1]})"


class Unusable(Exception):
    pass


FAILURES = (Unusable, ArithmeticError, ValueError)
MEMORIES = ("rising", "falling", "changed", "latch", "delta")


@dataclass
class Naive:
    """Walks a tree. Functions with memory are asked first, each time, innermost first."""

    tree: Tree
    formulas: Formulas
    before: dict[int, Any] = field(default_factory=dict)
    outcomes: dict[int, Any] = field(default_factory=dict)
    uncertain: bool = False

    def evaluate(self, *, number: bool) -> tuple[Value, int]:
        self.outcomes.clear()
        self._remember(self.tree)
        self.uncertain = False
        try:
            value = self.walk(self.tree)
        except FAILURES:
            return None, Quality.BAD_NO_DATA
        if number:
            if not -1e300 < value < 1e300:
                return None, Quality.BAD_NO_DATA
            value = float(value)
        return value, Quality.UNCERTAIN_SUB_NORMAL if self.uncertain else GOOD

    def _remember(self, tree: Tree) -> None:
        for part in tree[1:]:
            if isinstance(part, tuple):
                self._remember(part)
        if tree[0] in MEMORIES:
            self.uncertain = False
            try:
                parts = [self.walk(part) for part in tree[1:]]
            except FAILURES as error:
                self.outcomes[id(tree)] = (None, self.uncertain, error)
            else:
                self.outcomes[id(tree)] = (self._step(tree, *parts), self.uncertain, None)

    def _step(self, tree: Tree, *parts: Any) -> Any:
        before = self.before.get(id(tree))
        match tree[0]:
            case "latch":
                self.before[id(tree)] = not parts[1] and (parts[0] or bool(before))
                return self.before[id(tree)]
            case "delta":
                newest, delta = before or (None, 0.0)
                if newest is not None and parts[0] != newest:
                    delta = parts[0] - newest
                self.before[id(tree)] = (parts[0], delta)
                return delta
        self.before[id(tree)] = parts[0]
        if before is None:
            return False
        return before != parts[0] and (tree[0] == "changed" or parts[0] is (tree[0] == "rising"))

    def walk(self, tree: Tree) -> Any:
        what, *parts = tree
        if what == "constant":
            return parts[0]
        if what == "tag":
            tag = self.formulas[parts[0]]
            if is_bad(tag.quality):
                raise Unusable
            self.uncertain = self.uncertain or not is_good(tag.quality)
            return tag.value
        if what in MEMORIES:
            value, uncertain, error = self.outcomes[id(tree)]
            if error is not None:
                raise error
            self.uncertain = self.uncertain or uncertain
            return value
        if what in ("quality", "is_good", "is_bad"):
            quality = self.formulas[parts[0][1]].quality
            return {"quality": quality_name, "is_good": is_good, "is_bad": is_bad}[what](quality)
        if what == "if_bad":
            before = self.uncertain
            try:
                return self.walk(parts[0])
            except FAILURES:
                self.uncertain = before
                return self.walk(parts[1])
        if what in ("and", "all"):
            return self.walk(parts[0]) and self.walk(parts[1])
        if what in ("or", "any"):
            return self.walk(parts[0]) or self.walk(parts[1])
        if what == "choice":
            return self.walk(parts[1]) if self.walk(parts[0]) else self.walk(parts[2])
        if what == "between":
            low, middle = self.walk(parts[0]), self.walk(parts[1])
            return low < middle and middle <= self.walk(parts[2])
        return _PLAIN[what](*(self.walk(part) for part in parts))


_PLAIN: dict[str, Any] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b, "**": math.pow, "negative": lambda a: -a,
    "abs": abs, "floor": math.floor, "ceil": math.ceil, "sqrt": math.sqrt, "round": lambda a: float(round(a, 0)),
    "sum": lambda a, b: a + b, "avg": lambda a, b: (a + b) / 2, "min": min, "max": max,
    "clamp": lambda value, low, high: min(max(value, low), high), "count": lambda a, b: a + b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "not": lambda a: not a,
    "contains": lambda a, b: b in a, "starts_with": lambda a, b: a.startswith(b),
    "in": lambda a: a in ("a", "Good"),
}  # fmt: skip

WRITES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(NUMBERS), st.sampled_from([0.0, 1.0, -2.0, 7.25, 1e200])),
        st.tuples(st.sampled_from(BITS), st.booleans()),
        st.tuples(st.sampled_from(TEXTS), st.sampled_from(["", "a", "xab"])),
    ).flatmap(lambda write: st.tuples(st.just(write), st.sampled_from(QUALITIES))),
    max_size=6,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([N, B, T]), st.integers(1, 5), st.integers(0), st.lists(WRITES, max_size=4))
def test_code_and_tree_agree_on_value_and_quality(
    kind: str, depth: int, seed: int, turns: list[list[tuple[tuple[str, Value], int]]]
) -> None:
    tree = grown(kind, depth, random.Random(seed))
    text = written(tree)
    note(text)
    formulas = Formulas(TAGS)
    formula, careful = formulas.formula(text), formulas.formula(text)
    careful._fast = lambda *_: NOT_GOOD
    naive = Naive(tree, formulas)
    for turn in [[], *turns]:
        for (path, value), quality in turn:
            formulas.put(path, value, quality)
        expected = naive.evaluate(number=kind == N)
        for one in (formula, careful):
            found = one.evaluate(formulas.now_us)
            assert found == expected
            assert type(found[0]) is type(expected[0])
