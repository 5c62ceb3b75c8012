"""Firmware, logs, certificates and security profiles of a simulated charger, with real files, keys and TLS."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scada.simulator import ChargePoint, Credentials, maintenance
from scada.testing.file_server import Files, file_server

NEW = b"firmware=9.9.1\n" + bytes(range(256)) * 200
NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Files]:
    async with file_server(tmp_path / "files") as one:
        yield one


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "INSTALL_S", 0.05)


@dataclass
class Authority:
    """A certificate authority made for a test."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, public_key: Any, name: str) -> str:
        return (
            make(name, public_key, self.key, self.certificate.subject, ca=False)
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )


def make(name: str, public_key: Any, key: Any, issuer: x509.Name | None, *, ca: bool) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def authority() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(key, make("Test CA", key.public_key(), key, None, ca=True))


def statuses(central: Any, action: str) -> list[str]:
    return [one["status"] for one in central.of(action)]


@asynccontextmanager
async def living(point: ChargePoint) -> AsyncIterator[ChargePoint]:
    task = asyncio.create_task(point.run())
    try:
        yield point
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("scheme", ["http", "ftp"])
async def test_firmware_is_fetched_installed_and_told(
    central: Any, point_of: Any, until: Any, files: Files, scheme: str
) -> None:
    files.firmware("new.bin", NEW)
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        order = {"location": await files.offer("new.bin", scheme), "retrieveDate": NOW}
        assert await central.call("UpdateFirmware", order) == {}
        told = ["Downloading", "Downloaded", "Installing", "Installed"]
        await until(lambda: statuses(central, "FirmwareStatusNotification") == told)
        assert central.of("BootNotification")[-1]["firmwareVersion"] == "9.9.1"


async def test_firmware_that_is_not_there_changes_nothing(
    central: Any, point_of: Any, until: Any, files: Files
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        order = {"location": "http://127.0.0.1:1/none", "retrieveDate": NOW, "retries": 1, "retryInterval": 0}
        await central.call("UpdateFirmware", order)
        await until(lambda: statuses(central, "FirmwareStatusNotification")[-1:] == ["DownloadFailed"])
        assert statuses(central, "FirmwareStatusNotification").count("Downloading") == 2
        assert len(central.of("BootNotification")) == 1


@pytest.mark.parametrize("scheme", ["http", "ftp"])
async def test_diagnostics_are_left(
    central: Any, point_of: Any, until: Any, files: Files, scheme: str
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        answer = await central.call("GetDiagnostics", {"location": await files.receive(scheme)})
        assert answer["fileName"].endswith(".log")
        await until(lambda: statuses(central, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"])
        (body,) = await files.kept()
        assert body.startswith(b"log of DEPOT-CP01")
        assert b"BootNotification Accepted" in body
        wish = {"logType": "SecurityLog", "requestId": 5, "log": {"remoteLocation": "http://127.0.0.1:1/x"}}
        assert (await central.call("GetLog", wish))["status"] == "Accepted"
        await until(lambda: central.of("LogStatusNotification", status="UploadFailure", requestId=5))


async def test_signed_firmware_needs_its_signature(
    central: Any, point_of: Any, until: Any, files: Files, authority: Authority
) -> None:
    files.firmware("new.bin", NEW)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue(key.public_key(), "signer")
    signature = base64.b64encode(key.sign(NEW, ec.ECDSA(hashes.SHA256()))).decode()

    async def order(signature: str) -> dict[str, Any]:
        firmware = {
            "location": await files.offer("new.bin"),
            "retrieveDateTime": NOW,
            "signingCertificate": certificate,
            "signature": signature,
        }
        return dict(await central.call("SignedUpdateFirmware", {"requestId": 3, "firmware": firmware}))

    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        assert await order(signature) == {"status": "InvalidCertificate"}  # it knows no root of the maker
        await until(lambda: central.of("SecurityEventNotification", type="InvalidFirmwareSigningCertificate"))
        root = {"certificateType": "ManufacturerRootCertificate", "certificate": authority.pem}
        assert await central.call("InstallCertificate", root) == {"status": "Accepted"}
        assert await order(base64.b64encode(b"another").decode()) == {"status": "Accepted"}
        action = "SignedFirmwareStatusNotification"
        await until(lambda: statuses(central, action)[-1:] == ["InvalidSignature"])
        assert await order(signature) == {"status": "Accepted"}
        await until(lambda: statuses(central, action)[-1:] == ["Installed"])
        assert statuses(central, action)[-6:] == [
            "Downloading",
            "Downloaded",
            "SignatureVerified",
            "Installing",
            "InstallRebooting",
            "Installed",
        ]


async def test_roots_are_listed_and_deleted(
    central: Any, point_of: Any, until: Any, authority: Authority
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        kind = {"certificateType": "CentralSystemRootCertificate"}
        assert await central.call("GetInstalledCertificateIds", kind) == {"status": "NotFound"}
        bad = await central.call("InstallCertificate", kind | {"certificate": "nonsense"})
        assert bad == {"status": "Rejected"}
        good = await central.call("InstallCertificate", kind | {"certificate": authority.pem})
        assert good == {"status": "Accepted"}
        found = await central.call("GetInstalledCertificateIds", kind)
        (data,) = found["certificateHashData"]
        assert data["serialNumber"] == f"{authority.certificate.serial_number:x}"
        other = data | {"serialNumber": "1"}
        for wanted, status in ((other, "NotFound"), (data, "Accepted"), (data, "NotFound")):
            answer = await central.call("DeleteCertificate", {"certificateHashData": wanted})
            assert answer == {"status": status}


async def test_a_new_password_is_used_at_once(central: Any, point_of: Any, until: Any) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        change = {"key": "AuthorizationKey", "value": "0123456789abcdef0123"}
        assert await central.call("ChangeConfiguration", change) == {"status": "Accepted"}
        wanted = "Basic " + base64.b64encode(b"DEPOT-CP01:0123456789abcdef0123").decode()
        await until(lambda: central.headers[-1] == wanted)
        answer = await central.call("GetConfiguration", {"key": ["AuthorizationKey"]})
        assert answer == {"configurationKey": [{"key": "AuthorizationKey", "readonly": False}]}
        assert len(central.of("BootNotification")) == 1


async def test_from_password_to_a_certificate_of_its_own(
    central: Any, until: Any, tmp_path: Path, plant: Any, authority: Authority
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for name, text in (
        ("ca.pem", authority.pem),
        ("server.pem", authority.issue(key.public_key(), "127.0.0.1")),
    ):
        (tmp_path / name).write_text(text)
    (tmp_path / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    tls.load_verify_locations(tmp_path / "ca.pem")
    tls.verify_mode = ssl.CERT_OPTIONAL
    async with central.up(tls):
        credentials = Credentials(
            password="a password of 24 letters",
            secure_url=central.url.replace("ws:", "wss:"),
            root=tmp_path / "ca.pem",
            profile=2,
        )
        charger = next(iter(plant.chargers()))
        point = ChargePoint(charger, "ws://127.0.0.1:1", tmp_path, credentials=credentials, tick_s=0.02)
        async with living(point):
            await until(lambda: point.online)
            raised = {"key": "SecurityProfile", "value": "3"}
            assert await central.call("ChangeConfiguration", raised) == {"status": "Rejected"}
            trigger = {"requestedMessage": "SignChargePointCertificate"}
            assert await central.call("ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
            await until(lambda: central.of("SignCertificate"))
            request = x509.load_pem_x509_csr(central.of("SignCertificate")[0]["csr"].encode())
            assert request.is_signature_valid
            wrong = {"certificateChain": authority.issue(key.public_key(), "DEPOT-CP01")}
            assert await central.call("CertificateSigned", wrong) == {"status": "Rejected"}
            await until(lambda: central.of("SecurityEventNotification", type="InvalidChargePointCertificate"))
            right = {"certificateChain": authority.issue(request.public_key(), "DEPOT-CP01")}
            assert await central.call("CertificateSigned", right) == {"status": "Accepted"}
            assert await central.call("ChangeConfiguration", raised) == {"status": "Accepted"}
            await until(lambda: central.headers[-1] == "" and central.peers and point.online)
            assert await central.call("ClearCache", {}) == {"status": "Accepted"}
            lower = {"key": "SecurityProfile", "value": "2"}
            assert await central.call("ChangeConfiguration", lower) == {"status": "Rejected"}
