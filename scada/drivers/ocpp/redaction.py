"""Frames without their secrets, for traces and logs: a charger's password never leaves the wire."""

from __future__ import annotations

import re
from typing import Any

import orjson

from scada.core.secrecy import HIDDEN, SECRET_KEYS, hide

_CREDENTIALS_IN_URL = re.compile(r"([a-zA-Z]+://)[^/\s\"@]+@")
_TOKEN_IN_URL = re.compile(r"(https?://[^/\s\"]+/)[A-Za-z0-9_-]{32}(?=/)")
"""Of the file server: who has it may fetch or upload one file."""
_VALUE = re.compile(r'("value"\s*:\s*")(?:[^"\\]|\\.)*')


def redacted(frame: Any, text: str) -> str:
    """The text of a frame without secrets: values of secret configuration keys, and credentials in addresses.

    Args:
        frame: the same as Python objects; None where it cannot be read: then every value is hidden as soon as the
            name of a secret key stands in it.
    """
    if frame is not None and hide(frame):
        try:
            text = orjson.dumps(frame).decode()
        except orjson.JSONEncodeError:
            frame = None  # it can be read deeper than it can be written
    if frame is None:
        low = text.casefold()
        if "password" in low or any(key in low for key in SECRET_KEYS):
            text = _VALUE.sub(rf"\g<1>{HIDDEN}", text)
    text = _TOKEN_IN_URL.sub(rf"\g<1>{HIDDEN}", text)
    return _CREDENTIALS_IN_URL.sub(rf"\g<1>{HIDDEN}@", text)
