"""Local authorization: is this token good for charging here and now?

Tokens come from the project's files, from lists that are fetched (`charging.imports`), and from operators who admitted
one that was refused. A block list has the last word; after it the project's files, then operators, then the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from scada.charging.ports import Shelf
from scada.core.errors import BadRequest
from scada.core.plant import AuthorizationMode, ChargingSettings, Token
from scada.core.records import DocumentRecord, Record
from scada.core.value import TimeUs

TAG_LENGTH = 20
IMPORTED_MAX = 50_000
"""Tokens of one imported list."""
ADMITTED_MAX = 10_000


class AuthorizationStatus(Enum):
    """Answers of OCPP 1.6 (7.2 AuthorizationStatus)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT = "ConcurrentTx"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer about a token, with its group and expiry where it has them.

    Attributes:
        source: how it was judged: `local`, `imported`, `admitted`, `manual`, `free`, `unknown`.
        why: a refusal in a few words, for operators.
    """

    status: AuthorizationStatus
    parent: str = ""
    expires_us: TimeUs | None = None
    source: str = "unknown"
    plan: str = ""
    why: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it may charge."""
        return self.status is AuthorizationStatus.ACCEPTED

    def refused(self, status: AuthorizationStatus, why: str) -> Authorization:
        """The same token, but not now."""
        return replace(self, status=status, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToken:
    """A token with where it comes from, as it is listed and kept.

    Attributes:
        source: `local`, `admitted`, or name of the import.
    """

    token: Token
    source: str
    user: str = ""
    since_us: TimeUs = 0


class TokenBook:
    """All tokens. Ids are compared without regard to case (OCPP 1.6 7.28, CiString20).

    Args:
        record: takes what is to be durable.
        documents: what an earlier run left.
    """

    def __init__(
        self,
        tokens: Iterable[Token],
        settings: ChargingSettings,
        record: Callable[[Record], None] = lambda _: None,
        documents: Iterable[DocumentRecord] = (),
    ) -> None:
        self._settings = settings
        self._local = {_key(token.id_tag): token for token in tokens}
        self._admitted = Shelf("admitted_token", KnownToken, record, documents)
        self._imported = Shelf("imported_token", KnownToken, record, documents)
        self._lists: dict[str, dict[str, Token]] = {one.name: {} for one in settings.imports}
        for document in self._imported.values():
            if document.source in self._lists:
                self._lists[document.source][_key(document.token.id_tag)] = document.token
        self.changes = 0
        """Counts up when the tokens change: what is made of them is made anew."""

    def restore(self, now_us: TimeUs) -> None:
        """Forget the lists of imports that the project does not have any more."""
        for key in self._imported:
            if self._imported[key].source not in self._lists:
                self._imported.remove(key, now_us)

    def find(self, id_tag: str) -> KnownToken | None:
        """The token with this id; one that a block list names is blocked."""
        key = _key(id_tag)
        known = self._of_lists(key)
        for one in self._settings.imports:
            if one.block and key in self._lists[one.name]:
                token = known.token if known else self._lists[one.name][key]
                return KnownToken(token=replace(token, blocked=True), source=one.name)
        return known

    def _of_lists(self, key: str) -> KnownToken | None:
        token = self._local.get(key)
        if token is not None:
            return KnownToken(token=token, source="local")
        admitted = self._admitted.get(key)
        if admitted is not None:
            return admitted
        for one in self._settings.imports:
            if not one.block and key in self._lists[one.name]:
                return KnownToken(token=self._lists[one.name][key], source=one.name)
        return None

    def check(self, id_tag: str, site: str, mode: AuthorizationMode, now_us: TimeUs) -> Authorization:
        """Whether a token may charge at a site at this time, as far as it is known."""
        known = self.find(id_tag)
        if known is None:
            if mode is AuthorizationMode.FREE:
                return Authorization(AuthorizationStatus.ACCEPTED, source="free")
            return Authorization(AuthorizationStatus.INVALID, why="not known")
        token = known.token
        source = known.source if known.source in ("local", "admitted") else "imported"
        good = Authorization(AuthorizationStatus.ACCEPTED, token.parent, token.expires_us, source, token.plan)
        if token.blocked:
            return good.refused(AuthorizationStatus.BLOCKED, "blocked")
        if token.expires_us is not None and token.expires_us <= now_us:
            return good.refused(AuthorizationStatus.EXPIRED, "expired")
        if token.sites and site not in token.sites:
            return good.refused(AuthorizationStatus.INVALID, "not for this site")
        return good

    def parent_of(self, id_tag: str) -> str:
        """The group of a token, or empty."""
        known = self.find(id_tag) if id_tag else None
        return known.token.parent if known else ""

    def admit(self, token: Token, user: str, now_us: TimeUs) -> None:
        """An operator makes a token a good one.

        Raises:
            BadRequest: it is known already, or too many are.
        """
        known = self.find(token.id_tag)
        if known is not None:
            state = "blocked" if known.token.blocked else "known"
            raise BadRequest(f"the token {token.id_tag} is {state} already, by '{known.source}'")
        if len(self._admitted) >= ADMITTED_MAX:
            raise BadRequest(f"at most {ADMITTED_MAX:,} tokens can be admitted: put them into tokens.csv")
        item = KnownToken(token=token, source="admitted", user=user, since_us=now_us)
        self._admitted.put(_key(token.id_tag), item, now_us)
        self.changes += 1

    def withdraw(self, id_tag: str, now_us: TimeUs) -> bool:
        """Forget a token that an operator admitted; False: there is none."""
        if _key(id_tag) not in self._admitted:
            return False
        self._admitted.remove(_key(id_tag), now_us)
        self.changes += 1
        return True

    def take_import(self, name: str, tokens: Iterable[Token], now_us: TimeUs) -> tuple[int, int]:
        """Put a fetched list in the place of the one before: (tokens added or changed, tokens gone).

        Raises:
            BadRequest: no such import, too many tokens, or one twice. Nothing was changed.
        """
        if name not in self._lists:
            raise BadRequest(f"there is no token import '{name}'")
        fresh: dict[str, Token] = {}
        for token in tokens:
            key = _key(token.id_tag)
            if key in fresh:
                raise BadRequest(f"the token {token.id_tag} stands twice in '{name}'")
            fresh[key] = token
        if len(fresh) > IMPORTED_MAX:
            raise BadRequest(f"'{name}' has more than {IMPORTED_MAX:,} tokens")
        before = self._lists[name]
        changed = {key: token for key, token in fresh.items() if before.get(key) != token}
        gone = [key for key in before if key not in fresh]
        for key, token in changed.items():
            self._imported.put(f"{name}/{key}", KnownToken(token=token, source=name), now_us)
        for key in gone:
            self._imported.remove(f"{name}/{key}", now_us)
        self._lists[name] = fresh
        if changed or gone:
            self.changes += 1
        return len(changed), len(gone)

    def all(self) -> list[KnownToken]:
        """Every token once, as it counts: local ones first, then admitted, then imported."""
        keys = dict.fromkeys(
            (*self._local, *self._admitted, *(key for tokens in self._lists.values() for key in tokens))
        )
        return [known for key in keys if (known := self.find(key)) is not None]

    def counts(self) -> Mapping[str, int]:
        """Import → number of its tokens."""
        return {name: len(tokens) for name, tokens in self._lists.items()}


def _key(id_tag: str) -> str:
    """Some chargers echo a tail behind the twenty characters that a token has."""
    return id_tag[:TAG_LENGTH].casefold()
