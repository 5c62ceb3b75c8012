"""Who may charge, as a charger decides it: local list, cache, reservations (OCPP 1.6 3.4, 3.5, 3.8). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scada.core import moment
from scada.core.value import TimeUs
from scada.simulator.configuration import LIST_ENTRIES_MAX

CACHE_MAX = 100
"""Tokens remembered; at it the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a token (IdTagInfo, 7.25). `expires_us` 0: it does not."""

    status: str = "Accepted"
    parent: str = ""
    expires_us: TimeUs = 0

    def status_at(self, now_us: TimeUs) -> str:
        """AuthorizationStatus (7.2) at a moment."""
        return "Expired" if self.status == "Accepted" and 0 < self.expires_us <= now_us else self.status


@dataclass(frozen=True, slots=True)
class Reservation:
    """A connector, or (0) one of them, is kept for a token or its group."""

    id: int
    id_tag: str
    parent: str
    expires_us: TimeUs

    def is_for(self, id_tag: str, parent: str) -> bool:
        """Whether a token may use it."""
        return id_tag.casefold() == self.id_tag.casefold() or bool(parent and parent == self.parent)


def entry_of(info: Mapping[str, Any]) -> Entry:
    """An IdTagInfo as it comes."""
    return Entry(
        str(info["status"]),
        str(info.get("parentIdTag", "")),
        moment.parse(str(info.get("expiryDate", ""))) or 0,
    )


class Access:
    """The tokens that a charger knows.

    Args:
        cache, local_list: out of the saved state; kept up to date. Tokens are matched without case (3.4).
    """

    def __init__(self, cache: dict[str, Entry], local_list: dict[str, Entry]) -> None:
        self._cache = cache
        self._list = local_list

    def find(self, id_tag: str, now_us: TimeUs, *, use_list: bool, use_cache: bool) -> str | None:
        """What list, then cache say of a token; None: it is in neither."""
        key = id_tag.casefold()
        entry = self._list.get(key) if use_list else None
        if entry is None and use_cache:
            entry = self._cache.get(key)
        return None if entry is None else entry.status_at(now_us)

    def parent(self, id_tag: str) -> str:
        """The group of a token, as far as it is known."""
        key = id_tag.casefold()
        entry = self._list.get(key) or self._cache.get(key)
        return entry.parent if entry is not None else ""

    def remember(self, id_tag: str, info: Mapping[str, Any]) -> None:
        """Put into the cache what the central system says (3.5.1)."""
        key = id_tag.casefold()
        self._cache.pop(key, None)
        self._cache[key] = entry_of(info)
        while len(self._cache) > CACHE_MAX:
            del self._cache[next(iter(self._cache))]

    def update_list(self, entries: list[Mapping[str, Any]], *, full: bool) -> bool:
        """SendLocalList (5.15): an entry without info goes; False: it does not fit, nothing is changed."""
        new = {} if full else dict(self._list)
        for entry in entries:
            key = str(entry["idTag"]).casefold()
            info = entry.get("idTagInfo")
            if info is not None:
                new[key] = entry_of(info)
            elif full:
                return False
            else:
                new.pop(key, None)
        if len(new) > LIST_ENTRIES_MAX:
            return False
        self._list.clear()
        self._list.update(new)
        return True
