"""Passwords: Argon2id with the package's defaults (RFC 9106, low-memory recommendation)."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from scada.core.errors import BadRequest

LENGTH_MIN = 8
LENGTH_MAX = 256
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex())


def hash_password(password: str, length_min: int = LENGTH_MIN) -> str:
    """The PHC string of a password. Takes some tenths of a second: not on the loop.

    Raises:
        BadRequest: too short or too long.
    """
    if not length_min <= len(password) <= LENGTH_MAX:
        raise BadRequest(f"a password has {length_min} to {LENGTH_MAX} characters")
    return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Whether a password is right. For an unknown user the same time is spent, so that none can be guessed."""
    try:
        _hasher.verify(password_hash or _NOBODY, password[: LENGTH_MAX + 1])
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def generate() -> str:
    """A password for the first start, easy to read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
