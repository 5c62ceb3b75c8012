"""What simulated chargers keep over a power cut: one SQLite file for all chargers of a simulation.

A state is on its way to the disk before the message that tells of it: after a kill of the simulator there is the
old state or the new one, never a part. A crash of the whole machine may take the last seconds along.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from scada.charging.profiles import Profile
from scada.core.errors import StartError
from scada.simulator.access import Entry, Reservation
from scada.simulator.outlet import OutletState
from scada.simulator.queue import Message

FILE = "chargers.db"
BUSY_TIMEOUT_S = 5.0

log = structlog.get_logger()


@dataclass(slots=True)
class ChargerState:
    """Everything of a charger that survives.

    Attributes:
        firmware: installed over that of the factory; empty: none was.
        password: the AuthorizationKey that it was given; empty: the one of the factory.
        certificates: PEM of installed roots by type.
        chain, private_key: its own certificate and key, PEM.
        firmware_job: what has to be told of an update after the reboot: (request id or None, status).
    """

    outlets: dict[int, OutletState] = field(default_factory=dict)
    configuration: dict[str, str] = field(default_factory=dict)
    cache: dict[str, Entry] = field(default_factory=dict)
    local_list: dict[str, Entry] = field(default_factory=dict)
    local_list_version: int = 0
    reservations: dict[int, Reservation] = field(default_factory=dict)
    profiles: list[tuple[int, Profile]] = field(default_factory=list)
    queue: list[Message] = field(default_factory=list)
    firmware: str = ""
    firmware_job: tuple[int | None, str] | None = None
    password: str = ""
    certificates: dict[str, list[str]] = field(default_factory=dict)
    chain: str = ""
    private_key: str = ""


class Store:
    """The states of all chargers of a simulation, by the chargers' paths.

    Args:
        folder: where the file stands; None: nothing is kept (load tests).

    Raises:
        StartError: the file cannot be opened.
    """

    def __init__(self, folder: Path | None) -> None:
        self._encoder = msgspec.json.Encoder()
        self._database: sqlite3.Connection | None = None
        if folder is None:
            return
        try:
            # autocommit; without waiting for the disk: a kill of the process loses nothing (sqlite.org/wal.html)
            self._database = sqlite3.connect(
                folder / FILE, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS state (charger TEXT PRIMARY KEY, body BLOB NOT NULL)"
            )
        except sqlite3.Error as error:
            raise StartError(f"the simulation cannot keep its state in {folder / FILE}: {error}") from None

    def load(self, charger: str) -> ChargerState:
        """The saved state, or a new one; what cannot be read is put aside as `<charger>.bad`."""
        if self._database is None:
            return ChargerState()
        row = self._database.execute("SELECT body FROM state WHERE charger = ?", (charger,)).fetchone()
        if row is None:
            return ChargerState()
        try:
            return msgspec.json.decode(row[0], type=ChargerState)
        except msgspec.MsgspecError as error:
            log.warning("simulated_state_unreadable", charger=charger, reason=str(error))
            self._database.execute(
                "UPDATE OR REPLACE state SET charger = ? WHERE charger = ?", (f"{charger}.bad", charger)
            )
            return ChargerState()

    def save(self, charger: str, state: ChargerState) -> None:
        """Keep a state for another life."""
        if self._database is not None:
            self._database.execute(
                "INSERT OR REPLACE INTO state VALUES (?, ?)", (charger, self._encoder.encode(state))
            )

    def close(self) -> None:
        """Close the file; nothing is saved any more."""
        if self._database is not None:
            self._database.close()
            self._database = None
