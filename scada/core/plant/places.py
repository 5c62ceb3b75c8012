"""What stands where: sites, feeders, chargers with their connectors, meters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from scada.core.plant.allocation import SiteAllocation
from scada.core.plant.modbus import ModbusEndpoint
from scada.core.plant.modes import SiteMode
from scada.core.tag import Texts

OCPP_IDENTITY = re.compile(r"[A-Za-z0-9*\-:@|_=+.]{1,48}\Z")
"""A charge point's identity as it may stand in the URL, decoded (OCPP-J 3.1.1; OCPP 2.0.1 part 4 3.1.1)."""


class Current(Enum):
    """Alternating or direct current at a connector."""

    AC = "AC"
    DC = "DC"


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A connector (OCPP 1.6: connectorId ≥ 1).

    Attributes:
        number: the connectorId.
        path: of its branch, for example `Depot.CP01.C1`.
        plug: plug type as IEC 62196 and the trade name it: `Type 2`, `CCS2`, `CHAdeMO`.
        phases: wired phases, 1 or 3 (DC: 3).
        current_max_a: hardware limit per phase (AC) or at the output (DC).
        power_max_kw: hardware limit.
    """

    number: int
    path: str
    plug: str
    current: Current
    phases: int
    current_max_a: float
    power_max_kw: float
    bay: str = ""


@dataclass(frozen=True, kw_only=True)
class Charger:
    """A charge point.

    Attributes:
        path: of its branch, for example `Depot.CP01`.
        name: the last segment, shown to operators.
        identity: of OCPP, as it stands in the URL (decoded).
        device_type: name of the template out of `config/device_types`.
        feeder: name of the feeder that it hangs on.
        basic_auth_ref: where its password is found (security profiles 1 and 2), or empty.
        security: the lowest security profile that it may come with, 0 to 3.
        missing_subprotocol: it may leave the header Sec-WebSocket-Protocol out, and is then taken for 1.6.
        profile: name of the quirk profile that it is to be given, or empty: the one that fits its make.
        modbus: where it is, of a charger without OCPP: then it has no identity, and is not waited for.
        token: of a Modbus charger: the token that its vehicles charge with when nobody has shown another.
        wiring: phases of the mains (0, 1, 2) that its L1, L2, L3 are wired to.
    """

    path: str
    name: str
    site: str
    identity: str
    device_type: str
    label: Texts
    feeder: str
    connectors: tuple[Connector, ...]
    basic_auth_ref: str = ""
    security: int = 2
    missing_subprotocol: bool = False
    profile: str = ""
    modbus: ModbusEndpoint | None = None
    token: str = ""
    wiring: tuple[int, ...] = (0, 1, 2)

    def connector(self, number: int) -> Connector | None:
        """The connector with this connectorId."""
        for connector in self.connectors:
            if connector.number == number:
                return connector
        return None


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A Modbus meter, or another device that is read and written as one (inverter, battery, breaker).

    Attributes:
        measures: tag name of the charger that hangs behind it alone, or empty.
    """

    path: str
    name: str
    site: str
    role: str
    modbus: ModbusEndpoint
    label: Texts
    measures: str = ""


@dataclass(frozen=True, kw_only=True)
class Feeder:
    """A part of a site that chargers hang on."""

    name: str
    label: Texts
    limit_a: float


SCREEN_FIELDS = ("state", "power", "energy", "soc", "since")
"""What a station screen can show of a connector, beside its bay and plug."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place with its own grid connection.

    Attributes:
        station_screen: what a screen at the site shows to everybody, without a log-in, out of `SCREEN_FIELDS`; empty:
            there is none.
    """

    path: str
    label: Texts
    timezone: str
    limit_a: float
    feeders: tuple[Feeder, ...]
    allocation: SiteAllocation | None = None
    chargers: tuple[Charger, ...]
    meters: tuple[Meter, ...]
    station_screen: frozenset[str] = frozenset()
    modes: tuple[SiteMode, ...] = ()
