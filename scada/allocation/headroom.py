"""What a node has for those that charge below it: usable part less other loads and reserves.

Other loads are what the meter says less what the chargers draw. The two are of different moments, and while a charger
follows a new limit what it draws is known only within bounds: the estimate stays where it was as long as it fits them, and
moves as far as it must. While the meter shows more than the limit it grows by that. The highest of the last `MEET_S`
counts, so that a charger's new current which the meter has not seen yet makes no load vanish. A charger
without a fresh value counts as 0 in that difference and as its limit in the demand: twice, on the safe side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scada.allocation.demand import DemandWindow
from scada.allocation.model import Mode, Note, Reading, Settings, Source
from scada.allocation.tree import PHASES, Kind, Node, Tree

MEET_S = 15.0
PEAKS_MAX = 120
"""Peaks kept, each of a part of `Settings.peak_s`."""
Phases = tuple[float, float, float]


@dataclass(slots=True)
class _Peak:
    """The highest values of late, by slots of time."""

    keep_s: float
    slots: deque[tuple[float, Phases]] = field(default_factory=deque)

    def add(self, now_s: float, value: Phases) -> None:
        slot_s = self.keep_s / PEAKS_MAX
        if self.slots and now_s - self.slots[-1][0] < slot_s:
            began_s, before = self.slots[-1]
            self.slots[-1] = began_s, _highest((before, value))
        else:
            self.slots.append((now_s, value))
        while now_s - self.slots[0][0] > self.keep_s + slot_s:
            self.slots.popleft()

    def highest(self) -> Phases:
        return _highest([value for _, value in self.slots])


@dataclass(slots=True)
class _Metered:
    """What is remembered of a node with a meter."""

    recent: _Peak
    meeting: deque[tuple[float, Phases]] = field(default_factory=deque)
    last: Reading | None = None
    estimate: Phases | None = None
    source: Source = Source.SAFE


@dataclass(frozen=True, slots=True)
class Room:
    """Of all resources of the tree.

    Attributes:
        room: for all that charge below: ampere or kW.
        launch: kept free of it for connectors that start.
        other: loads that are no chargers.
    """

    room: list[float]
    launch: list[float]
    other: list[float]
    source: list[Source]
    over: list[bool]


class Headroom:
    """What the nodes of a tree have left."""

    def __init__(self, tree: Tree, settings: Settings) -> None:
        self._tree, self._settings = tree, settings
        self._metered = {
            n: _Metered(_Peak(settings.peak_s)) for n, node in enumerate(tree.nodes) if node.metered
        }
        self._demand = {
            n: DemandWindow(node.demand_kw, node.demand_window_s)
            for n, node in enumerate(tree.nodes)
            if node.demand_kw is not None
        }
        # Children before their parents.
        self._upwards = sorted(range(len(tree.nodes)), key=lambda n: -len(tree.chains[n]))
        self._share = 1.0
        self._before_s: float | None = None

    def reckon(
        self,
        now_s: float,
        wall_s: float,
        mode: Mode,
        meters: Mapping[str, Reading | None],
        drawn: Sequence[tuple[Phases, Phases]],
        limits: Mapping[tuple[str, Kind], float],
    ) -> tuple[Room, list[Note]]:
        """The room of every resource.

        Args:
            meters: of each metered node; None, or none: no value, or a Bad one.
            drawn: of each connector what it draws on each phase of the mains, at least and at most; 0 where there is no
                fresh value.
            limits: that take the place of configured ones (of a tag or a schedule), where they are lower.
        """
        tree, notes = self._tree, list[Note]()
        others: list[Phases] = [(0.0, 0.0, 0.0)] * len(tree.nodes)
        sources = [Source.LIMITS] * len(tree.nodes)
        for n in self._upwards:
            node = tree.nodes[n]
            if n in self._metered:
                others[n], sources[n] = self._measure(n, now_s, meters.get(node.name), drawn, notes)
            above = tree.node_index.get(node.parent)
            if above is not None and above not in self._metered:
                others[above] = _sum(others[above], others[n])
        share = self._released(now_s, mode)
        count = len(tree.resources)
        result = Room([0.0] * count, [0.0] * count, [0.0] * count, [Source.LIMITS] * count, [False] * count)
        for r, resource in enumerate(tree.resources):
            node, n = tree.nodes[resource.node], resource.node
            limit = self.limit(r, limits)
            if resource.kind is Kind.KW and n in self._demand:
                flows_kw = self._flows_kw(n, now_s, meters.get(node.name))
                limit = min(limit, self._demand[n].allowed_kw(now_s, wall_s, flows_kw))
            other = _of(others[n], resource.kind, node.voltage_v)
            result.over[r] = self._over(n, resource.kind, limit)
            result.other[r], result.source[r] = other, sources[n]
            reserve = _of((node.reserve_a,) * 3, resource.kind, node.voltage_v)
            safe = self._safe(node, resource.kind)
            if sources[n] is Source.SAFE:
                room = min(safe or 0.0, limit * node.usable)
            else:
                room = limit * node.usable - other - reserve
            if mode is Mode.SAFE and safe is not None:
                room = min(room, safe)
            result.room[r] = room * share
            result.launch[r] = _of((node.launch * node.launch_a,) * 3, resource.kind, node.voltage_v)
        return result, notes

    def limit(self, r: int, limits: Mapping[tuple[str, Kind], float]) -> float:
        """The limit of a resource that counts now."""
        resource = self._tree.resources[r]
        node = self._tree.nodes[resource.node]
        own = node.limits.of(resource.kind)
        limit = node.demand_kw if own is None else own
        assert limit is not None
        return max(0.0, min(limit, limits.get((node.name, resource.kind), limit)))

    def _measure(
        self,
        n: int,
        now_s: float,
        reading: Reading | None,
        drawn: Sequence[tuple[Phases, Phases]],
        notes: list[Note],
    ) -> tuple[Phases, Source]:
        known, settings = self._metered[n], self._settings
        if reading is not None and (known.last is None or reading.taken_s > known.last.taken_s):
            known.last = reading
        age_s = float("inf") if known.last is None else now_s - known.last.taken_s
        if known.last is not None and reading is not None and age_s <= settings.meter_old_s:
            source = Source.MEASURED
            load = _phases(self._load_a(n, p, known, drawn) for p in PHASES)
            known.estimate = load
            known.recent.add(now_s, load)
            known.meeting.append((now_s, load))
            while now_s - known.meeting[0][0] > MEET_S:
                known.meeting.popleft()
            other = _highest([value for _, value in known.meeting])
        elif known.recent.slots and age_s <= settings.meter_lost_s:
            source, other = Source.PEAK, known.recent.highest()
        else:
            source, other = Source.SAFE, (0.0, 0.0, 0.0)
        if source is not known.source:
            detail = f"{known.source.value} → {source.value}, last value " + (
                "never" if known.last is None else f"{age_s:.0f} s ago"
            )
            notes.append(Note(_SOURCE_NOTE[source], self._tree.nodes[n].name, detail))
            known.source = source
        return other, source

    def _load_a(self, n: int, p: int, known: _Metered, drawn: Sequence[tuple[Phases, Phases]]) -> float:
        """Other loads on a phase of a metered node: the nearest to the last estimate that its bounds allow."""
        assert known.last is not None
        below = self._tree.below[n]
        flows_a = known.last.currents_a[p]
        most_a = max(0.0, flows_a - sum(drawn[i][0][p] for i in below))
        least_a = max(0.0, flows_a - sum(drawn[i][1][p] for i in below))
        load_a = most_a if known.estimate is None else min(most_a, max(least_a, known.estimate[p]))
        limits_a = self._tree.nodes[n].limits.current_a
        if limits_a is not None and flows_a > limits_a[p]:
            load_a = min(most_a, load_a + flows_a - limits_a[p])
        return load_a

    def _released(self, now_s: float, mode: Mode) -> float:
        """The part of every room that may be used: down at once, up by a ramp."""
        wanted = {Mode.STOP: 0.0, Mode.REDUCED: self._settings.reduced_part}.get(mode, 1.0)
        passed_s = 0.0 if self._before_s is None else max(0.0, now_s - self._before_s)
        self._before_s = now_s
        step = passed_s / self._settings.ramp_s if self._settings.ramp_s else 1.0
        self._share = min(wanted, self._share + step)
        return self._share

    def _flows_kw(self, n: int, now_s: float, reading: Reading | None) -> float | None:
        if reading is None or now_s - reading.taken_s > self._settings.meter_old_s:
            return None
        if reading.power_kw is not None:
            return reading.power_kw
        return sum(reading.currents_a) * self._tree.nodes[n].voltage_v / 1000

    def _over(self, n: int, kind: Kind, limit: float) -> bool:
        """Whether the meter itself shows more than the limit."""
        known = self._metered.get(n)
        if known is None or known.last is None or known.source is not Source.MEASURED:
            return False
        return _of(known.last.currents_a, kind, self._tree.nodes[n].voltage_v) > limit

    @staticmethod
    def _safe(node: Node, kind: Kind) -> float | None:
        return None if node.safe_a is None else _of(node.safe_a, kind, node.voltage_v)


_SOURCE_NOTE = {Source.MEASURED: "meter_back", Source.PEAK: "meter_late", Source.SAFE: "meter_lost"}


def _phases(values: Iterable[float]) -> Phases:
    first, second, third = values
    return first, second, third


def _highest(values: Sequence[Phases]) -> Phases:
    return _phases(max(value[p] for value in values) for p in PHASES)


def _sum(one: Phases, other: Phases) -> Phases:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _of(currents_a: Phases, kind: Kind, voltage_v: float) -> float:
    phase = kind.phase
    return currents_a[phase] if phase is not None else sum(currents_a) * voltage_v / 1000
