"""When which registers of a device are read: a set of blocks for each poll class. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scada.drivers.modbus.planner import Block, plan
from scada.drivers.modbus.profile import Limits, Register


class Schedule:
    """The blocks of a device by poll class.

    Args:
        registers: what is wanted; registers that hold their scale are read with them.
        intervals_s: poll class → how often, in seconds; None: once each time the device comes.
    """

    def __init__(
        self,
        registers: Iterable[Register],
        having: Mapping[str, Register],
        limits: Limits,
        intervals_s: Mapping[str, float | None],
    ) -> None:
        self._intervals_s = intervals_s
        self._due_s: dict[str, float] = {}
        self.blocks: dict[str, tuple[Block, ...]] = {}
        wanted: dict[str, list[Register]] = {}
        for register in registers:
            members = wanted.setdefault(register.poll, [])
            members.append(register)
            if register.scale_register in having:
                members.append(having[register.scale_register])
        for poll, members in wanted.items():
            self.blocks[poll] = plan(members, limits)
            self._due_s[poll] = 0.0

    def due_s(self) -> float:
        """When something is to be read next; infinite where nothing is."""
        return min(self._due_s.values(), default=float("inf"))

    def due(self, now_s: float) -> list[str]:
        """The poll classes that are due; those of the shortest interval first."""
        return [
            poll for poll in ("fast", "normal", "slow", "once") if self._due_s.get(poll, now_s + 1) <= now_s
        ]

    def done(self, poll: str, layout: tuple[Block, ...], now_s: float) -> None:
        """A class was read; rounds that were missed are left out, so that a slow device takes nobody's turn."""
        self.blocks[poll] = layout
        interval_s = self._intervals_s[poll]
        self._due_s[poll] = (
            float("inf")
            if interval_s is None
            else max(self._due_s[poll] + interval_s, now_s)
            if self._due_s[poll]
            else now_s + interval_s
        )

    def postpone(self, until_s: float) -> None:
        """Nothing is read before."""
        for poll, due_s in self._due_s.items():
            if due_s != float("inf"):
                self._due_s[poll] = max(due_s, until_s)
