"""From targets to orders: reductions at once, raises only into room that nobody may still be drawing from."""

from __future__ import annotations

from collections.abc import Sequence

from scada.allocation.division import OWN
from scada.allocation.headroom import Room
from scada.allocation.ledger import LEASE_LEFT, Account
from scada.allocation.model import Order, OrderKind, Request, Settings, State
from scada.allocation.phases import PhaseUse
from scada.allocation.tree import Row, Tree

RAISE_LEAST_A = 1.0
EPSILON = 1e-6
Why = tuple[str, int]
"""(word, resource that binds or -1)."""


class Ordering:
    """The orders of a site, by number."""

    def __init__(
        self,
        tree: Tree,
        settings: Settings,
        accounts: Sequence[Account],
        phases: Sequence[PhaseUse],
        first_number: int,
    ) -> None:
        self._tree, self._settings = tree, settings
        self._accounts, self._phases = accounts, phases
        self._number = first_number
        self._of_order: dict[int, int] = {}

    def connector_of(self, number: int, *, settled: bool) -> int | None:
        """Whose order it is; None: it was settled before."""
        return self._of_order.pop(number, None) if settled else self._of_order.get(number)

    def orders(
        self,
        now_s: float,
        requests: Sequence[Request],
        states: Sequence[State],
        rows: Sequence[Row],
        holds: list[float],
        targets: Sequence[float],
        why: Sequence[Why],
        room: Room,
    ) -> tuple[list[Order], bool]:
        """The orders, and whether no raise lies where the holds exceed the room. `holds` grow by the raises."""
        orders: list[Order] = []
        raises: list[tuple[float, int]] = []
        before = free_of(rows, holds, room.room)
        for i, request in enumerate(requests):
            account, member = self._accounts[i], self._tree.members[i]
            if not (request.online and member.limitable and request.takes) or not account.may_order(now_s):
                continue
            ordered_a, wait = account.ordered_a, now_s - account.refused_s < self._settings.retry_s
            unsure = not account.known or bool(account.flights)
            if targets[i] < ordered_a - EPSILON or (unsure and targets[i] <= ordered_a):
                down_a = targets[i]
                if unsure and down_a > account.lowest_a and any(before[r] < -EPSILON for r, _ in rows[i]):
                    # It might be a raise, where there is no room.
                    down_a = member.rounded_a(account.lowest_a)
                if not (wait and account.refusals):
                    orders.append(
                        self._order(i, down_a, OrderKind.REDUCE, states[i], why[i], now_s, request=request)
                    )
            elif self._may_raise(i, targets[i], ordered_a, now_s) and not wait:
                raises.append((ordered_a / max(request.weight, 0.01), i))
            elif account.lease_end_s is not None and account.lease_left(now_s) < LEASE_LEFT and not wait:
                orders.append(
                    self._order(i, ordered_a, OrderKind.RENEW, states[i], why[i], now_s, request=request)
                )
        free = free_of(rows, holds, room.room)
        idle = [0.0] * len(free)
        for i, state in enumerate(states):
            if state is State.IDLE:
                take(rows[i], -holds[i], idle)
        kept = True
        for _, i in sorted(raises):
            spare = (
                free
                if states[i] is State.IDLE
                else [
                    one - max(0.0, min(room.launch[r], max(0.0, room.room[r])) - idle[r])
                    for r, one in enumerate(free)
                ]
            )
            raised_a = self._raised_a(i, targets[i], holds[i], rows[i], spare)
            if raised_a is None:
                account = self._accounts[i]
                if account.lease_end_s is not None and account.lease_left(now_s) < LEASE_LEFT:
                    orders.append(
                        self._order(
                            i,
                            account.ordered_a,
                            OrderKind.RENEW,
                            states[i],
                            why[i],
                            now_s,
                            request=requests[i],
                        )
                    )
                continue
            more_a = max(0.0, raised_a - holds[i])
            take(rows[i], more_a, free)
            kept = kept and all(
                self._settings.hold_minimum or free[r] >= -EPSILON for r, _ in rows[i] if more_a
            )
            holds[i] += more_a
            orders.append(
                self._order(i, raised_a, OrderKind.RAISE, states[i], why[i], now_s, request=requests[i])
            )
        return orders, kept

    def _may_raise(self, i: int, target_a: float, ordered_a: float, now_s: float) -> bool:
        account = self._accounts[i]
        if target_a <= ordered_a + EPSILON:
            return False
        if target_a - ordered_a < RAISE_LEAST_A - EPSILON:
            return False
        return now_s - account.raised_s >= account.member.raise_every_s or ordered_a == 0

    def _raised_a(
        self, i: int, target_a: float, hold_a: float, row: Row, free: Sequence[float]
    ) -> float | None:
        """The highest limit up to the target that the room allows now; None: not even a step."""
        member, ordered_a = self._tree.members[i], self._accounts[i].ordered_a
        # What it holds anyway costs nothing; where there is no room at all nothing is raised, not even into its hold.
        spare_a = min((free[r] / c for r, c in row), default=float("inf"))
        if spare_a < -EPSILON and not self._settings.hold_minimum:
            return None
        limit_a = member.rounded_a(min(target_a, hold_a + max(0.0, spare_a)))
        if self._settings.hold_minimum and limit_a < member.minimum_a <= target_a:
            return member.minimum_a
        return limit_a if limit_a >= ordered_a + min(RAISE_LEAST_A, member.step_a) - EPSILON else None

    def _order(
        self,
        i: int,
        limit_a: float,
        kind: OrderKind,
        state: State,
        why: Why,
        now_s: float,
        *,
        request: Request,
    ) -> Order:
        member, account = self._tree.members[i], self._accounts[i]
        leased = member.leased and request.leases and state is not State.IDLE
        order = Order(
            number=self._number,
            connector=member.name,
            limit_a=limit_a,
            lease_s=self._settings.lease_s if leased else None,
            fallback_a=member.fallback_a,
            phases=len(self._phases[i].used),
            kind=kind,
            reason=self.text(why),
        )
        self._number += 1
        self._of_order[order.number] = i
        account.sent(order, now_s)
        if (
            len(self._of_order) > 8 * len(self._accounts) + 100
        ):  # what a later answer settled is never answered itself
            self._of_order.pop(next(iter(self._of_order)))
        return order

    def text(self, why: Why) -> str:
        """What binds, in words."""
        word, r = why
        if r == OWN:
            return word
        place = self._tree.resources[r].text(self._tree)
        return f"{word}: {place}" if word else place


def free_of(rows: Sequence[Row], holds: Sequence[float], room: Sequence[float]) -> list[float]:
    """What the holds leave of the room of each resource."""
    free = list(room)
    for row, hold_a in zip(rows, holds, strict=True):
        take(row, hold_a, free)
    return free


def take(row: Row, current_a: float, left: list[float]) -> None:
    """Take a connector's current from what is left."""
    if current_a:
        for r, c in row:
            left[r] -= c * current_a
