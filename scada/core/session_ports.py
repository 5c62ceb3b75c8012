"""What is asked of kept transactions beyond their list: one with all that belongs to it, whole spans, open work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from scada.core.ports import SessionFilter
from scada.core.records import SessionFigures, TransactionRecord, VisitRecord
from scada.core.value import TimeUs


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A transaction, what was worked out of it (None: not yet), and the visit that it lies in (None: not known)."""

    record: TransactionRecord
    figures: SessionFigures | None = None
    visit: VisitRecord | None = None


class SessionStore(Protocol):
    """Transactions with their figures. All async calls run off the loop."""

    async def session(self, number: int) -> SessionRow | None:
        """A transaction with what belongs to it; None: there is none."""
        ...

    async def span(self, where: SessionFilter, limit: int) -> Sequence[SessionRow]:
        """All of a filter, oldest first; of more than `limit` the oldest."""
        ...

    def walk(self, where: SessionFilter, limit: int) -> Iterator[SessionRow]:
        """The same, one after another. Blocks: for a thread."""
        ...

    async def unfigured(self, since_us: TimeUs, limit: int) -> Sequence[TransactionRecord]:
        """Ended transactions that changed since a moment and whose figures are missing or older than the change."""
        ...

    async def beside(self, record: TransactionRecord, limit: int = 10) -> Sequence[TransactionRecord]:
        """Other transactions at the same charger at the same time."""
        ...
