"""Stop conditions: a running session is ended when it has what it was to have.

They come from the token's plan, from a reservation, or from an operator. Reaching one gives an order to stop, again and
again within bounds until the transaction has ended; after a restart too, for what is reached stays reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from scada.charging.connector_tags import Tags
from scada.charging.ports import Ports, Shelf
from scada.charging.registers import Step
from scada.charging.tariffs import cost_of
from scada.core.command import CommandResult
from scada.core.effects import Order
from scada.core.plant import NO_CONDITIONS, Bookkeeping, StopConditions
from scada.core.records import DocumentRecord, TransactionRecord
from scada.core.value import SECOND_US, TimeUs

USER = "<stop condition>"
OWNER = "stops"
RETRY_S = (10, 30, 60, 300, 900)
"""After the n-th try that did not end the transaction; after the last it is left to people, and said."""
RECKON_US = 10 * SECOND_US
"""A running cost is worked out this often."""
STEP_US = 900 * SECOND_US
"""Energy of a running session is told apart by such stretches, for prices that change with the time of day."""
STEPS_MAX = 1_000
"""Stretches of one session; what flows after them (ten days) counts as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The conditions of a transaction.

    Attributes:
        source: `plan`, `reservation`, or the operator's name.
        until_us, duration_us: moments that `conditions` come to; None: none.
        reached: the condition that was reached, or empty.
        tries: orders given so far.
    """

    transaction: int
    conditions: StopConditions
    source: str
    until_us: TimeUs | None = None
    duration_us: TimeUs | None = None
    reached: str = ""
    tries: int = 0


@dataclass(slots=True)
class _Running:
    """What a session with a bound on its cost has taken so far, and when."""

    from_us: TimeUs
    from_wh: int
    steps: list[Step]
    due_us: TimeUs = 0

    def stretches(self, record: TransactionRecord, now_us: TimeUs) -> list[Step]:
        """All up to now; a stretch that is over is closed."""
        last = Step(self.from_us, now_us, max(record.energy_wh - self.from_wh, 0))
        if last.to_us - last.from_us >= STEP_US and len(self.steps) < STEPS_MAX:
            self.steps.append(last)
            self.from_us, self.from_wh = now_us, record.energy_wh
            return self.steps
        return [*self.steps, last]


class Stops:
    """The conditions of all open transactions that have some.

    Args:
        bookkeeping: whose tariffs a cost is reckoned with, as the finished session's will be.
    """

    def __init__(
        self,
        tags: Tags,
        bookkeeping: Bookkeeping,
        ports: Ports,
        documents: Iterable[DocumentRecord],
        find: Callable[[int], TransactionRecord | None],
    ) -> None:
        self._tags, self._bookkeeping, self._ports, self._find = tags, bookkeeping, ports, find
        self._shelf = Shelf("stop_conditions", Watched, ports.record, documents)
        self._due: dict[int, TimeUs] = {}
        """Transaction → when the next order may be given."""
        self._running: dict[int, _Running] = {}
        """Of sessions with a bound on their cost. After a restart what flowed before counts as spread evenly."""

    def get(self, transaction: int) -> Watched | None:
        """The conditions of a transaction."""
        return self._shelf.get(str(transaction))

    def put(self, record: TransactionRecord, conditions: StopConditions, source: str, now_us: TimeUs) -> None:
        """Give a transaction conditions in place of those it has; none: it has none any more."""
        self._due.pop(record.id, None)
        if conditions == NO_CONDITIONS:
            self._shelf.remove(str(record.id), now_us)
        else:
            until = [conditions.until_us] if conditions.until_us is not None else []
            tags = self._tags.get((record.charger, record.connector))
            if conditions.at_min is not None and tags is not None:
                begin_us = (
                    max(record.started_us, now_us)
                    if source not in ("plan", "reservation")
                    else record.started_us
                )
                until.append(next_time_of_day(conditions.at_min, ZoneInfo(tags.site.timezone), begin_us))
            item = Watched(
                transaction=record.id,
                conditions=conditions,
                source=source,
                until_us=min(until, default=None),
                duration_us=(
                    None if conditions.duration_us is None else record.started_us + conditions.duration_us
                ),
            )
            self._shelf.put(str(record.id), item, now_us)
        self._show(record, now_us)

    def merge(self, *several: StopConditions) -> StopConditions:
        """Of each kind the first that is said."""
        merged = NO_CONDITIONS
        for one in several:
            missing = {
                name: value
                for name in one.__dataclass_fields__
                if getattr(merged, name) is None and (value := getattr(one, name)) is not None
            }
            merged = replace(merged, **missing)
        return merged

    def ended(self, record: TransactionRecord, now_us: TimeUs) -> None:
        """A transaction is over."""
        self._due.pop(record.id, None)
        self._running.pop(record.id, None)
        if str(record.id) in self._shelf:
            self._shelf.remove(str(record.id), now_us)
            self._tags.put((record.charger, record.connector), {"StopCondition": ""}, now_us)

    def restore(self, now_us: TimeUs) -> None:
        """Go on with what an earlier run left."""
        for key in self._shelf:
            record = self._find(int(key)) if key.isdecimal() else None
            if record is None or record.stopped_us is not None:
                self._shelf.remove(key, now_us)
            else:
                self._show(record, now_us)

    def second(self, now_us: TimeUs) -> None:
        """Look whether one is reached."""
        for key in self._shelf:
            item = self._shelf[key]
            record = self._find(item.transaction)
            if record is None or record.stopped_us is not None:
                self._shelf.remove(key, now_us)
                continue
            reached = item.reached or self._reached(item, record, now_us)
            if not reached or now_us < self._due.get(record.id, 0):
                continue
            self._order(key, replace(item, reached=reached), record, now_us)

    def outcome(self, order: Order, result: CommandResult, now_us: TimeUs) -> None:
        """An order to stop has ended: said on the connector where it did not help."""
        item = self._shelf.get(order.key)
        record = self._find(item.transaction) if item is not None else None
        if record is not None and not result.outcome.ok:
            self._show(record, now_us, f": {result.text or result.outcome.value}")

    def _order(self, key: str, item: Watched, record: TransactionRecord, now_us: TimeUs) -> None:
        tags = self._tags.get((record.charger, record.connector))
        if tags is None:
            return
        if item.tries >= len(RETRY_S):
            self._due[record.id] = now_us + RETRY_S[-1] * SECOND_US
            self._show(record, now_us, f": the charger did not stop ({item.tries} tries)")
            return
        self._due[record.id] = now_us + RETRY_S[item.tries] * SECOND_US
        self._shelf.put(key, replace(item, tries=item.tries + 1), now_us)
        self._show(record, now_us)
        self._ports.order(Order("RemoteStop", tags.connector.path, {}, USER, OWNER, key))

    def _reached(self, item: Watched, record: TransactionRecord, now_us: TimeUs) -> str:
        wanted = item.conditions
        if wanted.energy_wh is not None and record.energy_wh >= wanted.energy_wh:
            return "energy"
        if item.duration_us is not None and now_us >= item.duration_us:
            return "duration"
        if item.until_us is not None and now_us >= item.until_us:
            return "time"
        tags = self._tags.get((record.charger, record.connector))
        if wanted.soc is not None and tags is not None:
            soc = tags.charge(record.started_us)
            if soc is not None and soc >= wanted.soc:
                return "soc"
        if wanted.cost is not None and tags is not None:
            zone = ZoneInfo(tags.site.timezone)
            if self._costs(record, zone, now_us) >= Decimal(str(wanted.cost)):
                return "cost"
        return ""

    def _costs(self, record: TransactionRecord, zone: ZoneInfo, now_us: TimeUs) -> Decimal:
        """What a running session costs by now, by the tariff that it will be billed with; between two looks nothing."""
        running = self._running.setdefault(record.id, _Running(record.started_us, 0, []))
        tariff = self._bookkeeping.tariff_for(record.site, record.plan)
        if tariff is None or now_us < running.due_us:
            return Decimal(-1)
        running.due_us = now_us + RECKON_US
        found = running.stretches(record, now_us)
        return cost_of(tariff, zone, record.started_us, now_us, max(record.energy_wh, 0), found).total

    def _show(self, record: TransactionRecord, now_us: TimeUs, note: str = "") -> None:
        item = self._shelf.get(str(record.id))
        text = ""
        if item is not None:
            text = f"{item.reached} reached{note}" if item.reached else ", ".join(_words(item))
        self._tags.put((record.charger, record.connector), {"StopCondition": text}, now_us)


def next_time_of_day(at_min: int, zone: ZoneInfo, after_us: TimeUs) -> TimeUs:
    """The next moment after another at which a clock on the wall of the zone shows this time."""
    after = datetime.fromtimestamp(after_us / SECOND_US, zone)
    at = after.replace(hour=at_min // 60, minute=at_min % 60, second=0, microsecond=0, fold=0)
    if int(at.timestamp()) * SECOND_US <= after_us:
        at += timedelta(days=1)
    return int(at.timestamp()) * SECOND_US


def _words(item: Watched) -> Iterable[str]:
    wanted = item.conditions
    if wanted.energy_wh is not None:
        yield f"{wanted.energy_wh / 1000:g} kWh"
    if wanted.duration_us is not None:
        yield f"{wanted.duration_us / 60 / SECOND_US:g} min"
    if wanted.at_min is not None:
        yield f"{wanted.at_min // 60:02}:{wanted.at_min % 60:02}"
    if wanted.until_us is not None:
        yield "until a moment"
    if wanted.soc is not None:
        yield f"{wanted.soc:g} %"
    if wanted.cost is not None:
        yield f"cost {wanted.cost:g}"
