"""What the rim must bring: the protocols that adapters implement, so that adapters need not know each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from scada.core.command import Command, CommandResult
from scada.core.database import Sample
from scada.core.records import (
    AlarmTransition,
    OutboxRecord,
    Record,
    TransactionRecord,
    TransactionState,
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
    """A part of a list: items, and the cursor of the next part (None: this was the last)."""

    items: Sequence[T]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which transactions; None and empty mean any. Times are of the start."""

    site: str = ""
    charger: str = ""
    connector: int | None = None
    id_tag: str = ""
    state: TransactionState | None = None
    from_us: TimeUs | None = None
    to_us: TimeUs | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One sample of a tag's history."""

    time_us: TimeUs
    value: Value
    quality: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A mail in the outbox and what became of it: `state` is waiting, sent or failed; `text` as it was sent."""

    id: int
    record: OutboxRecord
    state: str
    attempts: int
    next_try_us: TimeUs
    last_answer: str
    subject: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class UserRow:
    """An account. `password_hash` is Argon2id in PHC form."""

    name: str
    role: str
    password_hash: str
    language: str
    disabled: bool


class Archive(Protocol):
    """Reading what was kept. All calls run off the loop; lists are newest first."""

    async def sessions(self, where: SessionFilter, limit: int, cursor: str | None) -> Page[TransactionRecord]:
        """Transactions. Raises BadRequest for a cursor that is not ours."""
        ...

    async def alarm_journal(
        self, limit: int, cursor: str | None, site: str = "", alarm: str = ""
    ) -> Page[AlarmTransition]:
        """Rows of the alarm journal."""
        ...

    async def points(self, path: str, from_us: TimeUs, to_us: TimeUs, limit: int) -> Sequence[Point]:
        """The newest `limit` samples of a tag in a span, oldest first."""
        ...

    async def outbox(self, limit: int, cursor: str | None) -> Page[OutboxRow]:
        """Mails."""
        ...

    async def energy_wh(self, site: str, from_us: TimeUs, to_us: TimeUs) -> tuple[int, int]:
        """(energy, number of transactions) of those that started within the span."""
        ...


class OutboxStore(Protocol):
    """The queue behind the mail sender."""

    async def claim(self, now_us: TimeUs, limit: int) -> Sequence[OutboxRow]:
        """Rows that are due, oldest first. One sender only."""
        ...

    async def settle(
        self, row_id: int, *, state: str, answer: str, next_try_us: TimeUs, subject: str, text: str = ""
    ) -> None:
        """Note how a try ended: `sent`, `failed` (for good) or `waiting` (again at `next_try_us`)."""
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

    def remove(self, name: str) -> bool:
        """Delete an account; False if there was none."""
        ...
