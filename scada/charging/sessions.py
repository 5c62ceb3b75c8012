"""The book of transactions: one open transaction a connector, ids of our own, retries known as such.

A charger repeats StartTransaction and StopTransaction until it has an answer, sends them late after an
outage, and forgets; what it says is written down and flagged, never refused for its content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from scada.charging import closing
from scada.charging.authorization import Authorization, AuthorizationStatus
from scada.charging.connector_tags import Key, Tags
from scada.charging.matching import (
    ID_TAG_LENGTH_MAX,
    believed,
    flagged,
    id_text,
    meter,
    same_start,
    stopped_by,
)
from scada.charging.meters import LIFETIME, LIFETIME_SURE_WH, SESSION, UNKNOWN, SampleMeter
from scada.charging.own_ids import OwnIds
from scada.charging.told import StartAnswer, StartTransaction, StopAnswer, StopTransaction
from scada.core.database import Write
from scada.core.effects import Event
from scada.core.plant import Plant
from scada.core.records import TransactionRecord, TransactionState
from scada.core.value import GOOD, Quality, TimeUs

__all__ = ["SessionBook", "StartAnswer", "StartFacts", "StartTransaction", "StopAnswer", "StopTransaction"]

CLOSED_REMEMBERED = 5_000
"""How many closed transactions are kept in memory to know a repeated StopTransaction again."""
ENERGY_STEP_WH = 500
UNKNOWN_CONNECTORS_MAX = 4
"""Open transactions a charger on connectors that it does not have; at it the oldest is closed as lost."""
LATE_MAX = 50
"""Open late transactions a connector; at it the oldest is closed as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFacts:
    """What we know of a transaction that the charger does not tell."""

    authorization: Authorization
    visit: int = 0
    vehicle: str = ""
    reservation: int = 0
    ordered_by: str = ""
    flags: str = ""


class SessionBook:
    """All transactions that matter now.

    Args:
        next_id: the first id to give out; ids are never used twice, over restarts.
        emit: takes records and events, in order.
        ended_by: (transaction) → who or what ordered its stop: (user, stop condition).
    """

    def __init__(
        self,
        plant: Plant,
        tags: Tags,
        next_id: int,
        emit: Callable[[TransactionRecord | Event], None],
        ended_by: Callable[[TransactionRecord], tuple[str, str]] = lambda _: ("", ""),
    ) -> None:
        self._plant = plant
        self._tags = tags
        self._next_id = next_id
        self._emit = emit
        self._ended_by = ended_by
        self._open: dict[Key, TransactionRecord] = {}
        self._by_id: dict[int, TransactionRecord] = {}
        self._of_charger: dict[str, dict[int, None]] = {}
        """Charger → ids of its transactions without a stop: open, late, lost; within what is remembered."""
        self._late: dict[Key, list[TransactionRecord]] = {}
        """Open transactions of an earlier time that were told late, beside the one that runs."""
        self._own_ids = OwnIds()
        self._meters: dict[int, SampleMeter] = {}
        """Of open transactions, by id."""
        self._learned: dict[Key, int] = {}
        """What the samples of a connector count."""
        self._last: dict[Key, TransactionRecord] = {}
        self._closed = 0

    def restore(self, records: Iterable[TransactionRecord], now_us: TimeUs) -> None:
        """Take over the transactions of an earlier run: the open ones, and some closed ones to know retries."""
        for record in records:
            self._remember(record)
            self._own_ids.restore(record)
            key = (record.charger, record.connector)
            if "session_register" in record.flags:
                self._learned[key] = SESSION
            if record.state is TransactionState.OPEN and record.charger in self._plant.chargers_by_path:
                running = self._open.get(key)
                if running is not None and (running.started_us, running.id) > (record.started_us, record.id):
                    self._late.setdefault(key, []).append(record)
                    continue
                if running is not None:
                    self._late.setdefault(key, []).append(running)
                self._open[key] = record
        for record in self._open.values():
            # The energy is that of the last step on disk until the charger sends its register again.
            self._tags.show(record, now_us, Quality.UNCERTAIN_LAST_USABLE_VALUE)

    def open_on(self, charger: str, connector: int) -> TransactionRecord | None:
        """The open transaction of a connector, with its energy so far."""
        record = self._open.get((charger, connector))
        return self._live(record) if record else None

    def open_transactions(self) -> list[TransactionRecord]:
        """All open transactions, oldest first."""
        return sorted(map(self._live, self._open.values()), key=lambda record: record.started_us)

    def get(self, number: int) -> TransactionRecord | None:
        """A transaction that is remembered."""
        record = self._by_id.get(number)
        return self._live(record) if record else None

    def known_as(self, record: TransactionRecord) -> int | None:
        """The id of its own making by which the charger may know an open transaction; None: it has named none."""
        return self._own_ids.known_as(record.id, self._of_charger.get(record.charger, ()))

    def last_on(self, key: Key) -> TransactionRecord | None:
        """The newest transaction of a connector of the project, running or ended."""
        record = self._last.get(key)
        return self._by_id.get(record.id, record) if record else None

    def known_start(self, request: StartTransaction, now_us: TimeUs) -> TransactionRecord | None:
        """The transaction that a StartTransaction repeats: one not yet stopped. An impossible time matches none."""
        started_us, clock_flag = believed(request.time_us, now_us)
        if clock_flag:
            return None
        key = (request.charger, request.connector)
        for known in (self._open.get(key), *self._late.get(key, [])):
            if known is not None and same_start(known, request, started_us):
                return known
        return None

    def begin(self, request: StartTransaction, facts: StartFacts, now_us: TimeUs) -> TransactionRecord:
        """Begin a transaction."""
        key = (request.charger, request.connector)
        current = self._open.get(key)
        started_us, clock_flag = believed(request.time_us, now_us)
        token = facts.authorization
        record = TransactionRecord(
            id=self._next_id,
            charger=request.charger,
            connector=request.connector,
            site=self._site(request.charger),
            id_tag=request.id_tag[:ID_TAG_LENGTH_MAX],
            started_us=started_us,
            meter_start_wh=meter(request.meter_start_wh),
            authorized_by=token.source,
            flags=flagged(facts.flags, *self._flags(request, clock_flag)),
            updated_us=now_us,
            visit=facts.visit,
            vehicle=facts.vehicle,
            parent=token.parent,
            plan=token.plan,
            reservation=facts.reservation,
            ordered_by=facts.ordered_by,
            late=now_us - started_us > closing.LATE_AFTER_US,
        )
        self._next_id += 1
        self._remember(record)
        if current is not None and started_us < current.started_us:
            # One of an outage, told late: the transaction that runs now stays the one that runs.
            self._late.setdefault(key, []).append(record)
            self._emit(record)
            self._bound_late(key, now_us)
            return record
        if current is None:
            self._bound_open(request, now_us)
        self._open[key] = record
        if current is not None:
            self._close_lost(current, max(current.started_us, started_us), now_us)
        self._emit(record)
        accepted = token.status is AuthorizationStatus.ACCEPTED
        data = {"id": record.id, "id_tag": record.id_tag, "accepted": accepted}
        self._emit(Event("transaction_started", self._connector_path(record), data))
        self._tags.show(record, now_us)
        return record

    def stop(
        self, request: StopTransaction, now_us: TimeUs, token: Authorization | None = None
    ) -> TransactionRecord | None:
        """End a transaction; the one that was ended, or was ended before by the same message.

        An id that is not known is looked for among the charger's transactions without a stop; where none fits it is kept
        as a closed, flagged transaction of its own, and the answer is None.
        """
        stopped_us, clock_flag = believed(request.time_us, now_us)
        record = self._by_id.get(request.transaction_id)
        if record is not None and record.charger != request.charger:
            record = None  # an id of another charger: not this one's transaction
        own_id = ""
        if record is None:
            own_id = id_text(request.transaction_id)
            own = self._own_ids.stop(request, 0 if clock_flag else stopped_us)
            before = self._own_ids.ended_by(own)
            if before is not None:
                known = self._by_id.get(before)  # a retry
                return known if known is not None and "unknown_start" not in known.flags else None
            record = self._meant(request, None if clock_flag else stopped_us, token.parent if token else "")
            self._own_ids.note(own, self._next_id if record is None else record.id)
        how: dict[str, Any] = {
            "own_id": own_id,
            "stopped_us": stopped_us,
            "clock_flag": clock_flag,
            "now_us": now_us,
        }
        if record is None:
            kept = closing.unknown(self._next_id, request, self._site(request.charger), **how)
            self._next_id += 1
            self._remember(kept)
            self._emit(kept)
            return None
        if record.state is TransactionState.CLOSED:
            return record  # a retry
        samples = self._meters.get(record.id) or SampleMeter(record.meter_start_wh, record.energy_wh)
        closed = closing.closed(record, request, samples, **how)
        tags = self._tags.get((record.charger, record.connector))
        if tags is not None and self._open.get(tags.key) is record:
            closed = replace(closed, soc_end=tags.charge(record.started_us))
        user, condition = self._ended_by(record)
        closed = replace(closed, stopped_by=user, stop_condition=condition)
        self._finish(closed, now_us)
        return closed

    def register(
        self,
        charger: str,
        connector: int,
        register_wh: float,
        now_us: TimeUs,
        transaction_id: int | None = None,
    ) -> Write | None:
        """The connector's energy register, as a sample reported it.

        Journalled each `ENERGY_STEP_WH` only: the stop brings the final reading, and should it be lost no more
        than a step is.

        Args:
            transaction_id: as the message told it; None: it told none.

        Returns:
            The write of the connector's session energy that follows from it, if any.
        """
        key = (charger, connector)
        record = self._open.get(key)
        if record is None:
            return None
        named = transaction_id == record.id
        if transaction_id is not None and not named:
            other = self._by_id.get(transaction_id)
            if other is not None and other.charger == charger:
                return None  # of a transaction that has ended, or of one told late
            self._own_ids.named(record.id, transaction_id)
        samples = self._meters.get(record.id)
        if samples is None:
            learned = self._learned.get(key, UNKNOWN)
            samples = self._meters[record.id] = SampleMeter(record.meter_start_wh, record.energy_wh, learned)
        energy_wh = samples.take(register_wh, named)
        if energy_wh is None:
            return None
        tags = self._tags.by_key.get(key)
        if record.soc_start is None and tags is not None and tags.soc is not None:
            soc = tags.charge(record.started_us)
            if soc is not None:
                record = self._replace(replace(record, soc_start=soc))
        if energy_wh - record.energy_wh >= ENERGY_STEP_WH:
            if samples.source == SESSION and "session_register" not in record.flags:
                record = replace(record, flags=flagged(record.flags, "session_register"))
            self._emit(self._replace(replace(record, energy_wh=energy_wh, updated_us=now_us)))
        return (tags.energy, energy_wh / 1000, GOOD, now_us) if tags is not None else None

    def revisit(self, record: TransactionRecord, visit: int, now_us: TimeUs) -> None:
        """A transaction turned out to belong to another visit."""
        if record.visit != visit:
            self._emit(self._replace(replace(record, visit=visit, updated_us=now_us)))

    def identify(self, record: TransactionRecord, vehicle: str, now_us: TimeUs) -> None:
        """The vehicle of an open transaction became known."""
        known = self._by_id.get(record.id)
        if known is not None and known.vehicle != vehicle:
            self._emit(self._replace(replace(known, vehicle=vehicle, updated_us=now_us)))

    def _close_lost(self, record: TransactionRecord, stopped_us: TimeUs, now_us: TimeUs) -> None:
        self._finish(closing.lost(record, self._live(record).energy_wh, stopped_us, now_us), now_us)

    def _finish(self, record: TransactionRecord, now_us: TimeUs) -> None:
        key = (record.charger, record.connector)
        before = self._by_id.get(record.id)
        current = self._open.get(key)
        if current is not None and current.id == record.id:
            del self._open[key]
            self._tags.show_closed(record, now_us)
        late = self._late.get(key)
        if late:
            self._late[key] = [other for other in late if other.id != record.id]
            if not self._late[key]:
                del self._late[key]
        if key not in self._open and key in self._late:
            self._promote(key, now_us)
        self._own_ids.ended(record.id)
        samples = self._meters.pop(record.id, None)
        if samples is not None and samples.source:
            sure = samples.source == SESSION or record.meter_start_wh >= LIFETIME_SURE_WH
            self._learned[key] = samples.source if sure else self._learned.get(key, LIFETIME)
        self._remember(record)
        self._emit(record)
        if (
            before is None or before.state is TransactionState.OPEN
        ):  # else a correction of one that was told as ended
            data = {"id": record.id, "reason": record.reason}
            self._emit(Event("transaction_stopped", self._connector_path(record), data))

    def _promote(self, key: Key, now_us: TimeUs) -> None:
        """Of the open ones the newest runs, as it would after a restart."""
        newest = max(self._late[key], key=lambda record: (record.started_us, record.id))
        self._late[key].remove(newest)
        if not self._late[key]:
            del self._late[key]
        self._open[key] = newest
        self._tags.show(newest, now_us)

    def _flags(self, request: StartTransaction, clock_flag: bool) -> Iterator[str]:
        if clock_flag:
            yield "clock"
        if self._tags.get((request.charger, request.connector)) is None:
            yield "unknown_connector"
        if meter(request.meter_start_wh) != request.meter_start_wh:
            yield "meter_implausible"

    def _bound_open(self, request: StartTransaction, now_us: TimeUs) -> None:
        """A charger may make up connectors; it may not fill our memory with them."""
        if self._tags.get((request.charger, request.connector)) is not None:
            return
        made_up = [
            record
            for number in self._of_charger.get(request.charger, ())
            if (record := self._by_id[number]).state is TransactionState.OPEN
            and self._tags.get((record.charger, record.connector)) is None
            and self._open.get((record.charger, record.connector)) is record
        ]
        if len(made_up) >= UNKNOWN_CONNECTORS_MAX:
            self._close_lost(made_up[0], now_us, now_us)

    def _bound_late(self, key: Key, now_us: TimeUs) -> None:
        late = self._late[key]
        if len(late) > LATE_MAX:
            self._close_lost(late[0], late[0].started_us, now_us)

    def _meant(
        self, request: StopTransaction, stopped_us: TimeUs | None, parent: str
    ) -> TransactionRecord | None:
        """What a stop with an unknown id means: the one whose samples had it, an open one, or one whose stop was lost."""
        named = self._own_ids.meant(request.transaction_id, self._of_charger.get(request.charger, ()))
        if named is not None:
            return self._by_id[named]
        records = [self._by_id[number] for number in self._of_charger.get(request.charger, ())]
        for state in (TransactionState.OPEN, TransactionState.LOST_STOP):
            candidates = [record for record in records if record.state is state]
            found = stopped_by(candidates, request, stopped_us, parent)
            if found is not None:
                return found
        return None

    def _replace(self, record: TransactionRecord) -> TransactionRecord:
        """A changed one, still in the same state."""
        key = (record.charger, record.connector)
        current = self._open.get(key)
        if current is not None and current.id == record.id:
            self._open[key] = record
        self._by_id[record.id] = record
        return record

    def _remember(self, record: TransactionRecord) -> None:
        before = self._by_id.get(record.id)
        if record.state is not TransactionState.OPEN and (
            before is None or before.state is TransactionState.OPEN
        ):
            self._closed += 1
        self._by_id[record.id] = record
        key = (record.charger, record.connector)
        last = self._last.get(key)
        if (last is None or record.started_us >= last.started_us) and self._tags.get(key) is not None:
            self._last[key] = record
        ids = self._of_charger.setdefault(record.charger, {})
        if record.state is TransactionState.CLOSED:
            ids.pop(record.id, None)
        else:
            ids[record.id] = None
        if self._closed > CLOSED_REMEMBERED:
            oldest = next(r for r in self._by_id.values() if r.state is not TransactionState.OPEN)
            if oldest.id != record.id:
                self._closed -= 1
                del self._by_id[oldest.id]
                self._of_charger[oldest.charger].pop(oldest.id, None)

    def _live(self, record: TransactionRecord) -> TransactionRecord:
        samples = self._meters.get(record.id)
        if samples is None or samples.energy_wh == record.energy_wh:
            return record
        return replace(record, energy_wh=samples.energy_wh)

    def _site(self, charger: str) -> str:
        known = self._plant.chargers_by_path.get(charger)
        return known.site if known else ""

    def _connector_path(self, record: TransactionRecord) -> str:
        tags = self._tags.get((record.charger, record.connector))
        return tags.connector.path if tags else record.charger
