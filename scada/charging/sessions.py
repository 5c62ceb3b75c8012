"""The book of transactions: one open transaction a connector, ids of our own, retries known as such.

A charger repeats StartTransaction and StopTransaction until it has an answer, sends them late after an
outage, and forgets; what it says is written down and flagged, never refused for its content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scada.charging.authorization import Authorization, AuthorizationStatus, TokenList
from scada.core.database import TagDatabase, Write
from scada.core.effects import Event
from scada.core.moment import believable
from scada.core.plant import Charger, Connector, Plant
from scada.core.records import TransactionRecord, TransactionState
from scada.core.tag import Tag
from scada.core.value import GOOD, Quality, TimeUs, Value

CLOSED_REMEMBERED = 1_000
"""How many closed transactions are kept in memory to know a repeated StopTransaction again."""
ENERGY_STEP_WH = 500
UNKNOWN_CONNECTORS_MAX = 4
"""Open transactions a charger on connectors that it does not have; at it the oldest is closed as lost."""
LATE_MAX = 50
"""Open late transactions a connector; at it the oldest is closed as lost."""
ID_TAG_LENGTH_MAX = 255
REASON_LENGTH_MAX = 50
METER_MAX_WH = 10**12
"""No register of a charger counts further (a terawatt hour); what lies beyond is kept as this, and flagged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTransaction:
    """A charger began a transaction (OCPP 1.6 6.45)."""

    charger: str
    connector: int
    id_tag: str
    meter_start_wh: int
    time_us: TimeUs
    reservation_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTransaction:
    """A charger ended a transaction (OCPP 1.6 6.49)."""

    charger: str
    transaction_id: int
    meter_stop_wh: int
    time_us: TimeUs
    reason: str = "Local"
    id_tag: str = ""


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """Our id of the transaction, and whether the token is good."""

    transaction_id: int
    authorization: Authorization


@dataclass(frozen=True, slots=True)
class StopAnswer:
    """Whether the transaction was known, and the token's state where one was given."""

    known: bool
    authorization: Authorization | None


class SessionBook:
    """All transactions that matter now.

    Args:
        next_id: the first id to give out; ids are never used twice, over restarts.
        emit: takes records and events, in order.
    """

    def __init__(
        self,
        plant: Plant,
        database: TagDatabase,
        tokens: TokenList,
        next_id: int,
        emit: Callable[[TransactionRecord | Event], None],
    ) -> None:
        self._plant = plant
        self._tokens = tokens
        self._next_id = next_id
        self._emit = emit
        self._database = database
        self._open: dict[tuple[str, int], TransactionRecord] = {}
        self._by_id: dict[int, TransactionRecord] = {}
        self._late: dict[tuple[str, int], list[TransactionRecord]] = {}
        """Open transactions of an earlier time that were told late, beside the one that runs."""
        self._unknown_stops: dict[tuple[str, int, int, TimeUs], None] = {}
        """(charger, its id, meter, its time) of stops without a start, to know their retries; bounded."""
        self._energy_wh: dict[int, int] = {}
        """Energy of open transactions by id, as their samples tell it."""
        self._connector_tags = {
            (charger.path, connector.number): _ConnectorTags(database, connector)
            for charger in plant.chargers()
            for connector in charger.connectors
        }

    def restore(self, records: Iterable[TransactionRecord], now_us: TimeUs) -> None:
        """Take over the transactions of an earlier run: the open ones, and some closed ones to know retries."""
        for record in records:
            self._by_id[record.id] = record
            if record.state is TransactionState.OPEN and record.charger in self._plant.chargers_by_path:
                key = (record.charger, record.connector)
                running = self._open.get(key)
                if running is not None and running.started_us > record.started_us:
                    self._late.setdefault(key, []).append(record)
                    continue
                if running is not None:
                    self._late.setdefault(key, []).append(running)
                self._open[key] = record
                # The energy is that of the last step on disk until the charger sends its register again.
                self._show(record, now_us, Quality.UNCERTAIN_LAST_USABLE_VALUE)

    def open_on(self, charger: str, connector: int) -> TransactionRecord | None:
        """The open transaction of a connector, with its energy so far."""
        record = self._open.get((charger, connector))
        return self._live(record) if record else None

    def open_transactions(self) -> list[TransactionRecord]:
        """All open transactions, oldest first."""
        return sorted(map(self._live, self._open.values()), key=lambda record: record.started_us)

    def authorize(self, id_tag: str, now_us: TimeUs) -> Authorization:
        """Authorize a token; one that charges already elsewhere is still good (OCPP leaves it to us)."""
        return self._tokens.check(id_tag, now_us)

    def start(self, request: StartTransaction, now_us: TimeUs) -> StartAnswer:
        """Begin a transaction, or know a retry of one that has begun and not yet stopped."""
        authorization = self._tokens.check(request.id_tag, now_us)
        key = (request.charger, request.connector)
        current = self._open.get(key)
        started_us, clock_flag = _believable(request.time_us, now_us)
        if not clock_flag:
            for known in (current, *self._late.get(key, ())):
                if known is not None and _same(known, request, started_us):
                    return StartAnswer(known.id, authorization)
        record = TransactionRecord(
            id=self._next_id,
            charger=request.charger,
            connector=request.connector,
            site=self._site(request.charger),
            id_tag=request.id_tag[:ID_TAG_LENGTH_MAX],
            started_us=started_us,
            meter_start_wh=_meter(request.meter_start_wh),
            authorized_by=self._tokens.source(request.id_tag),
            flags=self._flags(request, clock_flag),
            updated_us=now_us,
        )
        self._next_id += 1
        self._remember(record)
        if current is not None and started_us < current.started_us:
            # One of an outage, told late: the transaction that runs now stays the one that runs.
            self._late.setdefault(key, []).append(record)
            self._emit(record)
            self._bound_late(key, now_us)
            return StartAnswer(record.id, authorization)
        if current is not None:
            self._close_lost(current, now_us)
        self._bound_open(request, now_us)
        self._open[key] = record
        self._emit(record)
        path = self._connector_path(record)
        accepted = authorization.status is AuthorizationStatus.ACCEPTED
        data = {"id": record.id, "id_tag": record.id_tag, "accepted": accepted}
        self._emit(Event("transaction_started", path, data))
        self._show(record, now_us)
        return StartAnswer(record.id, authorization)

    def stop(self, request: StopTransaction, now_us: TimeUs) -> StopAnswer:
        """End a transaction. An id that is not known is kept as a closed, flagged one of its own."""
        authorization = self._tokens.check(request.id_tag, now_us) if request.id_tag else None
        record = self._by_id.get(request.transaction_id)
        if record is not None and record.charger != request.charger:
            record = None  # an id of another charger: not this one's transaction
        stopped_us, clock_flag = _believable(request.time_us, now_us)
        if record is None:
            self._keep_unknown(request, stopped_us, now_us)
            return StopAnswer(False, authorization)
        if record.state is TransactionState.CLOSED:
            return StopAnswer(True, authorization)  # a retry
        flags = record.flags
        if clock_flag:
            flags = _flag(flags, "clock")
        meter_stop_wh = _meter(request.meter_stop_wh)
        if meter_stop_wh != request.meter_stop_wh:
            flags = _flag(flags, "meter_implausible")
        if meter_stop_wh < record.meter_start_wh:
            flags = _flag(flags, "meter_backwards")
        closed = replace(
            record,
            state=TransactionState.CLOSED,
            stopped_us=max(stopped_us, record.started_us),
            meter_stop_wh=meter_stop_wh,
            energy_wh=max(0, meter_stop_wh - record.meter_start_wh),
            reason=request.reason[:REASON_LENGTH_MAX],
            flags=flags,
            updated_us=now_us,
        )
        self._finish(closed, now_us)
        return StopAnswer(True, authorization)

    def register(
        self,
        charger: str,
        connector: int,
        register_wh: float,
        now_us: TimeUs,
        transaction_id: int | None = None,
    ) -> Write | None:
        """The connector's energy register, as a sample reported it.

        Args:
            transaction_id: as the message told it; None: it told none.

        Journalled each `ENERGY_STEP_WH` only: the stop brings the final reading, and should it be lost no more
        than a step is.

        Returns:
            The write of the connector's session energy that follows from it, if any.
        """
        key = (charger, connector)
        record = self._open.get(key)
        if record is None or register_wh < record.meter_start_wh:
            del transaction_id
            return None  # a session register beside a lifetime one: never subtract across the two
        energy_wh = int(register_wh) - record.meter_start_wh
        self._energy_wh[record.id] = energy_wh
        if energy_wh - record.energy_wh >= ENERGY_STEP_WH:
            record = replace(record, energy_wh=energy_wh, updated_us=now_us)
            self._open[key] = self._by_id[record.id] = record
            self._emit(record)
        return self._connector_tags[key].energy, energy_wh / 1000, GOOD, now_us

    def _close_lost(self, record: TransactionRecord, now_us: TimeUs) -> None:
        energy_wh = self._live(record).energy_wh
        self._finish(
            replace(
                record,
                state=TransactionState.LOST_STOP,
                stopped_us=now_us,
                meter_stop_wh=record.meter_start_wh + energy_wh,
                energy_wh=energy_wh,
                reason="LostStop",
                flags=_flag(record.flags, "lost_stop"),
                updated_us=now_us,
            ),
            now_us,
        )

    def _keep_unknown(self, request: StopTransaction, stopped_us: TimeUs, now_us: TimeUs) -> None:
        key = (request.charger, request.transaction_id, request.meter_stop_wh, request.time_us)
        if key in self._unknown_stops:
            return  # a retry of a stop that is kept already
        self._unknown_stops[key] = None
        while len(self._unknown_stops) > CLOSED_REMEMBERED:
            del self._unknown_stops[next(iter(self._unknown_stops))]
        record = TransactionRecord(
            id=self._next_id,
            charger=request.charger,
            connector=0,
            site=self._site(request.charger),
            id_tag=request.id_tag[:ID_TAG_LENGTH_MAX],
            started_us=stopped_us,
            meter_start_wh=_meter(request.meter_stop_wh),
            state=TransactionState.CLOSED,
            stopped_us=stopped_us,
            meter_stop_wh=_meter(request.meter_stop_wh),
            reason=request.reason[:REASON_LENGTH_MAX],
            authorized_by="unknown",
            flags="unknown_start",
            updated_us=now_us,
        )
        self._next_id += 1
        self._remember(record)
        self._emit(record)

    def _finish(self, record: TransactionRecord, now_us: TimeUs) -> None:
        key = (record.charger, record.connector)
        current = self._open.get(key)
        if current is not None and current.id == record.id:
            del self._open[key]
            self._energy_wh.pop(record.id, None)
            self._show_closed(record, now_us)
        late = self._late.get(key)
        if late:
            self._late[key] = [other for other in late if other.id != record.id]
            if not self._late[key]:
                del self._late[key]
        self._remember(record)
        self._emit(record)
        path = self._connector_path(record)
        self._emit(Event("transaction_stopped", path, {"id": record.id, "reason": record.reason}))

    def _flags(self, request: StartTransaction, clock_flag: bool) -> str:
        flags = "clock" if clock_flag else ""
        if (request.charger, request.connector) not in self._connector_tags:
            flags = _flag(flags, "unknown_connector")
        if _meter(request.meter_start_wh) != request.meter_start_wh:
            flags = _flag(flags, "meter_implausible")
        return flags

    def _bound_open(self, request: StartTransaction, now_us: TimeUs) -> None:
        """A charger may make up connectors; it may not fill our memory with them."""
        key = (request.charger, request.connector)
        if key in self._connector_tags:
            return
        made_up = [
            record
            for (charger, number), record in self._open.items()
            if charger == request.charger and (charger, number) not in self._connector_tags
        ]
        if len(made_up) >= UNKNOWN_CONNECTORS_MAX:
            self._close_lost(made_up[0], now_us)

    def _bound_late(self, key: tuple[str, int], now_us: TimeUs) -> None:
        late = self._late[key]
        if len(late) > LATE_MAX:
            self._close_lost(late[0], now_us)

    def _remember(self, record: TransactionRecord) -> None:
        self._by_id[record.id] = record
        if len(self._by_id) > CLOSED_REMEMBERED + len(self._open):
            oldest = next((r for r in self._by_id.values() if r.state is not TransactionState.OPEN), None)
            if oldest is not None and oldest.id != record.id:
                del self._by_id[oldest.id]

    def _live(self, record: TransactionRecord) -> TransactionRecord:
        energy_wh = self._energy_wh.get(record.id, record.energy_wh)
        return record if energy_wh == record.energy_wh else replace(record, energy_wh=energy_wh)

    def _show(self, record: TransactionRecord, now_us: TimeUs, energy_quality: int = GOOD) -> None:
        tags = self._connector_tags.get((record.charger, record.connector))
        if tags is None:
            return
        values: list[tuple[Tag, Value]] = [
            (tags.transaction, record.id),
            (tags.id_tag, record.id_tag),
            (tags.charging, True),
            (tags.started, record.started_us / 1_000_000),
        ]
        batch: list[Write] = [(tag, value, GOOD, now_us) for tag, value in values]
        batch.append((tags.energy, record.energy_wh / 1000, energy_quality, now_us))
        self._database.write(batch, now_us)

    def _show_closed(self, record: TransactionRecord, now_us: TimeUs) -> None:
        tags = self._connector_tags.get((record.charger, record.connector))
        if tags is None:
            return
        values: list[tuple[Tag, Value]] = [
            (tags.transaction, 0),
            (tags.id_tag, ""),
            (tags.charging, False),
            (tags.energy, record.energy_wh / 1000),
        ]
        self._database.write([(tag, value, GOOD, now_us) for tag, value in values], now_us)

    def _site(self, charger: str) -> str:
        known = self._plant.chargers_by_path.get(charger)
        return known.site if known else ""

    def _connector_path(self, record: TransactionRecord) -> str:
        charger: Charger | None = self._plant.chargers_by_path.get(record.charger)
        connector = charger.connector(record.connector) if charger else None
        return connector.path if connector else record.charger


class _ConnectorTags:
    """The tags of a connector that the book writes; every device type has them (`project.check_types`)."""

    __slots__ = ("charging", "energy", "id_tag", "started", "transaction")

    def __init__(self, database: TagDatabase, connector: Connector) -> None:
        self.transaction = database[f"{connector.path}.TransactionId"]
        self.id_tag = database[f"{connector.path}.IdTag"]
        self.charging = database[f"{connector.path}.InTransaction"]
        self.started = database[f"{connector.path}.SessionStart"]
        self.energy = database[f"{connector.path}.SessionEnergy"]


def _same(current: TransactionRecord, request: StartTransaction, started_us: TimeUs) -> bool:
    return (
        current.id_tag.casefold() == request.id_tag[:ID_TAG_LENGTH_MAX].casefold()
        and current.meter_start_wh == _meter(request.meter_start_wh)
        and current.started_us == started_us
    )


def _believable(time_us: TimeUs, now_us: TimeUs) -> tuple[TimeUs, bool]:
    """The device's time, or ours and True where the device's cannot be right."""
    return (time_us, False) if believable(time_us, now_us) else (now_us, True)


def _meter(register_wh: int) -> int:
    return max(-METER_MAX_WH, min(METER_MAX_WH, register_wh))


def _flag(flags: str, flag: str) -> str:
    present = [f for f in flags.split(",") if f]
    return ",".join(present if flag in present else [*present, flag])
