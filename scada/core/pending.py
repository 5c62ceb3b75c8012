"""Chargers that have called and that the project does not have: what is known of them, and what may become of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scada.core.access import Actor
from scada.core.value import TimeUs


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCharger:
    """A charger that waits for somebody to adopt it.

    Attributes:
        secure: it comes by the TLS door.
        connectors: as many as it has spoken of; 0: not known.
        device_type: that of the project's chargers of the same maker and model; empty: there is none.
        transactions: how many it has begun all the same; it was told that nobody may charge.
        rejected: it is refused from now on.
    """

    identity: str
    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    address: str = ""
    secure: bool = False
    online: bool = False
    connectors: int = 0
    device_type: str = ""
    transactions: int = 0
    first_seen_us: TimeUs = 0
    last_seen_us: TimeUs = 0
    rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What a pending charger becomes: a new row of chargers.csv, or with `replaces` another identity in one.

    Attributes:
        cells: column of chargers.csv → text; empty ones take the column's default.
        replaces: path of the charger in whose place it comes, with its tags, history and settings.
    """

    cells: dict[str, str]
    replaces: str = ""


class PendingChargers(Protocol):
    """Looking at pending chargers, and deciding about them."""

    def list(self) -> Sequence[PendingCharger]:
        """All of them, in order of their coming."""
        ...

    async def reject(self, identity: str, actor: Actor) -> None:
        """Refuse it from now on. Raises NotFound, Denied, JournalError."""
        ...

    async def adopt(self, identity: str, adoption: Adoption, actor: Actor) -> None:
        """Take it into the project; the program then starts anew in its place, with everything that runs.

        Raises:
            NotFound, Denied: nothing was changed.
            BadRequest: the project would not be right; the text holds every mistake, and nothing was changed.
        """
        ...
