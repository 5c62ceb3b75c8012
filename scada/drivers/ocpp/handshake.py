"""What a charger says when it knocks: the parts of a request, read patiently (OCPP-J 1.6 3.1, 6.2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from scada.core.plant import OCPP_IDENTITY


def identity_of(path: str, base: str) -> str:
    """The identity out of a request's path, percent-decoded; empty where it cannot be one.

    Args:
        base: the path below which chargers connect, with a slash at its end. Doubled and trailing slashes are passed
            over: base URLs are typed by people.
    """
    path = path.partition("?")[0]
    while "//" in path:
        path = path.replace("//", "/")
    if not path.startswith(base):
        return ""
    identity = unquote(path[len(base) :].rstrip("/"))
    return identity if OCPP_IDENTITY.match(identity) else ""


def password_of(authorization: str, identity: str) -> bytes | None:
    """The password of basic authentication (RFC 7617); None where there is none, or not for this identity.

    It may hold any bytes: some chargers send the key itself, not its hexadecimal text (OCPP-J 1.6 6.2.1).
    """
    scheme, _, credentials = authorization.strip().partition(" ")
    if scheme.lower() != "basic" or ":" in identity:
        return None
    try:
        given = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    prefix = f"{identity}:".encode()
    return given[len(prefix) :] if given.startswith(prefix) else None


def pick(offered: Sequence[str], versions: Iterable[str]) -> str | None:
    """The offered subprotocol to take, as the charger spells it; None: none in common."""
    for version in versions:
        for one in offered:
            if one.lower() == version:
                return one
    return None
