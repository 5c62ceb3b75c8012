"""The files themselves: firmware in the project's folder, what chargers uploaded in `data/files`. Synchronous."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import threading
from pathlib import Path

from scada.core.errors import BadRequest, NotFound
from scada.core.file_ports import FirmwareFile, ReceivedFile

FILES_MAX = 10_000
"""Received files; past it the oldest are deleted."""
NAME_LENGTH_MAX = 80
SIGNATURE_LENGTH_MAX = 800
"""OCPP 1.6 security whitepaper, FirmwareType: signature."""
CERTIFICATE_LENGTH_MAX = 5_500
DRAFT = ".new"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")
_KEPT = re.compile(r"(?P<time>\d{20})_(?P<id>[0-9a-f]{16})_(?P<purpose>[a-z]+)_(?P<name>[A-Za-z0-9._-]+)\Z")
_SIDECARS = (".sig", ".pem")


def harmless(name: str, otherwise: str) -> str:
    """A name from outside as a file name: its last part, letters, digits, `.`, `_` and `-` only."""
    last = re.split(r"[/\\]", name)[-1]
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip("._-")[-NAME_LENGTH_MAX:].lstrip("._-")
    return safe or otherwise


def sync_folder(folder: Path) -> None:
    """Make what happened to names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Firmware:
    """The project's folder `firmware`: files, each with `NAME.sig` (base64) and `NAME.pem` beside it where signed.

    Args:
        bytes_max: of one file.
    """

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder = folder
        self.bytes_max = bytes_max
        self._known: dict[str, tuple[tuple[int, int], str]] = {}
        """Name → (when changed and how large, its sum): a file is read once."""

    def all(self) -> list[FirmwareFile]:
        """All files, by name."""
        if not self._folder.is_dir():
            return []
        names = sorted(path.name for path in self._folder.iterdir() if self._is_firmware(path))
        found = []
        for name in names:
            with contextlib.suppress(NotFound):  # deleted meanwhile
                found.append(self.get(name))
        return found

    def get(self, name: str) -> FirmwareFile:
        """One file. Raises NotFound."""
        path = self.path(name)
        try:
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            known = self._known.get(name)
            if known is None or known[0] != stamp:
                with path.open("rb") as file:
                    known = (stamp, hashlib.file_digest(file, "sha256").hexdigest())
                self._known[name] = known
        except OSError:
            raise NotFound(f"there is no firmware file {name}") from None
        return FirmwareFile(
            name=name,
            size_bytes=state.st_size,
            sha256=known[1],
            changed_us=state.st_mtime_ns // 1000,
            signature=self._beside(name, ".sig", SIGNATURE_LENGTH_MAX),
            certificate=self._beside(name, ".pem", CERTIFICATE_LENGTH_MAX),
        )

    def path(self, name: str) -> Path:
        """Where a file lies. Raises NotFound for a name that is none of ours."""
        path = self._folder / name
        if not _NAME.match(name) or not self._is_firmware(path):
            raise NotFound(f"there is no firmware file {name[:NAME_LENGTH_MAX]!a}")
        return path

    def draft(self, name: str) -> Path:
        """Where a file that comes is written until it is whole. Raises BadRequest for a name that cannot be."""
        if not _NAME.match(name) or name.endswith((*_SIDECARS, DRAFT)):
            raise BadRequest(
                f"a firmware file is named with letters, digits, '.', '_' and '-', at most {NAME_LENGTH_MAX}, "
                f"and does not end with {', '.join((*_SIDECARS, DRAFT))}"
            )
        self._folder.mkdir(mode=0o750, exist_ok=True)
        return self._folder / f".{os.urandom(8).hex()}{DRAFT}"

    def keep(self, draft: Path, name: str) -> FirmwareFile:
        """A draft is whole. Another content makes an old signature worthless: it goes."""
        for ending in _SIDECARS:
            (self._folder / (name + ending)).unlink(missing_ok=True)
        draft.replace(self._folder / name)
        sync_folder(self._folder)
        return self.get(name)

    def sign(self, name: str, signature: str, certificate: str) -> FirmwareFile:
        """Keep a signature beside a file. Raises BadRequest: one of the two is no signature or certificate."""
        self.get(name)
        if bool(signature) != bool(certificate):
            raise BadRequest("signature and certificate go together")
        try:
            good = not signature or len(base64.b64decode(signature, validate=True)) > 0
        except (binascii.Error, ValueError):
            good = False
        if not good or len(signature) > SIGNATURE_LENGTH_MAX:
            raise BadRequest(f"the signature is base64 with at most {SIGNATURE_LENGTH_MAX} characters")
        pem = certificate.strip()
        if certificate and not (
            pem.startswith("-----BEGIN CERTIFICATE-----") and len(certificate) <= CERTIFICATE_LENGTH_MAX
        ):
            raise BadRequest(f"the certificate is PEM with at most {CERTIFICATE_LENGTH_MAX} characters")
        for ending, text in ((".sig", signature), (".pem", certificate)):
            path = self._folder / (name + ending)
            if text:
                path.write_text(text)
            else:
                path.unlink(missing_ok=True)
        sync_folder(self._folder)
        return self.get(name)

    def remove(self, name: str) -> None:
        """Delete a file. Raises NotFound."""
        self.path(name).unlink()
        for ending in _SIDECARS:
            (self._folder / (name + ending)).unlink(missing_ok=True)
        self._known.pop(name, None)
        sync_folder(self._folder)

    @staticmethod
    def _is_firmware(path: Path) -> bool:
        named = bool(_NAME.match(path.name)) and not path.name.endswith((*_SIDECARS, DRAFT))
        return named and path.is_file() and not path.is_symlink()

    def _beside(self, name: str, ending: str, length_max: int) -> str:
        try:
            with (self._folder / (name + ending)).open() as file:
                return file.read(length_max + 1).strip()[:length_max]
        except (OSError, UnicodeDecodeError):
            return ""


class Received:
    """Files from chargers: `FOLDER/CHARGER/TIME_ID_PURPOSE_NAME`; what is not whole yet lies in `FOLDER/.incoming`.

    Args:
        bytes_max: of all together; the oldest are deleted when another would go past it.
    """

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder = folder
        self._incoming = folder / ".incoming"
        self._bytes_max = bytes_max
        self._turn = threading.Lock()

    def prepare(self) -> None:
        """Make the folders; parts of files that an earlier run left are worthless."""
        self._incoming.mkdir(mode=0o750, parents=True, exist_ok=True)
        for left in self._incoming.iterdir():
            left.unlink(missing_ok=True)

    def draft(self, slot_id: str) -> Path:
        """Where an upload is written until it is whole."""
        return self._incoming / slot_id

    def keep(self, draft: Path, file: ReceivedFile) -> ReceivedFile:
        """An upload is whole and on disk: give it its name, and make room."""
        folder = self._folder / file.charger
        with self._turn:
            folder.mkdir(mode=0o750, exist_ok=True)
            draft.replace(folder / f"{file.received_us:020d}_{file.id}_{file.purpose}_{file.name}")
            sync_folder(folder)
            self._make_room()
        return file

    def all(self, charger: str = "") -> list[ReceivedFile]:
        """Files, newest first."""
        return [file for file, _ in self._scan() if not charger or file.charger == charger]

    def find(self, file_id: str) -> tuple[ReceivedFile, Path]:
        """One file and where it lies. Raises NotFound."""
        for file, path in self._scan():
            if file.id == file_id:
                return file, path
        raise NotFound(f"there is no received file {file_id[:NAME_LENGTH_MAX]!a}")

    def _make_room(self) -> None:
        kept = self._scan()
        total = sum(file.size_bytes for file, _ in kept)
        count = len(kept)
        while count > 1 and (total > self._bytes_max or count > FILES_MAX):
            file, path = kept.pop()
            path.unlink(missing_ok=True)
            total -= file.size_bytes
            count -= 1

    def _scan(self) -> list[tuple[ReceivedFile, Path]]:
        found: list[tuple[ReceivedFile, Path]] = []
        if not self._folder.is_dir():
            return found
        for folder in self._folder.iterdir():
            if folder.name.startswith(".") or not folder.is_dir():
                continue
            for path in folder.iterdir():
                match = _KEPT.match(path.name)
                if match is None:
                    continue
                try:
                    size = path.stat().st_size
                except OSError:  # deleted meanwhile
                    continue
                file = ReceivedFile(
                    id=match["id"],
                    charger=folder.name,
                    purpose=match["purpose"],
                    name=match["name"],
                    size_bytes=size,
                    received_us=int(match["time"]),
                )
                found.append((file, path))
        found.sort(key=lambda one: (one[0].received_us, one[0].id), reverse=True)
        return found
