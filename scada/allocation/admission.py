"""The minimum or nothing, in turn: who may charge when there is not the minimum for all.

All or nothing in the order (tier, within its turn, credit, laxity). Credit is the time waited less the time charged while
others waited. Who was let charge keeps the place for a turn. Who has waited a whole turn and does not fit keeps what it
needs free of those behind it, so that a vehicle on three phases is not passed for ever by those on one: within two turns
of the first place in the order it charges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scada.allocation.tree import Row

CREDIT_MAX_S = 86_400.0
EPSILON = 1e-9


@dataclass(slots=True)
class Place:
    """A connector's place in the queue."""

    session: str = ""
    credit_s: float = 0.0
    admitted: bool = False
    turn_end_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who wants to charge.

    Attributes:
        minimum_a: what it needs at least.
        last: behind everybody of any tier: its vehicle says that it takes nothing.
    """

    index: int
    row: Row
    minimum_a: float
    tier: int
    laxity_s: float
    last: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may charge, and of each who may not the resource that stopped it (-1: one that has waited longer)."""

    admitted: frozenset[int]
    refused: dict[int, int]


class Queue:
    """The places of all connectors."""

    def __init__(self, count: int, turn_s: float) -> None:
        self._places = [Place() for _ in range(count)]
        self._turn_s = turn_s
        self._before_s: float | None = None

    def place(self, index: int) -> Place:
        """Of a connector."""
        return self._places[index]

    def admit(
        self, now_s: float, candidates: Sequence[Candidate], sessions: Sequence[str], room: Sequence[float]
    ) -> Admission:
        """Decide, and let the credits run.

        Args:
            sessions: of every connector; another one begins without credit.
            room: of each resource.
        """
        self._renew(sessions)
        order = sorted(candidates, key=lambda one: self._rank(one, now_s))
        left = list(room)
        admitted: set[int] = set()
        refused: dict[int, int] = {}
        for one in order:
            why = _stopped(one, left)
            if why is None:
                _take(one, left)
                admitted.add(one.index)
                continue
            refused[one.index] = why
            # What it needs is kept free of those behind it, unless it could not charge were it alone.
            if self._places[one.index].credit_s >= self._turn_s and _stopped(one, room) is None:
                _take(one, left)
        self._run(now_s, candidates, admitted, contested=bool(refused))
        return Admission(frozenset(admitted), refused)

    def _rank(self, one: Candidate, now_s: float) -> tuple[bool, int, bool, float, float, int]:
        place = self._places[one.index]
        within = place.admitted and now_s < place.turn_end_s
        return one.last, one.tier, not within, -place.credit_s, one.laxity_s, one.index

    def _renew(self, sessions: Sequence[str]) -> None:
        for place, session in zip(self._places, sessions, strict=True):
            if place.session != session:
                place.session, place.credit_s, place.admitted, place.turn_end_s = session, 0.0, False, 0.0

    def _run(
        self, now_s: float, candidates: Sequence[Candidate], admitted: set[int], *, contested: bool
    ) -> None:
        passed_s = 0.0 if self._before_s is None else max(0.0, now_s - self._before_s)
        self._before_s = now_s
        among = {one.index for one in candidates}
        for index, place in enumerate(self._places):
            if index not in among:
                place.admitted = False
                continue
            may = index in admitted
            if contested:
                change_s = -passed_s if may else passed_s
                place.credit_s = min(CREDIT_MAX_S, max(-CREDIT_MAX_S, place.credit_s + change_s))
            if may and (not place.admitted or (contested and now_s >= place.turn_end_s)):
                place.turn_end_s = now_s + self._turn_s
            place.admitted = may


def _stopped(one: Candidate, room: Sequence[float]) -> int | None:
    for r, c in one.row:
        if room[r] < c * one.minimum_a - EPSILON:
            return r
    return None


def _take(one: Candidate, room: list[float]) -> None:
    for r, c in one.row:
        room[r] -= c * one.minimum_a
