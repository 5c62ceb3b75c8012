"""Chargers of tests: their place in the plant, their keys and certificates, and how they connect."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from scada.core.plant import Plant
from scada.drivers.ocpp.client import connect_peer, tls_context
from scada.drivers.ocpp.peer import Peer

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def with_chargers(plant: Plant, changes: Mapping[str, Mapping[str, Any]]) -> Plant:
    """The plant with attributes of chargers replaced, by identity."""
    return replace(
        plant,
        sites=tuple(
            replace(
                site, chargers=tuple(replace(one, **changes.get(one.identity, {})) for one in site.chargers)
            )
            for site in plant.sites
        ),
    )


def request(
    identity: str, organization: str | None = "EV-SCADA", *, bits: int = 0
) -> tuple[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]:
    """A charger's certificate request (PEM) and its key: EC, or RSA of so many bits."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
        rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
    )
    names = [x509.NameAttribute(NameOID.COMMON_NAME, identity)]
    if organization is not None:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode(), key


def key_file(folder: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Path:
    """The key in a file of its own."""
    path = folder / f"{x509.random_serial_number():x}-key.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


def self_signed(
    folder: Path, identity: str, *, issuer: tuple[Path, Path] | None = None, days: int = 30
) -> tuple[Path, Path]:
    """(certificate, key) of a charger, signed by itself or by an issuer's (root, key); `days` may lie in the past."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, identity)])
    signer: Any = key
    issuer_name = subject
    if issuer is not None:
        issuer_name = x509.load_pem_x509_certificate(issuer[0].read_bytes()).subject
        signer = serialization.load_pem_private_key(issuer[1].read_bytes(), None)
    now = datetime.datetime.now(datetime.UTC)
    until = now + datetime.timedelta(days=days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, until) - datetime.timedelta(days=2))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    path = folder / f"{certificate.serial_number:x}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path, key_file(folder, key)


async def accept(_body: dict[str, Any]) -> dict[str, Any]:
    """Accepted, whatever it is."""
    return {"status": "Accepted"}


async def no_keys(_body: dict[str, Any]) -> dict[str, Any]:
    """GetConfiguration of a charger that has none."""
    return {"configurationKey": []}


@asynccontextmanager
async def connected(
    url: str,
    identity: str,
    *,
    password: str | None = None,
    root: Path | None = None,
    certificate: tuple[Path, Path] | None = None,
    **answers: Answer,
) -> AsyncIterator[Peer]:
    """A charger that is connected, and answers what it is asked; it says nothing by itself."""
    handlers: dict[str, Answer] = {
        "GetConfiguration": no_keys,
        "ChangeConfiguration": accept,
        "TriggerMessage": accept,
        **answers,
    }
    tls = tls_context(root, *(certificate or ())) if url.startswith("wss:") else None
    peer = await connect_peer(url, identity, handlers, password=password, tls=tls)
    task = asyncio.create_task(peer.run())
    try:
        yield peer
    finally:
        await peer.close()
        await task
