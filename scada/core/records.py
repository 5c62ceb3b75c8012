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
    """States of an alarm (ISA-18.2 figure 4, IEC 62682; OPC UA Part 9 has the same).

    The last three are the suppressed ones; of several suppressions the first in this order is the state:
    out of service, shelved, suppressed by design.
    """

    NORMAL = "normal"
    ACTIVE_UNACKNOWLEDGED = "active_unacknowledged"
    ACTIVE_ACKNOWLEDGED = "active_acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"
    """The source is normal again; the alarm is held until it is reset."""
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"
    OUT_OF_SERVICE = "out_of_service"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"

    @property
    def active(self) -> bool:
        """Whether the alarm stands: the source is abnormal, or a latch holds it."""
        return self in _ACTIVE

    @property
    def latched(self) -> bool:
        """Whether only the latch holds it."""
        return self in (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED_ACKNOWLEDGED)

    @property
    def unacknowledged(self) -> bool:
        """Whether somebody still has to acknowledge."""
        return self in _UNACKNOWLEDGED

    @property
    def suppressed(self) -> bool:
        """Whether it is kept from operators: shelved, suppressed by design or out of service."""
        return self in _SUPPRESSED


_ACTIVE = frozenset(
    (
        AlarmState.ACTIVE_UNACKNOWLEDGED,
        AlarmState.ACTIVE_ACKNOWLEDGED,
        AlarmState.LATCHED_UNACKNOWLEDGED,
        AlarmState.LATCHED_ACKNOWLEDGED,
    )
)
_UNACKNOWLEDGED = frozenset(
    (
        AlarmState.ACTIVE_UNACKNOWLEDGED,
        AlarmState.RETURNED_UNACKNOWLEDGED,
        AlarmState.LATCHED_UNACKNOWLEDGED,
    )
)
_SUPPRESSED = frozenset((AlarmState.OUT_OF_SERVICE, AlarmState.SHELVED, AlarmState.SUPPRESSED))


class AlarmEvent(Enum):
    """What a row of the alarm journal tells."""

    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    RESET = "reset"
    """An operator let go of the latch."""
    COMMENTED = "commented"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    """By an operator, or because the time was over (then without user)."""
    SUPPRESSED = "suppressed"
    """By design: a mask holds."""
    UNSUPPRESSED = "unsuppressed"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTransition:
    """One row of the alarm journal.

    Attributes:
        sequence: rises by one with each row of a plant, over restarts.
        alarm: path of the bit.
        state: after the event.
        raised_us: when this occurrence of the alarm came; it identifies the occurrence together with `alarm`. 0: it has
            not come, but was suppressed while it was normal.
        first_out: sequence of the row with which the group of alarms that this one came with began (its own: it is
            the first-out); kept over the occurrence; 0: not known.
        value: the value of the watched register at that moment, as text with its unit, or empty.
        user, origin: of who did it; empty for what the source, the time or a mask did.
        comment: an operator's comment or reason, or the name of the mask.
        until_us: end of a shelving or of a time out of service; None: open.
    """

    sequence: int
    time_us: TimeUs
    alarm: str
    site: str
    level: int
    event: AlarmEvent
    state: AlarmState
    raised_us: TimeUs
    domain: str = ""
    nature: str = ""
    first_out: int = 0
    value: str = ""
    user: str = ""
    origin: str = ""
    comment: str = ""
    until_us: TimeUs | None = None


class HoldKind(Enum):
    """What people may hold."""

    SHELVED = "shelved"
    """One alarm."""
    OUT_OF_SERVICE = "out_of_service"
    """A branch: a tag, a connector, a charger, a meter or a site, with everything below."""
    FORCED = "forced"
    """A tag, at a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRecord:
    """Something that an operator holds, and again (with `active` False) when it ends. One a kind and path.

    Attributes:
        path: of the alarm, branch or tag.
        value: of a forced tag, as JSON; else empty.
        until_us: when it ends by itself; None: when somebody ends it.
    """

    kind: HoldKind
    path: str
    user: str
    origin: str
    reason: str
    since_us: TimeUs
    until_us: TimeUs | None
    value: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedRecord:
    """The newest value of a tag that survives restarts. `value` is JSON."""

    path: str
    value: str
    time_us: TimeUs


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """A small state that survives restarts, and again whenever it changes; one a kind and key.

    For what is looked up by its key only and read whole at the start. What is searched has a table of its own.

    Attributes:
        kind: what sort of thing: `reservation`, `local_list`, `commissioning` …
        body: JSON; empty: it is forgotten.
    """

    kind: str
    key: str
    body: str
    time_us: TimeUs


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRecord:
    """How far the escalation of an alarm has come, so that it goes on after a restart. One an alarm and profile.

    Attributes:
        raised_us: of the occurrence; another one begins anew.
        step: number of steps taken, repeats included.
        ended: nobody is to be asked any more.
    """

    alarm: str
    profile: str
    raised_us: TimeUs
    step: int
    ended: bool = False


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
        energy_wh: never negative; where the registers cannot be right it is that of the samples.
        correction_wh: by how much `energy_wh` differs from what the two registers say.
        authorized_by: `local` (the project's tokens), `imported`, `admitted`, `manual`, `free`, `unknown`.
        visit: from plug-in to unplug, what operators call the session; 0: not known (an unknown connector).
        parent: group of the token.
        plan: of the token.
        reservation: that it used; 0: none.
        soc_start, soc_end: percent, where the vehicle told.
        charger_id: the id that the charger made up, where it was not ours.
        ordered_by, stopped_by: who ordered start and stop from here; empty: it was done at the charger.
        stop_condition: that ended it: `energy`, `duration`, `time`, `soc`, `cost`.
        late: told after it was over, or long after it began.
        flags: what is odd about it, comma-separated: `clock` (a time of the charger was not believable),
            `unknown_start`, `unknown_connector`, `lost_stop`, `matched_stop` (the stop named an id of the charger's own
            making), `meter_backwards`, `meter_implausible`, `session_register` (its samples count from 0 for each
            session), `unknown_reservation`.
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
    visit: int = 0
    vehicle: str = ""
    parent: str = ""
    plan: str = ""
    reservation: int = 0
    soc_start: float | None = None
    soc_end: float | None = None
    charger_id: str = ""
    ordered_by: str = ""
    stopped_by: str = ""
    stop_condition: str = ""
    late: bool = False
    correction_wh: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFigures:
    """What was worked out of a transaction after it ended; the whole row, written anew when it is worked out again.

    Attributes:
        id: of the transaction.
        charging_us: how long power flowed.
        power_mean_kw: over the time in which power flowed; None: none did.
        power_max_kw: greatest recorded; None: none was recorded.
        cost: decimal text, rounded to a hundredth; empty: no tariff holds.
        cost_parts: JSON: a list of `from`, `to`, `band`, `energy_wh`, `cost` (not rounded).
        meter: path of the station's own meter behind which the charger hangs alone.
        meter_difference_wh: by how much that meter counted more than the charger; None: it cannot be said.
        flags: comma-separated: `meter_difference` (past the tolerance), `register_reset`, `register_roll_over`,
            `register_jump` (of the samples).
        quarters: JSON: a list of [begin of the quarter hour in µs, Wh], adding up to the transaction's energy.
    """

    id: int
    computed_us: TimeUs
    charging_us: int = 0
    power_mean_kw: float | None = None
    power_max_kw: float | None = None
    tariff: str = ""
    currency: str = ""
    cost: str = ""
    cost_parts: str = ""
    meter: str = ""
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    meter_difference_wh: int | None = None
    flags: str = ""
    quarters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecord:
    """The whole row of a visit, written anew at each change: a vehicle at a connector, from plug-in to unplug.

    Attributes:
        id: ours, never used twice.
        ended_us: None: it is still plugged in.
        vehicle: name in the registry, or empty.
        vehicle_id: what the charger told of it (EVCCID, MAC address), or empty.
    """

    id: int
    charger: str
    connector: int
    site: str
    began_us: TimeUs
    ended_us: TimeUs | None = None
    vehicle: str = ""
    vehicle_id: str = ""
    updated_us: TimeUs = 0


class Channel(Enum):
    """How a message reaches a contact."""

    EMAIL = "email"
    SMS = "sms"
    """An e-mail to a gateway that makes a short message of it: plain text, one line."""
    WEBHOOK = "webhook"
    """An HTTP request with JSON, signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRecord:
    """A message to be sent: cause and snapshot; the text is made when it is sent.

    Attributes:
        message_id: of RFC 5322, the same at each try, so that a repeated mail is known as one.
        thread_id: Message-ID of the first mail about the same occurrence; empty: this is the first.
        recipient: an address, or the URL of a webhook.
        template: name below `alarms/mail` or the project's `mail` folder: `alarm`, `escalated`, `report` …
        cause: sequence of the journal row, or 0.
        snapshot: JSON of the alarm, event or report as it was.
        not_before_us: earliest time of sending (window, restart window, quiet hours); 0: at once. Rows of one
            recipient and channel that wait are sent as one message.
        level: of the alarm, for limits; 0 where there is none.
        urgent: goes past quiet hours and limits of number (self-tests on request, critical alarms).
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
    channel: Channel = Channel.EMAIL
    profile: str = ""
    not_before_us: TimeUs = 0
    level: int = 0
    urgent: bool = False


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


Record: TypeAlias = (
    AlarmTransition
    | HoldRecord
    | RetainedRecord
    | DocumentRecord
    | EscalationRecord
    | TransactionRecord
    | VisitRecord
    | SessionFigures
    | OutboxRecord
    | CommandRecord
    | AuditRecord
)
