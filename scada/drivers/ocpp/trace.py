"""The message trace: the last frames of each charger, and whoever follows them live.

A frame is kept as the bytes that came or went; it is read, named and freed of secrets only when somebody looks. An
answer bears no action: it has that of the call with its id.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from scada.core.device_ports import FrameFilter, TracedFrame
from scada.core.plant import Charger
from scada.core.ports import Clock
from scada.drivers.ocpp.frame_text import BYTES_KEPT, Kept, named_by
from scada.drivers.ocpp.recorder import Recorder

FRAMES_OF_ALL = 200_000
"""Frames kept over all chargers, shared evenly among them."""
FRAMES_OF_ONE = range(20, 501)
"""Fewest and most frames kept of one charger."""
CALLS_REMEMBERED = 50
"""Calls of a charger whose answers a follower may still see named."""

log = structlog.get_logger()
Listener = Callable[[TracedFrame], None]
Tap = Callable[[bool, bytes], None]
"""Told of each frame: whether it is ours, and its bytes."""


class Trace:
    """The frames of all chargers.

    Args:
        chargers: how many there will be: the fewer, the more of each is kept.
        recorder: has each frame written to the message log too.
    """

    def __init__(self, clock: Clock, chargers: int, recorder: Recorder | None = None) -> None:
        self._clock, self._recorder = clock, recorder
        share = FRAMES_OF_ALL // max(1, chargers)
        self._each = min(max(share, FRAMES_OF_ONE.start), FRAMES_OF_ONE.stop - 1)
        self._sequence = itertools.count(1)
        self._rings: dict[str, tuple[Charger, deque[Kept]]] = {}
        self._followers: list[tuple[FrameFilter, Listener]] = []
        self._calls: OrderedDict[tuple[str, bool, str], str] = OrderedDict()

    def tap(self, charger: Charger) -> Tap:
        """What the connections of a charger tell their frames to."""
        _, ring = self._rings.setdefault(charger.path, (charger, deque(maxlen=self._each)))
        now_us, sequence, keep, recorder = self._clock.now_us, self._sequence, ring.append, self._recorder

        def tapped(sent: bool, raw: bytes) -> None:
            length = len(raw)
            kept = Kept(
                next(sequence), now_us(), sent, raw if length <= BYTES_KEPT else raw[:BYTES_KEPT], length
            )
            keep(kept)
            if recorder is not None:
                recorder.put(charger, kept)
            if self._followers:
                self._tell(charger, kept)

        return tapped

    def frames(self, where: FrameFilter, limit: int) -> Sequence[TracedFrame]:
        """The newest frames, oldest first."""
        found: list[Iterator[TracedFrame]] = [
            (frame for frame in reversed(_named(charger, ring)) if where.takes(frame))
            for charger, ring in self._rings.values()
            if not where.charger or charger.path == where.charger
        ]
        newest = heapq.merge(*found, key=lambda frame: -frame.sequence)
        return list(itertools.islice(newest, limit))[::-1]

    def follow(self, where: FrameFilter, listener: Listener) -> Callable[[], None]:
        """Have a listener told of each frame from now on; call what is returned to end it."""
        entry = (where, listener)
        self._followers.append(entry)

        def end() -> None:
            if entry in self._followers:
                self._followers.remove(entry)

        return end

    def _tell(self, charger: Charger, kept: Kept) -> None:
        frame = named_by(charger, kept, self._calls)
        while len(self._calls) > CALLS_REMEMBERED * max(1, len(self._rings)):
            self._calls.popitem(last=False)
        for where, listener in tuple(self._followers):
            if not where.takes(frame):
                continue
            try:
                listener(frame)
            except Exception:
                # A follower is a page or a terminal; the charger's conversation goes on whatever becomes of it.
                log.exception("trace_follower_failed")


def _named(charger: Charger, ring: Iterable[Kept]) -> list[TracedFrame]:
    calls: OrderedDict[tuple[str, bool, str], str] = OrderedDict()
    return [named_by(charger, kept, calls) for kept in tuple(ring)]
