"""All formulas of a plant: which to work out again, in which order, and when."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from scada.core.expression.formula import Environment, Formula, condition
from scada.core.expression.syntax import ExpressionError
from scada.core.tag import ExpressionText, Source, Tag
from scada.core.value import SECOND_US, TimeUs, Value

Sink = Callable[[Value, int, TimeUs], None]
"""Takes (value, quality, now)."""

TIMES_MAX = 20
"""How often one `settle` works out a formula at most; then it waits for the next turn.
Without circles by way of masks and actions it is never met."""
_LAST = 1_000_000


class _Node:
    __slots__ = ("dirty", "formula", "number", "owner", "rank", "settle", "sink", "times", "wakes_us")

    def __init__(self, number: int, formula: Formula, owner: Tag | None, sink: Sink | None) -> None:
        self.number = number
        self.formula = formula
        self.owner = owner
        self.sink = sink
        self.rank = _LAST
        self.dirty = False
        self.settle = 0
        self.times = 0
        """How often it was worked out in this settle."""
        self.wakes_us: list[TimeUs] = []
        """When it is worked out again, the nearest last; each stands in the network's heap."""


class Network:
    """The formulas of one database.

    A formula is worked out when an input changed, once a `settle` after all that it depends on, and when it asked
    for it (delays, windows, times of day).

    Attributes:
        dirty: a heap of (rank, number, node): what must be worked out. It is never replaced, and empty when there is
            nothing to do.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._nodes: list[_Node] = []
        self.dirty: list[tuple[int, int, _Node]] = []
        self._timers: list[tuple[TimeUs, int, _Node]] = []
        self._settles = 0

    def add_tags(self) -> None:
        """Take the expression tags of the database. Raises ExpressionError."""
        for tag in self.environment.database:
            if tag.definition.expression is not None:
                self.add_tag(tag, tag.definition.expression)

    def add_tag(self, tag: Tag, source: ExpressionText) -> None:
        """Have a tag's value made by an expression. Raises ExpressionError."""
        formula = Formula(source, self.environment, tag)
        formula.check_fits(tag)
        self._enter(_Node(len(self._nodes), formula, tag, None))

    def add(self, source: ExpressionText, sink: Sink) -> Formula:
        """Have a function told the value of a condition each time it is worked out. Raises ExpressionError."""
        formula = condition(source, self.environment)
        self._enter(_Node(len(self._nodes), formula, None, sink))
        return formula

    def order(self) -> None:
        """Find the order of evaluation.

        Raises:
            ExpressionError: expressions depend on each other in a circle; the text names the path.
        """
        made = {node.owner.path: node for node in self._nodes if node.owner is not None}
        graph = {path: self._needs(node, made) for path, node in made.items()}
        try:
            ranks: dict[str, int] = {}
            for path in TopologicalSorter(graph).static_order():
                ranks[path] = 1 + max((ranks[one] for one in graph[path]), default=0)
        except CycleError as error:
            cycle: list[str] = error.args[1]
            raise ExpressionError(f"these depend on each other: {' ← '.join(cycle)}") from None
        for path, node in made.items():
            node.rank = ranks[path]

    def start(self, now_us: TimeUs) -> None:
        """Order everything and work it out once."""
        self.order()
        self.dirty[:] = [(node.rank, node.number, node) for node in self._nodes]
        for node in self._nodes:
            node.dirty = True
        heapq.heapify(self.dirty)
        self.settle(now_us)

    def settle(self, now_us: TimeUs) -> None:
        """Work out what depends on changes since the last call, and what depends on that."""
        database, dirty = self.environment.database, self.dirty
        self._settles += 1
        waiting: list[_Node] = []
        while dirty:
            node = heapq.heappop(dirty)[2]
            if node.settle != self._settles:
                node.settle, node.times = self._settles, 0
            elif node.times >= TIMES_MAX:
                waiting.append(node)
                continue
            node.times += 1
            node.dirty = False
            value, quality = node.formula.evaluate(now_us)
            self._note_wake(node, now_us)
            tag = node.owner
            if tag is not None:
                database.write([(tag, tag.value if value is None else value, quality, now_us)], now_us)
            elif node.sink is not None:
                node.sink(value, quality, now_us)
        for node in waiting:
            heapq.heappush(dirty, (node.rank, node.number, node))

    def tick(self, now_us: TimeUs) -> None:
        """Work out what asked for this time."""
        timers = self._timers
        while timers and timers[0][0] <= now_us:
            node = heapq.heappop(timers)[2]
            node.wakes_us.pop()
            self._mark(node)
        if self.dirty:
            self.settle(now_us)

    def _enter(self, node: _Node) -> None:
        self._nodes.append(node)
        database = self.environment.database

        def changed(_tag: Tag, _now_us: TimeUs) -> None:
            if not node.dirty:
                self._mark(node)

        def branch_changed(_now_us: TimeUs) -> None:
            if not node.dirty:
                self._mark(node)

        for tag in node.formula.tags:
            database.watch(tag, changed)
        for branch in node.formula.branches:
            branch.subscribe(branch_changed)

    def _mark(self, node: _Node) -> None:
        if not node.dirty:
            node.dirty = True
            heapq.heappush(self.dirty, (node.rank, node.number, node))

    def _note_wake(self, node: _Node, now_us: TimeUs) -> None:
        wake_us = node.formula.wake_us
        if node.formula.timed:
            wake_us = min(wake_us or now_us + SECOND_US, now_us + SECOND_US)
        # A time that is too early does no harm (it is asked for again); one for each change would fill the heap.
        if wake_us is not None and (not node.wakes_us or wake_us < node.wakes_us[-1]):
            node.wakes_us.append(wake_us)
            heapq.heappush(self._timers, (wake_us, node.number, node))

    def _needs(self, node: _Node, made: Mapping[str, _Node]) -> list[str]:
        """The expression tags that a formula depends on, by way of thresholds and alarms too."""
        formula = node.formula
        direct = [*formula.tags, *(tag for branch in formula.branches for tag in branch.members)]
        paths = {path for tag in direct for path in self._makers(tag, made)}
        for path in formula.alarms:
            paths.update(self._makers(self.environment.database[path], made))
        return sorted(paths)

    def _makers(self, tag: Tag, made: Mapping[str, _Node]) -> Iterable[str]:
        if tag.path in made:
            yield tag.path
        if tag.definition.source is not Source.THRESHOLD:
            return
        register_path, _, name = tag.path.rpartition(".")
        register = self.environment.database.get(register_path)
        if register is None:
            return
        if register_path in made:
            yield register_path
        for threshold in register.definition.thresholds:
            if threshold.name == name:
                yield from (path for path in (threshold.limit_tag, threshold.reference) if path in made)
