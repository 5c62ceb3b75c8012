"""Chargers that draw more than any limit that may be in force."""

from __future__ import annotations

from dataclasses import dataclass

from scada.allocation.ledger import Account
from scada.allocation.model import Settings

FORGIVEN_AFTER_S = 300.0
"""A charger that kept to its limit for so long is trusted again."""


@dataclass(slots=True)
class Obedience:
    """Of one connector.

    Attributes:
        overdrawn_a: what was last measured, where that was well above the limit: it counts until it is measured lower.
    """

    settings: Settings
    disobedient: bool = False
    overdrawn_a: float = 0.0
    session: str = ""
    _over: int = 0
    _taken_s: float = float("-inf")
    _well_since_s: float | None = None

    def begin(self, session: str) -> None:
        """Another vehicle: the charger has another chance."""
        if session != self.session:
            self.session, self.disobedient, self._over, self.overdrawn_a = session, False, 0, 0.0

    def see(self, account: Account, now_s: float, *, online: bool) -> None:
        """Judge a sample; the same twice counts once."""
        if not account.drawn_fresh or account.drawn_s <= self._taken_s:
            return
        self._taken_s = account.drawn_s
        if account.excess_a(now_s, online=online) > self.settings.excess_a:
            self._over += 1
            self.overdrawn_a = account.drawn_a
            self._well_since_s = None
            self.disobedient = self.disobedient or self._over >= self.settings.excess_samples
            return
        self._over, self.overdrawn_a = 0, 0.0
        if self._well_since_s is None:
            self._well_since_s = account.drawn_s
        if self.disobedient and account.drawn_s - self._well_since_s >= FORGIVEN_AFTER_S:
            self.disobedient = False
