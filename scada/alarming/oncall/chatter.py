"""Alarms that come and go too fast: told once as chattering, then held back until they are quiet.

What is known of a chattering alarm lives in memory only: after a restart one that still chatters is told so again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from scada.core.records import AlarmEvent, AlarmTransition, Channel
from scada.core.value import SECOND_US, TimeUs

RAISES = 3
WITHIN_US = 60 * SECOND_US
"""Raised so often within this time, an alarm chatters (EEMUA 191: three or more in a minute)."""
QUIET_US = 300 * SECOND_US
"""Neither raised nor returned for so long, it no longer does."""

Reader: TypeAlias = tuple[str, Channel]
"""Name of a contact, and how."""


class Verdict(Enum):
    """What becomes of the messages of a transition."""

    TELL = auto()
    BEGINS = auto()
    """The alarm is told as chattering instead."""
    HOLD = auto()


@dataclass(slots=True)
class Held:
    """What was kept from a reader."""

    profile: str
    window_us: TimeUs
    count: int = 0


@dataclass(slots=True)
class Chattering:
    """An alarm that chatters.

    Attributes:
        since_us: the first of the raises that made it chattering.
        raised_us: of the occurrence in whose conversation it was told.
        last_us: when it was raised or returned last.
        fact: its newest transition.
        held: who was told that it chatters, or would have been told something since.
    """

    since_us: TimeUs
    raised_us: TimeUs
    last_us: TimeUs
    fact: AlarmTransition
    held: dict[Reader, Held] = field(default_factory=dict)


class Chatter:
    """Watches how often alarms are raised."""

    def __init__(self) -> None:
        self._alarms: dict[str, Chattering] = {}
        self._raises: dict[
            str, deque[TimeUs]
        ] = {}  # ordered by the last raise; older than a minute is dropped

    def __contains__(self, alarm: str) -> bool:
        return alarm in self._alarms

    def get(self, alarm: str) -> Chattering | None:
        """What is known of an alarm that chatters; None: it does not."""
        return self._alarms.get(alarm)

    def note(self, transition: AlarmTransition, now_us: TimeUs) -> Verdict:
        """Count a transition that somebody is to be told of."""
        known = self._alarms.get(transition.alarm)
        if known is not None:
            if transition.event not in (AlarmEvent.RAISED, AlarmEvent.RETURNED):
                return Verdict.TELL
            known.last_us = now_us
            return Verdict.HOLD
        if transition.event is not AlarmEvent.RAISED:
            return Verdict.TELL
        times = self._raises.pop(transition.alarm, None) or deque(maxlen=RAISES)
        times.append(now_us)
        self._forget(now_us)
        if len(times) < RAISES or times[-1] - times[0] > WITHIN_US:
            self._raises[transition.alarm] = times
            return Verdict.TELL
        self._alarms[transition.alarm] = Chattering(times[0], transition.raised_us, now_us, transition)
        return Verdict.BEGINS

    def end(self, alarm: str) -> None:
        """An alarm no longer chatters."""
        self._alarms.pop(alarm, None)

    def _forget(self, now_us: TimeUs) -> None:
        while self._raises:
            oldest = next(iter(self._raises))
            if now_us - self._raises[oldest][-1] <= WITHIN_US:
                return
            del self._raises[oldest]
