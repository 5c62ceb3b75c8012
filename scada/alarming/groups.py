"""Alarms that came together: the first of a group is its first-out."""

from __future__ import annotations

from scada.core.value import SECOND_US, TimeUs

GROUP_SPAN_US = 2 * SECOND_US
"""Alarms of a site that follow each other within this time came together."""
GROUP_MAX_US = 60 * SECOND_US
"""A group is no longer than this, however closely its alarms follow each other."""


class Groups:
    """The newest group of each site."""

    __slots__ = ("_newest",)

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, TimeUs, TimeUs]] = {}
        """Site → (sequence of the first-out, its time, time of the newest alarm)."""

    def join(self, site: str, sequence: int, now_us: TimeUs) -> int:
        """An alarm comes, with the journal row of this sequence. Returns the sequence of its group's first-out."""
        first, since_us, newest_us = self._newest.get(site, (sequence, now_us, now_us))
        if not 0 <= now_us - newest_us <= GROUP_SPAN_US or now_us - since_us > GROUP_MAX_US:
            first, since_us = sequence, now_us
        self._newest[site] = (first, since_us, now_us)
        return first
