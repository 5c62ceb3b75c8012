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


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something, and over which door.

    Attributes:
        name: user name, or a part of the product in angle brackets, for example `<schedule>`.
        origin: `hmi`, `api`, `opcua`, `cli`, `mail` or `system`, with the address where there is one.
    """

    name: str
    rights: frozenset[Right]
    origin: str
    role: str = ""

    def may(self, right: Right) -> bool:
        """Whether the right is granted."""
        return right in self.rights

    def require(self, right: Right) -> None:
        """Raise Denied unless the right is granted."""
        if right not in self.rights:
            raise Denied(f"{self.name} does not have the right '{right.value}'")
