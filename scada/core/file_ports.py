"""Ports of the file server: what chargers fetch and upload, as drivers and as interfaces see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scada.core.value import TimeUs


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareFile:
    """A file that chargers may be told to install.

    Attributes:
        sha256: hexadecimal.
        signature: base64, made by the manufacturer over the file; empty: none.
        certificate: PEM of the certificate that it was signed with; empty: none.
    """

    name: str
    size_bytes: int
    sha256: str
    changed_us: TimeUs
    signature: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A file that a charger has uploaded, whole.

    Attributes:
        purpose: `diagnostics` or `log`.
        name: as the charger gave it, made harmless.
    """

    id: str
    charger: str
    purpose: str
    name: str
    size_bytes: int
    received_us: TimeUs


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSlot:
    """One transfer that is allowed: unguessable, for one charger and one purpose, until it expires.

    Attributes:
        url: for the charger alone; whoever has it may use it.
    """

    id: str
    url: str
    expires_us: TimeUs


class FileExchange(Protocol):
    """The file server, as drivers see it.

    What comes of a slot is told by events of the charger: `file_received` (slot, purpose, name, size_bytes), the file
    being whole and on disk, and `file_fetched` (slot, name).
    """

    @property
    def schemes(self) -> tuple[str, ...]:
        """Those that are open, of `http`, `https`, `ftp`."""
        ...

    async def firmware_file(self, name: str) -> FirmwareFile:
        """A firmware file. Raises NotFound."""
        ...

    async def offer(self, name: str, charger: str, scheme: str, expires_us: TimeUs) -> FileSlot:
        """Let a charger fetch a firmware file. Raises NotFound, BadRequest (too many slots)."""
        ...

    async def receive(self, charger: str, purpose: str, scheme: str, expires_us: TimeUs) -> FileSlot:
        """Let a charger upload one file. Raises BadRequest (too many slots)."""
        ...

    async def close_slot(self, slot_id: str) -> None:
        """Nobody may use a slot any more; a transfer under way ends."""
        ...


class FileShelf(Protocol):
    """Firmware files and files received, as people see them. Raises NotFound and BadRequest with what is wrong."""

    async def firmware(self) -> Sequence[FirmwareFile]:
        """All firmware files, by name."""
        ...

    async def add_firmware(self, name: str, body: AsyncIterator[bytes]) -> FirmwareFile:
        """Take a file in, whole or not at all. One that is there is replaced unless chargers are fetching it."""
        ...

    async def sign_firmware(self, name: str, signature: str, certificate: str) -> FirmwareFile:
        """Keep the manufacturer's signature beside a file; both empty: it is forgotten."""
        ...

    async def remove_firmware(self, name: str) -> None:
        """Delete a file with its signature."""
        ...

    async def received(self, charger: str = "") -> Sequence[ReceivedFile]:
        """Files that chargers have uploaded, newest first."""
        ...

    async def received_path(self, file_id: str) -> tuple[ReceivedFile, Path]:
        """Where one of them lies."""
        ...
