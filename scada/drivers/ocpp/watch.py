"""Watching connections: pings, and closing those from which nothing is heard any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

LOOK_S = 1.0
"""How often all connections are looked at; pings and silence are known so exactly."""
PONG_WAIT_S = 30.0
"""How long after a ping something must be heard."""
HEARTBEATS = 3
"""A charger that is not pinged must be heard within so many Heartbeat intervals."""
SILENCE_S_MIN = 90.0

log = structlog.get_logger()


class Line(Protocol):
    """What is watched of a connection. `heard_s` is by the same clock as the watch's."""

    heard_s: float

    def send_ping(self) -> None:
        """Send one without waiting."""
        ...

    def abort(self) -> None:
        """Close at once: nobody is there to shake hands with."""
        ...


@dataclass(slots=True, eq=False)
class Watched:
    """A connection under watch.

    Attributes:
        ping_s: interval of pings; 0: none. May change at any time.
        heartbeat_s: what the charger was told to keep.
    """

    line: Line
    name: str
    ping_s: float
    heartbeat_s: float
    pinged_s: float

    @property
    def silence_s(self) -> float:
        """How long it may be silent."""
        if self.ping_s > 0:
            return self.ping_s + PONG_WAIT_S
        return max(HEARTBEATS * self.heartbeat_s, SILENCE_S_MIN)


class Watch:
    """All connections, looked at by one task: a task each would cost memory for every charger.

    Args:
        now: seconds of a clock that only goes forward.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._watched: set[Watched] = set()

    def add(self, line: Line, name: str, ping_s: float, heartbeat_s: float) -> Watched:
        """Watch a connection until `remove`."""
        watched = Watched(line, name, ping_s, heartbeat_s, self.now())
        self._watched.add(watched)
        return watched

    def remove(self, watched: Watched) -> None:
        """Let go of a connection."""
        self._watched.discard(watched)

    def look(self) -> None:
        """Ping whom it is time to ping, close who is silent."""
        now = self.now()
        for one in tuple(self._watched):
            silent_s = now - one.line.heard_s
            if silent_s > one.silence_s:
                log.info("ocpp_half_dead", charger=one.name, silent_s=round(silent_s))
                self._watched.discard(one)
                one.line.abort()
            elif one.ping_s > 0 and now - one.pinged_s >= one.ping_s:
                one.pinged_s = now
                one.line.send_ping()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()
