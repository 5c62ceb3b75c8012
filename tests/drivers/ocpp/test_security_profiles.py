"""Who may come in by which door with what: every security profile over real TLS, with good and bad credentials."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from scada.core.plant import Network
from scada.drivers.ocpp.peer import PeerClosed
from scada.identity.certificates import Authority
from scada.testing import Central, central_system, small_plant, until
from scada.testing.chargers import connected, key_file, request, self_signed, with_chargers

PLAIN, BASIC, TLS, CERTIFIED, KNOWN = "DEPOT-CP01", "DEPOT-CP02", "DEPOT-CP03", "DEPOT-CP04", "DEPOT-CP05"
PASSWORD = "a password of 24 letters"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def central(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Central]:
    folder = tmp_path_factory.mktemp("profiles")
    plant = with_chargers(
        small_plant(folder),
        {
            BASIC: {"security": 1, "basic_auth_ref": "env:P"},
            TLS: {"security": 2, "basic_auth_ref": "env:P"},
            CERTIFIED: {"security": 3},
            KNOWN: {"security": 1, "basic_auth_ref": "env:P"},
        },
    )
    plant = replace(plant, network=Network(http_port=0, ocpp_port=0, opcua_port=0, ocpps_port=0))
    async with central_system(plant, folder / "data", {"env:P": PASSWORD}) as running:
        yield running


@pytest.fixture
def root(central: Central) -> Path:
    return central.ocpp.authority.root_file


def issued(central: Central, folder: Path, identity: str, days: int = 30) -> tuple[Path, Path]:
    csr, key = request(identity)
    path = folder / f"{identity}-{os.urandom(4).hex()}.pem"
    path.write_text(central.ocpp.authority.sign(csr, identity, days).chain)
    return path, key_file(folder, key)


async def refused(url: str, identity: str, **options: object) -> int | None:
    """The HTTP status of the refusal; None: TLS refused it already."""
    with pytest.raises(PeerClosed) as error:
        async with connected(url, identity, **options) as peer:  # type: ignore[arg-type]
            # With TLS 1.3 a client learns only afterwards that its certificate was not taken.
            await peer.call("Heartbeat", {}, 5)
    cause = error.value.__cause__
    return cause.response.status_code if isinstance(cause, InvalidStatus) else None


async def test_profile_0_needs_nothing_and_may_use_either_door(central: Central, root: Path) -> None:
    profile = central.host.tags["Depot.CP01.SecurityProfile"]
    async with connected(central.url, PLAIN) as peer:
        await peer.call("Heartbeat", {})
    async with connected(central.tls_url, PLAIN, root=root) as peer:
        await peer.call("Heartbeat", {})
        assert profile.value == 0
    async with connected(central.url, PLAIN) as peer:  # nothing was proved, so nothing was raised
        await peer.call("Heartbeat", {})


async def test_profile_1_needs_its_password(central: Central) -> None:
    assert await refused(central.url, BASIC) == 401
    assert await refused(central.url, BASIC, password="wrong") == 401
    assert await refused(central.url, BASIC, password="") == 401
    async with connected(central.url, BASIC, password=PASSWORD) as peer:
        await peer.call("Heartbeat", {})
        assert central.host.tags["Depot.CP02.SecurityProfile"].value == 1


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Bearer x", "basic " + base64.b64encode(b"DEPOT-CP01:x").decode()]
)
async def test_bad_credentials_are_answered_with_401(central: Central, header: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"{central.url}/{BASIC}", additional_headers={"Authorization": header}, proxy=None)
    assert refusal.value.response.status_code == 401


async def test_profile_2_is_refused_on_the_plain_door(central: Central, root: Path) -> None:
    assert await refused(central.url, TLS, password=PASSWORD) == 403
    assert await refused(central.tls_url, TLS, root=root) == 401
    assert await refused(central.tls_url, TLS, root=root, password="wrong") == 401
    async with connected(central.tls_url, TLS, root=root, password=PASSWORD) as peer:
        await peer.call("Heartbeat", {})
        assert central.host.tags["Depot.CP03.SecurityProfile"].value == 2


async def test_a_charger_that_does_not_trust_us_does_not_connect(central: Central, tmp_path: Path) -> None:
    other = Authority(tmp_path, "Other")
    await asyncio.to_thread(other.ensure)
    assert await refused(central.tls_url, TLS, root=other.root_file, password=PASSWORD) is None


async def test_a_charger_that_used_tls_once_does_not_fall_back(central: Central, root: Path) -> None:
    async with connected(central.url, KNOWN, password=PASSWORD) as peer:
        await peer.call("Heartbeat", {})
    async with connected(central.tls_url, KNOWN, root=root, password=PASSWORD) as peer:
        await peer.call("Heartbeat", {})
    assert await refused(central.url, KNOWN, password=PASSWORD) == 403


async def test_profile_3_needs_a_certificate_of_its_own(central: Central, root: Path, tmp_path: Path) -> None:
    url = central.tls_url
    assert await refused(central.url, CERTIFIED) == 403
    assert await refused(url, CERTIFIED, root=root) == 403, "no certificate"
    assert await refused(url, CERTIFIED, root=root, password=PASSWORD) == 403, "a password does not do"
    other = issued(central, tmp_path, PLAIN)
    assert await refused(url, CERTIFIED, root=root, certificate=other) == 403, "another charger's"
    foreign = self_signed(tmp_path, CERTIFIED)
    assert await refused(url, CERTIFIED, root=root, certificate=foreign) is None, "signed by nobody we trust"
    ours = central.ocpp.authority.root_file, central.ocpp.authority.root_file.with_name("ocpp-root-key.pem")
    expired = self_signed(tmp_path, CERTIFIED, issuer=ours, days=-1)
    assert await refused(url, CERTIFIED, root=root, certificate=expired) is None, "expired"
    good = issued(central, tmp_path, CERTIFIED, days=20)
    async with connected(url, CERTIFIED, root=root, certificate=good) as peer:
        await peer.call("Heartbeat", {})
        tags = central.host.tags
        assert tags["Depot.CP04.SecurityProfile"].value == 3
        assert tags["Depot.CP04.CertificateDays"].value in (19, 20)
        assert tags["Depot.CP04.CertificateDays.Lo"].value is True, "it soon expires"


async def test_a_revoked_and_a_replaced_certificate_are_refused(
    central: Central, root: Path, tmp_path: Path
) -> None:
    url, identity = central.tls_url, "DEPOT-CP06"
    older = issued(central, tmp_path, identity)
    await asyncio.sleep(1.1)  # a certificate's times are whole seconds
    newer = issued(central, tmp_path, identity)
    for certificate in (older, newer):
        async with connected(url, identity, root=root, certificate=certificate) as peer:
            await peer.call("Heartbeat", {})
    assert await refused(url, identity, root=root, certificate=older) == 403, "replaced"
    document = central.ocpp.stations[identity].security.document
    central.ocpp.authority.revoke(document.serial)
    await asyncio.to_thread(central.ocpp.tls.refresh)
    assert await refused(url, identity, root=root, certificate=newer) == 403, "revoked"


async def test_an_old_tls_version_is_refused(central: Central, root: Path) -> None:
    import ssl

    context = ssl.create_default_context(cafile=root)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((OSError, EOFError)):
        await connect(f"{central.tls_url}/{PLAIN}", ssl=context, proxy=None)


async def test_a_renewed_server_certificate_is_taken_over(central: Central, root: Path) -> None:
    tls = central.ocpp.tls
    before = tls.context
    assert await asyncio.to_thread(tls.refresh) is False
    root.with_name("ocpp-server-ec.pem").unlink()
    assert await asyncio.to_thread(tls.refresh) is True
    assert tls.context is not before
    async with connected(central.tls_url, PLAIN, root=root) as peer:
        await peer.call("Heartbeat", {})


async def test_what_was_proved_survives_a_restart(central: Central, root: Path) -> None:
    async with connected(central.tls_url, KNOWN, root=root, password=PASSWORD) as peer:
        await peer.call("Heartbeat", {})
    documents = {key for key, _ in central.ocpp.stations[KNOWN].security._drawer}
    assert KNOWN in documents
    assert central.ocpp.stations[KNOWN].security.floor == 2
    await until(lambda: central.ocpp.stations[KNOWN].security.document.profile == 2)
    kept = await asyncio.to_thread(central.store.restart)
    assert any(one.key == KNOWN and '"profile":2' in one.body for one in kept.documents)
