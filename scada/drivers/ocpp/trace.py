"""The message trace: the last frames of each charger, and whoever follows them live.

A frame is kept as the bytes that came or went; it is read, named and freed of secrets only when somebody looks. An
answer bears no action: it has that of the call with its id.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson
import structlog

from scada.core.device_ports import FrameFilter, TracedFrame
from scada.core.plant import Charger
from scada.core.ports import Clock
from scada.core.value import TimeUs
from scada.drivers.ocpp.redaction import redacted

FRAMES_OF_ALL = 200_000
"""Frames kept over all chargers, shared evenly among them."""
FRAMES_OF_ONE = range(20, 501)
"""Fewest and most frames kept of one charger."""
BYTES_KEPT = 8_192
"""Of a frame; what is longer is cut, and says so."""
CALLS_REMEMBERED = 50
"""Calls of a charger whose answers a follower may still see named."""

log = structlog.get_logger()
Listener = Callable[[TracedFrame], None]
Tap = Callable[[bool, bytes], None]
"""Told of each frame: whether it is ours, and its bytes."""

_KINDS = {2: "call", 3: "result", 4: "error"}


class _Kept(NamedTuple):
    sequence: int
    time_us: TimeUs
    sent: bool
    raw: bytes
    length: int


class Trace:
    """The frames of all chargers.

    Args:
        chargers: how many there will be: the fewer, the more of each is kept.
    """

    def __init__(self, clock: Clock, chargers: int) -> None:
        self._clock = clock
        share = FRAMES_OF_ALL // max(1, chargers)
        self._each = min(max(share, FRAMES_OF_ONE.start), FRAMES_OF_ONE.stop - 1)
        self._sequence = itertools.count(1)
        self._rings: dict[str, tuple[Charger, deque[_Kept]]] = {}
        self._followers: list[tuple[FrameFilter, Listener]] = []
        self._calls: OrderedDict[tuple[str, bool, str], str] = OrderedDict()

    def tap(self, charger: Charger) -> Tap:
        """What the connections of a charger tell their frames to."""
        _, ring = self._rings.setdefault(charger.path, (charger, deque(maxlen=self._each)))
        now_us, sequence, keep = self._clock.now_us, self._sequence, ring.append

        def tapped(sent: bool, raw: bytes) -> None:
            length = len(raw)
            kept = _Kept(
                next(sequence), now_us(), sent, raw if length <= BYTES_KEPT else raw[:BYTES_KEPT], length
            )
            keep(kept)
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

    def _tell(self, charger: Charger, kept: _Kept) -> None:
        frame = _named_by(charger, kept, self._calls)
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


def _named(charger: Charger, ring: Iterable[_Kept]) -> list[TracedFrame]:
    calls: OrderedDict[tuple[str, bool, str], str] = OrderedDict()
    return [_named_by(charger, kept, calls) for kept in tuple(ring)]


def _named_by(charger: Charger, kept: _Kept, calls: OrderedDict[tuple[str, bool, str], str]) -> TracedFrame:
    """A kept frame as it is shown. `calls`: (charger, ours, id) → action of those that wait for an answer."""
    kind, message_id, action = "unreadable", "", ""
    text = kept.raw.decode(errors="replace")
    try:
        elements = orjson.loads(kept.raw) if kept.length <= BYTES_KEPT else None
    except orjson.JSONDecodeError:
        elements = None
    if isinstance(elements, list) and len(elements) > 2 and isinstance(elements[0], int):
        kind = _KINDS.get(elements[0], "unreadable")
        message_id = elements[1] if isinstance(elements[1], str) else ""
        if kind == "call" and isinstance(elements[2], str):
            action = elements[2]
            calls[charger.path, kept.sent, message_id] = action
        elif kind in ("result", "error"):
            action = calls.pop((charger.path, not kept.sent, message_id), "")
    text = redacted(elements, text)
    if kept.length > BYTES_KEPT:
        text += f"… ({kept.length} bytes)"
    return TracedFrame(
        sequence=kept.sequence,
        time_us=kept.time_us,
        charger=charger.path,
        identity=charger.identity,
        sent=kept.sent,
        kind=kind,
        action=action,
        message_id=message_id,
        text=text,
    )
