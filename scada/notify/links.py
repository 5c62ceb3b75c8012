"""Links in messages: who holds one may acknowledge one occurrence of one alarm, for some time, and nothing else.

A token is signed, not secret: it carries what it stands for (itsdangerous, HMAC-SHA-256).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from itsdangerous import BadData, URLSafeSerializer

from scada.core.errors import StartError
from scada.core.message_ports import AnswerLink
from scada.core.value import SECOND_US, TimeUs

KEY_FILE = "links.key"
KEY_BYTES = 32
TOKEN_LENGTH_MAX = 1_500
_PURPOSE = "scada.answer.acknowledge"


class LinkSigner:
    """Makes and reads tokens. Implements `scada.core.ports.AnswerLinks`.

    Args:
        key: 32 random bytes (`load_key`).
        valid_us: how long a token may be used.
    """

    def __init__(self, key: bytes, valid_us: TimeUs) -> None:
        self._valid_us = valid_us
        self._serializer = URLSafeSerializer(
            key, salt=_PURPOSE, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def make(self, alarm: str, raised_us: TimeUs, contact: str, now_us: TimeUs) -> str:
        """A token for a contact and an occurrence of an alarm."""
        expires_s = (now_us + self._valid_us) // SECOND_US
        token: str | bytes = self._serializer.dumps([alarm, raised_us, contact, expires_s])
        return token if isinstance(token, str) else token.decode("ascii")

    def read(self, token: str, now_us: TimeUs) -> AnswerLink | None:
        """What a token stands for; None: it is none of ours."""
        if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
            return None
        try:
            content = self._serializer.loads(token)
        except (BadData, RecursionError):
            return None
        match content:
            case [str(alarm), int(raised_us), str(contact), int(expires_s)]:
                expired = now_us >= expires_s * SECOND_US
                return AnswerLink(alarm=alarm, raised_us=raised_us, contact=contact, expired=expired)
        return None


def load_key(directory: Path) -> bytes:
    """The key in a project's `data` folder, made at first use. A new one makes all links out there void.

    Raises:
        StartError: the file cannot be read or written, or holds no key.
    """
    path = directory / KEY_FILE
    try:
        if not path.exists():
            fresh = path.with_suffix(".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        key = path.read_bytes()
    except OSError as error:
        raise StartError(f"{path} cannot be read or written ({error.strerror})") from error
    if len(key) != KEY_BYTES:
        raise StartError(f"{path} does not hold a key: delete it, and links sent so far become void")
    return key
