"""What a driver brings for test bench and pages: messages as they pass, and what is known of its devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from scada.core.commissioning import CommissioningReport, Deviations
from scada.core.ports import Page
from scada.core.value import TimeUs


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedFrame:
    """A frame between us and a charger, as it is shown: without secrets, cut where it is very long.

    Attributes:
        sequence: rises with each frame of a run.
        charger: path.
        sent: it is ours.
        kind: `call`, `result`, `error`, or `unreadable`.
        action: of an answer that of its call, where that is still known.
        text: the frame's JSON.
    """

    sequence: int
    time_us: TimeUs
    charger: str
    identity: str
    sent: bool
    kind: str
    action: str
    message_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFilter:
    """Which frames; empty and None mean any.

    Attributes:
        actions: in any case of letters.
        text: found in the frame, in any case of letters.
        after: only frames with a greater sequence.
    """

    charger: str = ""
    actions: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    sent: bool | None = None
    text: str = ""
    after: int = 0

    def takes(self, frame: TracedFrame) -> bool:
        """Whether a frame is meant."""
        return (
            frame.sequence > self.after
            and (not self.charger or frame.charger == self.charger)
            and (self.sent is None or frame.sent is self.sent)
            and (not self.kinds or frame.kind in self.kinds)
            and (not self.actions or frame.action.casefold() in {one.casefold() for one in self.actions})
            and (not self.text or self.text.casefold() in frame.text.casefold())
        )


class DeviceConsole(Protocol):
    """The messages between us and the chargers, for the test page: what there is to send, and what passes.

    To send one is the command `Send`; it goes the way of every command.
    """

    def actions(self, charger: str) -> Sequence[str]:
        """What may be sent to a charger in its version of the protocol. Raises NotFound."""
        ...

    def schema(self, charger: str, action: str) -> Mapping[str, Mapping[str, object]]:
        """JSON schemas of `request` and `response`. Raises NotFound."""
        ...

    def check(self, charger: str, action: str, payload: Mapping[str, object]) -> None:
        """See whether the schema takes a message. Raises NotFound, or BadRequest with the JSON path of the fault."""
        ...

    def frames(self, where: FrameFilter, limit: int) -> Sequence[TracedFrame]:
        """The newest frames that are still kept, oldest first."""
        ...

    def follow(self, where: FrameFilter, listener: Callable[[TracedFrame], None]) -> Callable[[], None]:
        """Have a listener told of each frame from now on, on the loop; call what is returned to end it."""
        ...


class MessageLog(Protocol):
    """Frames of earlier days, as long as the project keeps them."""

    async def frames(
        self, where: FrameFilter, from_us: TimeUs, to_us: TimeUs, limit: int, cursor: str | None
    ) -> Page[TracedFrame]:
        """Frames of a span, newest first. A page may hold less than `limit` and still have a next one.

        Raises BadRequest for a cursor that is not ours, Unavailable while the database is away.
        """
        ...


class ChargerKnowledge(Protocol):
    """What is known of chargers, over restarts; by path."""

    def report(self, charger: str) -> CommissioningReport | None:
        """How the last commissioning ended; None: there was none."""
        ...

    def deviations(self, charger: str) -> Deviations:
        """What it does otherwise than the standard says."""
        ...


@dataclass(frozen=True, slots=True)
class LimitHabit:
    """How a charger takes limits now.

    Attributes:
        takes: it takes one at all, now.
        leases: it takes limits that end by themselves.
    """

    takes: bool = True
    leases: bool = True


LimitHabits = Callable[[str, int], LimitHabit]
"""(charger, connectorId) → how it takes limits now."""
