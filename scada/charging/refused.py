"""Tokens that were refused: which, where, when, why, how often. Bounded and durable; one request admits one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scada.charging.authorization import TAG_LENGTH, Authorization
from scada.charging.ports import Shelf
from scada.core.records import DocumentRecord, Record
from scada.core.value import SECOND_US, TimeUs

REFUSED_MAX = 500
"""Tokens listed; at it the one that was refused longest ago is forgotten."""
NOTE_EVERY_US = 5 * SECOND_US
"""A token that is held before the reader again and again is written down so often at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedToken:
    """A token and its last refusal.

    Attributes:
        times: how often within the list's memory; repeats within `NOTE_EVERY_US` count once.
    """

    id_tag: str
    charger: str
    connector: int
    status: str
    why: str
    first_us: TimeUs
    last_us: TimeUs
    times: int = 1


class Refused:
    """The list."""

    def __init__(self, record: Callable[[Record], None], documents: Iterable[DocumentRecord]) -> None:
        self._shelf = Shelf("refused_token", RefusedToken, record, documents)

    def all(self) -> list[RefusedToken]:
        """Newest refusal first."""
        return sorted(self._shelf.values(), key=lambda one: one.last_us, reverse=True)

    def get(self, id_tag: str) -> RefusedToken | None:
        """The refusal of a token, or None."""
        return self._shelf.get(_key(id_tag))

    def note(self, id_tag: str, charger: str, connector: int, answer: Authorization, now_us: TimeUs) -> None:
        """A token was refused."""
        key = _key(id_tag)
        before = self._shelf.get(key)
        if before is None:
            if len(self._shelf) >= REFUSED_MAX:
                oldest = min(self._shelf, key=lambda name: self._shelf[name].last_us)
                self._shelf.remove(oldest, now_us)
            before = RefusedToken(
                id_tag=id_tag[:TAG_LENGTH],
                charger=charger,
                connector=connector,
                status=answer.status.value,
                why=answer.why,
                first_us=now_us,
                last_us=now_us,
                times=0,
            )
        elif before.charger == charger and 0 <= now_us - before.last_us < NOTE_EVERY_US:
            return
        item = replace(
            before,
            charger=charger,
            connector=connector,
            status=answer.status.value,
            why=answer.why,
            last_us=now_us,
            times=before.times + 1,
        )
        self._shelf.put(key, item, now_us)

    def forget(self, id_tag: str, now_us: TimeUs) -> bool:
        """Take a token off the list; False: it is not there."""
        if _key(id_tag) not in self._shelf:
            return False
        self._shelf.remove(_key(id_tag), now_us)
        return True


def _key(id_tag: str) -> str:
    return id_tag[:TAG_LENGTH].casefold()
