"""What both doors share: who may transfer, an upload from its first byte to its name, what is told of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

import structlog

from scada.core.errors import BadRequest
from scada.core.file_ports import ReceivedFile
from scada.core.ports import Clock
from scada.files.slots import Slot, SlotTable
from scada.files.store import Received, harmless

log = structlog.get_logger()


class TooLarge(Exception):
    """An upload has more bytes than it may."""


class Desk:
    """The slots, and where files go. Its methods may be called in any thread.

    Args:
        received_now: told of a file that is whole and on disk, in the thread of the door.
        fetched_now: told of a file that was given out to its last byte.
    """

    def __init__(
        self,
        clock: Clock,
        received: Received,
        received_now: Callable[[Slot, ReceivedFile], None],
        fetched_now: Callable[[Slot], None],
    ) -> None:
        self.clock = clock
        self.table = SlotTable()
        self.received = received
        self._received_now = received_now
        self._fetched_now = fetched_now

    def find(self, token: str) -> Slot | None:
        """The slot that a token opens."""
        return self.table.find(token, self.clock.now_us())

    def log_in(self, user: str, token: str) -> Slot | None:
        """The slot that user name and password open."""
        return self.table.log_in(user, token, self.clock.now_us())

    def begin(self, slot: Slot) -> None:
        """A transfer begins; raises as `SlotTable.begin`."""
        self.table.begin(slot, self.clock.now_us())

    def usable(self, slot: Slot) -> bool:
        """Whether a transfer under way may go on."""
        return slot.open_at(self.clock.now_us())

    def arrived(self, slot: Slot, name: str, size_bytes: int) -> None:
        """An upload lies whole and on disk in its draft: keep it.

        Raises:
            BadRequest: the slot was closed meanwhile.
            OSError: the disk does not take it.
        """
        now_us = self.clock.now_us()
        if not self.table.use(slot, now_us):
            raise BadRequest("this transfer is over")
        file = self.received.keep(
            slot.file,
            ReceivedFile(
                id=slot.id,
                charger=slot.charger,
                purpose=slot.purpose,
                name=harmless(name, slot.purpose),
                size_bytes=size_bytes,
                received_us=now_us,
            ),
        )
        log.info("file_received", charger=slot.charger, purpose=slot.purpose, size_bytes=size_bytes)
        self._received_now(slot, file)

    def fetched(self, slot: Slot) -> None:
        """A file was given out to its last byte."""
        log.info("file_fetched", charger=slot.charger, file=slot.name)
        self._fetched_now(slot)


class Upload:
    """One upload under way; `Desk.begin` came before. Synchronous: the HTTP door calls it in a thread."""

    def __init__(self, desk: Desk, slot: Slot) -> None:
        self._desk = desk
        self._slot = slot
        self.size_bytes = 0
        self._file: BinaryIO = slot.file.open("wb")
        self._ended = False

    def write(self, data: bytes) -> None:
        """Take bytes. Raises TooLarge, BadRequest (the slot's time is over), OSError."""
        self.size_bytes += len(data)
        if self.size_bytes > self._slot.bytes_max:
            raise TooLarge(f"a file has at most {self._slot.bytes_max:,} bytes")
        if not self._desk.usable(self._slot):
            raise BadRequest("this transfer is over")
        self._file.write(data)

    def finish(self, name: str) -> None:
        """The file is whole: it is on disk under its name when this returns. Raises BadRequest, OSError."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._desk.arrived(self._slot, name, self.size_bytes)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """The end, whichever way; what is left of a part is deleted. May be called twice."""
        if self._ended:
            return
        self._ended = True
        self._file.close()
        self._slot.file.unlink(missing_ok=True)
        self._desk.table.end(self._slot)
