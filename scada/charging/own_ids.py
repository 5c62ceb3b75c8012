"""Ids of transactions that chargers have made up, and whose they are.

A charger that began offline may keep to an id of its own: it names it in its samples, stops with it, and takes only it
in RemoteStopTransaction. Other chargers name an id that is long gone. So ours is what counts, and theirs is what is
tried when ours was refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from scada.charging.matching import id_text, meter
from scada.charging.told import StopTransaction
from scada.core.records import TransactionRecord
from scada.core.value import TimeUs

STOPS_REMEMBERED = 5_000
"""Stops with made-up ids whose retries are known; at it the oldest is forgotten."""
_SENDABLE = range(-(2**63), 2**63)
"""What a JSON number of ours can say."""

Stop = tuple[str, str, int, TimeUs]
"""(charger, its own id, meter, its time or 0)."""


class OwnIds:
    """The made-up ids of all chargers."""

    def __init__(self) -> None:
        self._stops: dict[Stop, int] = {}
        self._named: dict[int, int] = {}
        """Open transaction → the id in the samples that came while it ran."""

    def restore(self, record: TransactionRecord) -> None:
        """Take over what an ended transaction's record says."""
        if record.charger_id and record.stopped_us is not None and record.meter_stop_wh is not None:
            time_us = 0 if "clock" in record.flags else record.stopped_us
            self._stops[record.charger, record.charger_id, record.meter_stop_wh, time_us] = record.id

    def named(self, number: int, own_id: int) -> None:
        """A sample of a running transaction came with an id that is none of ours."""
        if own_id in _SENDABLE:
            self._named[number] = own_id

    def ended(self, number: int) -> None:
        """A transaction is over."""
        self._named.pop(number, None)

    def known_as(self, number: int, open_ids: Iterable[int]) -> int | None:
        """The id by which the charger may know a transaction; None: it has named none, or the same for two.

        Args:
            open_ids: of the charger's open transactions.
        """
        own_id = self._named.get(number)
        if own_id is None or any(self._named.get(one) == own_id for one in open_ids if one != number):
            return None
        return own_id

    def meant(self, own_id: int, open_ids: Iterable[int]) -> int | None:
        """The open transaction that the charger has named so; None: none, or several."""
        found = [number for number in open_ids if self._named.get(number) == own_id]
        return found[0] if len(found) == 1 else None

    def stop(self, request: StopTransaction, time_us: TimeUs) -> Stop:
        """What tells a stop from others, so that its retry is known. `time_us`: 0 where it cannot be right."""
        return (request.charger, id_text(request.transaction_id), meter(request.meter_stop_wh), time_us)

    def ended_by(self, stop: Stop) -> int | None:
        """The transaction that this stop has ended before."""
        return self._stops.get(stop)

    def note(self, stop: Stop, number: int) -> None:
        """A stop with a made-up id has ended a transaction."""
        self._stops[stop] = number
        while len(self._stops) > STOPS_REMEMBERED:
            del self._stops[next(iter(self._stops))]
