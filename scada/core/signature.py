"""The signature of webhooks, both ways: HMAC-SHA-256 over the time and the body, in one header.

`X-Scada-Signature: t=<seconds since 1970>,v1=<hex>`; what is signed is `<t>.<body>`, so that neither an old body
with a new time nor an old time with a new body passes.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from scada.core.value import SECOND_US, TimeUs

HEADER = "X-Scada-Signature"
AGE_MAX_US = 300 * SECOND_US
"""A signature whose time is further from ours, either way, is not accepted."""

_FORM = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})\Z", re.ASCII)


def sign(secret: str, now_us: TimeUs, body: bytes) -> str:
    """The value of the header."""
    seconds = now_us // SECOND_US
    return f"t={seconds},v1={_digest(secret, str(seconds), body)}"


def verify(secret: str, header: str, body: bytes, now_us: TimeUs) -> bool:
    """Whether a header signs the body with this secret, now."""
    match = _FORM.match(header)
    if match is None or abs(int(match[1]) * SECOND_US - now_us) > AGE_MAX_US:
        return False
    return hmac.compare_digest(_digest(secret, match[1], body), match[2])


def _digest(secret: str, seconds: str, body: bytes) -> str:
    return hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
