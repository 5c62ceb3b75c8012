"""What the sender of messages needs: its durable queue, and the links in messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from scada.core.records import Channel, OutboxRecord
from scada.core.value import TimeUs


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A message in the outbox and what became of it; `text` as it was sent.

    Attributes:
        state: `waiting`, `held` (waiting, kept back by the hourly limit), `sent` or `failed`.
        sent_with: id of the row whose message carries this one too (window, digest); 0: its own. While a message
            is under way its carrier names itself.
        sent_us: when it was accepted; 0: it was not.
    """

    id: int
    record: OutboxRecord
    state: str
    attempts: int
    next_try_us: TimeUs
    last_answer: str
    subject: str
    text: str = ""
    sent_with: int = 0
    sent_us: TimeUs = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxQueue:
    """What waits for one contact at one address, and what went there lately.

    Attributes:
        rows: waiting rows, oldest first; those that belong to a message under way are among them.
        sent_us: when messages went there within the last hour, oldest first.
    """

    rows: Sequence[OutboxRow]
    sent_us: Sequence[TimeUs]


OutboxKey = tuple[str, str, Channel]
"""(contact, recipient, channel): whose messages are sent one after another, and counted."""


class OutboxStore(Protocol):
    """The queue behind the sender of messages. One sender only."""

    async def claim(
        self,
        now_us: TimeUs,
        limit: int,
        channels: Collection[Channel] = tuple(Channel),
        busy: Collection[OutboxKey] = (),
    ) -> Sequence[OutboxQueue]:
        """Queues in which a row is due (waiting, `next_try_us` reached), the one with the oldest row first."""
        ...

    async def bind(self, carrier: int, row_ids: Sequence[int]) -> None:
        """Make rows one message, before it is sent: a repeat after a crash carries the same under the same id."""
        ...

    async def hold(self, row_ids: Sequence[int], until_us: TimeUs, answer: str) -> None:
        """Keep rows back (state `held`): their contact has had the messages of this hour."""
        ...

    async def settle(
        self,
        carrier: int,
        *,
        state: str,
        answer: str,
        next_try_us: TimeUs,
        subject: str,
        text: str = "",
        sent_us: TimeUs = 0,
        bound: bool = False,
    ) -> None:
        """Note how a try of a message ended, for all its rows at once.

        Args:
            state: `sent`, `failed` (for good), `withdrawn` (not to be told any more) or `waiting` (again at
                `next_try_us`).
            bound: of `waiting`: the rows stay one message, for it is not known whether it was accepted.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLink:
    """What a link in a message stands for: this contact may acknowledge this occurrence of this alarm.

    Attributes:
        expired: its time is over; it grants nothing.
    """

    alarm: str
    raised_us: TimeUs
    contact: str
    expired: bool = False


class AnswerLinks(Protocol):
    """Reads the tokens of links."""

    def read(self, token: str, now_us: TimeUs) -> AnswerLink | None:
        """What a token stands for; None: it is none of ours."""
        ...
