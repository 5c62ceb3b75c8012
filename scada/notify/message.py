"""A message as it goes out: RFC 5322 for mail, one line for short messages."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from typing import Any

from scada.core.value import SECOND_US, TimeUs

SUBJECT_LENGTH_MAX = 180
TEXT_LENGTH_MAX = 200_000
REFERENCES_MAX = 50
"""Conversations that one mail can belong to; a reader's program looks at fewer."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it goes out: the wire's bytes, and what the log of the outbox keeps."""

    recipient: str
    subject: str
    text: str
    content: bytes
    html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands in the headers.

    Attributes:
        to: name of the contact.
        threads: Message-IDs of the conversations that the message belongs to, the most important last.
    """

    sender_name: str
    sender: str
    to: str
    recipient: str
    message_id: str
    threads: Sequence[str]
    time_us: TimeUs


class _MailPolicy(EmailPolicy):
    """RFC 5322 with CRLF; an identifier is never split or encoded, for a changed one breaks the conversation.

    A subject is encoded as a whole or not at all: Python's own folding of words that are half encoded loses blanks
    or doubles them.
    """

    _ids = ("message-id", "in-reply-to", "references")

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in self._ids:
            return f"{name}: {str(value).replace(' ', self.linesep + ' ')}{self.linesep}"
        if name.lower() == "subject" and not str(value).isascii():
            words = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
            return f"{name}: {words}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in (*self._ids, "subject"):
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _MailPolicy(linesep=SMTP.linesep, cte_type="7bit", utf8=False)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes


def make_mail(
    envelope: Envelope,
    subject: str,
    text: str,
    html: str,
    *,
    header: bool = True,
    attachments: Sequence[Attachment] = (),
) -> Mail:
    """A mail.

    Args:
        header: False leaves the subject's header empty, as gateways to short messages want it.

    Raises:
        ValueError: an address is none.
    """
    subject = one_line(subject, SUBJECT_LENGTH_MAX)
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(envelope.sender_name, envelope.sender)
    message["To"] = _address(envelope.to, envelope.recipient)
    message["Subject"] = subject if header else ""
    message["Date"] = datetime.fromtimestamp(envelope.time_us / SECOND_US, UTC)
    own = _identifier(envelope.message_id)
    message["Message-ID"] = own
    threads = [one for one in map(_identifier, dict.fromkeys(envelope.threads)) if one and one != own]
    if threads:
        message["In-Reply-To"] = threads[-1]
        message["References"] = " ".join(threads[-REFERENCES_MAX:])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 5: no absence note comes back
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for one in attachments:
        main, _, sub = one.media_type.partition(";")[0].partition("/")
        message.add_attachment(one.content, maintype=main, subtype=sub, filename=one_line(one.name, 100))
    return Mail(envelope.recipient, subject, text, message.as_bytes(policy=_POLICY), html)


def one_line(text: str, length_max: int, ellipsis: str = "…") -> str:
    """Without control characters and line separators, and not longer than the bound."""
    kept = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} else c for c in text)
    kept = " ".join(kept.split())
    return kept if len(kept) <= length_max else kept[: length_max - len(ellipsis)] + ellipsis


def _identifier(text: str) -> str:
    """A Message-ID: printable ASCII without blanks, short enough for a line of its own."""
    return "".join(c for c in text if c.isascii() and c.isprintable() and not c.isspace())[:900]


def _address(name: str, address: str) -> Address:
    return Address(one_line(name, 80), addr_spec=address)
