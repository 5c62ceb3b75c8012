"""The mail catcher: an SMTP server that keeps what it is sent in a Maildir and delivers nothing."""

from __future__ import annotations

import asyncio
import contextlib
import mailbox
from pathlib import Path
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from scada.core.errors import StartError

MAILS_MAX = 1_000
"""At it the oldest mail is deleted."""
MAIL_BYTES_MAX = 1_000_000
"""A larger one is refused (RFC 1870)."""
RECIPIENTS_HEADER = "X-Recipients"

log = structlog.get_logger()


class MailCatcher:
    """Accepts every mail.

    Args:
        folder: of the Maildir; made when it is not there.
        port: 0 lets the system choose.
    """

    def __init__(self, folder: Path, port: int, host: str = "127.0.0.1") -> None:
        self._folder, self._host = folder, host
        self.port = port
        self._lock = asyncio.Lock()

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Serve until cancelled.

        Raises:
            StartError: the port is taken.
        """
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        mailbox.Maildir(self._folder, create=True).close()
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(self._protocol, self._host, self.port)
        except OSError as error:
            raise StartError(
                f"the mail catcher cannot listen on {self._host}:{self.port} ({error.strerror}); "
                "choose another smtp_port in [simulation]"
            ) from None
        self.port = server.sockets[0].getsockname()[1]
        if ready is not None:
            ready.set()
        async with server:
            await server.serve_forever()

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            ident="EV-SCADA mail catcher",
            data_size_limit=MAIL_BYTES_MAX,
            enable_SMTPUTF8=True,
            timeout=60,
        )

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd)
        """Keep a mail; the answer says it is on disk."""
        content: Any = envelope.original_content or b""
        recipients = ", ".join(str(one).replace("\r", "").replace("\n", "") for one in envelope.rcpt_tos)
        raw = f"{RECIPIENTS_HEADER}: {recipients}\r\n".encode() + bytes(content)
        async with self._lock:
            try:
                await asyncio.to_thread(self._keep, raw)
            except OSError as error:
                log.error("mail_not_kept", reason=str(error))
                return "451 cannot be kept now"
        return "250 kept"

    def _keep(self, raw: bytes) -> None:
        box = mailbox.Maildir(self._folder, create=True)
        try:
            box.add(raw)
            keys = box.keys()
            if len(keys) > MAILS_MAX:
                # The name of a Maildir entry begins with its time.
                for key in sorted(keys, key=_age)[: len(keys) - MAILS_MAX]:
                    with contextlib.suppress(KeyError):
                        box.remove(key)
        finally:
            box.close()


def _age(key: str) -> tuple[int, str]:
    seconds = key.partition(".")[0]
    return (int(seconds) if seconds.isdecimal() else 0, key)
