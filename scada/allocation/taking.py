"""What is given and not taken goes to others: a bound that follows what a vehicle draws.

Worth 2.5–7 points of energy on real sessions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scada.allocation.tree import Member

LESS_A = 1.0
"""A vehicle that draws so much less than it was offered …"""
FOR_S = 30.0
"""… for so long is bounded at what it draws and `LESS_A`."""
GROWTH = 1.25


@dataclass(slots=True)
class Taking:
    """Of one connector."""

    member: Member
    session: str = ""
    bound_a: float | None = None
    _offer_a: float = 0.0
    _less_since_s: float | None = None
    _taken_s: float = float("-inf")

    def begin(self, session: str) -> None:
        """Another vehicle."""
        if session != self.session:
            self.session, self.bound_a, self._less_since_s = session, None, None

    def see(self, offer_a: float, drawn_a: float, taken_s: float) -> None:
        """Take a sample of what is drawn of an offer that stands. The same sample twice tells nothing new."""
        if taken_s <= self._taken_s or offer_a < self.member.minimum_a:
            return
        self._taken_s = taken_s
        if offer_a > self._offer_a:
            self._less_since_s = None
        self._offer_a = offer_a
        if drawn_a <= offer_a - LESS_A:
            if self._less_since_s is None:
                self._less_since_s = taken_s
            if taken_s - self._less_since_s >= FOR_S:
                step_a = self.member.step_a
                near_a = math.ceil((drawn_a + LESS_A) / step_a - 1e-9) * step_a
                self.bound_a = max(self.member.minimum_a, near_a)
            return
        self._less_since_s = None
        if self.bound_a is not None and offer_a >= self.bound_a - self.member.step_a:
            self.bound_a = self.bound_a * GROWTH + LESS_A
            if self.bound_a >= self.member.maximum_a:
                self.bound_a = None
