"""The server's own application instance certificate (OPC 10000-6 6.2.2), self-signed, made at the first start."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from scada.core.errors import StartError

KEY_BITS = 2048
"""What Basic256Sha256 allows at least (OPC 10000-7)."""
VALID_DAYS = 3_650
KEY_FILE = "opcua-key.pem"
CERTIFICATE_FILE = "opcua-certificate.pem"


def ensure_certificate(directory: Path, application_uri: str, name: str, host: str) -> tuple[Path, Path]:
    """The certificate and its key, made if there is none yet. Blocks: some 0.1 s when it makes one.

    Args:
        name: common name.
        host: the listening address.

    Raises:
        StartError: the folder cannot be written.
    """
    certificate_path, key_path = directory / CERTIFICATE_FILE, directory / KEY_FILE
    if certificate_path.exists() and key_path.exists():
        return certificate_path, key_path
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    certificate = _self_signed(key, application_uri, name, host)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(
            key_path,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            0o600,
        )
        _write(certificate_path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    except OSError as error:
        raise StartError(
            f"the folder {directory} cannot be written ({error.strerror}): "
            "give this user the right to write there"
        ) from error
    return certificate_path, key_path


def days_left(directory: Path) -> int | None:
    """Whole days until the certificate ends; None where there is none that can be read. Blocks."""
    try:
        certificate = x509.load_pem_x509_certificate((directory / CERTIFICATE_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return (certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)).days


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file that nobody else may read in between."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _self_signed(key: rsa.RSAPrivateKey, application_uri: str, name: str, host: str) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "EV-SCADA"),
        ]
    )
    now = datetime.datetime.now(datetime.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(application_uri, host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=True,
                data_encipherment=True,
                key_agreement=False,
                key_cert_sign=True,  # a self-signed certificate is its own issuer
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .sign(key, hashes.SHA256())
    )


def _names(application_uri: str, host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(application_uri)]
    hosts = dict.fromkeys((socket.gethostname(), "localhost", "127.0.0.1", host))
    for one in hosts:
        try:
            address = ipaddress.ip_address(one)
        except ValueError:
            if one and one.isascii():
                names.append(x509.DNSName(one))
        else:
            if not address.is_unspecified:
                names.append(x509.IPAddress(address))
    return names
