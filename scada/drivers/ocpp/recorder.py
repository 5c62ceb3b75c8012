"""Frames on their way to the message log, in a thread of its own: the chargers' conversation never waits for a disk."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from scada.core.device_ports import TracedFrame
from scada.core.errors import Unavailable
from scada.core.plant import Charger
from scada.core.ports import Clock
from scada.core.value import SECOND_US, TimeUs
from scada.drivers.ocpp.frame_text import Kept, named_by

DAY_US = 86_400 * SECOND_US
QUEUE_MAX = 50_000
"""Frames that wait; while the log cannot be written, later ones are given up and counted."""
BATCH = 1_000
POLL_S = 1.0
RETRY_S = 10.0
FORGET_EVERY_US = 600 * SECOND_US
CALLS_REMEMBERED = 20_000
"""Calls whose answers are still to be named, over all chargers."""
CLOSE_S = 5.0

log = structlog.get_logger()


class Sink(Protocol):
    """Where frames are kept: `scada.history.messages`."""

    def put(self, frames: Sequence[TracedFrame]) -> None:
        """Write them, all or none. Raises Unavailable."""
        ...

    def forget(self, before_us: TimeUs, rows_max: int) -> int:
        """Delete some of the oldest. Raises Unavailable."""
        ...


class Recorder:
    """Names frames, frees them of secrets and has them written, until it is closed.

    Args:
        days: how long they are kept.
        rows_max: of all chargers; the oldest go first.

    Attributes:
        dropped: frames that were given up.
        state: what is wrong, as a sentence; empty: nothing is.
    """

    def __init__(self, sink: Sink, clock: Clock, days: int, rows_max: int) -> None:
        self._sink, self._clock = sink, clock
        self._keep_us, self._rows_max = days * DAY_US, rows_max
        self._queue: deque[tuple[Charger, Kept]] = deque()
        self._calls: OrderedDict[tuple[str, bool, str], str] = OrderedDict()
        self._stop = threading.Event()
        self._forget_at_us: TimeUs = 0
        self.dropped = 0
        self.state = ""
        self._thread = threading.Thread(target=self._run, name="ocpp-message-log", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Frames that are not yet written."""
        return len(self._queue)

    def put(self, charger: Charger, kept: Kept) -> None:
        """Take a frame. Called on the loop; never waits."""
        if len(self._queue) >= QUEUE_MAX:
            self.dropped += 1
        else:
            self._queue.append((charger, kept))

    def close(self) -> None:
        """Write what waits and end. Blocks, within `CLOSE_S`."""
        self._stop.set()
        self._thread.join(CLOSE_S)
        if self._queue:
            log.warning("message_log_frames_lost", frames=len(self._queue))

    def _run(self) -> None:
        pending: list[TracedFrame] = []
        while True:
            ending = self._stop.wait(POLL_S if not self.state else RETRY_S)
            while pending or self._queue:
                pending = pending or self._taken()
                if not self._try(lambda: self._sink.put(pending)):  # noqa: B023 (called at once)
                    break
                pending = []
            if ending:
                return
            self._forget()

    def _taken(self) -> list[TracedFrame]:
        """The next batch. An action is told with a call only, so answers are named in the order of the wire."""
        frames = []
        for _ in range(min(BATCH, len(self._queue))):
            charger, kept = self._queue.popleft()
            frames.append(named_by(charger, kept, self._calls))
        while len(self._calls) > CALLS_REMEMBERED:
            self._calls.popitem(last=False)
        return frames

    def _forget(self) -> None:
        now_us = self._clock.now_us()
        if now_us < self._forget_at_us and self._forget_at_us - now_us <= FORGET_EVERY_US:
            return
        deleted = 0

        def some() -> None:
            nonlocal deleted
            deleted = self._sink.forget(now_us - self._keep_us, self._rows_max)

        # One batch a turn, so that new frames do not wait for old ones; the next look is later once nothing is left.
        if self._try(some) and not deleted:
            self._forget_at_us = now_us + FORGET_EVERY_US

    def _try(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except Unavailable as error:
            if not self.state:
                log.warning("message_log_away", reason=str(error))
            self.state = str(error)
            return False
        if self.state:
            log.info("message_log_back")
        self.state = ""
        return True
