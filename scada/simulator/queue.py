"""The messages that a simulated charger owes (OCPP 1.6 3.7): in order, each until it is answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

QUEUE_MAX = 500
"""Messages that wait; at it the oldest MeterValues goes first, then the oldest message, and a warning is logged."""

log = structlog.get_logger()


@dataclass(slots=True)
class Message:
    """A transaction-related message. What is sent again has the same content.

    Attributes:
        key: the charger's own name of the transaction.
        attempts: how often the central system has refused it or not answered.
    """

    action: str
    payload: dict[str, Any]
    key: str
    attempts: int = 0


class TransactionQueue:
    """Messages in order of time; the first is sent until it is answered.

    Args:
        messages: the list that is saved with the charger's state.
    """

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Add at the end."""
        if len(self._messages) >= QUEUE_MAX:
            spare = next((n for n, m in enumerate(self._messages[1:], 1) if m.action == "MeterValues"), 1)
            dropped = self._messages.pop(spare)
            if dropped.action != "MeterValues":
                log.warning("simulated_queue_full", dropped=dropped.action)
        self._messages.append(message)

    def head(self) -> Message | None:
        """The message to be sent next."""
        return self._messages[0] if self._messages else None

    def remove(self, message: Message) -> None:
        """It was answered, or is given up."""
        if any(one is message for one in self._messages):
            self._messages[:] = [one for one in self._messages if one is not message]

    def name(self, key: str, transaction_id: int) -> None:
        """The id of a transaction is known now: put it into what waits."""
        for message in self._messages:
            if message.key == key and message.action != "StartTransaction":
                message.payload["transactionId"] = transaction_id
