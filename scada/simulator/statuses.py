"""What a simulated charger has told of its states, and when a new one is due (OCPP 1.6 4.9). Sync."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scada.simulator.configuration import Configuration
from scada.simulator.outlet import Outlet

State = tuple[str, str, str]
"""(status, error code, vendor's error code)."""


class Statuses:
    """The StatusNotifications of one charger; connector 0 is the charger, which is always available.

    Args:
        tell: takes a message of the moment; False: there is no link.
    """

    def __init__(
        self,
        outlets: Mapping[int, Outlet],
        configuration: Configuration,
        now: Callable[[], str],
        tell: Callable[[str, dict[str, Any]], bool],
    ) -> None:
        self._outlets, self._configuration, self._now, self._tell = outlets, configuration, now, tell
        self._told: dict[int, State] = {}
        self._seen: dict[int, tuple[State, float]] = {}
        """State, and for how many real seconds it has lasted."""

    def step(self, real_s: float) -> None:
        """Let time pass."""
        if self._configuration.number("MinimumStatusDuration"):
            self._seen = {number: (state, s + real_s) for number, (state, s) in self._seen.items()}

    def tell(self, number: int, *, always: bool = False) -> None:
        """Tell the state of a connector where it is another than was told last, and has lasted."""
        outlet = self._outlets.get(number)
        state = ("Available", "NoError", "")
        if outlet is not None:
            state = (outlet.status, outlet.error_code, outlet.vendor_error_code)
        if not always and (self._told.get(number) == state or not self._lasts(number, state)):
            return
        status, error_code, vendor_error_code = state
        payload = {
            "connectorId": number,
            "errorCode": error_code,
            "status": status,
            "timestamp": self._now(),
        }
        if vendor_error_code:
            payload["vendorErrorCode"] = vendor_error_code
        if self._tell("StatusNotification", payload):
            self._told[number] = state

    def _lasts(self, number: int, state: State) -> bool:
        """Whether it has lasted for MinimumStatusDuration; the first after a boot is told at once."""
        least_s = self._configuration.number("MinimumStatusDuration")
        if not least_s or number not in self._told:
            return True
        seen, lasted_s = self._seen.get(number, (state, 0.0))
        if seen != state:
            lasted_s = 0.0
        self._seen[number] = (state, lasted_s)
        return lasted_s >= least_s

    def tell_all(self) -> None:
        """Tell what is not told yet."""
        for number in (0, *self._outlets):
            self.tell(number)

    def forget(self, number: int | None = None) -> None:
        """The central system does not know a state (any more); None: any state."""
        if number is None:
            self._told.clear()
        else:
            self._told.pop(number, None)
