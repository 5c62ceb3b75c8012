"""Last values of an earlier run: shown, as no longer certain, until the devices speak or their time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from scada.core.records import HoldKind
from scada.core.tag import Source
from scada.core.value import Quality, TimeUs, Value
from scada.history import SampleHistory
from scada.runtime.host import PlantHost

EVERY_S = 2.0
"""How often it is seen whether a database that was away at the start is back."""

LastValue = tuple[str, Value, TimeUs]


class LastValues:
    """Puts them back, at the start or as soon as the database is there.

    Args:
        stale_us: time after which the values of a device without a link are Bad; older values are not put back then.
    """

    def __init__(self, host: PlantHost, samples: SampleHistory, stale_us: TimeUs) -> None:
        self._host, self._samples = host, samples
        self._began_us = host.clock.now_us()
        self._until_us = self._began_us + stale_us
        self.missing = bool(samples.state)
        if not self.missing:
            self._put(samples.last_values())

    async def run(self) -> None:
        """Wait for a database that is away, and put back what has not been told meanwhile; ends when that is done."""
        while self.missing and self._host.clock.now_us() < self._until_us:
            await asyncio.sleep(EVERY_S)
            if not self._samples.state:
                values = await asyncio.to_thread(self._samples.last_values)
                self.missing = False
                self._put(value for value in values if value[2] < self._began_us)

    def _put(self, values: Iterable[LastValue]) -> None:
        host, values = self._host, list(values)
        # The loop lag is recorded each second, so the newest sample of all tells when the earlier run ended.
        ended_us = max((time_us for _, _, time_us in values), default=0)
        for path, value, time_us in values:
            tag = host.tags.get(path)
            if (
                tag is not None
                and tag.definition.device
                and tag.definition.source is Source.DRIVER
                and tag.server_us < self._began_us  # it has not been told in this run
                and host.core.holds.get(HoldKind.FORCED, path) is None
            ):
                host.tags.restore(tag, value, time_us)
                # Their curves end where that run ended.
                host.tags.write_late(
                    tag, value, Quality.UNCERTAIN_LAST_USABLE_VALUE, max(ended_us, time_us + 1)
                )
