"""What the rim must bring: the protocols that adapters implement, so that adapters need not know each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from scada.core.access import Role
from scada.core.command import Command, CommandResult
from scada.core.database import Sample
from scada.core.message_ports import OutboxRow
from scada.core.records import (
    AlarmEvent,
    AlarmState,
    AlarmTransition,
    AuditRecord,
    CommandRecord,
    Record,
    TransactionRecord,
    TransactionState,
    VisitRecord,
)
from scada.core.value import TimeUs, Value


class Clock(Protocol):
    """The time."""

    def now_us(self) -> TimeUs:
        """Now, UTC."""
        ...


class Journal(Protocol):
    """Durable record of first instance. Called on the gate's writer thread only."""

    def commit(self, records: Sequence[Record]) -> None:
        """Write all records in one transaction; on return they survive a power cut.

        Raises:
            Exception: nothing of it was written; the same call may be tried again.
        """
        ...


class SampleSink(Protocol):
    """History of values. Never blocks, never raises."""

    def append(self, samples: Sequence[Sample]) -> None:
        """Take samples over."""
        ...


class Commander(Protocol):
    """A driver that carries out commands on its devices."""

    async def execute(self, command: Command) -> CommandResult:
        """Carry out a command to its real end; never raises for what a device does."""
        ...


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list: items, and the cursor of the next part (None: this was the last).

    Attributes:
        complete: nothing is missing among the items; False: older ones lie where they cannot be read now.
    """

    items: Sequence[T]
    next: str | None
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which transactions; None and empty mean any. Times are of the start.

    Attributes:
        vehicles: any of these.
        authorized_by: how it was authorized, for example `local`.
        flags: all of these, see `TransactionRecord`; `any`: whatever flag.
        text: found in token, group, vehicle, charger or reason, in any case of letters.
        to_us: the span ends before it, as spans do; `duration_max_us`, `energy_max_wh`: up to this.
        ended_from_us: ended at this moment or later, or not at all.
    """

    site: str = ""
    charger: str = ""
    connector: int | None = None
    id_tag: str = ""
    parent: str = ""
    plan: str = ""
    vehicle: str = ""
    vehicles: tuple[str, ...] = ()
    visit: int = 0
    state: TransactionState | None = None
    authorized_by: str = ""
    flags: tuple[str, ...] = ()
    late: bool | None = None
    energy_min_wh: int | None = None
    energy_max_wh: int | None = None
    duration_min_us: int | None = None
    duration_max_us: int | None = None
    text: str = ""
    from_us: TimeUs | None = None
    to_us: TimeUs | None = None
    ended_from_us: TimeUs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFilter:
    """Which visits; None and empty mean any. Times are of the plug-in.

    Attributes:
        open: still plugged in (True), or ended (False).
    """

    site: str = ""
    charger: str = ""
    connector: int | None = None
    vehicle: str = ""
    open: bool | None = None
    from_us: TimeUs | None = None
    to_us: TimeUs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFilter:
    """Which rows of the alarm journal; None and empty mean any.

    Attributes:
        branch: rows of alarms at this path or below it.
        role: what the reader may see (levels, sites, domains).
        text: found in alarm path, comment or user.
    """

    site: str = ""
    alarm: str = ""
    branch: str = ""
    level_min: int = 0
    level_max: int = 29
    events: tuple[AlarmEvent, ...] = ()
    state: AlarmState | None = None
    user: str = ""
    text: str = ""
    from_us: TimeUs | None = None
    to_us: TimeUs | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedFilter:
    """Which rows of the audit or of the commands; None and empty mean any.

    Attributes:
        user: who did it.
        object: what it was done to: of a command its target.
        action: what was done: of a command its name.
    """

    user: str = ""
    object: str = ""
    action: str = ""
    from_us: TimeUs | None = None
    to_us: TimeUs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """A command and when it ended; None: not yet, or the product stopped before."""

    record: CommandRecord
    ended_us: TimeUs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFigures:
    """How well the alarm system does over a span (ISA-18.2 16.5, EEMUA 191).

    Attributes:
        raised: alarms raised.
        per_10_min_mean, per_10_min_peak: rate; the peak is that of the worst whole ten minutes of the clock.
        flood_percent: share of the ten-minute spans with more than ten alarms.
        most_frequent: (alarm, times raised), the ten most frequent.
        chattering: alarms that were raised three times or more within a minute.
        fleeting: alarms that returned within `fleeting_s` of being raised, without anybody's doing, and how often.
        stale: alarms that have been active for more than 24 hours at the end of the span.
        by_priority: priority class → share in percent; the recommended one is 5 high (and critical), 15 medium, 80 low.
        acknowledge_s_median, acknowledge_s_p90: from raised to acknowledged; None: nothing was acknowledged.
    """

    from_us: TimeUs
    to_us: TimeUs
    raised: int
    per_10_min_mean: float
    per_10_min_peak: int
    flood_percent: float
    most_frequent: Sequence[tuple[str, int]]
    chattering: Sequence[str]
    fleeting: Sequence[tuple[str, int]]
    stale: Sequence[str]
    by_priority: Mapping[str, float]
    acknowledge_s_median: float | None
    acknowledge_s_p90: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """One sample of a tag's history."""

    time_us: TimeUs
    value: Value
    quality: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What a register did in one step of time. Good samples alone count; None where there is nothing to tell.

    Attributes:
        n: Good samples.
        low, high, mean, last: of them.
        weighted: mean weighted by time: a value holds until the next sample, also one from before the step.
        covered_us: how much of the step the value is known for.
        interpolated: the value at the beginning of the step, on the straight line between its neighbours.
    """

    time_us: TimeUs
    n: int
    low: float | None
    high: float | None
    mean: float | None
    last: float | None
    weighted: float | None
    covered_us: int
    interpolated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is put in the place of a sample, or where there was none. The sample itself stays.

    Attributes:
        user: who did it; of a service its name.
    """

    path: str
    time_us: TimeUs
    value: Value
    quality: int
    user: str
    reason: str


@dataclass(frozen=True, slots=True)
class UserRow:
    """An account.

    Attributes:
        password_hash: Argon2id in PHC form.
        language, theme: that its user chose, or empty.
        must_change: the password was given by another: no rights before its user has chosen one.
        last_log_in_us: 0: never yet.
    """

    name: str
    role: str
    password_hash: str
    language: str
    disabled: bool
    theme: str = ""
    must_change: bool = False
    last_log_in_us: TimeUs = 0


class Archive(Protocol):
    """Reading what was kept. All calls run off the loop; lists are newest first."""

    async def sessions(self, where: SessionFilter, limit: int, cursor: str | None) -> Page[TransactionRecord]:
        """Transactions. Raises BadRequest for a cursor that is not ours."""
        ...

    async def visits(self, where: VisitFilter, limit: int, cursor: str | None) -> Page[VisitRecord]:
        """From plug-in to unplug. Raises BadRequest for a cursor that is not ours."""
        ...

    async def alarm_journal(
        self, where: JournalFilter, limit: int, cursor: str | None
    ) -> Page[AlarmTransition]:
        """Rows of the alarm journal."""
        ...

    async def alarm_figures(self, where: JournalFilter, from_us: TimeUs, to_us: TimeUs) -> AlarmFigures:
        """The figures of a span; of `where` site, branch, levels and role count."""
        ...

    async def audit(self, where: DeedFilter, limit: int, cursor: str | None) -> Page[AuditRecord]:
        """Who did what."""
        ...

    async def commands(self, where: DeedFilter, limit: int, cursor: str | None) -> Page[CommandRow]:
        """Commands and their outcomes."""
        ...

    async def points(self, path: str, from_us: TimeUs, to_us: TimeUs, limit: int) -> Sequence[Point]:
        """The newest `limit` samples of a tag in a span, oldest first."""
        ...

    async def curve(self, path: str, from_us: TimeUs, to_us: TimeUs, pixels: int) -> Sequence[Point]:
        """A tag's curve, thinned to a width with extremes and gaps kept; begins with the sample that held before."""
        ...

    async def aggregates(
        self, path: str, from_us: TimeUs, to_us: TimeUs, step_us: int, *, interpolated: bool = False
    ) -> Sequence[Aggregate]:
        """What a tag did in each step of a span."""
        ...

    async def values_at(self, paths: Sequence[str], time_us: TimeUs) -> Mapping[str, Point]:
        """Path → the sample that held at a moment; a tag without one is left out."""
        ...

    async def correct(self, corrections: Sequence[Correction]) -> None:
        """Put values in the place of samples, or where there were none. Raises BadRequest for a tag without history."""
        ...

    async def outbox(self, limit: int, cursor: str | None) -> Page[OutboxRow]:
        """Mails."""
        ...

    async def energy_wh(self, site: str, from_us: TimeUs, to_us: TimeUs) -> tuple[int, int]:
        """(energy, number of transactions) of those that started within the span."""
        ...


class UserStore(Protocol):
    """Accounts. Synchronous; the caller takes it off the loop."""

    def get(self, name: str) -> UserRow | None:
        """The account, or None."""
        ...

    def list(self) -> Sequence[UserRow]:
        """All accounts by name."""
        ...

    def put(self, user: UserRow) -> None:
        """Make or replace an account."""
        ...

    def seen(self, name: str, time_us: TimeUs) -> None:
        """Note the last log-in of an account."""
        ...

    def remove(self, name: str) -> bool:
        """Delete an account; False if there was none."""
        ...
