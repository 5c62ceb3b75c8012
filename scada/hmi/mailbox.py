"""Reading the Maildir of the built-in mail catcher. Blocking: callers take it off the loop."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

MAILS_MAX = 200
"""Newest mails that are listed."""
MAIL_BYTES_MAX = 2_000_000
"""Longer mails are listed by name and not opened."""
_KEY = re.compile(r"[A-Za-z0-9_.,:=+-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A caught mail. `key` names its file; `time_us` is that of its Date, else of the file."""

    key: str
    time_us: int
    sender: str
    recipient: str
    subject: str
    text: str
    html: str


def list_mails(folder: Path) -> list[Mail]:
    """The newest mails, newest first."""
    files = [file for part in ("new", "cur") for file in _files(folder / part)]
    files.sort(key=lambda pair: pair[0], reverse=True)
    return [_read(file, mtime) for mtime, file in files[:MAILS_MAX]]


def read_mail(folder: Path, key: str) -> Mail | None:
    """One mail, or None."""
    if not _KEY.match(key):
        return None
    for part in ("new", "cur"):
        file = folder / part / key
        if file.is_file():
            return _read(file, file.stat().st_mtime)
    return None


def _files(folder: Path) -> list[tuple[float, Path]]:
    if not folder.is_dir():
        return []
    return [(file.stat().st_mtime, file) for file in folder.iterdir() if file.is_file()]


def _read(file: Path, mtime: float) -> Mail:
    with file.open("rb") as stream:
        raw = stream.read(MAIL_BYTES_MAX + 1)
    message = email.message_from_bytes(raw[:MAIL_BYTES_MAX], policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    too_long = len(raw) > MAIL_BYTES_MAX
    return Mail(
        key=file.name,
        time_us=_time_us(message, mtime),
        sender=_header(message, "From"),
        recipient=_header(message, "To") or _header(message, "X-RcptTo"),
        subject=_header(message, "Subject"),
        text="" if too_long else _body(message, "plain"),
        html="" if too_long else _body(message, "html"),
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name) or "")
    except (ValueError, IndexError):  # a header that is no header: the mail is shown without it
        return ""


def _body(message: EmailMessage, kind: str) -> str:
    try:
        part = message.get_body((kind,))
        return "" if part is None else str(part.get_content())
    except (KeyError, LookupError, ValueError):  # unknown type or character set
        return ""


def _time_us(message: EmailMessage, mtime: float) -> int:
    try:
        return int(parsedate_to_datetime(str(message["Date"])).timestamp() * 1_000_000)
    except (TypeError, ValueError, IndexError, OverflowError):
        return int(mtime * 1_000_000)
