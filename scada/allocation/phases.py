"""Which phases of the mains a vehicle uses: wired until measured otherwise, and wider again at the first sign."""

from __future__ import annotations

from dataclasses import dataclass

from scada.allocation.tree import Member

USED_A = 1.5
"""On a phase that carries so much the vehicle charges."""
UNUSED_A = 0.5
CLEAR_A = 4.0
"""Only while another phase carries so much does the lack of current on one tell something."""
SAMPLES = 6


@dataclass(slots=True)
class PhaseUse:
    """Of one connector."""

    member: Member
    session: str = ""
    taken_s: float = float("-inf")
    used: tuple[int, ...] = ()
    _unused: list[int] | None = None

    def __post_init__(self) -> None:
        self.used = self.member.phases
        self._unused = [0] * len(self.member.phases)

    def begin(self, session: str) -> None:
        """Another vehicle: nothing is known of it."""
        if session != self.session:
            self.session = session
            self.used = self.member.phases
            self._unused = [0] * len(self.member.phases)

    def learn(self, currents_a: tuple[float, float, float], taken_s: float) -> None:
        """Take a sample, in the charger's own order of phases. The same sample twice tells nothing new."""
        wired = self.member.phases
        if taken_s <= self.taken_s or len(wired) == 1:
            return
        self.taken_s = taken_s
        assert self._unused is not None
        own = currents_a[: len(wired)]
        clear = max(own) >= CLEAR_A
        for n, current_a in enumerate(own):
            if current_a >= USED_A:
                self._unused[n] = 0
            elif clear and current_a < UNUSED_A:
                self._unused[n] = min(SAMPLES, self._unused[n] + 1)
        self.used = tuple(phase for n, phase in enumerate(wired) if self._unused[n] < SAMPLES) or wired
