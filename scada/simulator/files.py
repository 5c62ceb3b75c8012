"""A charger's side of file transfers: HTTP(S) and FTP, as the location's URL says."""

from __future__ import annotations

import asyncio
import ftplib
import io
import ssl
from urllib.parse import SplitResult, unquote, urlsplit

import httpx2

FILE_BYTES_MAX = 64 * 1024 * 1024
"""A larger file is refused."""
TIMEOUT_S = 30.0
"""For each step of a transfer."""
TRANSFER_S = 600.0
"""For a whole transfer."""


class TransferError(Exception):
    """A file could not be fetched or left; the text says why, without secrets of the URL."""


async def download(location: str, tls: ssl.SSLContext | None = None) -> bytes:
    """Fetch a file.

    Raises:
        TransferError: it is not there, is too large, or the transfer broke.
    """
    parts = _parts(location)
    try:
        async with asyncio.timeout(TRANSFER_S):
            if parts.scheme == "ftp":
                return await asyncio.to_thread(_ftp_get, parts)
            body = bytearray()
            async with _client(tls) as client, client.stream("GET", location) as answer:
                if answer.status_code != 200:
                    raise TransferError(f"HTTP status {answer.status_code}")
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > FILE_BYTES_MAX:
                        raise TransferError(f"more than {FILE_BYTES_MAX} bytes")
            return bytes(body)
    except (OSError, TimeoutError, httpx2.HTTPError, ftplib.Error, EOFError) as error:
        raise TransferError(type(error).__name__) from None


async def upload(location: str, name: str, body: bytes, tls: ssl.SSLContext | None = None) -> None:
    """Leave a file under a name in the folder that a URL names.

    Raises:
        TransferError: it was not taken.
    """
    parts = _parts(location)
    try:
        async with asyncio.timeout(TRANSFER_S):
            if parts.scheme == "ftp":
                await asyncio.to_thread(_ftp_put, parts, name, body)
                return
            url = parts._replace(path=f"{parts.path.rstrip('/')}/{name}").geturl()
            async with _client(tls) as client:
                answer = await client.put(url, content=body)
            if not answer.is_success:
                raise TransferError(f"HTTP status {answer.status_code}")
    except (OSError, TimeoutError, httpx2.HTTPError, ftplib.Error, EOFError) as error:
        raise TransferError(type(error).__name__) from None


def _parts(location: str) -> SplitResult:
    try:
        parts = urlsplit(location)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        raise TransferError("no URL") from None
    if parts.scheme not in ("http", "https", "ftp") or not parts.hostname:
        raise TransferError(f"cannot do {parts.scheme or 'this'}")
    return parts


def _client(tls: ssl.SSLContext | None) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=tls if tls is not None else True, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False
    )


def _ftp(parts: SplitResult) -> ftplib.FTP:
    ftp = ftplib.FTP(timeout=TIMEOUT_S)  # noqa: S321
    ftp.connect(parts.hostname or "", parts.port or 21)
    ftp.login(unquote(parts.username or "anonymous"), unquote(parts.password or ""))
    return ftp


def _ftp_get(parts: SplitResult) -> bytes:
    body = bytearray()

    def take(piece: bytes) -> None:
        body.extend(piece)
        if len(body) > FILE_BYTES_MAX:
            raise TransferError(f"more than {FILE_BYTES_MAX} bytes")

    with _ftp(parts) as ftp:
        ftp.retrbinary(f"RETR {unquote(parts.path).lstrip('/')}", take)
    return bytes(body)


def _ftp_put(parts: SplitResult, name: str, body: bytes) -> None:
    folder = unquote(parts.path).strip("/")
    with _ftp(parts) as ftp:
        ftp.storbinary(f"STOR {folder}/{name}" if folder else f"STOR {name}", io.BytesIO(body))
