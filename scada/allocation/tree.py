"""The circuit tree: nodes with limits, connectors on them, compiled into resources and rows.

A *resource* is a node's phase (ampere) or a node's power (kW, kVA). A connector that draws x ampere on each phase that
it uses takes `coefficient · x` of each resource above it: 1 on a phase, the phases' volts / 1,000 of a power. Power is
reckoned with cos φ = 1: chargers come near it, and the error is on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

PHASES = (0, 1, 2)
VOLTAGE_V = 230.0
DEPTH_MAX = 32

Row = Sequence[tuple[int, float]]
"""(resource, coefficient) of what a connector loads."""


class Kind(Enum):
    """What a resource is of its node."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    KW = "kW"
    KVA = "kVA"

    @property
    def phase(self) -> int | None:
        """0, 1, 2; None: a power."""
        return _PHASE_OF.get(self)


_PHASE_OF = {Kind.L1: 0, Kind.L2: 1, Kind.L3: 2}
_KIND_OF_PHASE = (Kind.L1, Kind.L2, Kind.L3)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a node. None: it has none of this kind.

    Attributes:
        current_a: of each phase L1, L2, L3.
    """

    current_a: tuple[float, float, float] | None = None
    power_kw: float | None = None
    power_kva: float | None = None

    def of(self, kind: Kind) -> float | None:
        """The limit of one kind, ampere, kW or kVA."""
        if kind.phase is not None:
            return None if self.current_a is None else self.current_a[kind.phase]
        return self.power_kw if kind is Kind.KW else self.power_kva


@dataclass(frozen=True, kw_only=True)
class Node:
    """A point of the tree: grid connection, site, feeder, group, charger.

    Attributes:
        name: unique in its tree.
        parent: name of the node above; empty: it is a root.
        usable: part of the limits that may be used, 0 to 1.
        reserve_a: ampere a phase that are left free, for loads that step up faster than chargers react.
        launch: number of connectors for which `launch_a` is kept free, so that they may start at once.
        safe_a: what all chargers below may have a phase while the meter is silent; None: nothing but the fallbacks.
        metered: other loads hang here, and a meter tells what passes.
        demand_kw: contract power: mean of a window of `demand_window_s`; None: none.
    """

    name: str
    parent: str = ""
    limits: Limits = field(default_factory=Limits)
    usable: float = 1.0
    reserve_a: float = 0.0
    launch: int = 0
    launch_a: float = 6.0
    safe_a: tuple[float, float, float] | None = None
    metered: bool = False
    demand_kw: float | None = None
    demand_window_s: int = 900
    voltage_v: float = VOLTAGE_V


@dataclass(frozen=True, kw_only=True)
class Member:
    """A connector, as the tree sees it.

    Attributes:
        node: name of the node that it hangs on.
        phases: of the mains that its L1, L2, L3 are wired to (rotation): (0,), (1, 2, 0) …
        minimum_a: the least current that is no pause (IEC 61851-1: 6 A).
        maximum_a: of hardware and cable, a phase.
        step_a: what limits are rounded down to.
        fallback_a: limit that a lease falls back to.
        leased: the charger honours leases; else what it last accepted holds until the transaction ends.
        limitable: it takes limits at all; else it counts at its maximum whenever a vehicle is there.
        raise_every_s: least time between two raises.
    """

    name: str
    node: str
    phases: tuple[int, ...] = PHASES
    minimum_a: float = 6.0
    maximum_a: float = 32.0
    step_a: float = 1.0
    fallback_a: float = 0.0
    leased: bool = True
    limitable: bool = True
    raise_every_s: float = 15.0

    def __post_init__(self) -> None:
        if (
            not self.phases
            or len(set(self.phases)) != len(self.phases)
            or not set(self.phases) <= set(PHASES)
        ):
            raise ValueError(f"{self.name}: phases are one to three of L1, L2, L3, each once")
        if not 0 < self.minimum_a <= self.maximum_a:
            raise ValueError(f"{self.name}: the minimum is above 0 and at most the maximum")
        if self.step_a <= 0:
            raise ValueError(f"{self.name}: the step is above 0")
        if 0 < self.fallback_a < self.minimum_a or self.fallback_a > self.maximum_a:
            raise ValueError(f"{self.name}: the fallback is 0, or within minimum and maximum")

    def rounded_a(self, limit_a: float) -> float:
        """A limit that can be sent: rounded down to the step; what is below the minimum is a pause."""
        steps = int((min(limit_a, self.maximum_a) + 1e-7) / self.step_a)
        down_a = round(steps * self.step_a, 6)
        return down_a if down_a >= self.minimum_a - 1e-9 else 0.0


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A node's phase or power."""

    node: int
    kind: Kind

    def text(self, tree: Tree) -> str:
        """`Feeder 2, L1`."""
        return f"{tree.nodes[self.node].name}, {self.kind.value}"


class Tree:
    """Nodes and connectors, compiled.

    Args:
        nodes: in any order.

    Raises:
        ValueError: a name twice, an unknown parent or node, a cycle, a tree deeper than `DEPTH_MAX`.
    """

    def __init__(self, nodes: Iterable[Node], members: Iterable[Member]) -> None:
        self.nodes = tuple(nodes)
        self.members = tuple(members)
        self.node_index: Mapping[str, int] = {node.name: n for n, node in enumerate(self.nodes)}
        self.member_index: Mapping[str, int] = {one.name: i for i, one in enumerate(self.members)}
        if len(self.node_index) != len(self.nodes):
            raise ValueError("two nodes have the same name")
        if len(self.member_index) != len(self.members):
            raise ValueError("two connectors have the same name")
        self.chains = tuple(self._chain(n) for n in range(len(self.nodes)))
        self.resources = tuple(
            Resource(node=n, kind=kind)
            for n, node in enumerate(self.nodes)
            for kind in Kind
            if node.limits.of(kind) is not None or (kind is Kind.KW and node.demand_kw is not None)
        )
        self._at: dict[tuple[int, Kind], int] = {
            (one.node, one.kind): r for r, one in enumerate(self.resources)
        }
        self._rows: dict[tuple[int, tuple[int, ...]], tuple[tuple[int, float], ...]] = {}
        for one in self.members:
            if one.node not in self.node_index:
                raise ValueError(f"{one.name}: there is no node '{one.node}'")

    def row(self, member: int, phases: tuple[int, ...]) -> tuple[tuple[int, float], ...]:
        """What an ampere on each of these phases of the mains takes of the resources above a connector."""
        node = self.node_index[self.members[member].node]
        key = node, phases
        if key not in self._rows:
            self._rows[key] = tuple(self._row(node, phases))
        return self._rows[key]

    def resource(self, node: int, kind: Kind) -> int | None:
        """Index of a node's resource; None: it has no limit of this kind."""
        return self._at.get((node, kind))

    @cached_property
    def below(self) -> tuple[tuple[int, ...], ...]:
        """For each node the connectors at and below it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for i, one in enumerate(self.members):
            for n in self.chains[self.node_index[one.node]]:
                found[n].append(i)
        return tuple(map(tuple, found))

    def _row(self, node: int, phases: tuple[int, ...]) -> Iterable[tuple[int, float]]:
        for n in self.chains[node]:
            for phase in phases:
                r = self._at.get((n, _KIND_OF_PHASE[phase]))
                if r is not None:
                    yield r, 1.0
            for kind in (Kind.KW, Kind.KVA):
                r = self._at.get((n, kind))
                if r is not None:
                    yield r, self.nodes[n].voltage_v * len(phases) / 1000

    def _chain(self, start: int) -> tuple[int, ...]:
        """A node and all above it."""
        chain: list[int] = []
        n: int | None = start
        while n is not None:
            if n in chain:
                raise ValueError(f"node '{self.nodes[start].name}' hangs on itself")
            if len(chain) >= DEPTH_MAX:
                raise ValueError(f"the tree is deeper than {DEPTH_MAX} nodes")
            chain.append(n)
            above = self.nodes[n].parent
            if above and above not in self.node_index:
                raise ValueError(f"node '{self.nodes[n].name}': there is no node '{above}'")
            n = self.node_index[above] if above else None
        return tuple(chain)
