"""Handing mails to an SMTP server, and what its answers mean.

A 4yz reply may be different next time, a 5yz reply will not (RFC 5321 4.2.1).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from enum import Enum

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

from scada.core.plant import MailRelay
from scada.notify.message import Mail

TIMEOUT_S = 30.0
"""Bound of each step of the dialogue."""
CONNECT_TIMEOUT_S = 15.0
"""Bound of connecting, encryption and log-in together: the next relay waits behind it."""
ANSWER_LENGTH_MAX = 500
_CLOSING = 421


class Verdict(Enum):
    """What became of a message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: the address or the content."""
    LATER = "later"
    """Not now; the next message may fare better."""
    BROKEN = "broken"
    """The connection is gone. Whether the message was accepted is not known."""
    AWAY = "away"
    """Nobody was there to take it: no connection, no encryption, or log-in refused."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict and the server's words.

    Attributes:
        pause_s: nothing else should be tried on this channel for so long.
    """

    verdict: Verdict
    text: str
    pause_s: float = 0.0


class RelayAway(Exception):
    """No mail can be handed over now: no connection, no encryption, or log-in refused."""


class Connection:
    """One connection to one server."""

    def __init__(self, smtp: aiosmtplib.SMTP, sender: str) -> None:
        self._smtp = smtp
        self._sender = sender

    @classmethod
    async def open(
        cls, relay: MailRelay, sender: str, secret: str | None, tls_context: ssl.SSLContext | None = None
    ) -> Connection:
        """Connect, encrypt and log in.

        Args:
            secret: password or access token of the relay's user.
            tls_context: None: certificates are checked against the system's authorities.

        Raises:
            RelayAway: one of them failed.
        """
        if not relay.host:
            raise RelayAway("no mail server is configured")
        if relay.username and secret is None:
            raise RelayAway("the secret for the log-in is not there")
        token = relay.auth == "xoauth2"

        async def give_token() -> str:
            return secret or ""

        try:
            smtp = aiosmtplib.SMTP(
                hostname=relay.host,
                port=relay.port,
                use_tls=relay.security == "tls",
                start_tls=relay.security == "starttls",
                username=relay.username or None,
                password=secret if relay.username and not token else None,
                oauth_token_generator=give_token if relay.username and token else None,
                tls_context=tls_context,
                timeout=TIMEOUT_S,
                local_hostname=socket.gethostname() or "localhost",
            )
        except ValueError as error:
            raise RelayAway(str(error)) from error
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await smtp.connect()
        except TimeoutError as error:
            smtp.close()
            raise RelayAway(f"no answer within {CONNECT_TIMEOUT_S:g} s") from error
        except (SMTPException, OSError, ValueError) as error:
            smtp.close()
            raise RelayAway(_words(error)) from error
        except BaseException:
            smtp.close()
            raise
        return cls(smtp, sender)

    async def send(self, mail: Mail) -> Answer:
        """Hand one mail over."""
        try:
            refused, text = await self._smtp.sendmail(self._sender, [mail.recipient], mail.content)
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

    async def close(self) -> None:
        """Say good-bye; what was accepted stays accepted whatever comes of it."""
        try:
            if self._smtp.is_connected:
                await self._smtp.quit(timeout=5)
        except (SMTPException, OSError):
            pass
        finally:
            self._smtp.close()

    def abort(self) -> None:
        """Let go of it at once."""
        self._smtp.close()


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
