"""How connections come, are replaced and die: over real sockets, with neighbours that notice nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.core.errors import ScadaError
from scada.core.plant import Certificates, Network, Plant
from scada.core.ports import DeedFilter
from scada.drivers.ocpp import watch
from scada.drivers.ocpp.peer import PeerClosed
from scada.identity.certificates import Authority
from scada.testing import Central, central_system, small_plant, until
from scada.testing.chargers import connected, key_file, request, with_chargers

ENGINEER = Actor("eve", frozenset(Right), "test")
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


@asynccontextmanager
async def line_to(central: Central) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare TCP connection to the door."""
    place = urlsplit(central.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_a_command_that_is_under_way_when_the_charger_connects_anew_is_superseded(
    central: Central,
) -> None:
    asked = asyncio.Event()

    async def never(_body: dict[str, Any]) -> dict[str, Any]:
        asked.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def order(name: str) -> CommandResult:
        return await central.router.execute(name, "Depot.CP01", {}, ENGINEER)

    async with connected(central.url, "DEPOT-CP01", ClearCache=never):
        first = asyncio.create_task(order("ClearCache"))
        await asked.wait()
        waiting = asyncio.create_task(order("GetLocalListVersion"))
        before = central.ocpp.stations["DEPOT-CP01"].peer
        assert before is not None
        await until(lambda: before._turns._waiting, "it waits for its turn")
        async with connected(central.url, "DEPOT-CP01") as peer:
            assert (await first).outcome is Outcome.SUPERSEDED
            assert (await waiting).outcome is Outcome.SUPERSEDED
            assert "connected anew" in (await first).text
            assert central.host.tags["Depot.CP01.Online"].value is True
            assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"
    page = await central.store.archive.commands(DeedFilter(action="ClearCache"), 1, None)
    assert [row.record.outcome for row in page.items] == ["superseded"]


async def test_a_connection_from_which_nothing_comes_is_closed_and_its_neighbour_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.05)
    monkeypatch.setattr(watch, "PONG_WAIT_S", 0.5)
    plant = small_plant(tmp_path)
    plant = replace(plant, ocpp=replace(plant.ocpp, ping_s=0.1))
    async with central_system(plant, tmp_path / "data") as central:
        online = central.host.tags["Depot.CP01.Online"]
        async with connected(central.url, "DEPOT-CP02") as neighbour, line_to(central) as (reader, writer):
            # As after a power cut of its modem: the connection stands, and nobody is at its other end.
            writer.write(UPGRADE.format(path=urlsplit(central.url).path + "/DEPOT-CP01").encode())
            assert b" 101 " in await reader.readline()
            await until(lambda: online.value is True, "it is online")
            await until(lambda: online.value is False, "the watch has closed it")
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readexactly(1_000_000)
            assert await neighbour.call("Heartbeat", {}), "pings are answered: the neighbour lives"
        async with connected(central.url, "DEPOT-CP01"):
            await until(lambda: online.value is True, "it has come back")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("GET /ocpp/DEPOT-CP01\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS, at the plain door
        ("GET /ocpp/DEPOT-CP01 HTTP/1.1\r\nHost x\r\n\r\n", 400),
        ("GET /ocpp/DEPOT-CP01 HTTP/1.1\r\n" + "A: b\r\n" * 300 + "\r\n", 431),
        ("GET /ocpp/DEPOT-CP01 HTTP/1.1\r\nA: " + "b" * 10_000 + "\r\n\r\n", 431),
        ("GET /ocpp/DEPOT-CP01 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 400),
        ("\r\n\r\n", 400),
    ],
    ids=["old", "tls", "header", "many", "long", "body", "empty"],
)
async def test_32_a_malformed_request_is_answered_and_hurts_nobody(
    central: Central, sent: str, code: int
) -> None:
    async with connected(central.url, "DEPOT-CP02") as neighbour:
        async with line_to(central) as (reader, writer):
            writer.write(sent.encode("latin-1") + b"\n\n")
            assert (await reader.readline()).split()[1] == str(code).encode()
            await reader.read()  # until it is closed
        assert await neighbour.call("Heartbeat", {})
        async with connected(central.url, "DEPOT-CP01") as peer:
            assert await peer.call("Heartbeat", {})


async def test_a_request_that_is_no_upgrade_is_refused_and_other_methods_too(central: Central) -> None:
    path = urlsplit(central.url).path
    for request_line, code in ((f"GET {path}/DEPOT-CP01", b"426"), (f"POST {path}/DEPOT-CP01", b"4")):
        async with line_to(central) as (reader, writer):
            writer.write(f"{request_line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 " + code)


def secure(plant: Plant, **certificates: Any) -> Plant:
    """The plant with a TLS door."""
    return replace(
        plant,
        network=Network(http_port=0, ocpp_port=0, opcua_port=0, ocpps_port=0),
        certificates=Certificates(**certificates),
    )


async def refused(url: str, identity: str, **more: Any) -> bool:
    try:
        async with connected(url, identity, **more) as peer:
            await peer.call("Heartbeat", {}, 5)
    except PeerClosed:
        return True
    return False


async def test_unknown_chargers_wait_behind_tls_where_the_project_wants_tls(tmp_path: Path) -> None:
    plant = secure(small_plant(tmp_path))
    plant = replace(plant, ocpp=replace(plant.ocpp, unknown="pending", security_profile=2))
    async with central_system(plant, tmp_path / "data") as central:
        root, room = central.ocpp.authority.root_file, central.ocpp.pending
        assert room is not None
        assert await refused(central.url, "NEW-1"), "not by the plain door"
        async with connected(central.tls_url, "NEW-1", root=root) as peer:
            assert (await peer.call("BootNotification", BOOT))["status"] == "Pending"
            found = room.get("NEW-1")
            assert (found.secure, found.vendor, found.online) == (True, "V", True)
            await room.reject("NEW-1")
        assert await refused(central.tls_url, "NEW-1", root=root), "rejected"
        assert central.host.tags["System.PendingChargers"].value == 0


async def test_certificates_from_elsewhere_on_both_sides(tmp_path: Path) -> None:
    """The door shows a certificate of the company's CA, and takes chargers with one of their maker's."""
    company, maker = Authority(tmp_path / "company", "Company"), Authority(tmp_path / "maker", "Maker")
    plant = small_plant(tmp_path)
    files = (await asyncio.to_thread(company.server_files, ("127.0.0.1",), 90))[0]
    for name, source in (("chain.pem", files.chain), ("key.pem", files.key)):
        (plant.directory / name).write_bytes(source.read_bytes())
    csr, key = request("NEW-2", "Maker")
    (tmp_path / "new-2.pem").write_text((await asyncio.to_thread(maker.sign, csr, "NEW-2", 30)).chain)
    csr, known = request("DEPOT-CP01", "Maker")
    (tmp_path / "cp01.pem").write_text((await asyncio.to_thread(maker.sign, csr, "DEPOT-CP01", 30)).chain)
    (plant.directory / "maker.pem").write_bytes(maker.root_file.read_bytes())
    plant = secure(
        with_chargers(plant, {"DEPOT-CP01": {"security": 3}}),
        server_ref="file:chain.pem",
        server_key_ref="env:KEY",
        roots=("maker.pem",),
    )
    plant = replace(plant, ocpp=replace(plant.ocpp, unknown="pending", security_profile=3))
    secrets = {"env:KEY": (plant.directory / "key.pem").read_text()}
    async with central_system(plant, tmp_path / "data", secrets) as central:
        url, root = central.tls_url, company.root_file
        assert await refused(url, "DEPOT-CP02", root=central.ocpp.authority.root_file), "not our CA's"
        good = tmp_path / "cp01.pem", key_file(tmp_path, known)
        async with connected(url, "DEPOT-CP01", root=root, certificate=good) as peer:
            await peer.call("Heartbeat", {})
            assert central.host.tags["Depot.CP01.SecurityProfile"].value == 3
        assert central.host.tags["System.OcppCertificateDays"].value in (89, 90)
        assert await refused(url, "NEW-2", root=root), "an unknown one without a certificate"
        assert await refused(url, "NEW-2", root=root, certificate=good), "or with another's"
        own = tmp_path / "new-2.pem", key_file(tmp_path, key)
        async with connected(url, "NEW-2", root=root, certificate=own) as peer:
            assert (await peer.call("BootNotification", BOOT))["status"] == "Pending"
        # A renewed file is taken over without a start anew; one that is broken changes nothing.
        tls, before = central.ocpp.tls, central.ocpp.tls.context
        (plant.directory / "chain.pem").write_text("broken")
        with pytest.raises(ScadaError, match="holds no certificate"):
            await asyncio.to_thread(tls.refresh)
        assert tls.context is before
        assert not await refused(url, "DEPOT-CP01", root=root, certificate=good)
