"""Links to devices: when one is lost, everything that it feeds says so at once.

Tags fed by the device become UncertainNoCommunicationLastUsableValue when the link goes and
BadNoCommunication after the stale time; the last value stays.
"""

from __future__ import annotations

import heapq

from scada.core.database import TagDatabase
from scada.core.tag import Tag
from scada.core.value import Quality, TimeUs, is_bad


class Links:
    """The links of all devices.

    Args:
        stale_us: time after which the values of a device without a link are Bad.
    """

    def __init__(self, database: TagDatabase, stale_us: TimeUs) -> None:
        self._database = database
        self._stale_us = stale_us
        self._down: dict[str, TimeUs] = {}
        self._timers: list[tuple[TimeUs, str]] = []
        self._tags: dict[str, list[Tag]] = {}
        for tag in database:
            self._take(tag)
        database.subscribe_added(self._take)

    def _take(self, tag: Tag) -> None:
        if tag.definition.device:
            self._tags.setdefault(tag.definition.device, []).append(tag)

    def start(self, now_us: TimeUs) -> None:
        """No device is there yet: what an earlier run left becomes Bad unless the device comes in time."""
        for device in self._tags:
            self._down[device] = now_us + self._stale_us
            heapq.heappush(self._timers, (now_us + self._stale_us, device))

    def up(self, device: str) -> None:
        """The link stands again; each value is Good when the device sends it."""
        self._down.pop(device, None)

    def down(self, device: str, now_us: TimeUs) -> None:
        """The link is lost."""
        if device not in self._down:
            self._down[device] = now_us + self._stale_us
            heapq.heappush(self._timers, (now_us + self._stale_us, device))
        self._degrade(device, Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE, now_us)

    def tick(self, now_us: TimeUs) -> None:
        """Let values whose time is over become Bad."""
        while self._timers and self._timers[0][0] <= now_us:
            due_us, device = heapq.heappop(self._timers)
            if self._down.get(device) == due_us:
                self._degrade(device, Quality.BAD_NO_COMMUNICATION, now_us)

    def _degrade(self, device: str, quality: Quality, now_us: TimeUs) -> None:
        tags = [tag for tag in self._tags.get(device, ()) if not is_bad(tag.quality)]
        self._database.set_quality(tags, quality, now_us)
