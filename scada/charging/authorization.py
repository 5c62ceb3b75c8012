"""Local authorization: is this token good for charging now?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from scada.core.plant import Token
from scada.core.value import TimeUs


class AuthorizationStatus(Enum):
    """Answers of OCPP 1.6 (7.2 AuthorizationStatus)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT = "ConcurrentTx"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer about a token, with its group and expiry where it has them."""

    status: AuthorizationStatus
    parent: str = ""
    expires_us: TimeUs | None = None


class TokenList:
    """The project's tokens. Ids are compared without regard to case (OCPP 1.6 7.27, CiString20)."""

    def __init__(self, tokens: Iterable[Token], free_vending: bool) -> None:
        self._tokens = {token.id_tag.casefold(): token for token in tokens}
        self._free_vending = free_vending

    def check(self, id_tag: str, now_us: TimeUs) -> Authorization:
        """Whether a token may charge at this time."""
        token = self._tokens.get(id_tag.casefold())
        if token is None:
            if self._free_vending:
                return Authorization(AuthorizationStatus.ACCEPTED)
            return Authorization(AuthorizationStatus.INVALID)
        if token.blocked:
            status = AuthorizationStatus.BLOCKED
        elif token.expires_us is not None and token.expires_us <= now_us:
            status = AuthorizationStatus.EXPIRED
        else:
            status = AuthorizationStatus.ACCEPTED
        return Authorization(status, token.parent, token.expires_us)

    def source(self, id_tag: str) -> str:
        """How a token was judged: `local`, `free` or `unknown`."""
        if id_tag.casefold() in self._tokens:
            return "local"
        return "free" if self._free_vending else "unknown"
