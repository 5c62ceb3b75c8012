"""One recalculation: what is known → who gets what → orders that keep every limit whatever is not yet confirmed.

The division says what each is to have when all have obeyed. The ledger says what may be ordered now: reductions at once,
raises only into room that nobody else may still be drawing from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scada.allocation.admission import Candidate, Queue
from scada.allocation.disobedience import Obedience
from scada.allocation.division import OWN, divide
from scada.allocation.headroom import Headroom, Phases, Room
from scada.allocation.ledger import Account
from scada.allocation.model import (
    Answer,
    Decision,
    Mode,
    NodeState,
    Note,
    Reading,
    Request,
    Settings,
    Share,
    State,
)
from scada.allocation.ordering import EPSILON, Ordering, free_of, take
from scada.allocation.phases import PhaseUse
from scada.allocation.policy import laxity_s, slopes
from scada.allocation.taking import Taking
from scada.allocation.tree import Kind, Row, Tree

OWN_MAXIMUM = "own maximum"
TAKES_LESS = "takes less"
WISH = "wish"
NO_VEHICLE = "no vehicle"
TURN_OF_OTHERS = "turn of others"
NOT_OURS = {
    State.OFFLINE: "offline",
    State.SILENT: "does not answer",
    State.OVERDRAWING: "draws more than its limit",
    State.DISOBEDIENT: "disobedient",
    State.UNLIMITABLE: "takes no limit",
}
"""States in which what a connector may draw is taken from the room before it is shared, and why."""
_BUSY = (State.CHARGING, State.WAITING, State.FULL)


class Allocator:
    """Of one site.

    Args:
        restored: what `ledger` of an earlier run said.
    """

    def __init__(
        self,
        tree: Tree,
        settings: Settings,
        restored: Mapping[str, tuple[float, float]] | None = None,
        *,
        first_number: int = 1,
    ) -> None:
        self.tree, self.settings = tree, settings
        self._accounts = [Account(one, settings) for one in tree.members]
        for name, (lowest_a, highest_a) in (restored or {}).items():
            if name in tree.member_index:
                self._accounts[tree.member_index[name]].restore(lowest_a, highest_a)
        self._phases = [PhaseUse(one) for one in tree.members]
        self._taking = [Taking(one) for one in tree.members]
        self._obedience = [Obedience(settings) for _ in tree.members]
        self._boots: list[int | None] = [None] * len(tree.members)
        self._online = [True] * len(tree.members)
        self._queue = Queue(len(tree.members), settings.turn_s)
        self._headroom = Headroom(tree, settings)
        self._ordering = Ordering(tree, settings, self._accounts, self._phases, first_number)
        self._overloaded: frozenset[int] = frozenset()

    def account(self, connector: str) -> Account:
        """The account of a connector."""
        return self._accounts[self.tree.member_index[connector]]

    def ledger(self, now_s: float) -> dict[str, tuple[float, float]]:
        """What to keep on disk before orders are sent: connector → (lowest, highest limit that may be in force there)."""
        return {
            account.member.name: (
                account.lowest_a,
                max(account.limit_a(now_s, online=False), account.draining_a),
            )
            for account in self._accounts
        }

    def answered(self, number: int, answer: Answer, now_s: float) -> bool:
        """What became of an order; False: a later one has settled it."""
        i = self._ordering.connector_of(number, settled=answer is not Answer.UNKNOWN)
        if i is None:
            return False
        return self._accounts[i].answered(number, answer, now_s, online=self._online[i])

    def step(
        self,
        now_s: float,
        wall_s: float,
        requests: Sequence[Request],
        meters: Mapping[str, Reading | None],
        mode: Mode = Mode.NORMAL,
        limits: Mapping[tuple[str, Kind], float] | None = None,
    ) -> Decision:
        """Recalculate. The orders count as sent.

        Args:
            now_s: of a clock that never leaps; `wall_s`: since 1970, for the demand window.
            requests: of every connector, in the order of the tree's members.
            meters: of every metered node; None: no value, or a Bad one.
            limits: of nodes, that hold beside the configured ones.
        """
        notes: list[Note] = []
        drawn = [self._observe(i, now_s, request, notes) for i, request in enumerate(requests)]
        room, said = self._headroom.reckon(now_s, wall_s, mode, meters, drawn, limits or {})
        notes += said
        states = [self._state(i, now_s, request) for i, request in enumerate(requests)]
        rows = [self.tree.row(i, use.used) for i, use in enumerate(self._phases)]
        holds = [self._hold_a(i, now_s, states[i], requests[i]) for i in range(len(rows))]
        targets, why = self._targets(
            now_s, requests, states, rows, holds, room, powered=mode is not Mode.STOP
        )
        stops = tuple(
            self.tree.members[i].name
            for i, state in enumerate(states)
            if state is State.DISOBEDIENT and any(room.over[r] for r, _ in rows[i])
        )
        orders, kept = self._ordering.orders(now_s, requests, states, rows, holds, targets, why, room)
        overload = frozenset(r for r, free in enumerate(free_of(rows, holds, room.room)) if free < -EPSILON)
        notes += [
            Note("overload", self.tree.resources[r].text(self.tree)) for r in overload - self._overloaded
        ]
        notes += [
            Note("overload_ended", self.tree.resources[r].text(self.tree))
            for r in self._overloaded - overload
        ]
        self._overloaded = overload
        return Decision(
            at_s=now_s,
            orders=tuple(orders),
            shares=tuple(self._share(i, states[i], targets[i], holds[i], why[i]) for i in range(len(rows))),
            nodes=self._nodes(rows, holds, room, limits or {}),
            notes=tuple(notes),
            stops=stops,
            overload=tuple(sorted(self.tree.resources[r].text(self.tree) for r in overload)),
            invariant_kept=kept,
            mode=mode,
        )

    # What is known

    def _observe(self, i: int, now_s: float, request: Request, notes: list[Note]) -> tuple[Phases, Phases]:
        """Take in what is known of a connector; what it draws on each phase of the mains, at least and at most."""
        account, use, taking = self._accounts[i], self._phases[i], self._taking[i]
        self._online[i] = request.online
        if self._boots[i] is not None and self._boots[i] != request.boots:
            account.rebooted(now_s)
        self._boots[i] = request.boots
        use.begin(request.session)
        taking.begin(request.session)
        self._obedience[i].begin(request.session)
        account.unmeasured()
        drawn = [0.0, 0.0, 0.0]
        reading = request.reading
        if reading is not None:
            currents = [max(0.0, one) for one in reading.currents_a]
            account.measured(max(currents), reading.taken_s, now_s)
            if account.drawn_fresh:
                use.learn(reading.currents_a, reading.taken_s)
                for n, phase in enumerate(account.member.phases):
                    drawn[phase] = currents[n]
        account.pass_time(now_s)
        if account.drawn_fresh and not account.flights and not account.draining_a:
            taking.see(account.confirmed_a, account.drawn_a, account.drawn_s)
        was = self._obedience[i].disobedient
        self._obedience[i].see(account, now_s, online=request.online)
        if was is not self._obedience[i].disobedient:
            notes.append(
                Note("obeys" if was else "disobedient", account.member.name, f"{account.drawn_a:.1f} A")
            )
        low, high = list(drawn), list(drawn)
        if request.session and account.follows(now_s):
            limit_a = account.hold_a(now_s, online=request.online)
            for phase in use.used:
                low[phase], high[phase] = min(drawn[phase], account.lowest_a), max(drawn[phase], limit_a)
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def _state(self, i: int, now_s: float, request: Request) -> State:
        member, account = self.tree.members[i], self._accounts[i]
        if not request.online:
            return State.OFFLINE
        if self._obedience[i].disobedient:
            return State.DISOBEDIENT
        if account.silent(now_s):
            return State.SILENT
        if not request.session:
            return State.IDLE
        if not (member.limitable and request.takes):
            return State.UNLIMITABLE
        if self._obedience[i].overdrawn_a:
            return State.OVERDRAWING
        return State.FULL if request.full else State.CHARGING

    def _hold_a(self, i: int, now_s: float, state: State, request: Request) -> float:
        """What a connector counts as, ampere on each phase that it uses."""
        account, member = self._accounts[i], self.tree.members[i]
        if state is State.OFFLINE and not request.seen:
            return member.fallback_a
        if state in (State.DISOBEDIENT, State.UNLIMITABLE):
            return max(member.maximum_a, account.drawn_a if account.drawn_fresh else 0.0)
        if state is State.IDLE:
            # Nobody draws: only what a vehicle would find that plugs in now.
            found_a = account.limit_a(now_s, online=True) if member.limitable and request.takes else 0.0
            return max(found_a, account.drawn_a if account.drawn_fresh else 0.0)
        return max(account.hold_a(now_s, online=request.online), self._obedience[i].overdrawn_a)

    # Who is to have what

    def _targets(
        self,
        now_s: float,
        requests: Sequence[Request],
        states: list[State],
        rows: Sequence[Row],
        holds: Sequence[float],
        room: Room,
        *,
        powered: bool,
    ) -> tuple[list[float], list[tuple[str, int]]]:
        """(target of each, (why not more, the resource or -1)); who has to wait is marked in `states`."""
        members = self.tree.members
        targets = [0.0] * len(rows)
        why: list[tuple[str, int]] = [(NOT_OURS.get(state, NO_VEHICLE), OWN) for state in states]
        left = list(room.room)
        for i, state in enumerate(states):
            if state in NOT_OURS:
                targets[i] = min(self._accounts[i].ordered_a, members[i].minimum_a)
                take(rows[i], holds[i], left)
            elif state in _BUSY:
                take(rows[i], self._accounts[i].excess_a(now_s, online=True), left)
        self._launch(states, rows, targets, left, room.launch)
        busy = [i for i, state in enumerate(states) if state in _BUSY]
        highs = {i: self._highest_a(i, requests[i], states[i]) for i in busy}
        candidates = [
            Candidate(
                i,
                rows[i],
                max(members[i].minimum_a, min(requests[i].floor_a, highs[i])),
                requests[i].tier,
                laxity_s(requests[i], members[i], len(self._phases[i].used)),
                last=states[i] is State.FULL,
            )
            for i in busy
            if highs[i] >= members[i].minimum_a - EPSILON
        ]
        admission = self._queue.admit(now_s, candidates, [one.session for one in requests], left)
        chosen = [
            one
            for one in candidates
            if one.index in admission.admitted or (self.settings.hold_minimum and powered)
        ]
        self._divide(chosen, requests, rows, highs, left, targets, why)
        for i in busy:
            if i in {one.index for one in chosen}:
                continue
            states[i] = State.WAITING if states[i] is State.CHARGING else states[i]
            r = admission.refused.get(i, OWN)
            why[i] = (TURN_OF_OTHERS, r) if i in admission.refused else (WISH, OWN)
        return targets, why

    def _launch(
        self,
        states: Sequence[State],
        rows: Sequence[Row],
        targets: list[float],
        left: list[float],
        launch: Sequence[float],
    ) -> None:
        """Idle connectors may start at once as far as the reserve covers them all; the reserve is kept free in any case."""
        free = [min(kept, max(0.0, left[r])) for r, kept in enumerate(launch)]
        for r, kept in enumerate(free):
            left[r] -= kept
        for i, state in enumerate(states):
            member = self.tree.members[i]
            if state is not State.IDLE or not member.limitable:
                continue
            node = self.tree.nodes[self.tree.node_index[member.node]]
            start_a = member.rounded_a(min(node.launch_a, member.fallback_a or node.launch_a))
            kept_here = [(r, c) for r, c in rows[i] if launch[r] > 0]
            if start_a and kept_here and all(free[r] >= c * start_a - EPSILON for r, c in kept_here):
                targets[i] = start_a
                take(kept_here, start_a, free)

    def _highest_a(self, i: int, request: Request, state: State) -> float:
        member = self.tree.members[i]
        if state is State.FULL:
            return member.minimum_a
        highest_a = member.maximum_a
        if self._taking[i].bound_a is not None:
            highest_a = min(highest_a, self._taking[i].bound_a or highest_a)
        if request.ceiling_a is not None:
            highest_a = min(highest_a, request.ceiling_a)
        return highest_a

    def _divide(
        self,
        chosen: Sequence[Candidate],
        requests: Sequence[Request],
        rows: Sequence[Row],
        highs: Mapping[int, float],
        left: Sequence[float],
        targets: list[float],
        why: list[tuple[str, int]],
    ) -> None:
        if not chosen:
            return
        some = [one.index for one in chosen]
        members = [self.tree.members[i] for i in some]
        a, b = slopes(
            self.settings.policy,
            members,
            [requests[i] for i in some],
            [len(self._phases[i].used) for i in some],
        )
        division = divide(
            [rows[i] for i in some], left, a, b, [one.minimum_a for one in chosen], [highs[i] for i in some]
        )
        for i, x, r in zip(some, division.x, division.bound_by, strict=True):
            targets[i] = self.tree.members[i].rounded_a(x)
            why[i] = (self._own_reason(i, requests[i]), OWN) if r == OWN else ("", r)

    def _own_reason(self, i: int, request: Request) -> str:
        bound_a, ceiling_a = self._taking[i].bound_a, request.ceiling_a
        if request.full or (bound_a is not None and (ceiling_a is None or bound_a <= ceiling_a)):
            return TAKES_LESS
        if ceiling_a is not None and ceiling_a < self.tree.members[i].maximum_a:
            return WISH
        return OWN_MAXIMUM

    # What is told

    def _share(self, i: int, state: State, target_a: float, hold_a: float, why: tuple[str, int]) -> Share:
        account = self._accounts[i]
        return Share(
            connector=account.member.name,
            state=state,
            target_a=target_a,
            ordered_a=account.ordered_a,
            confirmed_a=account.confirmed_a,
            hold_a=hold_a,
            drawn_a=account.drawn_a if account.drawn_fresh else 0.0,
            phases=self._phases[i].used,
            bound_by=self._ordering.text(why),
            node="" if why[1] == OWN else self.tree.nodes[self.tree.resources[why[1]].node].name,
        )

    def _nodes(
        self,
        rows: Sequence[Row],
        holds: Sequence[float],
        room: Room,
        limits: Mapping[tuple[str, Kind], float],
    ) -> tuple[NodeState, ...]:
        free = free_of(rows, holds, room.room)
        return tuple(
            NodeState(
                node=self.tree.nodes[one.node].name,
                kind=one.kind.value,
                limit=self._headroom.limit(r, limits),
                room=room.room[r],
                other=room.other[r],
                hold=room.room[r] - free[r],
                source=room.source[r],
            )
            for r, one in enumerate(self.tree.resources)
        )
