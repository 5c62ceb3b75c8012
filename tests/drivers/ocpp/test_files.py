"""Diagnostics and firmware over real sockets: the command is done when the file is here, or the other firmware runs."""

from __future__ import annotations

import asyncio
import base64
import ftplib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio

from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.core.plant import FileSettings
from scada.drivers.ocpp.client import connect_peer
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Peer
from scada.drivers.ocpp.v16.commands import get_diagnostics, update_firmware
from scada.testing import Central, central_system, small_plant, until

ENGINEER = Actor("eve", frozenset(Right), "test")
CONTENT = b"diagnostics" * 1_000
PATH, IDENTITY = "Depot.CP01", "DEPOT-CP01"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def central(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Central]:
    folder = tmp_path_factory.mktemp("files")
    plant = small_plant(folder, files=FileSettings(http_port=0, ftp_port=0))
    (plant.directory / "firmware").mkdir()
    (plant.directory / "firmware" / "fw-2.bin").write_bytes(CONTENT)
    async with central_system(plant, folder / "data") as running:
        yield running


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for in vain is short."""
    monkeypatch.setattr(get_diagnostics, "OTHER_WAIT_US", 300_000)
    monkeypatch.setattr(get_diagnostics, "UNPROMISED_WAIT_US", 300_000)
    monkeypatch.setattr(update_firmware, "BOOT_AFTER_US", 300_000)
    monkeypatch.setattr(update_firmware, "TRIGGERED_US", 300_000)


class Box:
    """A charger whose part is written in the test."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.keys: dict[str, str] = {}
        self.peer: Peer
        self.then: Callable[[str], Awaitable[None]] = self.nothing
        self.answers: dict[str, dict[str, Any]] = {}
        self.unknown: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def nothing(self, url: str) -> None:
        pass

    async def configuration(self, _body: dict[str, Any]) -> dict[str, Any]:
        return {
            "configurationKey": [
                {"key": key, "value": value, "readonly": True} for key, value in self.keys.items()
            ]
        }

    async def accept(self, _body: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted"}

    def handler(self, action: str, place: Callable[[dict[str, Any]], str]) -> Any:
        async def handle(body: dict[str, Any]) -> dict[str, Any]:
            self.asked.append((action, body))
            if action in self.unknown:
                raise CallError("NotImplemented")

            async def work() -> None:
                await self.then(place(body))

            self._tasks.append(asyncio.create_task(work()))
            return self.answers.get(action, {})

        return handle

    async def say(self, action: str, status: str, **more: Any) -> None:
        await self.peer.call(action, {"status": status, **more})

    async def boot(self, version: str) -> None:
        await self.peer.call(
            "BootNotification",
            {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": version},
        )

    async def upload(self, url: str) -> None:
        """As chargers do it: the name of the file behind the place."""
        if url.startswith("ftp:"):
            await asyncio.to_thread(_store, url)
        else:
            async with httpx2.AsyncClient(trust_env=False) as client:
                assert (await client.put(url + "diag.zip", content=CONTENT)).status_code == 201

    async def fetch(self, url: str) -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).content == CONTENT


def _store(url: str) -> None:
    place = urlsplit(url)
    with ftplib.FTP() as ftp:
        ftp.connect(place.hostname or "", place.port or 0, timeout=10)
        ftp.login(place.username or "", place.password or "")
        ftp.storbinary("STOR diag.zip", io.BytesIO(CONTENT))


@asynccontextmanager
async def box(central: Central, *, version: str = "1.0") -> AsyncIterator[Box]:
    made = Box()
    made.answers = {
        "GetDiagnostics": {"fileName": "diag.zip"},
        "GetLog": {"status": "Accepted", "filename": "diag.zip"},
        "SignedUpdateFirmware": {"status": "Accepted"},
    }
    handlers = {
        "GetConfiguration": made.configuration,
        "ChangeConfiguration": made.accept,
        "TriggerMessage": made.accept,
        "GetDiagnostics": made.handler("GetDiagnostics", lambda body: str(body["location"])),
        "GetLog": made.handler("GetLog", lambda body: str(body["log"]["remoteLocation"])),
        "UpdateFirmware": made.handler("UpdateFirmware", lambda body: str(body["location"])),
        "SignedUpdateFirmware": made.handler(
            "SignedUpdateFirmware", lambda body: str(body["firmware"]["location"])
        ),
    }
    made.peer = await connect_peer(central.url, IDENTITY, handlers)
    task = asyncio.create_task(made.peer.run())
    try:
        await made.boot(version)
        yield made
    finally:
        await made.peer.close()
        await task
        station = central.ocpp.stations[IDENTITY]
        await until(lambda: not station.connected)
        station.configuration.clear()


async def order(central: Central, name: str, **arguments: Any) -> CommandResult:
    return await central.router.execute(name, PATH, arguments, ENGINEER)


def no_slot_is_left(central: Central) -> bool:
    assert central.files is not None
    return not central.files.desk.table.expired(2**62)


async def test_diagnostics_come_and_the_charger_says_so(central: Central) -> None:
    async with box(central) as charger:

        async def work(url: str) -> None:
            assert url.startswith("ftp://")  # what 1.6 chargers know best
            await charger.say("DiagnosticsStatusNotification", "Uploading")
            await charger.upload(url)
            await charger.say("DiagnosticsStatusNotification", "Uploaded")

        charger.then = work
        result = await order(central, "GetDiagnostics", **{"from": "2026-11-20T00:00:00Z"})
    assert (result.outcome, result.text) == (Outcome.DONE, "diag.zip, 11,000 bytes")
    assert charger.asked[0][1]["startTime"] == "2026-11-20T00:00:00.000Z"
    assert central.files is not None
    kept, path = await central.files.received_path(result.answer["file"])
    assert (kept.charger, path.read_bytes()) == (PATH, CONTENT)
    assert central.host.tags[f"{PATH}.DiagnosticsStatus"].value == "Uploaded"
    assert no_slot_is_left(central)


async def test_a_charger_that_only_uploads_and_one_that_only_talks(central: Central) -> None:
    async with box(central) as charger:
        charger.then = charger.upload
        result = await order(central, "GetDiagnostics")
        assert result.outcome is Outcome.DONE
        assert "has not said" in result.text

        async def talk(_url: str) -> None:
            await charger.say("DiagnosticsStatusNotification", "Uploaded")

        charger.then = talk
        result = await order(central, "GetDiagnostics")
        assert (result.outcome, result.text) == (
            Outcome.FAILED,
            "the charger says Uploaded, but no file has come",
        )
    assert no_slot_is_left(central)


async def test_a_way_that_fails_is_followed_by_the_next(central: Central) -> None:
    async with box(central) as charger:

        async def work(url: str) -> None:
            if url.startswith("ftp:"):
                await charger.say("DiagnosticsStatusNotification", "UploadFailed")
            else:
                await charger.upload(url)
                await charger.say("DiagnosticsStatusNotification", "Uploaded")

        charger.then = work
        assert (await order(central, "GetDiagnostics")).outcome is Outcome.DONE
    assert len(charger.asked) == 2


async def test_a_charger_is_asked_in_a_way_that_it_knows(central: Central) -> None:
    async with box(central) as charger:
        charger.keys["SupportedFileTransferProtocols"] = "HTTP,HTTPS"
        await order(central, "GetConfiguration")

        async def work(url: str) -> None:
            assert url.startswith("http://")
            await charger.upload(url)
            await charger.say("DiagnosticsStatusNotification", "Uploaded")

        charger.then = work
        assert (await order(central, "GetDiagnostics")).outcome is Outcome.DONE
        charger.keys["SupportedFileTransferProtocols"] = "SFTP"
        await order(central, "GetConfiguration")
        result = await order(central, "GetDiagnostics")
        assert result.outcome is Outcome.REFUSED
        assert "takes SFTP" in result.text


async def test_a_charger_without_diagnostics_and_a_second_order_meanwhile(central: Central) -> None:
    async with box(central) as charger:
        charger.answers["GetDiagnostics"] = {}
        first = asyncio.ensure_future(order(central, "GetDiagnostics"))
        await until(lambda: charger.asked)
        second = await order(central, "GetLog", type="DiagnosticsLog")
        assert (second.outcome, second.text) == (
            Outcome.REFUSED,
            "a transfer of diagnostics is under way",
        )
        assert (await first).text == "the charger has no diagnostics to send"


async def test_a_log_of_the_security_extension(central: Central) -> None:
    async with box(central) as charger:

        async def work(url: str) -> None:
            number = charger.asked[-1][1]["requestId"]
            await charger.say("LogStatusNotification", "UploadFailure", requestId=(number + 1) % 2**31)
            await charger.upload(url)
            await charger.say("LogStatusNotification", "Uploaded", requestId=number)

        charger.then = work
        result = await order(central, "GetLog", type="SecurityLog")
        assert result.outcome is Outcome.DONE
        assert charger.asked[0][1]["logType"] == "SecurityLog"
        charger.answers["GetLog"] = {"status": "Rejected"}
        charger.then = charger.nothing
        assert (await order(central, "GetLog", type="SecurityLog")).outcome is Outcome.REFUSED
        charger.unknown.add("GetLog")
        result = await order(central, "GetLog", type="SecurityLog")
        assert result.outcome is Outcome.FAILED
        assert "NotImplemented" in result.text


async def test_firmware_is_installed_when_another_version_boots(central: Central) -> None:
    async with box(central) as charger:

        async def work(url: str) -> None:
            for status in ("Downloading", "Downloading"):
                await charger.say("FirmwareStatusNotification", status)
            await charger.fetch(url)
            await charger.say("FirmwareStatusNotification", "Downloaded")
            await charger.say("FirmwareStatusNotification", "Installing")
            await charger.boot("1.0")  # on the way, still the old one
            await charger.say("FirmwareStatusNotification", "Installed")
            await charger.boot("2.0")

        charger.then = work
        result = await order(central, "UpdateFirmware", file="fw-2.bin")
        assert (result.outcome, result.text) == (Outcome.DONE, "firmware 1.0 → 2.0")
        assert central.host.tags[f"{PATH}.FirmwareStatus"].value == "Installed"
    assert no_slot_is_left(central)


async def test_other_orders_of_the_same_news(central: Central) -> None:
    async with box(central) as charger:

        async def silent(_url: str) -> None:
            await charger.boot("2.0")

        charger.then = silent
        assert (await order(central, "UpdateFirmware", file="fw-2.bin")).text == "firmware 1.0 → 2.0"

        async def same(_url: str) -> None:
            await charger.say("FirmwareStatusNotification", "Installed")
            await charger.boot("2.0")

        charger.then = same
        result = await order(central, "UpdateFirmware", file="fw-2.bin")
        assert result.outcome is Outcome.FAILED
        assert "booted with the same firmware 2.0" in result.text

        async def no_boot(_url: str) -> None:
            await charger.say("FirmwareStatusNotification", "Installed")

        charger.then = no_boot
        result = await order(central, "UpdateFirmware", file="fw-2.bin")
        assert (result.outcome, result.text) == (
            Outcome.DONE,
            "the charger says Installed; it has not told another version since",
        )


@pytest.mark.parametrize("status", ["DownloadFailed", "InstallationFailed"])
async def test_a_failure_is_told_and_raises_its_alarm(central: Central, status: str) -> None:
    async with box(central) as charger:

        async def work(_url: str) -> None:
            await charger.say("FirmwareStatusNotification", status)

        charger.then = work
        result = await order(central, "UpdateFirmware", file="fw-2.bin")
        assert (result.outcome, result.text) == (Outcome.FAILED, f"the charger says {status}")
        assert len(charger.asked) == (2 if status == "DownloadFailed" else 1)  # by FTP too
        assert central.host.tags[f"{PATH}.FirmwareFailed"].value is True
        await charger.say("FirmwareStatusNotification", "Idle")
        assert central.host.tags[f"{PATH}.FirmwareFailed"].value is False


async def test_signed_firmware_where_the_charger_knows_it(central: Central) -> None:
    assert central.files is not None
    signature = base64.b64encode(b"signed").decode()
    (central.plant.directory / "firmware" / "signed.bin").write_bytes(CONTENT)
    await central.files.sign_firmware("signed.bin", signature, CERTIFICATE)
    async with box(central) as charger:

        async def work(_url: str) -> None:
            number = charger.asked[-1][1]["requestId"]
            await charger.say("SignedFirmwareStatusNotification", "InvalidSignature", requestId=number)

        charger.then = work
        result = await order(central, "UpdateFirmware", file="signed.bin")
        assert (result.outcome, result.text) == (Outcome.FAILED, "the charger says InvalidSignature")
        action, body = charger.asked[-1]
        assert (action, body["firmware"]["signature"]) == ("SignedUpdateFirmware", signature)

        charger.answers["SignedUpdateFirmware"] = {"status": "RevokedCertificate"}
        charger.then = charger.nothing
        result = await order(central, "UpdateFirmware", file="signed.bin")
        assert (result.outcome, result.text) == (
            Outcome.REFUSED,
            "the charger answered RevokedCertificate",
        )

        charger.unknown.add("SignedUpdateFirmware")

        async def plain(_url: str) -> None:
            await charger.boot("3.0")

        charger.then = plain
        asked = len(charger.asked)

        async def only_plain(url: str) -> None:
            if charger.asked[-1][0] == "UpdateFirmware":
                await plain(url)

        charger.then = only_plain
        result = await order(central, "UpdateFirmware", file="signed.bin")
        assert [action for action, _ in charger.asked[asked:]] == ["SignedUpdateFirmware", "UpdateFirmware"]
        assert result.outcome is Outcome.DONE
        assert "without its signature" in result.text


async def test_firmware_for_tonight_and_orders_that_cannot_be(central: Central) -> None:
    async with box(central) as charger:
        result = await order(central, "UpdateFirmware", file="fw-2.bin", retrieve="2199-01-01T02:00:00Z")
        assert result.outcome is Outcome.SCHEDULED
        assert charger.asked[0][1]["retrieveDate"] == "2199-01-01T02:00:00.000Z"
        assert not no_slot_is_left(central)  # it will come for it
        for arguments, text in (
            ({"file": "none.bin"}, "no firmware file"),
            ({"file": "../project.toml"}, "no firmware file"),
            ({"file": "fw-2.bin", "retrieve": "tonight"}, "is no time"),
        ):
            result = await order(central, "UpdateFirmware", **arguments)
            assert result.outcome is Outcome.REFUSED
            assert text in result.text
        assert len(charger.asked) == 1
