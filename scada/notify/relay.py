"""Handing mails to an SMTP server, and what its answers mean.

A 4yz reply may be different next time, a 5yz reply will not (RFC 5321 4.2.1).
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

from scada.core.plant import Mail as MailSettings
from scada.notify.compose import Mail

TIMEOUT_S = 30.0
"""Bound of each step of the dialogue."""
ANSWER_LENGTH_MAX = 500
_CLOSING = 421


class Verdict(Enum):
    """What became of a mail."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: the address or the content."""
    LATER = "later"
    """Not now; the next mail may fare better."""
    BROKEN = "broken"
    """The connection is gone. Whether the mail was accepted is not known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict and the server's words."""

    verdict: Verdict
    text: str


class RelayAway(Exception):
    """No mail can be handed over now: no connection, no encryption, or log-in refused."""


class Relay:
    """One connection to the server, as a context manager.

    Args:
        password: None: no log-in.
        tls_context: None: certificates are checked against the system's authorities.
    """

    def __init__(
        self, settings: MailSettings, password: str | None, tls_context: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            username=settings.username or None,
            password=password if settings.username else None,
            tls_context=tls_context,
            timeout=TIMEOUT_S,
            local_hostname=socket.gethostname() or "localhost",
        )

    async def __aenter__(self) -> Relay:
        if not self._settings.host:
            raise RelayAway("no mail server is configured")
        try:
            await self._smtp.connect()
        except (SMTPException, OSError, ValueError) as error:
            self._smtp.close()
            raise RelayAway(_words(error)) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._smtp.is_connected and error is None:
                await self._smtp.quit(timeout=5)
        except (SMTPException, OSError):
            pass  # whatever was accepted stays accepted
        finally:
            self._smtp.close()

    async def send(self, mail: Mail) -> Answer:
        """Hand one mail over."""
        try:
            refused, text = await self._smtp.sendmail(self._settings.sender, [mail.recipient], mail.content)
        except SMTPRecipientsRefused as error:
            first = error.recipients[0]
            return _judge(first.code, first.message)
        except SMTPSenderRefused as error:
            # Our own address: a wrong setting, which somebody will mend. The mail is kept.
            answer = _judge(error.code, f"sender refused: {error.message}")
            return Answer(Verdict.LATER, answer.text) if answer.verdict is Verdict.REFUSED else answer
        except SMTPResponseException as error:
            return _judge(error.code, error.message)
        except ValueError as error:
            return Answer(Verdict.REFUSED, f"not an address: {error}"[:ANSWER_LENGTH_MAX])
        except (SMTPException, OSError) as error:
            return Answer(Verdict.BROKEN, _words(error))
        for code, message in refused.values():
            return _judge(code, message)
        return Answer(Verdict.ACCEPTED, text[:ANSWER_LENGTH_MAX])


def _judge(code: int, message: str) -> Answer:
    text = f"{code} {message}"[:ANSWER_LENGTH_MAX]
    if code == _CLOSING or code < 0:
        return Answer(Verdict.BROKEN, text)
    return Answer(Verdict.REFUSED if code >= 500 else Verdict.LATER, text)


def _words(error: Exception) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, SMTPResponseException):
        text = f"{error.code} {error.message}"
    return text[:ANSWER_LENGTH_MAX]
