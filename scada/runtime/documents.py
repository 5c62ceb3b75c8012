"""Small states of services that survive restarts: what was learned of a charger, pending chargers, roll-outs.

Each service has a drawer of its own kind. What is put there is at hand at once, and on disk when `put` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

import msgspec
import structlog

from scada.core.records import DocumentRecord
from scada.runtime.host import PlantHost
from scada.runtime.requests import Note

T = TypeVar("T", bound=msgspec.Struct)
log = structlog.get_logger()


class Documents:
    """All documents of an earlier run, and the way to disk.

    Args:
        restart: what the earlier run left.
    """

    def __init__(self, host: PlantHost, restart: Iterable[DocumentRecord]) -> None:
        self.host = host
        self._left: dict[str, dict[str, str]] = {}
        for record in restart:
            self._left.setdefault(record.kind, {})[record.key] = record.body

    def drawer(self, kind: str, shape: type[T]) -> Drawer[T]:
        """The documents of one kind. One that cannot be read any more is passed over, and said."""
        return Drawer(self.host, kind, shape, self._left.get(kind, {}))


class Drawer(Generic[T]):
    """Documents of one kind by key, in the order of their coming."""

    def __init__(self, host: PlantHost, kind: str, shape: type[T], left: dict[str, str]) -> None:
        self._host, self._kind = host, kind
        self._items: dict[str, T] = {}
        for key, body in left.items():
            try:
                self._items[key] = msgspec.json.decode(body, type=shape)
            except msgspec.MsgspecError as error:
                log.error("document_unreadable", document_kind=kind, key=key, reason=str(error))

    def get(self, key: str) -> T | None:
        """The document, or None."""
        return self._items.get(key)

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return iter(tuple(self._items.items()))

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, key: str, document: T) -> None:
        """Keep a document.

        Raises:
            JournalError: it is not on disk in time; it will be when the disk works again.
        """
        self._items[key] = document
        await self._note(key, msgspec.json.encode(document).decode())

    async def put_all(self, documents: Mapping[str, T]) -> None:
        """Keep several documents, all or none of them on disk. Raises like `put`."""
        self._items.update(documents)
        await self._note_all({key: msgspec.json.encode(one).decode() for key, one in documents.items()})

    async def remove_all(self, keys: Iterable[str]) -> None:
        """Forget documents; those that are not there are passed over. Raises like `put`."""
        await self._note_all({key: "" for key in keys if self._items.pop(key, None) is not None})

    async def remove(self, key: str) -> bool:
        """Forget a document; False: there was none. Raises like `put`."""
        if self._items.pop(key, None) is None:
            return False
        await self._note(key, "")
        return True

    async def _note(self, key: str, body: str) -> None:
        await self._note_all({key: body})

    async def _note_all(self, bodies: Mapping[str, str]) -> None:
        now_us = self._host.clock.now_us()
        records = [
            DocumentRecord(kind=self._kind, key=key, body=body, time_us=now_us)
            for key, body in bodies.items()
        ]
        if records:
            await self._host.request(Note(tuple(records)))
