"""Rights, and who acts.

A right is asked for where the deed is done (CommandRouter for orders, PlantCore for writes and acknowledgements),
the same for every interface; what is not granted is denied. Interfaces ask too, so as not to offer what is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from scada.core.errors import Denied


class Right(Enum):
    """What a role may grant."""

    SEE = "see"
    OPERATE = "operate"
    ACKNOWLEDGE = "acknowledge"
    MASK = "mask"
    MAINTAIN = "maintain"
    CONFIGURE = "configure"
    MANAGE_USERS = "manage_users"


LEVEL_MAX = 29


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What the accounts of a role may do, and to which alarms.

    Attributes:
        see, acknowledge, mask: lowest and highest level of alarms, both included: those that are shown, that may be
            acknowledged, and that may be shelved or taken out of service.
        sites, domains: where the three hold; empty: everywhere.
    """

    rights: frozenset[Right] = frozenset()
    see: tuple[int, int] = (0, LEVEL_MAX)
    acknowledge: tuple[int, int] = (0, LEVEL_MAX)
    mask: tuple[int, int] = (0, LEVEL_MAX)
    sites: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def covers(self, site: str, domain: str) -> bool:
        """Whether the role reaches alarms of this site and domain; what belongs to no site is everybody's."""
        return (not self.sites or not site or site in self.sites) and (
            not self.domains or domain in self.domains
        )

    @property
    def sees_all(self) -> bool:
        """Whether it sees every alarm."""
        return self.see == (0, LEVEL_MAX) and not self.sites and not self.domains

    def sees(self, level: int, site: str, domain: str) -> bool:
        """Whether an alarm is shown."""
        return self.see[0] <= level <= self.see[1] and self.covers(site, domain)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something, and over which door.

    Attributes:
        name: user name, or a part of the product in angle brackets, for example `<schedule>`.
        origin: `hmi`, `api`, `opcua`, `cli`, `mail` or `system`, with the address where there is one.
        scope: levels, sites and domains of the alarms that the actor may see, acknowledge and mask.
    """

    name: str
    rights: frozenset[Right]
    origin: str
    role: str = ""
    scope: Role = Role()

    def may(self, right: Right) -> bool:
        """Whether the right is granted."""
        return right in self.rights

    def require(self, right: Right) -> None:
        """Raise Denied unless the right is granted."""
        if right not in self.rights:
            raise Denied(f"{self.name} does not have the right '{right.value}'")
