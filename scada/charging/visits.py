"""Visits: a vehicle at a connector from plug-in to unplug; what operators call a session. Transactions lie within it.

A visit begins with the first sign of a vehicle, be it a state of the connector or a transaction, and ends when the
connector is free again. Signs come in any order and late; what lies within a visit that has ended belongs to that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from scada.charging.connector_tags import Key, Tags
from scada.core.effects import Event
from scada.core.moment import believable
from scada.core.records import TransactionRecord, VisitRecord
from scada.core.value import TimeUs

VISITS_REMEMBERED = 5_000
"""Ended visits that a late transaction may still belong to, of the whole plant when the program starts."""
VISITS_A_CONNECTOR = 20
"""Of these, so many a connector."""

PLUGGED = frozenset(("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE"))
"""States in which a vehicle is certainly there. Finishing may come after it has gone, and Faulted says nothing."""
FREE = frozenset(("Available", "Reserved"))
"""States without a vehicle (OCPP 1.6 4.9: A and the reserved one)."""


class Visits:
    """The visits of all connectors.

    Args:
        next_id: the first id to give out; never used twice.
    """

    def __init__(self, tags: Tags, next_id: int, emit: Callable[[VisitRecord | Event], None]) -> None:
        self._tags = tags
        self._next_id = next_id
        self._emit = emit
        self._open: dict[Key, VisitRecord] = {}
        self._ended: dict[Key, list[VisitRecord]] = {}
        """The last ones, newest last."""
        self._seen: dict[Key, TimeUs] = {}
        """When a state first told of the vehicle that is there."""

    def restore(self, records: Iterable[VisitRecord], now_us: TimeUs) -> None:
        """Take over the visits of an earlier run."""
        for record in records:
            key = (record.charger, record.connector)
            if record.ended_us is None and self._tags.get(key) is not None:
                self._open[key] = record
            else:
                self._keep_ended(key, record)
        for key, record in self._open.items():
            self._show(key, record, now_us)

    def open_on(self, key: Key) -> VisitRecord | None:
        """The visit that stands at a connector."""
        return self._open.get(key)

    def open_visits(self) -> list[VisitRecord]:
        """All that stand."""
        return list(self._open.values())

    def status(self, key: Key, status: str, time_us: TimeUs, now_us: TimeUs) -> None:
        """A charger told the state of a connector."""
        if self._tags.get(key) is None:
            return
        time_us = time_us if believable(time_us, now_us) else now_us
        current = self._open.get(key)
        if status in PLUGGED and current is None:
            if not self._after_last(key, time_us):
                return  # told late: of a visit that has ended
            self._begin(key, time_us, now_us)
            self._seen[key] = time_us
        elif status in PLUGGED and current is not None:
            self._seen[key] = min(self._seen.get(key, time_us), time_us)
            if self._after_last(key, time_us) and time_us < current.began_us:
                self._put(key, replace(current, began_us=time_us, updated_us=now_us))
        elif status in FREE and current is not None and time_us >= current.began_us:
            self._end(key, current, time_us, now_us)

    def of_start(self, key: Key, started_us: TimeUs, now_us: TimeUs) -> VisitRecord | None:
        """The visit that a transaction belongs to: the one it lies in, else the one that stands, else a new one.

        None: the connector is not of the project.
        """
        if self._tags.get(key) is None:
            return None
        ended = self._ended.get(key, [])
        for record in reversed(ended):
            if record.ended_us is not None and record.began_us <= started_us < record.ended_us:
                return record
        current = self._open.get(key)
        if current is not None:
            if started_us >= current.began_us:
                return current
            if self._after_last(key, started_us):
                # The state came after the transaction, or its clock is a little ahead: the vehicle was there before.
                return self._put(key, replace(current, began_us=started_us, updated_us=now_us))
        elif self._after_last(key, started_us):
            return self._begin(key, started_us, now_us)
        return self._past(key, started_us, started_us, now_us)

    def of_stop(self, transaction: TransactionRecord, now_us: TimeUs) -> int:
        """A transaction has ended: what that says of its visit, which may turn out to be another; its id.

        One that was told late draws the end of its visit; an unplugged vehicle is gone.
        """
        key = (transaction.charger, transaction.connector)
        stopped_us = transaction.stopped_us or now_us
        current = self._open.get(key)
        if current is not None and current.id == transaction.visit:
            seen_us = self._seen.get(key, current.began_us)
            if stopped_us < seen_us and current.began_us <= transaction.started_us < seen_us:
                # It was over before the vehicle that is there came: an earlier one's.
                self._put(key, replace(current, began_us=seen_us, updated_us=now_us))
                return self._past(key, transaction.started_us, stopped_us, now_us).id
            if transaction.reason == "EVDisconnected":
                self._end(key, current, max(stopped_us, current.began_us), now_us)
            return current.id
        for number, record in enumerate(self._ended.get(key, ())):
            if record.id == transaction.visit and stopped_us > (record.ended_us or 0):
                drawn = replace(record, ended_us=stopped_us, updated_us=now_us)
                self._ended[key][number] = drawn
                self._emit(drawn)
        return transaction.visit

    def identify(self, key: Key, vehicle: str, vehicle_id: str, now_us: TimeUs) -> None:
        """The vehicle of the visit that stands became known; without one it begins now."""
        if self._tags.get(key) is None:
            return
        current = self._open.get(key) or self._begin(key, now_us, now_us)
        if (current.vehicle, current.vehicle_id) != (vehicle, vehicle_id):
            self._put(key, replace(current, vehicle=vehicle, vehicle_id=vehicle_id[:64], updated_us=now_us))

    def _after_last(self, key: Key, time_us: TimeUs) -> bool:
        ended = self._ended.get(key)
        return not ended or time_us >= (ended[-1].ended_us or 0)

    def _past(self, key: Key, began_us: TimeUs, ended_us: TimeUs, now_us: TimeUs) -> VisitRecord:
        """A visit that was over before it was told of."""
        record = self._make(key, began_us, now_us, ended_us=ended_us)
        self._keep_ended(key, record)
        self._emit(record)
        return record

    def _begin(self, key: Key, began_us: TimeUs, now_us: TimeUs) -> VisitRecord:
        record = self._put(key, self._make(key, began_us, now_us))
        self._emit(Event("visit_began", self._path(key), {"visit": record.id}))
        return record

    def _end(self, key: Key, record: VisitRecord, ended_us: TimeUs, now_us: TimeUs) -> None:
        ended = replace(record, ended_us=ended_us, updated_us=now_us)
        del self._open[key]
        self._seen.pop(key, None)
        self._keep_ended(key, ended)
        self._emit(ended)
        self._tags.put(key, {"PluggedIn": False, "Vehicle": ""}, now_us)
        self._emit(Event("visit_ended", self._path(key), {"visit": record.id}))

    def _make(
        self, key: Key, began_us: TimeUs, now_us: TimeUs, ended_us: TimeUs | None = None
    ) -> VisitRecord:
        tags = self._tags.by_key[key]
        record = VisitRecord(
            id=self._next_id,
            charger=key[0],
            connector=key[1],
            site=tags.site.path,
            began_us=began_us,
            ended_us=ended_us,
            updated_us=now_us,
        )
        self._next_id += 1
        return record

    def _put(self, key: Key, record: VisitRecord) -> VisitRecord:
        self._open[key] = record
        self._emit(record)
        self._show(key, record, record.updated_us)
        return record

    def _show(self, key: Key, record: VisitRecord, now_us: TimeUs) -> None:
        shown = record.vehicle or record.vehicle_id
        self._tags.put(key, {"PluggedIn": True, "Vehicle": shown}, now_us)

    def _keep_ended(self, key: Key, record: VisitRecord) -> None:
        ended = self._ended.setdefault(key, [])
        ended.append(record)
        ended.sort(key=lambda one: one.ended_us or 0)
        del ended[:-VISITS_A_CONNECTOR]

    def _path(self, key: Key) -> str:
        return self._tags.by_key[key].connector.path
