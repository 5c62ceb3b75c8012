"""The TLS door: its certificates and whom it trusts. TLS 1.2 at least (OCPP 1.6 security whitepaper, profiles 2, 3)."""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509

from scada.core.errors import ScadaError, StartError
from scada.core.plant import Plant
from scada.drivers.ocpp.security import ClientCertificate
from scada.identity.certificates import Authority, ServerFiles, days_left, names_of, serial_text

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"
"""Those that the whitepaper prescribes for TLS 1.2, and the forward-secret ones beside them."""


class TlsDoor:
    """Holds the context for new connections; `refresh` makes it anew when a file has changed.

    Args:
        secret: reads a secret by its reference.
    """

    def __init__(self, plant: Plant, authority: Authority, secret: Callable[[str], str | None]) -> None:
        self._plant, self._authority, self._secret = plant, authority, secret
        self._settings = plant.certificates
        self._seen: tuple[object, ...] = ()
        self._root: x509.Certificate | None = None
        self.context: ssl.SSLContext | None = None
        self.revoked: frozenset[str] = frozenset()
        self.days_left: int | None = None

    def refresh(self) -> bool:
        """Look at the files; True: there is a new context. Blocks, some 0.5 s when it makes certificates.

        Raises:
            ScadaError: the door cannot be opened; what was loaded before stays.
        """
        self._root = self._authority.ensure()
        self.revoked = self._authority.revoked()
        with self._files() as files:
            seen = tuple(_stamp(path) for one in files for path in (one.chain, one.key))
            seen += tuple(_stamp(path) for path in (self._authority.root_file, *self._roots()))
            self.days_left = min(days_left(one.chain) for one in files)
            if self.context is not None and seen == self._seen:
                return False
            self.context, self._seen = self._load(files), seen
        return True

    def certificate(self, der: bytes | None) -> ClientCertificate | None:
        """What a charger's certificate says; None: it has shown none that can be read."""
        if not der:
            return None
        try:
            certificate = x509.load_der_x509_certificate(der)
            names = names_of(certificate)
        except ValueError:
            return None
        return ClientCertificate(
            names=names,
            serial=serial_text(certificate),
            from_s=int(certificate.not_valid_before_utc.timestamp()),
            until_s=int(certificate.not_valid_after_utc.timestamp()),
            ours=self._root is not None and certificate.issuer == self._root.subject,
        )

    def _load(self, files: tuple[ServerFiles, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        # Profile 2 has no certificate; who shows one must show a good one.
        context.verify_mode = ssl.CERT_OPTIONAL
        try:
            for one in files:
                context.load_cert_chain(one.chain, one.key)
            context.load_verify_locations(self._authority.root_file)
            for root in self._roots():
                context.load_verify_locations(root)
        except (OSError, ssl.SSLError) as error:
            raise StartError(f"the certificates of the TLS door cannot be used: {error}") from None
        return context

    def _roots(self) -> tuple[Path, ...]:
        return tuple(self._plant.directory / name for name in self._settings.roots)

    @contextmanager
    def _files(self) -> Iterator[tuple[ServerFiles, ...]]:
        settings = self._settings
        if not settings.server_ref:
            yield self._authority.server_files(self._names(), settings.server_days)
            return
        with tempfile.TemporaryDirectory(prefix="scada-tls-") as folder:
            chain = self._file(settings.server_ref, Path(folder) / "chain.pem")
            key = self._file(settings.server_key_ref, Path(folder) / "key.pem")
            yield (ServerFiles(chain, key),)

    def _file(self, reference: str, spare: Path) -> Path:
        """A file by its reference; what stands in the environment is put into a file of ours for the moment."""
        kind, _, name = reference.partition(":")
        if kind == "file":
            path = self._plant.directory / name
            if not path.is_file():
                raise StartError(f"there is no file {path}, which the TLS door needs")
            return path
        text = self._secret(reference)
        if not text:
            raise StartError(f"{reference} is not set, which the TLS door needs")
        with os.fdopen(os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return spare

    def _names(self) -> tuple[str, ...]:
        """What chargers call this machine by, where the project does not say it."""
        if self._settings.names:
            return self._settings.names
        host = self._plant.network.host
        listening = () if host in ("", "0.0.0.0", "::") else (host,)  # noqa: S104 (not an address to bind)
        return tuple(dict.fromkeys((*listening, socket.gethostname(), "localhost", "127.0.0.1")))


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError as error:
        raise ScadaError(f"{path} cannot be read: {error.strerror}") from None
    return (str(path), status.st_mtime_ns, status.st_ino, status.st_size)
