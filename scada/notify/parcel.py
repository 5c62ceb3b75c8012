"""Which rows of a queue go out together, and when: windows, digests, limits, back-off. Pure.

Rules, in order:

1. What was bound to one message and may have been accepted (a crash, a lost connection) goes again as it was.
2. A recipient whose server said "later" is left alone until then.
3. Rows about alarms travel with the first of them that is due; other rows go alone.
4. Past the hourly limit only urgent rows set a message off; the rest is held until the oldest message of the hour
   is an hour old, and then goes as one digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scada.core.message_ports import OutboxKey, OutboxQueue, OutboxRow
from scada.core.records import Channel, OutboxRecord
from scada.core.value import SECOND_US, TimeUs

HOUR_US = 3600 * SECOND_US
WEBHOOK_ROWS_MAX = 100
"""Rows in one request: a program wants each of them, none summed up."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message: its rows, the carrier first, whose Message-ID it has.

    Attributes:
        bound: it was under way before; nothing may be added.
    """

    rows: tuple[OutboxRow, ...]
    bound: bool = False

    @property
    def carrier(self) -> OutboxRow:
        """The row that the message goes out with."""
        return self.rows[0]

    @property
    def held(self) -> tuple[OutboxRow, ...]:
        """The rows that the hourly limit kept back."""
        return tuple(row for row in self.rows if row.state == "held")

    @property
    def held_since_us(self) -> TimeUs:
        """When the first of them should have gone; 0: none was held."""
        return min((ready_us(row.record) for row in self.held), default=0)


@dataclass(frozen=True, slots=True)
class Hold:
    """Rows to be held until a moment."""

    rows: tuple[OutboxRow, ...]
    until_us: TimeUs


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing may be sent before a moment."""

    until_us: TimeUs


def key_of(record: OutboxRecord) -> OutboxKey:
    """The queue that a row stands in."""
    return (record.contact, record.recipient, record.channel)


def ready_us(record: OutboxRecord) -> TimeUs:
    """When a row was meant to go."""
    return max(record.created_us, record.not_before_us)


def snapshot_of(record: OutboxRecord) -> Mapping[str, Any]:
    """The cause as it was; empty where it cannot be read."""
    try:
        snapshot = json.loads(record.snapshot)
    except ValueError:
        return {}
    return snapshot if isinstance(snapshot, dict) else {}


def plan(queue: OutboxQueue, now_us: TimeUs, per_hour: int) -> Parcel | Hold | Rest | None:
    """What is to be done with a queue now; None: nothing."""
    for carrier in sorted({row.sent_with for row in queue.rows if row.sent_with}):
        rows = [row for row in queue.rows if row.sent_with == carrier]
        rows.sort(key=lambda row: (row.id != carrier, row.id))
        if rows[0].next_try_us <= now_us:
            return Parcel(tuple(rows), bound=True)
    free = [row for row in queue.rows if not row.sent_with]
    until_us = max((row.next_try_us for row in free if row.attempts and row.state != "held"), default=0)
    if until_us > now_us:
        return Rest(until_us)
    due = [row for row in free if row.next_try_us <= now_us]
    if not due:
        return None
    if len(queue.sent_us) >= per_hour:
        urgent = [row for row in due if row.record.urgent]
        if not urgent:
            # One place is free when all but `per_hour - 1` messages are older than an hour.
            until_us = queue.sent_us[len(queue.sent_us) - per_hour] + HOUR_US
            return Hold(tuple(due), max(until_us, now_us + SECOND_US))
        return Parcel(_together(urgent[0], free))
    return Parcel(_together(due[0], free))


def _together(carrier: OutboxRow, free: Sequence[OutboxRow]) -> tuple[OutboxRow, ...]:
    if not _about_alarm(carrier):
        return (carrier,)
    others = [row for row in free if row.id != carrier.id and _about_alarm(row)]
    if carrier.record.channel is Channel.WEBHOOK:
        others = others[: WEBHOOK_ROWS_MAX - 1]
    return (carrier, *others)


def _about_alarm(row: OutboxRow) -> bool:
    return "alarm" in snapshot_of(row.record)
