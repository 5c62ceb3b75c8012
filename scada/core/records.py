"""What is made durable before it is shown or answered: rows of `core.db`, as the pure core returns them.

Each record is a plain frozen dataclass; `scada.history.journal` maps it to its table. All records of one
turn are committed in one transaction, in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from scada.core.value import TimeUs


class AlarmState(Enum):
    """States of ISA-18.2 figure 4, without the suppressed ones."""

    NORMAL = "normal"
    ACTIVE_UNACKNOWLEDGED = "active_unacknowledged"
    ACTIVE_ACKNOWLEDGED = "active_acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"

    @property
    def active(self) -> bool:
        """Whether the source is abnormal."""
        return self in (AlarmState.ACTIVE_UNACKNOWLEDGED, AlarmState.ACTIVE_ACKNOWLEDGED)

    @property
    def unacknowledged(self) -> bool:
        """Whether somebody still has to acknowledge."""
        return self in (AlarmState.ACTIVE_UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED)


class AlarmEvent(Enum):
    """Why an alarm changed its state."""

    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTransition:
    """One row of the alarm journal.

    Attributes:
        sequence: rises by one with each row of a plant, over restarts.
        alarm: path of the bit.
        raised_us: when this occurrence of the alarm came; it identifies the occurrence together with `alarm`.
        value: the value of the watched register at that moment, as text with its unit, or empty.
        user, origin, comment: of an acknowledgement; empty otherwise.
    """

    sequence: int
    time_us: TimeUs
    alarm: str
    site: str
    level: int
    event: AlarmEvent
    state: AlarmState
    raised_us: TimeUs
    value: str = ""
    user: str = ""
    origin: str = ""
    comment: str = ""


class TransactionState(Enum):
    """Whether a transaction still runs."""

    OPEN = "open"
    CLOSED = "closed"
    LOST_STOP = "lost_stop"
    """Closed by us: the connector began another transaction without stopping this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRecord:
    """The whole row of a transaction, written anew at each change of it.

    Attributes:
        id: ours, given to the charger; never used twice.
        meter_start_wh, meter_stop_wh: the charger's register.
        authorized_by: `local`, `free` or `unknown`.
        flags: what is odd about it, comma-separated: `clock` (a time of the charger was not believable),
            `unknown_start`, `unknown_connector`, `lost_stop`, `meter_backwards`, `meter_implausible`.
    """

    id: int
    charger: str
    connector: int
    site: str
    id_tag: str
    started_us: TimeUs
    meter_start_wh: int
    state: TransactionState = TransactionState.OPEN
    stopped_us: TimeUs | None = None
    meter_stop_wh: int | None = None
    energy_wh: int = 0
    reason: str = ""
    authorized_by: str = "local"
    flags: str = ""
    updated_us: TimeUs = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRecord:
    """A mail to be sent: cause and snapshot; the text is made when it is sent.

    Attributes:
        message_id: of RFC 5322, the same at each try, so that a repeated mail is known as one.
        thread_id: Message-ID of the first mail about the same occurrence; empty: this is the first.
        snapshot: JSON of the alarm as it was.
    """

    message_id: str
    thread_id: str
    created_us: TimeUs
    contact: str
    recipient: str
    language: str
    template: str
    cause: int
    snapshot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """A command when it is issued and again when it ends."""

    id: str
    time_us: TimeUs
    name: str
    target: str
    arguments: str
    user: str
    origin: str
    outcome: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Who did what: log-ins, writes to tags."""

    time_us: TimeUs
    user: str
    origin: str
    action: str
    object: str
    old: str = ""
    new: str = ""
    outcome: str = "ok"


Record: TypeAlias = AlarmTransition | TransactionRecord | OutboxRecord | CommandRecord | AuditRecord
