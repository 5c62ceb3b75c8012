"""What is never shown: values of a device's configuration keys that are secrets. Journals, traces and answers ask here."""

from __future__ import annotations

from typing import Any

SECRET_KEYS = frozenset({"authorizationkey", "apnpassword", "pin"})
"""Configuration keys whose value is never shown, in lower case; besides, each with `password` in its name."""
HIDDEN = "…"


def is_secret(key: str) -> bool:
    """Whether the value of a configuration key is a secret: by its name, as vendors spell them."""
    name = key.strip().casefold().rpartition(".")[2]
    return name in SECRET_KEYS or "password" in name


def hide(part: Any) -> bool:
    """Hide the values of secret keys (`{"key": ..., "value": ...}`, however deep) in place; whether there were any."""
    found = False
    waiting = [part]  # without recursion: a frame may be deep
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            key = part.get("key")
            if isinstance(key, str) and part.get("value") and is_secret(key):
                part["value"] = HIDDEN
                found = True
    return found
