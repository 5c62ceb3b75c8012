"""Not normal now: all that people or masks keep otherwise than usual, besides what `runtime.suppressions` knows.

Pure: from the plant's tags and reservations to lines. What a role does not reach it does not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scada.charging.reservations import LIVE
from scada.core.access import Role
from scada.core.plant import Charger, Connector
from scada.core.value import TimeUs, is_good
from scada.runtime.host import PlantHost

INOPERATIVE, LIMITED, RESERVED, MODE = "inoperative", "limited", "reserved", "mode"
LIMIT_SLACK_A = 0.05
"""A limit so close to what the hardware may is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """A connector, or the mode of a site, that is not as usual.

    Attributes:
        kind: `inoperative`, `limited`, `reserved`, `mode`.
        path: of the connector, or of the site of a mode, or of a reservation that has no connector yet.
        reason: of a mode: its state, where it is not wholly on.
        since_us: 0: not known.
        amount: amperes of a limit; number of a reservation.
    """

    kind: str
    path: str
    since_us: TimeUs = 0
    until_us: TimeUs | None = None
    user: str = ""
    reason: str = ""
    amount: float = 0.0


def oddities(host: PlantHost, role: Role) -> list[Oddity]:
    """Modes, closed connectors, limits below the hardware's, reservations by hand; in the order of the plant."""
    return [*_modes(host, role), *_connectors(host, role), *_reservations(host, role)]


def _modes(host: PlantHost, role: Role) -> Iterator[Oddity]:
    """Sites with another mode than the normal one, or whose mode is not wholly on."""
    for site in host.plant.sites:
        mode, state = (host.tags.get(f"{site.path}.{name}") for name in ("Mode", "ModeState"))
        if mode is None or state is None or not mode.value or (role.sites and site.path not in role.sites):
            continue
        normal = any(one.normal and one.name == mode.value for one in site.modes)
        if not normal or state.value != "on":
            yield Oddity(
                kind=MODE, path=site.path, since_us=mode.source_us or mode.server_us, reason=str(state.value)
            )


def _connectors(host: PlantHost, role: Role) -> Iterator[Oddity]:
    for charger in host.plant.chargers():
        if role.sites and charger.site not in role.sites:
            continue
        for connector in charger.connectors:
            yield from _connector(host, charger, connector)


def _connector(host: PlantHost, charger: Charger, connector: Connector) -> Iterator[Oddity]:
    operative = host.tags.get(f"{connector.path}.Operative")
    if operative is not None and operative.value is False:
        yield Oddity(
            kind=INOPERATIVE, path=connector.path, since_us=operative.source_us or operative.server_us
        )
    for path, most_a in ((connector.path, connector.current_max_a), (charger.path, 0.0)):
        limit = host.tags.get(f"{path}.CurrentLimit")
        if path == charger.path and connector is not charger.connectors[0]:
            continue
        if limit is None or not isinstance(limit.value, (int, float)) or not is_good(limit.quality):
            continue
        if most_a and limit.value >= most_a - LIMIT_SLACK_A:
            continue
        since_us = limit.source_us or limit.server_us
        yield Oddity(kind=LIMITED, path=path, since_us=since_us, amount=float(limit.value))


def _reservations(host: PlantHost, role: Role) -> Iterator[Oddity]:
    for one in host.core.charging.reservations.all():
        if one.state in LIVE and (not role.sites or one.site in role.sites):
            yield Oddity(
                kind=RESERVED,
                path=one.connector or one.site,
                since_us=one.made_us,
                until_us=one.until_us,
                user=one.user,
                reason=one.note or one.id_tag or one.parent,
                amount=float(one.id),
            )
