"""What chargers tell of transactions, and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass

from scada.charging.authorization import Authorization
from scada.core.value import TimeUs


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTransaction:
    """A charger began a transaction (OCPP 1.6 6.45).

    Attributes:
        reservation_id: that it says it uses; None: it says none.
    """

    charger: str
    connector: int
    id_tag: str
    meter_start_wh: int
    time_us: TimeUs
    reservation_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTransaction:
    """A charger ended a transaction (OCPP 1.6 6.49)."""

    charger: str
    transaction_id: int
    meter_stop_wh: int
    time_us: TimeUs
    reason: str = "Local"
    id_tag: str = ""


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """Our id of the transaction, and whether the token is good."""

    transaction_id: int
    authorization: Authorization


@dataclass(frozen=True, slots=True)
class StopAnswer:
    """Whether the transaction was known, and the token's state where one was given.

    Attributes:
        own_id: it was meant by an id of the charger's own making.
    """

    known: bool
    authorization: Authorization | None
    own_id: bool = False
