"""The HTTP door: chargers fetch and upload one file each, and see nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scada.core.errors import BadRequest
from scada.drivers.ocpp.redaction import redacted
from scada.files.http import HttpDoor
from scada.testing import small_plant, until
from scada.testing.file_server import CHARGER, HOUR_US, SETTINGS, Files, file_server

CONTENT = bytes(range(256)) * 500


@pytest_asyncio.fixture(loop_scope="session")
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as made:
        yield made


async def told(files: Files, kind: str) -> None:
    await until(lambda: any(event.kind == kind for event in files.events), kind)


async def test_a_charger_fetches_firmware(files: Files, client: httpx2.AsyncClient) -> None:
    files.firmware("fw-2.bin", CONTENT)
    url = await files.offer("fw-2.bin")
    head = await client.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(CONTENT)))
    assert not files.events  # nobody has fetched anything yet
    assert (await client.get(url)).content == CONTENT
    await told(files, "file_fetched")
    assert files.events[0].path == CHARGER


async def test_a_fetch_that_broke_off_is_resumed(files: Files, client: httpx2.AsyncClient) -> None:
    files.firmware("fw.bin", CONTENT)
    url = await files.offer("fw.bin")
    first = await client.get(url, headers={"Range": "bytes=0-999"})
    assert (first.status_code, first.content) == (206, CONTENT[:1000])
    assert not files.events
    rest = await client.get(url, headers={"Range": "bytes=1000-"})
    assert first.content + rest.content == CONTENT
    assert rest.headers["content-range"] == f"bytes 1000-{len(CONTENT) - 1}/{len(CONTENT)}"
    await told(files, "file_fetched")
    beyond = await client.get(url, headers={"Range": f"bytes={len(CONTENT) + 5}-"})
    assert beyond.status_code == 416


async def test_one_slot_does_not_give_out_a_file_for_ever(files: Files, client: httpx2.AsyncClient) -> None:
    files.firmware("fw.bin", CONTENT)
    url = await files.offer("fw.bin")
    good = 0
    with pytest.raises(httpx2.HTTPError):
        for _ in range(30):
            good += (await client.get(url)).content == CONTENT
    assert good == 20


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_an_upload_is_kept_whole(files: Files, client: httpx2.AsyncClient, method: str) -> None:
    url = await files.receive()
    answer = await client.request(method, url + "logs/diag 1.zip", content=CONTENT)
    assert answer.status_code == 201
    assert await files.kept() == [CONTENT]
    (kept,) = await files.server.received(CHARGER)
    assert (kept.name, kept.size_bytes, kept.purpose) == ("diag_1.zip", len(CONTENT), "diagnostics")
    await told(files, "file_received")
    again = await client.put(url + "diag.zip", content=b"other")
    assert again.status_code == 404  # once, and never again
    assert await files.kept() == [CONTENT]


async def test_an_upload_as_a_form(files: Files, client: httpx2.AsyncClient) -> None:
    url = await files.receive()
    answer = await client.post(
        url, data={"comment": "x" * 500}, files={"file": ("../../etc/passwd", CONTENT, "application/zip")}
    )
    assert answer.status_code == 201
    assert await files.kept() == [CONTENT]
    assert [one.name for one in await files.server.received()] == ["passwd"]


async def test_forms_that_are_none(files: Files, client: httpx2.AsyncClient) -> None:
    url = await files.receive()
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhalf of it'
    for headers, body in (
        (kind, broken),
        (kind, b"no form at all"),
        (kind, b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\nno file\r\n--x--\r\n'),
        ({"Content-Type": "multipart/form-data"}, broken),
    ):
        assert (await client.post(url, content=body, headers=headers)).status_code == 400, body
    assert not await files.kept()
    assert not files.drafts()
    assert (await client.put(url, content=CONTENT)).status_code == 201  # the charger may try again


async def test_what_is_too_large_is_refused_before_it_is_read(
    files: Files, client: httpx2.AsyncClient
) -> None:
    url = await files.receive()
    assert (await client.put(url, content=b"x" * 300_001)).status_code == 413

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 10_000

    with contextlib.suppress(httpx2.WriteError):  # where the server has closed while we were still sending
        assert (await client.put(url, content=unannounced())).status_code == 413
    await until(lambda: not files.drafts())
    assert not await files.kept()
    assert not files.events


async def test_nothing_but_slots_is_there(files: Files, client: httpx2.AsyncClient) -> None:
    files.firmware("fw.bin", CONTENT)
    place = urlsplit(await files.offer("fw.bin"))
    for path in (
        "/",
        "/firmware",
        "/fw.bin",
        "/../project.toml",
        "/%2e%2e/project.toml",
        "/x" * 500,
        "//",
        "/é",
    ):
        for method in ("GET", "PUT", "DELETE", "PROPFIND"):
            answer = await client.request(method, f"{place.scheme}://{place.netloc}{path}")
            assert (answer.status_code, answer.text) == (404, "not found\n"), (method, path)


async def test_a_token_opens_its_own_slot_only(files: Files, client: httpx2.AsyncClient) -> None:
    files.firmware("fw.bin", CONTENT)
    files.firmware("other.bin", b"other")
    url = await files.offer("fw.bin")
    for tail in ("../other.bin", "..%2fother.bin", "%2e%2e/other.bin", "other.bin"):
        answer = await client.get(url.removesuffix("fw.bin") + tail)
        assert answer.content in (CONTENT, b"not found\n"), tail
    token = urlsplit(url).path.split("/")[1]
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert (await client.get(url.replace(token, wrong))).status_code == 404
    assert (await client.put(url, content=b"x")).status_code == 405
    assert (await client.get(await files.receive())).status_code == 405


async def test_a_slot_expires(files: Files, client: httpx2.AsyncClient) -> None:
    files.firmware("fw.bin", CONTENT)
    fetch, upload = await files.offer("fw.bin"), await files.receive()
    files.clock.leap(3601)
    assert (await client.get(fetch)).status_code == 404
    assert (await client.put(upload, content=b"x")).status_code == 404


async def test_a_slot_that_is_closed_ends(files: Files, client: httpx2.AsyncClient) -> None:
    slot = await files.server.receive(CHARGER, "log", "http", files.clock.now_us() + HOUR_US)
    await files.server.close_slot(slot.id)
    assert (await client.put(slot.url, content=b"x")).status_code == 404


async def test_one_upload_at_a_time_and_two_slots_at_once(files: Files, client: httpx2.AsyncClient) -> None:
    one, two = await files.receive(), await files.receive()
    go = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield CONTENT[:1000]
        await go.wait()
        yield CONTENT[1000:]

    slow = asyncio.ensure_future(client.put(one, content=slowly()))
    await until(files.drafts)
    busy = await client.put(one, content=b"meanwhile")
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "30")
    assert (await client.put(two, content=b"two")).status_code == 201
    go.set()
    assert (await slow).status_code == 201
    assert sorted(await files.kept()) == sorted([CONTENT, b"two"])


async def test_an_upload_that_breaks_off_leaves_nothing_and_may_be_repeated(
    files: Files, client: httpx2.AsyncClient
) -> None:
    url = await files.receive()
    place = urlsplit(url)
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(f"PUT {place.path}a.bin HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf".encode())
    await until(files.drafts)
    writer.close()
    await until(lambda: not files.drafts())
    assert not await files.kept()
    assert (await client.put(url, content=CONTENT)).status_code == 201


async def test_a_client_that_stalls_is_let_go(files: Files, client: httpx2.AsyncClient) -> None:
    url = await files.receive()
    files.server.http.__init__(files.server.desk, stall_s=0.1)  # type: ignore[misc]
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(f"PUT {place.path}a.bin HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf".encode())
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    await until(lambda: not files.drafts())
    assert isinstance(files.server.http, HttpDoor)


async def test_a_part_is_not_taken_for_the_whole(files: Files, client: httpx2.AsyncClient) -> None:
    url = await files.receive()
    answer = await client.put(url, content=b"x", headers={"Content-Range": "bytes 5-5/10"})
    assert answer.status_code == 400
    assert not await files.kept()


async def test_the_oldest_files_make_room(files: Files, client: httpx2.AsyncClient) -> None:
    for number in range(4):
        files.clock.leap(1)
        url = await files.receive()
        assert (await client.put(url, content=bytes([number]) * 150_000)).status_code == 201
    assert [content[0] for content in await files.kept()] == [3, 2]


async def test_slots_survive_a_restart_and_parts_of_files_do_not(
    tmp_path: Path, client: httpx2.AsyncClient
) -> None:
    async with file_server(tmp_path) as files:
        files.firmware("fw.bin", CONTENT)
        offered, waiting = await files.offer("fw.bin"), await files.receive()
        closed = await files.server.receive(CHARGER, "log", "http", files.clock.now_us() + HOUR_US)
        await files.server.close_slot(closed.id)
        (files.project / "data" / "files" / ".incoming" / "left").write_bytes(b"part")
        assert offered.split("/")[3] not in str((tmp_path / "data" / "core.db").read_bytes())
    async with file_server(tmp_path) as files:
        assert not files.drafts()
        port = urlsplit(await files.receive()).port

        def moved(url: str) -> str:
            return url.replace(f":{urlsplit(url).port}/", f":{port}/")

        assert (await client.get(moved(offered))).content == CONTENT
        assert (await client.put(moved(waiting), content=b"late")).status_code == 201
        assert (await client.put(moved(closed.url), content=b"x")).status_code == 404


async def test_firmware_that_is_being_fetched_is_not_replaced(files: Files) -> None:
    files.firmware("fw.bin", CONTENT)
    slot = await files.server.offer("fw.bin", CHARGER, "http", files.clock.now_us() + HOUR_US)

    async def body() -> AsyncIterator[bytes]:
        yield b"new"

    with pytest.raises(BadRequest, match="1 chargers may be fetching"):
        await files.server.add_firmware("fw.bin", body())
    with pytest.raises(BadRequest):
        await files.server.remove_firmware("fw.bin")
    await files.server.close_slot(slot.id)
    assert (await files.server.add_firmware("fw.bin", body())).size_bytes == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
async def test_curl_uploads_and_resumes(files: Files, tmp_path: Path) -> None:
    source, target = tmp_path / "diag.tgz", tmp_path / "got"
    source.write_bytes(CONTENT)
    files.firmware("fw.bin", CONTENT)
    target.write_bytes(CONTENT[:5000])

    async def curl(*arguments: str) -> int:
        process = await asyncio.create_subprocess_exec("curl", "-sf", "--noproxy", "*", *arguments)
        return await process.wait()

    assert await curl("-T", str(source), await files.receive()) == 0
    assert await curl("-T", str(source), await files.receive("ftp")) == 0
    assert await curl("-F", f"file=@{source}", await files.receive()) == 0
    assert await files.kept() == [CONTENT] * 3
    assert {one.name for one in await files.server.received()} == {"diag.tgz"}
    for scheme in ("http", "ftp"):
        target.write_bytes(CONTENT[:5000])
        assert await curl("-C", "-", "-o", str(target), await files.offer("fw.bin", scheme)) == 0
        assert target.read_bytes() == CONTENT
    assert SETTINGS.upload_bytes_max > len(CONTENT)


async def test_with_a_certificate_the_door_is_https(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    project = small_plant(tmp_path).directory
    (project / "files.pem").write_bytes(pem)
    (project / "files.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    secure = replace(SETTINGS, ftp_port=None, tls_certificate="files.pem", tls_key="files.key")
    trust = ssl.create_default_context(cadata=pem.decode())
    async with file_server(tmp_path, secure) as files:
        assert files.server.schemes == ("https",)
        url = await files.receive("https")
        async with httpx2.AsyncClient(trust_env=False, verify=trust) as client:
            assert (await client.put(url, content=CONTENT)).status_code == 201
        assert await files.kept() == [CONTENT]
        with pytest.raises(BadRequest):
            await files.receive("http")


def test_whoever_reads_a_trace_gets_no_token() -> None:
    token = "k" * 32
    for url in (f"http://h:1/{token}/fw.bin", f"https://h/{token}/", f"ftp://user:{token}@h/"):
        frame = [2, "1", "UpdateFirmware", {"location": url}]
        assert token not in redacted(frame, json.dumps(frame))
        assert token not in redacted(None, json.dumps(frame)[:-3])
