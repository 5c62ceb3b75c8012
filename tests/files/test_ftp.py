"""The FTP door, with Python's own client in a thread, as chargers use it."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import io
import socket
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import pytest

from scada.testing import until
from scada.testing.file_server import Files

CONTENT = b"line\r\nline\n\x00\xff" * 9_000
T = TypeVar("T")


def log_in(url: str, password: str | None = None) -> ftplib.FTP:
    place = urlsplit(url)
    ftp = ftplib.FTP()
    ftp.connect(place.hostname or "", place.port or 0, timeout=15)
    try:
        ftp.login(place.username or "", password if password is not None else place.password or "")
    except ftplib.Error:
        ftp.close()
        raise
    return ftp


async def run(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


async def test_a_charger_uploads_and_hears_226_when_it_is_on_disk(files: Files) -> None:
    url = await files.receive("ftp")

    def upload() -> str:
        with log_in(url) as ftp:
            ftp.cwd("/whatever/folder")
            return ftp.storbinary("STOR ../../diag.zip", io.BytesIO(CONTENT))

    assert (await run(upload)).startswith("226")
    assert await files.kept() == [CONTENT]
    assert [one.name for one in await files.server.received()] == ["diag.zip"]
    await until(lambda: any(event.kind == "file_received" for event in files.events))


async def test_line_ends_are_left_alone_where_a_client_says_ascii(files: Files) -> None:
    url = await files.receive("ftp")

    def upload() -> None:
        with log_in(url) as ftp:
            ftp.sendcmd("TYPE A")
            with ftp.transfercmd("STOR log.txt") as data:
                data.sendall(CONTENT)
            ftp.voidresp()

    await run(upload)
    assert await files.kept() == [CONTENT]


async def test_a_charger_fetches_and_resumes(files: Files) -> None:
    files.firmware("fw.bin", CONTENT)
    url = await files.offer("fw.bin", "ftp")

    def fetch(rest: int | None) -> tuple[bytes, int | None]:
        got = bytearray()
        with log_in(url) as ftp:
            ftp.retrbinary("RETR fw.bin", got.extend, rest=rest)
            return bytes(got), ftp.size("fw.bin")

    assert await run(lambda: fetch(None)) == (CONTENT, len(CONTENT))
    assert await run(lambda: fetch(50_000)) == (CONTENT[50_000:], len(CONTENT))
    await until(lambda: sum(event.kind == "file_fetched" for event in files.events) == 2)


async def test_a_wrong_password_opens_nothing(files: Files) -> None:
    one, two = await files.receive("ftp"), await files.receive("ftp")

    def try_it(password: str) -> None:
        with pytest.raises(ftplib.error_perm, match="530"):
            log_in(one, password)

    await run(lambda: try_it("wrong"))
    await run(lambda: try_it(urlsplit(two).password or ""))
    files.clock.leap(3601)
    await run(lambda: try_it(urlsplit(one).password or ""))


async def test_a_session_sees_its_own_file_only(files: Files) -> None:
    files.firmware("fw.bin", CONTENT)
    files.firmware("other.bin", b"other")
    fetch, upload = await files.offer("fw.bin", "ftp"), await files.receive("ftp")

    def look() -> list[str]:
        refused = []
        with log_in(fetch) as ftp:
            for line in (
                "NLST",
                "LIST",
                "MLSD",
                "DELE fw.bin",
                "RNFR fw.bin",
                "STOR x",
                "RETR other.bin",
                "RETR /etc/passwd",
                "RETR ../../other.bin",
                "SIZE other.bin",
                "MKD x",
                "SITE CHMOD 777 fw.bin",
                "PORT 127,0,0,1,0,80",
                "EPRT |1|127.0.0.1|80|",
            ):
                try:
                    ftp.sendcmd(line)
                except (ftplib.error_perm, ftplib.error_temp) as error:
                    refused.append(f"{line}: {error}")
        with log_in(upload) as ftp:
            for line in ("RETR fw.bin", "NLST", "DELE x", "APPE x", "STAT x", "XYZ"):
                try:
                    ftp.sendcmd(line)
                except ftplib.error_perm as error:
                    refused.append(f"{line}: {error}")
        return refused

    assert len(await run(look)) == 20
    assert (files.project / "firmware" / "fw.bin").read_bytes() == CONTENT


async def test_what_is_too_large_is_cut_and_thrown_away(files: Files) -> None:
    url = await files.receive("ftp")

    def upload() -> None:
        ftp = log_in(url)
        with contextlib.suppress(OSError), ftp.transfercmd("STOR big") as data:
            data.sendall(b"x" * 2_000_000)
        with pytest.raises(ftplib.error_perm, match="552 a file has at most 300,000 bytes"):
            ftp.voidresp()
        ftp.close()

    await run(upload)
    await until(lambda: not files.drafts())
    assert not await files.kept()
    assert not files.events


async def test_an_upload_whose_client_is_gone_leaves_nothing(files: Files) -> None:
    url = await files.receive("ftp")

    def die() -> None:
        ftp = log_in(url)
        data = ftp.transfercmd("STOR half")
        data.sendall(b"half")
        # A reset, as when the power goes and comes back.
        data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        data.close()
        ftp.close()

    await run(die)
    await until(lambda: not files.drafts())

    def upload() -> None:
        with log_in(url) as ftp:
            ftp.storbinary("STOR whole", io.BytesIO(CONTENT))

    await run(upload)
    assert await files.kept() == [CONTENT]


async def test_two_at_once(files: Files) -> None:
    urls = [await files.receive("ftp") for _ in range(2)]

    def upload(url: str, content: bytes) -> None:
        with log_in(url) as ftp:
            ftp.storbinary("STOR x", io.BytesIO(content))

    await asyncio.gather(*(asyncio.to_thread(upload, url, bytes([i]) * 90_000) for i, url in enumerate(urls)))
    assert sorted(content[0] for content in await files.kept()) == [0, 1]
