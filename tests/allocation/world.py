"""A simulated site with its own clock: vehicles, chargers that obey, lie, fall silent or forget, meters, cuts, restarts.

One second a turn. The supervisor's part is the real `Allocator`; all that lies between (latency, lost answers, leases,
chargers' clocks) is here. The world knows the truth: it says when a phase carries more than its limit, and since when
something that was not ours gave a reason for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from scada.allocation import Allocator, Answer, Decision, Mode, Order, Reading, Request, Settings, Tree
from scada.allocation.tree import Kind

OBEY_S = 4
"""A vehicle follows a new limit within this (IEC 61851-1: 5 s)."""
ALLOWED_S = 10
WATCHED_A = 0.05
PHASE_KINDS = (Kind.L1, Kind.L2, Kind.L3)


@dataclass
class Vehicle:
    """What a vehicle takes: at most `maximum_a` on `phases` of its charger, until `energy_as` (ampere-seconds) are in."""

    name: str
    maximum_a: float
    phases: int
    energy_as: float
    leaves_s: float


@dataclass
class Charger:
    """A charger with one connector."""

    index: int
    minimum_a: float = 6.0
    maximum_a: float = 32.0
    standing_a: float | None = None
    lease: tuple[float, float, float] | None = None
    """(limit, ends, fallback) on the charger's own clock."""
    skew_s: float = 0.0
    vehicle: Vehicle | None = None
    current_a: float = 0.0
    changed_s: float = -1e9
    before_a: float = 0.0
    online: bool = True
    deaf_until_s: float = -1.0
    """The connection stands, but nothing comes through and nothing is answered."""
    blocked_until_s: float = -1.0
    """An unanswered call is under way to it: OCPP allows no other beside it."""
    lies: bool = False
    """It accepts, goes its own way, and reports what it was told."""
    disobeys: bool = False
    """It accepts, goes its own way, and reports it honestly."""
    boots: int = 0
    offline_until_s: float = -1.0
    latency_s: float = 0.5

    def limit_a(self, now_s: float) -> float:
        """The limit in force at the charger."""
        if self.lease is not None:
            limit_a, ends_s, fallback_a = self.lease
            return limit_a if now_s + self.skew_s < ends_s else fallback_a
        return self.maximum_a if self.standing_a is None else self.standing_a

    def obeys(self, now_s: float) -> bool:
        """Whether an order could change anything now."""
        return (
            self.online
            and now_s >= max(self.deaf_until_s, self.blocked_until_s)
            and not self.lies
            and not self.disobeys
        )

    def wants_a(self, now_s: float) -> float:
        if self.vehicle is None or self.vehicle.energy_as <= 0:
            return 0.0
        limit_a = self.maximum_a if self.lies or self.disobeys else self.limit_a(now_s)
        return 0.0 if limit_a < self.minimum_a else min(limit_a, self.vehicle.maximum_a)

    def move(self, now_s: float) -> None:
        """The vehicle follows: down late, up in the meantime already."""
        wanted_a = self.wants_a(now_s)
        if wanted_a != self.before_a:
            self.before_a, self.changed_s = wanted_a, now_s
        if self.vehicle is None or wanted_a >= self.current_a or now_s - self.changed_s >= OBEY_S:
            self.current_a = wanted_a
        if self.vehicle is not None:
            self.vehicle.energy_as -= self.current_a

    def phases(self, wired: tuple[int, ...]) -> tuple[int, ...]:
        return wired if self.vehicle is None else wired[: self.vehicle.phases]


@dataclass
class Violation:
    at_s: float
    where: str
    carried_a: float
    limit_a: float
    reason_s: float


@dataclass
class World:
    """The site and its supervisor."""

    tree: Tree
    settings: Settings
    seed: int = 0
    period_s: int = 3
    sample_s: int = 5
    lost_answers: float = 0.03
    building: dict[str, list[float]] = field(default_factory=dict)
    meters_silent_until_s: float = -1.0
    wall_offset_s: float = 0.0
    mode: Mode = Mode.NORMAL
    limits: dict[tuple[str, Kind], float] = field(default_factory=dict)
    hook: Callable[[World], None] | None = None

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.now_s = 0.0
        self.chargers = [Charger(i, one.minimum_a, one.maximum_a) for i, one in enumerate(self.tree.members)]
        self.allocator = Allocator(self.tree, self.settings)
        self.meeting: list[tuple[float, int, Callable[[], None]]] = []
        self.readings: list[Reading | None] = [None] * len(self.chargers)
        self.meters: dict[str, Reading | None] = {}
        self.reason_s = 0.0
        self._helpless_s: dict[int, float] = {}
        self.violations: list[Violation] = []
        self.longest_over_s = 0
        self._over_since: dict[int, float] = {}
        self.decision: Decision | None = None
        self.changes = self.orders = self.raises_kept = 0
        self.persisted: dict[str, tuple[float, float]] = {}
        self._serial = 0
        self._urgent = False
        self._generation = 0
        for node in self.tree.nodes:
            if node.metered:
                self.building.setdefault(node.name, [0.0, 0.0, 0.0])

    # What the story does

    def plug(self, index: int, vehicle: Vehicle) -> None:
        self.chargers[index].vehicle = vehicle
        self._urgent = True

    def unplug(self, index: int) -> None:
        charger = self.chargers[index]
        charger.vehicle, charger.current_a = None, 0.0
        charger.lies = charger.disobeys = False
        self._urgent = True

    def power_cycle(self, index: int, seconds: int) -> None:
        """A charger loses its mains; its vehicle stays, and it has forgotten the lease."""
        charger = self.chargers[index]
        charger.offline_until_s, charger.lease, charger.standing_a = self.now_s + seconds, None, 0.0
        self._later(seconds, lambda: setattr(charger, "boots", charger.boots + 1))

    def load(self, node: str, currents_a: list[float]) -> None:
        """Other loads change: a reason that is not ours where they rise."""
        if any(new > old for new, old in zip(currents_a, self.building[node], strict=True)):
            self.reason()
        self.building[node] = currents_a

    def reason(self) -> None:
        """Something that is not ours gives a reason for some seconds over the limit."""
        self.reason_s = self.now_s

    def restart(self) -> None:
        """The supervisor dies and comes back, knowing what was on disk. Answers under way reach nobody."""
        self._generation += 1
        for _, _, happens in sorted(self.meeting, key=lambda one: one[:2]):
            happens()  # what is under way still arrives, in its order
        self.meeting.clear()
        self.allocator = Allocator(
            self.tree, self.settings, self.persisted, first_number=1_000_000 * self._generation
        )

    # Time

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.turn()

    def turn(self) -> None:
        self.now_s += 1
        now_s = self.now_s
        due = [one for one in self.meeting if one[0] <= now_s]
        if due:
            self.meeting = [one for one in self.meeting if one[0] > now_s]
            for _, _, happens in sorted(due, key=lambda one: one[:2]):
                happens()
        for charger in self.chargers:
            charger.online = now_s >= charger.offline_until_s
            charger.move(now_s)
        if self.hook is not None:
            self.hook(self)
        self._measure()
        self._judge()
        if self._urgent or now_s % self.period_s == 0:
            self._urgent = False
            self._supervise()

    def _measure(self) -> None:
        now_s = self.now_s
        for charger, member in zip(self.chargers, self.tree.members, strict=True):
            if (
                (now_s + charger.index) % self.sample_s == 0
                and charger.online
                and now_s >= charger.deaf_until_s
            ):
                told_a = min(charger.current_a, charger.limit_a(now_s)) if charger.lies else charger.current_a
                own = [0.0, 0.0, 0.0]
                for n in range(len(charger.phases(member.phases))):
                    own[n] = told_a
                self.readings[charger.index] = Reading((own[0], own[1], own[2]), now_s)
        for node in self.tree.nodes:
            if node.metered and now_s >= self.meters_silent_until_s:
                flows = self.carried(node.name)
                self.meters[node.name] = Reading((flows[0], flows[1], flows[2]), now_s)
                self._urgent |= any(
                    flows[p] > self._limit(node.name, kind) for p, kind in enumerate(PHASE_KINDS)
                )

    def carried(self, node: str, *, ours: bool = True) -> list[float]:
        """What flows through a node, ampere a phase; without `ours` only what nobody could change now: other loads, and
        chargers that do not hear or do not obey."""
        n = self.tree.node_index[node]
        flows = [0.0, 0.0, 0.0]
        for i in self.tree.below[n]:
            charger = self.chargers[i]
            if charger.current_a and (ours or not charger.obeys(self.now_s)):
                for phase in charger.phases(self.tree.members[i].phases):
                    flows[phase] += charger.current_a
        for name, loads in self.building.items():
            if n in self.tree.chains[self.tree.node_index[name]]:
                flows = [a + b for a, b in zip(flows, loads, strict=True)]
        return flows

    def _limit(self, node: str, kind: Kind) -> float:
        own = self.tree.nodes[self.tree.node_index[node]].limits.of(kind)
        limit = 1e9 if own is None else own
        return min(limit, self.limits.get((node, kind), limit))

    def _judge(self) -> None:
        """Is any phase over its limit, and has somebody else given a reason within the last seconds?"""
        for n, node in enumerate(self.tree.nodes):
            flows, given = self.carried(node.name), self.carried(node.name, ours=False)
            for kind in Kind:
                r = self.tree.resource(n, kind)
                if r is None:
                    continue
                limit = self._limit(node.name, kind)
                if _of(kind, flows) <= limit + WATCHED_A:
                    self._over_since.pop(r, None)
                    continue
                if _of(kind, given) > limit or (node.metered and self.now_s < self.meters_silent_until_s):
                    # No order could help; or nobody can see what is not ours, and the safe limit is the site's word.
                    self._helpless_s[r] = self.now_s
                since_s = self._over_since.setdefault(r, self.now_s)
                self.longest_over_s = max(self.longest_over_s, int(self.now_s - since_s) + 1)
                reason_s = max(self.reason_s, self._helpless_s.get(r, -1e9))
                if self.now_s - reason_s > ALLOWED_S:
                    where = self.tree.resources[r].text(self.tree)
                    self.violations.append(Violation(self.now_s, where, _of(kind, flows), limit, reason_s))

    # The supervisor, and what lies between it and the chargers

    def _supervise(self) -> None:
        requests = [
            Request(
                online=charger.online,
                session="" if charger.vehicle is None else charger.vehicle.name,
                boots=charger.boots,
                reading=self.readings[charger.index] if charger.online else None,
                full=charger.vehicle is not None and charger.vehicle.energy_as <= 0,
            )
            for charger in self.chargers
        ]
        decision = self.allocator.step(
            self.now_s, self.now_s + self.wall_offset_s, requests, self.meters, self.mode, self.limits
        )
        self.decision = decision
        assert decision.invariant_kept
        # On disk before anything is sent.
        self.persisted = self.allocator.ledger(self.now_s)
        for order in decision.orders:
            self._send(order)
        for name in decision.stops:
            self.chargers[self.tree.member_index[name]].disobeys = False
            self.unplug(self.tree.member_index[name])

    def _send(self, order: Order) -> None:
        self.orders += 1
        charger = self.chargers[self.tree.member_index[order.connector]]
        allocator, sent_s = self.allocator, self.now_s
        latency_s = self.chance.choice((0.2, 0.4, 0.9))

        def answer(what: Answer) -> Callable[[], None]:
            return lambda: (
                None if allocator is not self.allocator else _told(allocator, order, what, self.now_s)
            )

        def arrives() -> None:
            if not charger.online or self.now_s < charger.deaf_until_s:
                if charger.current_a > order.limit_a:
                    self.reason()  # a device that does not hear is no order of ours
                charger.blocked_until_s = self.now_s + 30
                self._later(30, answer(Answer.UNKNOWN))
                return
            if charger.limit_a(self.now_s) != order.limit_a:
                self.changes += 1
            if (charger.lies or charger.disobeys) and order.limit_a < charger.limit_a(self.now_s):
                self.reason()  # it is told to draw less, and does not
            if order.lease_s is None:
                charger.standing_a, charger.lease = order.limit_a, None
            else:
                # An absolute schedule: it ends by the charger's clock when ours said.
                charger.lease = order.limit_a, sent_s + order.lease_s, order.fallback_a
            if self.chance.random() < self.lost_answers:
                charger.blocked_until_s = self.now_s + 30
                self._later(30, answer(Answer.UNKNOWN))  # obeyed, but the answer is lost
            else:
                self._later(1 if latency_s > 0.5 else 0, answer(Answer.ACCEPTED))

        if not charger.online:
            answer(Answer.UNSENT)()
            return
        self._later(1 if latency_s > 0.3 else 0, arrives)

    def _later(self, seconds: float, happens: Callable[[], None]) -> None:
        if seconds <= 0:
            happens()
            return
        self._serial += 1
        self.meeting.append((self.now_s + seconds, self._serial, happens))


def _of(kind: Kind, flows: list[float]) -> float:
    return flows[kind.phase] if kind.phase is not None else sum(flows) * 0.23


def _told(allocator: Allocator, order: Order, what: Answer, now_s: float) -> None:
    allocator.answered(order.number, what, now_s)
