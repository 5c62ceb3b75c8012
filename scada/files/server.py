"""The file server as a whole: slots that survive restarts, both doors, and the ports of `scada.core.file_ports`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import structlog
from msgspec import Struct

from scada.core.effects import Event
from scada.core.errors import BadRequest, NotFound
from scada.core.file_ports import FileSlot, FirmwareFile, ReceivedFile
from scada.core.plant import FileSettings
from scada.core.value import TimeUs
from scada.files.desk import Desk
from scada.files.ftp import FtpDoor
from scada.files.http import HttpDoor
from scada.files.slots import Slot, Way, digest_of, new_token
from scada.files.store import Firmware, Received
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost

EXPIRE_EVERY_S = 30.0
SLOT_KIND = "file_slot"

log = structlog.get_logger()


class SlotDocument(Struct, kw_only=True):
    """A slot as it survives a restart: a charger may fetch long after it was told to. No token, only its hash."""

    digest: str
    charger: str
    purpose: str
    way: str
    name: str
    expires_us: TimeUs


class FileServer:
    """Implements FileExchange and FileShelf.

    Args:
        directory: of the project.
        ports: door (`http`, `ftp`) → the port it listens on; a door that is closed is missing.
        listening: the address that the doors listen on; told to chargers where the settings name none.
    """

    def __init__(
        self,
        settings: FileSettings,
        directory: Path,
        host: PlantHost,
        documents: Documents,
        ports: Mapping[str, int],
        listening: str,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._host = host
        self._ports = ports
        self._address = settings.address or listening
        self._firmware = Firmware(directory / "firmware", settings.firmware_bytes_max)
        received = Received(directory / "data" / "files", settings.received_bytes_max)
        received.prepare()
        self._received = received
        self._slots = documents.drawer(SLOT_KIND, SlotDocument)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.desk = Desk(
            host.clock,
            received,
            self._from_any_thread(self._tell_received),
            self._from_any_thread(self._tell_fetched),
        )
        self.http = HttpDoor(self.desk)
        self._restore()

    @property
    def schemes(self) -> tuple[str, ...]:
        """Those that are open, of `http`, `https`, `ftp`."""
        web = "https" if self._settings.tls_certificate else "http"
        return tuple(scheme for door, scheme in (("http", web), ("ftp", "ftp")) if door in self._ports)

    @property
    def tls(self) -> tuple[Path, Path] | None:
        """Certificate and key of the HTTP door, as the settings name them below the project."""
        settings = self._settings
        folder = self._directory
        if not settings.tls_certificate:
            return None
        return folder / settings.tls_certificate, folder / settings.tls_key

    async def run(self) -> None:
        """Let slots expire, until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            for slot_id in self.desk.table.expired(self._host.clock.now_us()):
                await self.close_slot(slot_id)
            await asyncio.sleep(EXPIRE_EVERY_S)

    async def run_ftp(self, sock: socket.socket) -> None:
        """The FTP door, until cancelled."""
        door = FtpDoor(self.desk, await self._passive_address(), self._settings.passive_ports)
        await door.run(sock)

    # FileExchange

    async def firmware_file(self, name: str) -> FirmwareFile:
        """A firmware file. Raises NotFound."""
        return await asyncio.to_thread(self._firmware.get, name)

    async def offer(self, name: str, charger: str, scheme: str, expires_us: TimeUs) -> FileSlot:
        """Let a charger fetch a firmware file. Raises NotFound, BadRequest."""
        await self.firmware_file(name)
        return await self._open(
            Way.TO_CHARGER, charger, "firmware", scheme, expires_us, name, self._firmware.path(name)
        )

    async def receive(self, charger: str, purpose: str, scheme: str, expires_us: TimeUs) -> FileSlot:
        """Let a charger upload one file. Raises BadRequest."""
        return await self._open(Way.FROM_CHARGER, charger, purpose, scheme, expires_us, "", None)

    async def close_slot(self, slot_id: str) -> None:
        """Nobody may use a slot any more."""
        self.desk.table.close(slot_id)
        await self._slots.remove(slot_id)

    # FileShelf

    async def firmware(self) -> Sequence[FirmwareFile]:
        """All firmware files, by name."""
        return await asyncio.to_thread(self._firmware.all)

    async def add_firmware(self, name: str, body: AsyncIterator[bytes]) -> FirmwareFile:
        """Take a firmware file in, whole or not at all."""
        draft = await asyncio.to_thread(self._firmware.draft, name)
        self._not_offered(name)
        size = 0
        try:
            with await asyncio.to_thread(draft.open, "wb") as file:
                async for chunk in body:
                    size += len(chunk)
                    if size > self._firmware.bytes_max:
                        raise BadRequest(f"a firmware file has at most {self._firmware.bytes_max:,} bytes")
                    await asyncio.to_thread(file.write, chunk)
                if not size:
                    raise BadRequest("the file is empty")
                await asyncio.to_thread(file.flush)
                await asyncio.to_thread(os.fsync, file.fileno())
            self._not_offered(name)
            return await asyncio.to_thread(self._firmware.keep, draft, name)
        finally:
            draft.unlink(missing_ok=True)

    async def sign_firmware(self, name: str, signature: str, certificate: str) -> FirmwareFile:
        """Keep a signature beside a file."""
        self._not_offered(name)
        return await asyncio.to_thread(self._firmware.sign, name, signature, certificate)

    async def remove_firmware(self, name: str) -> None:
        """Delete a firmware file."""
        self._not_offered(name)
        await asyncio.to_thread(self._firmware.remove, name)

    async def received(self, charger: str = "") -> Sequence[ReceivedFile]:
        """Files from chargers, newest first."""
        return await asyncio.to_thread(self._received.all, charger)

    async def received_path(self, file_id: str) -> tuple[ReceivedFile, Path]:
        """Where one of them lies."""
        return await asyncio.to_thread(self._received.find, file_id)

    def _not_offered(self, name: str) -> None:
        count = self.desk.table.offers(name)
        if count:
            raise BadRequest(f"{count} chargers may be fetching {name}: wait until they are done")

    async def _open(
        self,
        way: Way,
        charger: str,
        purpose: str,
        scheme: str,
        expires_us: TimeUs,
        name: str,
        file: Path | None,
    ) -> FileSlot:
        if scheme not in self.schemes:
            raise BadRequest(f"no {scheme} door is open for files")
        slot_id, token = os.urandom(8).hex(), new_token()
        document = SlotDocument(
            digest=digest_of(token),
            charger=charger,
            purpose=purpose,
            way=way.value,
            name=name,
            expires_us=expires_us,
        )
        self.desk.table.add(self._slot(slot_id, document, file))
        try:
            await self._slots.put(slot_id, document)
        except BaseException:
            self.desk.table.close(slot_id)
            raise
        return FileSlot(id=slot_id, url=self._url(scheme, slot_id, token, name), expires_us=expires_us)

    def _slot(self, slot_id: str, document: SlotDocument, file: Path | None) -> Slot:
        return Slot(
            id=slot_id,
            digest=document.digest,
            charger=document.charger,
            purpose=document.purpose,
            way=Way(document.way),
            file=file if file is not None else self._received.draft(slot_id),
            name=document.name,
            bytes_max=self._settings.upload_bytes_max,
            expires_us=document.expires_us,
        )

    def _restore(self) -> None:
        for slot_id, document in self._slots:
            try:
                out = document.way == Way.TO_CHARGER.value
                file = self._firmware.path(document.name) if out else None
                self.desk.table.add(self._slot(slot_id, document, file))
            except (NotFound, BadRequest, ValueError) as error:
                log.warning("file_slot_not_restored", charger=document.charger, reason=str(error))

    def _url(self, scheme: str, slot_id: str, token: str, name: str) -> str:
        """For uploads it is a folder (OCPP 1.6 6.25): the charger puts its file's name behind it."""
        address = f"[{self._address}]" if ":" in self._address else self._address
        if scheme == "ftp":
            return f"ftp://{slot_id}:{token}@{address}:{self._ports['ftp']}/{name}"
        return f"{scheme}://{address}:{self._ports['http']}/{token}/{name}"

    async def _passive_address(self) -> str:
        """The IPv4 address that PASV tells; empty: the one that the charger came to."""
        if not self._settings.address:
            return ""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._settings.address, None, family=socket.AF_INET)
        except OSError as error:
            log.error("file_address_unknown", address=self._settings.address, reason=str(error))
            return ""
        return str(found[0][4][0])

    def _from_any_thread(self, tell: Callable[..., None]) -> Callable[..., None]:
        def on_loop(*arguments: object) -> None:
            loop = self._loop
            if loop is None:
                return
            with contextlib.suppress(RuntimeError):  # the loop ends
                loop.call_soon_threadsafe(tell, *arguments)

        return on_loop

    def _tell_received(self, slot: Slot, file: ReceivedFile) -> None:
        data = {"slot": slot.id, "purpose": slot.purpose, "name": file.name, "size_bytes": file.size_bytes}
        self._host.event(Event("file_received", slot.charger, data))

    def _tell_fetched(self, slot: Slot) -> None:
        self._host.event(Event("file_fetched", slot.charger, {"slot": slot.id, "name": slot.name}))
