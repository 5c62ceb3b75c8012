"""What the handlers share."""

from __future__ import annotations

from typing import Any, Protocol

from scada.simulator.hardware import Hardware
from scada.simulator.outlet import Outlet

Payload = dict[str, Any]


class Charger(Protocol):
    """What the handlers need of a charge point."""

    hardware: Hardware

    def tell(self, action: str, payload: Payload) -> bool:
        """Send a message of the moment; False: there is no link."""
        ...

    def tell_boot(self) -> None:
        """Send BootNotification once more."""
        ...

    def permits(self, key: str, value: str) -> bool:
        """Whether a key may be changed now."""
        ...

    def begin_reset(self, reason: str) -> None:
        """Reset soon, after the answer is out: `SoftReset` waits for its messages, others do not."""
        ...

    def begin_reconnect(self) -> None:
        """Connect anew soon, after the answer is out."""
        ...

    async def authorize(self, id_tag: str) -> str:
        """Ask for a token, or decide oneself: AuthorizationStatus, or `Offline`."""
        ...

    def security_event(self, kind: str, info: str = "") -> None:
        """SecurityEventNotification of a type of the whitepaper's list."""
        ...


def can_start(outlet: Outlet) -> bool:
    """Whether a transaction may begin at a connector."""
    state = outlet.state
    return state.transaction is None and state.operative and outlet.error_code == "NoError"
