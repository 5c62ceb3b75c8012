"""New passwords and certificates for chargers: with the charger's real answer, and never a charger locked out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.core.plant import Network
from scada.core.ports import DeedFilter
from scada.core.records import AlarmState
from scada.drivers.ocpp.peer import Peer, PeerClosed
from scada.drivers.ocpp.security import Link
from scada.testing import Central, central_system, small_plant, until
from scada.testing.chargers import connected, key_file, request, with_chargers

ENGINEER = Actor("eve", frozenset(Right), "test")
PASSWORD = "a password of 24 letters"
CP, TLS = "DEPOT-CP01", "DEPOT-CP02"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Central]:
    plant = with_chargers(
        small_plant(folder),
        {CP: {"security": 1, "basic_auth_ref": "env:P"}, TLS: {"security": 2, "basic_auth_ref": "env:P"}},
    )
    plant = replace(plant, network=Network(http_port=0, ocpp_port=0, opcua_port=0, ocpps_port=0))
    async with central_system(plant, folder / "data", {"env:P": PASSWORD}) as central:
        yield central


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def central(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Central]:
    async with running(tmp_path_factory.mktemp("credentials")) as one:
        yield one


class Keyed:
    """A charger that takes a new key."""

    def __init__(self, status: str = "Accepted") -> None:
        self.key, self.status = "", status

    async def change(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["key"] == "AuthorizationKey":
            self.key = body["value"]
            return {"status": self.status}
        return {"status": "Accepted"}


async def is_refused(url: str, identity: str, password: str) -> bool:
    try:
        async with connected(url, identity, password=password):
            return False
    except PeerClosed as closed:
        return isinstance(closed.__cause__, InvalidStatus) and closed.__cause__.response.status_code == 401


def command(central: Central, name: str, target: str, **arguments: Any) -> asyncio.Task[CommandResult]:
    return asyncio.create_task(central.router.execute(name, target, arguments, ENGINEER))


async def test_a_password_is_rotated_and_the_old_one_is_dead(tmp_path: Path) -> None:
    keyed = Keyed()
    async with running(tmp_path) as central:
        async with connected(central.url, CP, password=PASSWORD, ChangeConfiguration=keyed.change):
            rotation = command(central, "RotatePassword", "Depot.CP01")
            await until(lambda: keyed.key, "the key")
            assert len(keyed.key) == 40
            assert bytes.fromhex(keyed.key)
        async with connected(central.url, CP, password=PASSWORD):
            assert not rotation.done(), "the charger has not used the new one: both are good"
        async with connected(central.url, CP, password=keyed.key.upper()):
            assert (await rotation).outcome is Outcome.DONE
        assert await is_refused(central.url, CP, PASSWORD), "a replayed old password"
        commands = await central.store.archive.commands(DeedFilter(), 10, None)
        assert keyed.key not in repr(commands)
    # Another run knows it, without knowing it.
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("core.db*"))
    assert keyed.key.encode() not in kept
    async with running(tmp_path) as central:
        assert await is_refused(central.url, CP, PASSWORD)
        assert not await is_refused(central.url, CP, keyed.key)
        raw = central.ocpp.stations[CP].security.judge(
            secure=False, password=bytes.fromhex(keyed.key), certificate=None, revoked=frozenset()
        )
        assert isinstance(raw, Link), "some makes send the key itself, not its text"


async def test_a_refused_key_is_good_for_nothing(central: Central) -> None:
    keyed = Keyed("Rejected")
    async with connected(central.url, CP, password=PASSWORD, ChangeConfiguration=keyed.change):
        result = await command(central, "RotatePassword", "Depot.CP01")
    assert result.outcome is Outcome.REFUSED
    assert await is_refused(central.url, CP, keyed.key)
    assert not await is_refused(central.url, CP, PASSWORD)


async def test_a_charger_that_dies_over_the_new_key_can_connect_with_either(central: Central) -> None:
    async def die(body: dict[str, Any]) -> dict[str, Any]:
        if body["key"] == "AuthorizationKey":
            keys.append(body["value"])
            await peer.close()
        return {"status": "Accepted"}

    keys: list[str] = []
    async with connected(central.url, CP, password=PASSWORD, ChangeConfiguration=die) as peer:
        result = await command(central, "RotatePassword", "Depot.CP01")
    assert result.outcome is Outcome.FAILED
    assert not await is_refused(central.url, CP, PASSWORD)
    assert not await is_refused(central.url, CP, keys[0])
    assert await is_refused(central.url, CP, PASSWORD), "now it is proved"


async def asks(peer: Peer, csr: str) -> str:
    return str((await peer.call("SignCertificate", {"csr": csr}))["status"])


async def test_a_certificate_is_renewed_and_used(central: Central, tmp_path: Path) -> None:
    chains: list[str] = []
    csr, key = request(TLS)

    async def trigger(body: dict[str, Any]) -> dict[str, Any]:
        assert body == {"requestedMessage": "SignChargePointCertificate"}
        asking.append(asyncio.create_task(asks(peer, csr)))
        return {"status": "Accepted"}

    async def signed(body: dict[str, Any]) -> dict[str, Any]:
        chains.append(body["certificateChain"])
        return {"status": "Accepted"}

    asking: list[asyncio.Task[str]] = []
    root = central.ocpp.authority.root_file
    async with connected(
        central.tls_url,
        TLS,
        root=root,
        password=PASSWORD,
        ExtendedTriggerMessage=trigger,
        CertificateSigned=signed,
    ) as peer:
        result = await command(central, "RenewCertificate", "Depot.CP02")
        assert result.outcome is Outcome.DONE, result
        assert await asking[0] == "Accepted"
    certificate = tmp_path / "chain.pem"
    certificate.write_text(chains[0])
    pair = certificate, key_file(tmp_path, key)
    async with connected(central.tls_url, TLS, root=root, certificate=pair) as peer:
        await peer.call("Heartbeat", {})
        assert central.host.tags["Depot.CP02.SecurityProfile"].value == 3
        assert central.host.tags["Depot.CP02.CertificateExpiry"].value == result.answer["until_s"]


@pytest.mark.parametrize(
    ("identity", "organization", "bits", "csr"),
    [
        ("DEPOT-CP07", "EV-SCADA", 0, ""),
        ("DEPOT-CP03", "Somebody else", 0, ""),
        ("DEPOT-CP03", "EV-SCADA", 1024, ""),
        ("", None, 0, "no request"),
        ("", None, 0, "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"),
    ],
)
async def test_a_wrong_request_is_rejected(
    central: Central, identity: str, organization: str | None, bits: int, csr: str
) -> None:
    csr = csr or request(identity, organization, bits=bits)[0]
    security = central.ocpp.stations["DEPOT-CP03"].security
    from scada.core.errors import BadRequest

    with pytest.raises(BadRequest):
        await security.check_request(csr)


async def test_no_certificate_for_who_has_proved_nothing(central: Central) -> None:
    async with connected(central.url, "DEPOT-CP03") as peer:
        assert await asks(peer, request("DEPOT-CP03")[0]) == "Rejected"
        result = await command(central, "RenewCertificate", "Depot.CP03")
        assert result.outcome is Outcome.REFUSED


async def test_certificates_on_the_charger(central: Central) -> None:
    told: list[dict[str, Any]] = []
    one = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}

    async def ids(body: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted", "certificateHashData": [one]}

    async def install(body: dict[str, Any]) -> dict[str, Any]:
        told.append(body)
        return {"status": "Accepted"}

    async def delete(body: dict[str, Any]) -> dict[str, Any]:
        return {"status": "NotFound"}

    kind = "CentralSystemRootCertificate"
    async with connected(
        central.url,
        "DEPOT-CP04",
        InstallCertificate=install,
        DeleteCertificate=delete,
        GetInstalledCertificateIds=ids,
    ):
        where = "Depot.CP04"
        assert (await command(central, "InstallCertificate", where, type=kind)).outcome is Outcome.DONE
        assert told[0]["certificate"] == central.ocpp.authority.root_file.read_text()
        found = await command(central, "GetInstalledCertificateIds", where, type=kind)
        assert found.answer["certificateHashData"] == [one]
        assert (await command(central, "DeleteCertificate", where, hash=one)).outcome is Outcome.REFUSED
        assert (await command(central, "DeleteCertificate", where, hash={"a": 1})).outcome is Outcome.REFUSED


async def test_a_security_event_is_kept_shown_and_raises_the_alarm(central: Central) -> None:
    def alarm() -> AlarmState | None:
        shown = central.host.board.get("Depot.CP05.SecurityAlert")
        return shown.state if shown else None

    event = {"type": "StartupOfTheDevice", "timestamp": "2026-11-21T10:00:00Z"}
    async with connected(central.url, "DEPOT-CP05") as peer:
        await peer.call("SecurityEventNotification", event)
        tag = central.host.tags["Depot.CP05.SecurityEvent"]
        assert tag.value == "StartupOfTheDevice"
        await peer.call(
            "SecurityEventNotification", {**event, "type": "TamperDetectionActivated", "techInfo": "lid"}
        )
        assert tag.value == "TamperDetectionActivated: lid"
    page = await central.store.archive.audit(DeedFilter(action="security_event"), 10, None)
    assert [row.new for row in page.items] == ["TamperDetectionActivated: lid", "StartupOfTheDevice"]
    await until(lambda: alarm() is AlarmState.LATCHED_UNACKNOWLEDGED, "the alarm")
