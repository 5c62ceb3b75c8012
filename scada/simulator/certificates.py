"""The certificates of a simulated charger: roots, its own key and chain, signatures (security whitepaper for 1.6)."""

from __future__ import annotations

import base64
import binascii
import re
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from scada.drivers.ocpp.client import tls_context
from scada.simulator.storage import ChargerState

STORE_MAX = 8
"""Roots in all; CertificateStoreMaxLength."""
CENTRAL_ROOT = "CentralSystemRootCertificate"
MANUFACTURER_ROOT = "ManufacturerRootCertificate"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\s*", re.DOTALL)


class CertificateStore:
    """The certificates of one charger.

    Args:
        state: where they are kept.
    """

    def __init__(self, identity: str, state: ChargerState) -> None:
        self._identity = identity
        self._state = state
        self._new_key: ec.EllipticCurvePrivateKey | None = None

    # -- roots -------------------------------------------------------------------------------------------

    def install(self, kind: str, pem: str) -> str:
        """InstallCertificate: the status to answer; the same one again is no second one."""
        certificate = _load(pem)
        if certificate is None or not _valid_now(certificate):
            return "Rejected"
        stored = self._state.certificates.setdefault(kind, [])
        if any(_load(one) == certificate for one in stored):
            return "Accepted"
        if sum(map(len, self._state.certificates.values())) >= STORE_MAX:
            return "Rejected"
        stored.append(pem)
        return "Accepted"

    def delete(self, wanted: dict[str, str]) -> str:
        """DeleteCertificate: the status to answer."""
        for stored in self._state.certificates.values():
            for pem in stored:
                if _same_hash(_load(pem), wanted):
                    stored.remove(pem)
                    return "Accepted"
        return "NotFound"

    def ids(self, kind: str) -> list[dict[str, str]]:
        """CertificateHashData of the roots of a type."""
        found = [_load(pem) for pem in self._state.certificates.get(kind, [])]
        return [hash_data(one) for one in found if one is not None]

    # -- its own -----------------------------------------------------------------------------------------

    def request(self, organization: str) -> str:
        """A new key and its certificate signing request, PEM."""
        self._new_key = ec.generate_private_key(ec.SECP256R1())
        name = [x509.NameAttribute(NameOID.COMMON_NAME, self._identity)]
        if organization:
            name.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(name))
        return builder.sign(self._new_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def signed(self, chain: str) -> bool:
        """CertificateSigned: take the certificate for the key that was made; False: it is not good."""
        certificates = [_load(pem) for pem in _PEM.findall(chain)]
        key = self._new_key
        if not certificates or key is None:
            return False
        leaf = certificates[0]
        if leaf is None or not _valid_now(leaf) or leaf.public_key() != key.public_key():
            return False
        roots = [_load(pem) for pem in self._state.certificates.get(CENTRAL_ROOT, [])]
        if roots and not _issued(certificates, roots):
            return False
        self._state.chain = chain
        self._state.private_key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self._new_key = None
        return True

    @property
    def has_own(self) -> bool:
        """Whether it has a certificate of its own."""
        return bool(self._state.chain)

    @property
    def has_root(self) -> bool:
        """Whether it has a root for the central system."""
        return bool(self._state.certificates.get(CENTRAL_ROOT))

    def tls(self, profile: int, root: Path | None) -> ssl.SSLContext:
        """How it speaks TLS in a security profile (2 or 3).

        Args:
            root: whom it trusts besides the installed roots; PEM.

        Raises:
            OSError, ssl.SSLError: a file cannot be read, or does not hold what it should.
        """
        with tempfile.TemporaryDirectory() as folder:
            trusted = "".join(self._state.certificates.get(CENTRAL_ROOT, []))
            if root is not None:
                trusted += root.read_text()
            roots = Path(folder) / "roots.pem"
            roots.write_text(trusted)
            own, key = Path(folder) / "own.pem", Path(folder) / "key.pem"
            if profile < 3 or not self._state.chain:
                return tls_context(roots if trusted else None)
            own.write_text(self._state.chain)
            key.write_text(self._state.private_key)
            return tls_context(roots if trusted else None, own, key)

    # -- firmware ----------------------------------------------------------------------------------------

    def trusts_signer(self, pem: str) -> bool:
        """Whether a firmware signing certificate is valid and comes from an installed manufacturer's root."""
        certificate = _load(pem)
        roots = [_load(one) for one in self._state.certificates.get(MANUFACTURER_ROOT, [])]
        return certificate is not None and _valid_now(certificate) and _issued([certificate], roots)


def signature_fits(pem: str, signature: str, file: bytes) -> bool:
    """Whether a signature (base64; RSA-PSS or PKCS #1 v1.5, or ECDSA, with SHA-256) was made over a file."""
    certificate = _load(pem)
    if certificate is None:
        return False
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        try:
            key.verify(raw, file, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
    for scheme in (pss, padding.PKCS1v15()):
        try:
            key.verify(raw, file, scheme, hashes.SHA256())
        except InvalidSignature:
            continue
        return True
    return False


def hash_data(certificate: x509.Certificate) -> dict[str, str]:
    """CertificateHashData of a root, whose issuer is itself: hashes as OCSP forms them (RFC 6960 4.1.1)."""
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, hashes.SHA256()).build()
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{certificate.serial_number:x}",
    }


def _same_hash(certificate: x509.Certificate | None, wanted: dict[str, str]) -> bool:
    if certificate is None:
        return False
    have = hash_data(certificate)
    return all(have[name].lower() == str(wanted.get(name, "")).lower() for name in have)


def _load(pem: str) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None


def _valid_now(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc


def _issued(chain: list[x509.Certificate | None], roots: list[x509.Certificate | None]) -> bool:
    """Whether each certificate comes from the next one, and the last from a root (or is one)."""
    known = [one for one in roots if one is not None]
    for place, certificate in enumerate(chain):
        if certificate is None:
            return False
        issuers = [one for one in chain[place + 1 : place + 2] if one is not None]
        if certificate in known:
            return True
        if not issuers:
            issuers = known
        if not any(_issued_by(certificate, issuer) for issuer in issuers):
            return False
    return True


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
