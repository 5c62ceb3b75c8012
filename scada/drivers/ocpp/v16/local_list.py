"""Local authorization lists (OCPP 1.6 3.5.2, 5.10, 5.15): what a charger says of its own, told as event `local_list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scada.core.effects import Event
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import Priority

PART_MAX = 200
"""Entries of one message to a charger that does not say how many it takes: some 20 kB."""


async def read_version(station: Station) -> int:
    """GetLocalListVersion; -1: the charger has no local list. Raises what `Station.call` raises."""
    answer = await station.call("GetLocalListVersion", {}, Priority.LATER)
    version = int(answer["listVersion"])
    tell(station, version)
    return version


def tell(station: Station, version: int) -> None:
    """Tell the core which list the charger has. `max`: entries that it holds, or None: it does not say."""
    data = {"version": version, "max": entries_max(station), "supported": version >= 0}
    station.host.event(Event("local_list", station.charger.path, data))


def entries_max(station: Station) -> int | None:
    """LocalAuthListMaxLength; None: the charger does not say."""
    return _number(station, "LocalAuthListMaxLength")


def part_max(station: Station) -> int:
    """How many entries a message may have (SendLocalListMaxLength)."""
    return min(_number(station, "SendLocalListMaxLength") or PART_MAX, PART_MAX)


def wire(entry: Mapping[str, Any]) -> dict[str, Any]:
    """AuthorizationData (7.2) of a version-free entry; without status it removes the token."""
    data: dict[str, Any] = {"idTag": str(entry["id_tag"])}
    if entry.get("status"):
        info = {"status": str(entry["status"])}
        if entry.get("expires"):
            info["expiryDate"] = str(entry["expires"])
        if entry.get("parent"):
            info["parentIdTag"] = str(entry["parent"])
        data["idTagInfo"] = info
    return data


def parts(entries: Sequence[Mapping[str, Any]], length: int) -> list[list[dict[str, Any]]]:
    """The entries in messages of at most `length`; an empty list is one empty message."""
    wired = [wire(entry) for entry in entries]
    return [wired[at : at + length] for at in range(0, len(wired), length)] or [[]]


def _number(station: Station, key: str) -> int | None:
    value, _ = station.configuration.get(station.profile.key(key), ("", False))
    return int(value) if value.isascii() and value.isdecimal() and 0 < int(value) < 10**9 else None
