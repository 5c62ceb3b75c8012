"""Trees at random, for tests and benches."""

from __future__ import annotations

import random

from scada.allocation import Limits, Member, Node, Tree


def tree_of(count: int, seed: int, *, scarcity: float = 0.5, power: bool = True) -> Tree:
    """A three-level tree: a grid connection, feeders of about 20 connectors, chargers of two; limits are `scarcity` of
    what would be needed at most. Every other vehicle is on one phase."""
    chance = random.Random(seed)
    feeders = max(2, count // 20)
    members = []
    for i in range(count):
        phases = (0, 1, 2) if chance.random() < 0.5 else (chance.randrange(3),)
        members.append(
            Member(
                name=f"C{i}", node=f"charger{i // 2}", phases=phases, maximum_a=chance.choice((16.0, 32.0))
            )
        )
    chargers = [
        Node(name=f"charger{k}", parent=f"feeder{k % feeders}", limits=_limits(40 * chance.uniform(0.8, 1.6)))
        for k in range((count + 1) // 2)
    ]
    each = count / feeders * 20 * scarcity
    nodes = [
        Node(
            name="grid",
            limits=_limits(
                count * 16 * scarcity * 0.8, count * 16 * scarcity * 0.8 * 0.65 if power else None
            ),
        ),
        *(
            Node(name=f"feeder{f}", parent="grid", limits=_limits(each * chance.uniform(0.6, 1.4)))
            for f in range(feeders)
        ),
        *chargers,
    ]
    return Tree(nodes, members)


def _limits(current_a: float, power_kw: float | None = None) -> Limits:
    return Limits(current_a=(current_a, current_a, current_a), power_kw=power_kw)
