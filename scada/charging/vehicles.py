"""The registry of vehicles: found by a token that stands for one, or by what a charger tells of it."""

from __future__ import annotations

from collections.abc import Iterable

from scada.core.plant import Vehicle, vehicle_key


class Vehicles:
    """All vehicles of the project."""

    def __init__(self, vehicles: Iterable[Vehicle]) -> None:
        self._all = tuple(vehicles)
        self._by_token = {token.casefold(): one for one in self._all for token in one.tokens}
        self._by_id = {vehicle_key(text): one for one in self._all for text in one.ids}
        self._by_name = {one.name: one for one in self._all}

    def all(self) -> tuple[Vehicle, ...]:
        """In the order of the file."""
        return self._all

    def get(self, name: str) -> Vehicle | None:
        """The vehicle with this name."""
        return self._by_name.get(name)

    def of_token(self, id_tag: str) -> Vehicle | None:
        """The vehicle that a token stands for."""
        return self._by_token.get(id_tag[:20].casefold())

    def of_id(self, vehicle_id: str) -> Vehicle | None:
        """The vehicle with this EVCCID, MAC address or the like."""
        key = vehicle_key(vehicle_id)
        return self._by_id.get(key) if key else None
