"""What the logic of charging writes to: records, events and orders, in order; and documents that survive restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from scada.core.effects import Event, Order
from scada.core.records import DocumentRecord, Record
from scada.core.value import TimeUs

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where effects go."""

    record: Callable[[Record], None]
    event: Callable[[Event], None]
    order: Callable[[Order], None]


class Shelf(Generic[T]):
    """Documents of one kind by key, in the order of their coming; on disk with the turn that puts them.

    Args:
        shape: a dataclass; a document that does not fit it any more is passed over.
        left: what an earlier run left, of all kinds.
    """

    def __init__(
        self, kind: str, shape: type[T], record: Callable[[Record], None], left: Iterable[DocumentRecord]
    ) -> None:
        self._kind, self._record = kind, record
        self._items: dict[str, T] = {}
        for one in left:
            if one.kind == kind:
                try:
                    self._items[one.key] = msgspec.json.decode(one.body, type=shape)
                except msgspec.MsgspecError:
                    continue

    def __getitem__(self, key: str) -> T:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._items))

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: str) -> T | None:
        """The document, or None."""
        return self._items.get(key)

    def values(self) -> list[T]:
        """All documents."""
        return list(self._items.values())

    def put(self, key: str, item: T, now_us: TimeUs) -> None:
        """Keep a document."""
        self._items[key] = item
        body = msgspec.json.encode(item).decode()
        self._record(DocumentRecord(kind=self._kind, key=key, body=body, time_us=now_us))

    def remove(self, key: str, now_us: TimeUs) -> None:
        """Forget a document, if it is there."""
        if self._items.pop(key, None) is not None:
            self._record(DocumentRecord(kind=self._kind, key=key, body="", time_us=now_us))
