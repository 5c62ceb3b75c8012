"""What a turn of the core wants done outside, in order.

The commit gate (`scada.runtime.gate`) makes `records` durable first, then lets the rest out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scada.core.records import AlarmTransition, Record


class Reply(NamedTuple):
    """The answer to `request(number)`."""

    number: int
    answer: Any


class Later:
    """In place of an answer: it comes with a later call of the core.

    Attributes:
        give: set by whoever sends answers out.
    """

    __slots__ = ("give",)

    def __init__(self) -> None:
        self.give: Callable[[Any], None] = lambda _: None

    def answer(self, answer: Any) -> None:
        """Answer now."""
        self.give(answer)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a device, for whoever waits for it or shows it.

    Attributes:
        kind: `transaction_started`, `transaction_stopped`, `boot`, `status` (data: `status`, `time_us` of the
            device), `link` (`up`), `local_list` (what a charger can and has: `supported`, `version`, `max` entries),
            `reservation` (`id`, `state`), `visit_began`, `visit_ended`.
        path: of the connector or charger.
        data: what there is to say about it; JSON-able.
    """

    kind: str
    path: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """A command that the core gives; its outcome is journalled by the router.

    Attributes:
        user: who gives it, in angle brackets: `<action night mode>`.
        owner: whose order it is; the outcome comes back to it (`PlantCore.outcome`). Empty: nobody waits for it.
        key: what the owner knows it by.
    """

    command: str
    target: str
    arguments: dict[str, Any]
    user: str
    owner: str = ""
    key: str = ""


@dataclass(slots=True)
class Effects:
    """The result of one or more calls of the core's entrances."""

    records: list[Record] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    transitions: list[AlarmTransition] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.records or self.replies or self.events or self.transitions or self.orders)
