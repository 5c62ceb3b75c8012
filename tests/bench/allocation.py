"""One division of a three-level tree, against iterated linear programmes (HiGHS) where they end in reasonable time.

`ms_N`: N connectors, all charging, scarce in every level; median of some runs. `step_ms_100`: a whole recalculation with ledger
and admission.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from scada.allocation import Allocator, Request, Settings
from scada.allocation.division import divide
from tests.allocation.oracle import by_programmes
from tests.allocation.sites import tree_of
from tests.bench.report import figure

SIZES = (1, 10, 100, 1_000, 10_000)
BASELINE_MAX = 100
"""Connectors up to which the programmes end within seconds."""


def main() -> None:
    for size in SIZES:
        tree = tree_of(size, seed=size)
        rows = [tree.row(i, one.phases) for i, one in enumerate(tree.members)]
        room = [tree.nodes[one.node].limits.of(one.kind) or 0.0 for one in tree.resources]
        a, b, lo = [0.0] * size, [1.0] * size, [0.0] * size
        hi = [one.maximum_a for one in tree.members]
        ours = _median_ms(lambda: divide(rows, room, a, b, lo, hi), 20 if size < 5_000 else 5)  # noqa: B023
        baseline = None
        if size <= BASELINE_MAX:
            baseline = _median_ms(lambda: by_programmes(rows, room, a, b, lo, hi), 1)  # noqa: B023
        figure("allocation", f"ms_{size}", ours, "ms", baseline)
    tree = tree_of(100, seed=100)
    allocator = Allocator(tree, Settings())
    requests = [Request(session=one.name) for one in tree.members]
    times = iter(range(0, 1_000, 3))
    figure(
        "allocation",
        "step_ms_100",
        _median_ms(lambda: allocator.step(float(t := next(times)), float(t), requests, {}), 20),
        "ms",
    )


def _median_ms(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)
