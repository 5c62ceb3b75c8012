"""Slots: each transfer is allowed once, for one charger and one purpose, until it expires.

Thread-safe and without I/O: the HTTP door asks on the loop, the FTP door in a thread of its own. A token is known
here by its hash only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from scada.core.errors import BadRequest
from scada.core.value import TimeUs

SLOTS_MAX = 5_000
"""Slots at once; a further one is refused: a roll-out over thousands of chargers has a few hundred open."""
TRANSFERS_MAX = 100
"""Transfers under way at once, both doors together; a further one is told to come again."""
SERVED_MAX = 20
"""A slot gives out at most so often the size of its file: resumed and repeated fetches have room, floods have not."""


class Way(Enum):
    """Which way the file goes."""

    TO_CHARGER = "to_charger"
    FROM_CHARGER = "from_charger"


class Busy(Exception):
    """Not now: the slot or the server has a transfer under way. Worth another try."""


@dataclass(slots=True)
class Slot:
    """One allowed transfer.

    Attributes:
        id: ours, no secret; the user name of FTP.
        digest: SHA-256 of the token, hexadecimal.
        purpose: `firmware`, `diagnostics` or `log`.
        file: what is sent, or where what comes is kept until it is whole.
        name: of the file sent.
        bytes_max: of one upload.
        transfers: under way.
        served_bytes: given out so far.
        used: the upload is complete.
        closed: nobody may use it any more.
    """

    id: str
    digest: str
    charger: str
    purpose: str
    way: Way
    file: Path
    name: str
    bytes_max: int
    expires_us: TimeUs
    transfers: int = 0
    served_bytes: int = 0
    used: bool = False
    closed: bool = False

    def open_at(self, now_us: TimeUs) -> bool:
        """Whether it may be used."""
        return not (self.used or self.closed) and now_us < self.expires_us


def new_token() -> str:
    """192 bits, safe within URLs."""
    return secrets.token_urlsafe(24)


def digest_of(token: str) -> str:
    """What a token is known by."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class SlotTable:
    """All slots."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, Slot] = {}
        self._by_digest: dict[str, Slot] = {}
        self._transfers = 0

    def add(self, slot: Slot) -> None:
        """Take a slot in. Raises BadRequest: `SLOTS_MAX` are there."""
        with self._lock:
            if len(self._slots) >= SLOTS_MAX:
                raise BadRequest(f"{SLOTS_MAX} file transfers are waited for already")
            self._slots[slot.id] = slot
            self._by_digest[slot.digest] = slot

    def get(self, slot_id: str) -> Slot | None:
        """By its id; not yet a right to use it."""
        return self._slots.get(slot_id)

    def find(self, token: str, now_us: TimeUs) -> Slot | None:
        """The slot that a token opens."""
        slot = self._by_digest.get(digest_of(token))
        return slot if slot is not None and slot.open_at(now_us) else None

    def log_in(self, slot_id: str, token: str, now_us: TimeUs) -> Slot | None:
        """The slot of a user name and password (FTP)."""
        slot = self._slots.get(slot_id)
        good = hmac.compare_digest(slot.digest if slot else "", digest_of(token))
        return slot if slot is not None and good and slot.open_at(now_us) else None

    def begin(self, slot: Slot, now_us: TimeUs) -> None:
        """A transfer begins.

        Raises:
            Busy: an upload of this slot is under way, or the server has its fill.
            BadRequest: the slot may not be used (any more).
        """
        with self._lock:
            if not slot.open_at(now_us):
                raise BadRequest("this transfer is over")
            if slot.way is Way.FROM_CHARGER and slot.transfers:
                raise Busy("an upload is under way")
            if self._transfers >= TRANSFERS_MAX or slot.transfers >= SERVED_MAX:
                raise Busy("too many transfers at once")
            slot.transfers += 1
            self._transfers += 1

    def end(self, slot: Slot) -> None:
        """A transfer has ended, whichever way."""
        with self._lock:
            slot.transfers -= 1
            self._transfers -= 1

    def serve(self, slot: Slot, count: int, size: int) -> bool:
        """Note bytes given out; False: the slot has given enough."""
        with self._lock:
            slot.served_bytes += count
            return slot.served_bytes <= SERVED_MAX * max(size, 1)

    def use(self, slot: Slot, now_us: TimeUs) -> bool:
        """An upload is whole: the slot is used up. False: somebody closed it meanwhile."""
        with self._lock:
            if not slot.open_at(now_us):
                return False
            slot.used = True
            return True

    def close(self, slot_id: str) -> Slot | None:
        """Forget a slot; transfers under way see it closed."""
        with self._lock:
            slot = self._slots.pop(slot_id, None)
            if slot is not None:
                slot.closed = True
                self._by_digest.pop(slot.digest, None)
            return slot

    def expired(self, now_us: TimeUs) -> list[str]:
        """Ids of slots whose time is over."""
        with self._lock:
            return [slot.id for slot in self._slots.values() if now_us >= slot.expires_us]

    def offers(self, name: str) -> int:
        """How many chargers may fetch a firmware file."""
        with self._lock:
            return sum(slot.way is Way.TO_CHARGER and slot.name == name for slot in self._slots.values())
