"""Firmware and logs of a simulated charger: what takes time, in tasks of its own, one of each sort."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from scada.core import moment
from scada.core.value import SECOND_US, TimeUs
from scada.simulator import files
from scada.simulator.certificates import signature_fits
from scada.simulator.files import TransferError
from scada.simulator.hardware import Hardware

LOG_LINES_MAX = 60
"""Remembered for diagnostics; at it the oldest is forgotten."""
RETRIES_MAX = 10
INSTALL_S = 1.0
"""How long writing the flash takes before the reboot."""
IDLE_WAIT_MAX_S = 3_600.0
"""How long an installation waits for transactions to end; then it goes on."""
_VERSION = re.compile(rb"(?:version|firmware)\s*[=: ]\s*v?([0-9][\w.+-]{0,40})", re.IGNORECASE)
_NAME_VERSION = re.compile(r"(\d+(?:\.\d+)+)")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An order to install firmware.

    Attributes:
        request_id: of a signed update; None: an unsigned one.
        certificate, signature: of a signed update.
    """

    location: str
    retrieve_us: TimeUs
    install_us: TimeUs = 0
    retries: int = 0
    retry_s: float = 0.0
    request_id: int | None = None
    certificate: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An order to leave a log. `request_id` None: GetDiagnostics."""

    location: str
    name: str
    body: bytes
    retries: int = 0
    retry_s: float = 0.0
    request_id: int | None = None


class Charger(Protocol):
    """What maintenance needs of a charge point."""

    hardware: Hardware

    def tell(self, action: str, payload: dict[str, Any]) -> bool:
        """Send a message of the moment; False: there is no link."""
        ...

    def begin_reset(self, reason: str) -> None:
        """Reset soon."""
        ...

    def security_event(self, kind: str, info: str = "") -> None:
        """SecurityEventNotification."""
        ...

    def tls(self) -> ssl.SSLContext | None:
        """Whom it trusts; None: the system's roots."""
        ...


class Maintenance:
    """The long jobs of one charger.

    Attributes:
        firmware_status, upload_status: last told, or `Idle`; with the request's id of the messages that have one.
    """

    def __init__(self, charger: Charger) -> None:
        self._charger = charger
        self._lines: deque[tuple[TimeUs, str]] = deque(maxlen=LOG_LINES_MAX)
        self._firmware: asyncio.Task[None] | None = None
        self._upload: asyncio.Task[None] | None = None
        self.firmware_status: tuple[int | None, str] = (None, "Idle")
        self.upload_status: tuple[int | None, str] = (None, "Idle")

    def note(self, text: str) -> None:
        """A line of the charger's log."""
        self._lines.append((self._charger.hardware.clock.now_us(), text))

    def log_text(self, from_us: TimeUs = 0, to_us: TimeUs = 2**62) -> bytes:
        """The log of a span, one line an entry, as an uploaded file holds it."""
        lines = [f"{moment.text(at)} {text}" for at, text in self._lines if from_us <= at <= to_us]
        identity = self._charger.hardware.charger.identity
        return "\n".join([f"log of {identity}", *lines, ""]).encode()

    def update(self, order: Update) -> bool:
        """Begin an update; returns whether another one is given up for it."""
        cancelled = self._cancel(self._firmware)
        self._firmware = self._start(self._update(order))
        return cancelled

    def leave(self, order: Upload) -> bool:
        """Begin an upload; returns whether another one is given up for it."""
        cancelled = self._cancel(self._upload)
        self._upload = self._start(self._leave(order))
        return cancelled

    def booted(self) -> None:
        """After a boot it tells how the update has ended."""
        state = self._charger.hardware.state
        if state.firmware_job is not None:
            request_id, status = state.firmware_job
            state.firmware_job = None
            self._charger.hardware.keep()
            self._tell_firmware(request_id, status)

    def tell_firmware(self) -> None:
        """The state of the update, once more."""
        self._tell_firmware(*self.firmware_status)

    def tell_upload(self) -> None:
        """The state of the upload, once more."""
        self._tell_upload(*self.upload_status)

    async def close(self) -> None:
        """Give up what runs."""
        tasks = [one for one in (self._firmware, self._upload) if one is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(job)
        task.add_done_callback(_ended)
        return task

    def _cancel(self, task: asyncio.Task[None] | None) -> bool:
        return task is not None and not task.done() and task.cancel()

    async def _update(self, order: Update) -> None:
        tell: Callable[[str], None] = lambda status: self._tell_firmware(order.request_id, status)  # noqa: E731
        await self._wait_for(order.retrieve_us, tell, "DownloadScheduled", order.request_id)
        try:
            file = await self._retry(order, lambda: self._fetch(order, tell))
        except TransferError as error:
            self.note(f"firmware download failed: {error}")
            tell("DownloadFailed")
            return
        tell("Downloaded")
        if order.request_id is not None:
            if not signature_fits(order.certificate, order.signature, file):
                tell("InvalidSignature")
                self._charger.security_event("InvalidFirmwareSignature")
                return
            tell("SignatureVerified")
        await self._wait_for(order.install_us, tell, "InstallScheduled", order.request_id)
        await self._wait_until_idle()
        tell("Installing")
        await asyncio.sleep(INSTALL_S)
        version = version_of(file, order.location)
        if not version:
            tell("InstallationFailed")
            return
        hardware = self._charger.hardware
        hardware.state.firmware = version
        hardware.state.firmware_job = (order.request_id, "Installed")
        hardware.keep()
        if order.request_id is not None:
            tell("InstallRebooting")
            self._charger.security_event("FirmwareUpdated", version)
        self.firmware_status = (None, "Idle")
        self._charger.begin_reset("Reboot")

    async def _fetch(self, order: Update, tell: Callable[[str], None]) -> bytes:
        tell("Downloading")
        return await files.download(order.location, self._charger.tls())

    async def _leave(self, order: Upload) -> None:
        self._tell_upload(order.request_id, "Uploading")
        try:
            await self._retry(
                order, lambda: files.upload(order.location, order.name, order.body, self._charger.tls())
            )
        except TransferError as error:
            self.note(f"upload failed: {error}")
            failed = "UploadFailed" if order.request_id is None else "UploadFailure"
            self._tell_upload(order.request_id, failed)
            return
        self._tell_upload(order.request_id, "Uploaded")

    async def _retry(self, order: Update | Upload, job: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        for _ in range(min(order.retries, RETRIES_MAX)):
            try:
                return await job()
            except TransferError as error:
                self.note(f"transfer failed: {error}")
                await asyncio.sleep(order.retry_s)
        return await job()

    async def _wait_for(
        self, moment_us: TimeUs, tell: Callable[[str], None], status: str, request_id: int | None
    ) -> None:
        wait_us = moment_us - self._charger.hardware.clock.now_us()
        if wait_us <= 0:
            return
        if request_id is not None:
            tell(status)
        await asyncio.sleep(wait_us / SECOND_US)

    async def _wait_until_idle(self) -> None:
        outlets = self._charger.hardware.outlets.values()
        waited_s = 0.0
        while waited_s < IDLE_WAIT_MAX_S and any(one.state.transaction is not None for one in outlets):
            await asyncio.sleep(0.5)
            waited_s += 0.5

    def _tell_firmware(self, request_id: int | None, status: str) -> None:
        self.firmware_status = (request_id, status)
        self.note(f"firmware {status}")
        if request_id is None:
            self._charger.tell("FirmwareStatusNotification", {"status": status})
        else:
            payload = {"status": status, "requestId": request_id}
            self._charger.tell("SignedFirmwareStatusNotification", payload)

    def _tell_upload(self, request_id: int | None, status: str) -> None:
        self.upload_status = (request_id, status)
        self.note(f"log {status}")
        if request_id is None:
            self._charger.tell("DiagnosticsStatusNotification", {"status": status})
        else:
            self._charger.tell("LogStatusNotification", {"status": status, "requestId": request_id})


def version_of(file: bytes, location: str) -> str:
    """The version of a firmware file: what its first kilobyte says, else its name; empty: it is none."""
    found = _VERSION.search(file[:1024])
    if found is not None:
        return found.group(1).decode("ascii", "replace")
    named = _NAME_VERSION.search(location.rpartition("/")[2])
    return named.group(1) if named is not None and file else ""


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("simulated_job_failed", error=repr(task.exception()))
