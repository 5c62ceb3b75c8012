"""The project's own small CA: a root, the server certificates of the TLS door, and the chargers' certificates.

It lives in `data/certificates`: `ocpp-root.pem` and its key, `ocpp-server-*.pem` with their keys, `ocpp-revoked.txt`.
Keys are readable by their owner only. Nothing here is fast: call it off the loop.
"""

from __future__ import annotations

import datetime
import fcntl
import ipaddress
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from scada.core.errors import BadRequest, NotFound, StartError

ROOT, ROOT_KEY = "ocpp-root.pem", "ocpp-root-key.pem"
REVOKED = "ocpp-revoked.txt"
ROOT_DAYS = 7_300
BACKDATED = datetime.timedelta(days=1)
"""Certificates are valid from a day ago: a charger's clock may be slow."""
RENEW_DAYS = 30
"""The server certificate of the CA is renewed so long before its end."""
RSA_BITS_MIN, EC_BITS_MIN = 2048, 224
"""Of the keys in requests (OCPP 1.6 security whitepaper, 3.1 certificate properties)."""
CSR_LENGTH_MAX = 5_500
REVOKED_MAX = 100_000
"""Revoked serial numbers; a further one is refused."""

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """A server certificate with its chain, and its key. PEM."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that the CA has signed.

    Attributes:
        chain: PEM, the certificate first, then the root.
        serial: of the certificate, hexadecimal.
        from_s, until_s: seconds since 1970.
    """

    chain: str
    serial: str
    from_s: int
    until_s: int


class Authority:
    """The CA of a project.

    Args:
        directory: `data/certificates` of the project.
        organization: O of what it issues, and what a request must carry where it carries one.
    """

    def __init__(self, directory: Path, organization: str) -> None:
        self._directory = directory
        self.organization = organization

    @property
    def root_file(self) -> Path:
        """PEM of the root certificate; chargers and the TLS door trust it."""
        return self._directory / ROOT

    @property
    def exists(self) -> bool:
        """Whether it was made."""
        return self.root_file.exists() and (self._directory / ROOT_KEY).exists()

    def ensure(self) -> x509.Certificate:
        """The root certificate, made if there is none yet.

        Raises:
            StartError: the folder cannot be written, or what is there cannot be read.
        """
        with self._alone():
            return self._ensure()

    def server_files(self, names: Sequence[str], days: int) -> tuple[ServerFiles, ...]:
        """Server certificates for the names, one with an EC and one with an RSA key; made anew before they end.

        Both, because the standard lets a charger choose between ECDSA and RSA cipher suites (whitepaper, TLS).

        Raises:
            StartError: like `ensure`.
        """
        with self._alone():
            self._ensure()
            found = tuple(
                ServerFiles(
                    self._directory / f"ocpp-server-{kind}.pem",
                    self._directory / f"ocpp-server-{kind}-key.pem",
                )
                for kind in ("ec", "rsa")
            )
            for files, kind in zip(found, ("ec", "rsa"), strict=True):
                if not self._good(files, names):
                    self._issue_server(files, names, days, kind)
            return found

    def sign(self, csr_pem: str, identity: str, days: int) -> Issued:
        """Sign a charger's request (whitepaper, SignCertificate).

        Raises:
            BadRequest: the request is not to be signed; the text says why.
            StartError: like `ensure`.
        """
        csr = check_request(csr_pem, identity, self.organization)
        with self._alone():
            root, key = self._ensure(), self._root_key()
        certificate = (
            _builder(csr.subject, root.subject, csr.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(encipherment=isinstance(csr.public_key(), rsa.RSAPublicKey)), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(_authority_id(root), critical=False)
            .sign(key, hashes.SHA256())
        )
        return Issued(
            chain=_pem(certificate) + _pem(root),
            serial=serial_text(certificate),
            from_s=int(certificate.not_valid_before_utc.timestamp()),
            until_s=int(certificate.not_valid_after_utc.timestamp()),
        )

    def revoked(self) -> frozenset[str]:
        """The serial numbers that are not taken any more.

        Raises:
            OSError: the list is there but cannot be read.
        """
        try:
            lines = (self._directory / REVOKED).read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return frozenset()
        return frozenset(
            line.split()[0].lower() for line in lines if line.split() and not line.startswith("#")
        )

    def revoke(self, serial: str) -> None:
        """Take a certificate back for good, by its serial number in hexadecimal.

        Raises:
            BadRequest: not a serial number, or the list is full.
        """
        serial = serial.replace(":", "").lower().lstrip("0")
        if not serial or len(serial) > 40 or set(serial) - set("0123456789abcdef"):
            raise BadRequest("a serial number has 1 to 40 hexadecimal digits")
        with self._alone():
            known = self.revoked()
            if serial in known:
                return
            if len(known) >= REVOKED_MAX:
                raise BadRequest(f"the list of revoked certificates is full ({REVOKED_MAX:,})")
            _write(
                self._directory / REVOKED,
                "".join(f"{one}\n" for one in sorted({*known, serial})).encode(),
                0o644,
            )

    def _ensure(self) -> x509.Certificate:
        if not self.exists:
            if self.root_file.exists() or (self._directory / ROOT_KEY).exists():
                # A new root would lock every charger out that trusts the old one.
                raise StartError(
                    f"of {ROOT} and {ROOT_KEY} in {self._directory} one is missing: bring it back"
                )
            self._make_root()
        try:
            return x509.load_pem_x509_certificate(self.root_file.read_bytes())
        except (OSError, ValueError) as error:
            raise StartError(f"{self.root_file} cannot be read: {error}") from None

    def _root_key(self) -> Key:
        path = self._directory / ROOT_KEY
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise StartError(f"{path} cannot be read: {error}") from None
        if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            raise StartError(f"{path} holds no RSA or EC key")
        return key

    def _make_root(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        subject = _name(f"{self.organization} charging root", self.organization)
        root = (
            _builder(subject, subject, key.public_key(), ROOT_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        # The key first: a root without a key could never sign anything.
        self._write_key(self._directory / ROOT_KEY, key)
        _write(self.root_file, _pem(root).encode(), 0o644)

    def _issue_server(self, files: ServerFiles, names: Sequence[str], days: int, kind: str) -> None:
        root, root_key = self._ensure(), self._root_key()
        key: Key = (
            ec.generate_private_key(ec.SECP256R1())
            if kind == "ec"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        certificate = (
            _builder(_name(names[0], self.organization), root.subject, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(list(_alternative(names))), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(encipherment=kind == "rsa"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_authority_id(root), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        self._write_key(files.key, key)
        _write(files.chain, (_pem(certificate) + _pem(root)).encode(), 0o644)

    def _good(self, files: ServerFiles, names: Sequence[str]) -> bool:
        """Whether a server certificate is ours, for exactly these names, fits its key and lasts a while yet."""
        try:
            certificate = x509.load_pem_x509_certificate(files.chain.read_bytes())
            key = serialization.load_pem_private_key(files.key.read_bytes(), None)
            certificate.verify_directly_issued_by(self._ensure())
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            return False
        fits = key.public_key() == certificate.public_key()
        lasts = certificate.not_valid_after_utc - _now() > datetime.timedelta(days=RENEW_DAYS)
        span = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        short = span <= datetime.timedelta(
            days=2 * RENEW_DAYS
        )  # a short one is renewed when half of it is over
        if short:
            lasts = certificate.not_valid_after_utc - _now() > span / 2
        return fits and lasts and set(extension.value) == set(_alternative(names))

    def _write_key(self, path: Path, key: Key) -> None:
        encoded = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write(path, encoded, 0o600)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Command line and supervisor must not both make a root."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with (self._directory / "ocpp-ca.lock").open("w") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StartError(
                f"the folder {self._directory} cannot be written ({error.strerror}): "
                "give this user the right to write there"
            ) from error


def check_request(csr_pem: str, identity: str, organization: str) -> x509.CertificateSigningRequest:
    """A certificate request as it may be signed for a charger.

    Raises:
        BadRequest: it cannot be read, is signed badly, its key is weak, or its subject is not that of the charger.
    """
    if len(csr_pem) > CSR_LENGTH_MAX:
        raise BadRequest(f"the request has more than {CSR_LENGTH_MAX} characters")
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        key = csr.public_key()
        names = [str(one.value) for one in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        organizations = [
            str(one.value) for one in csr.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        ]
        good = csr.is_signature_valid
        algorithm = csr.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm, InvalidSignature, UnicodeError):
        raise BadRequest("the certificate request cannot be read") from None
    if not good:
        raise BadRequest("the certificate request is not signed by its own key")
    if isinstance(algorithm, (hashes.MD5, hashes.SHA1)):
        raise BadRequest(f"the certificate request is signed with {algorithm.name}")
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < RSA_BITS_MIN:
            raise BadRequest(f"the RSA key has {key.key_size} bits, at least {RSA_BITS_MIN} are needed")
    elif not isinstance(key, ec.EllipticCurvePublicKey) or key.key_size < EC_BITS_MIN:
        raise BadRequest(f"the key must be RSA or EC, of at least {RSA_BITS_MIN} or {EC_BITS_MIN} bits")
    if names != [identity]:
        raise BadRequest("the common name of the request is not the charger's identity")
    if any(one != organization for one in organizations):
        raise BadRequest(f"the organization of the request is not '{organization}'")
    return csr


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """Common names and DNS names of a certificate."""
    names = {str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names |= set(extension.value.get_values_for_type(x509.DNSName))
    except (x509.ExtensionNotFound, ValueError):
        pass
    return frozenset(names)


def serial_text(certificate: x509.Certificate) -> str:
    """The serial number, hexadecimal, as it stands in `REVOKED`."""
    return f"{certificate.serial_number:x}"


def days_left(file: Path) -> int:
    """Whole days until the first certificate of a PEM file ends.

    Raises:
        NotFound: there is none that can be read.
    """
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        raise NotFound(f"{file} holds no certificate") from None
    return (certificate.not_valid_after_utc - _now()).days


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _builder(subject: x509.Name, issuer: x509.Name, key: object, days: int) -> x509.CertificateBuilder:
    now = _now().replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _name(common: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        ]
    )


def _usage(*, signs_certificates: bool = False, encipherment: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_id(root: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _alternative(names: Iterable[str]) -> Iterator[x509.GeneralName]:
    for name in dict.fromkeys(names):
        try:
            yield x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            yield x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all; nobody else may read it in between."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
