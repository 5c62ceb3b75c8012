"""The operator's answer while a charger waits: for tests of sites whose tokens are not known yet. Bounded; not durable."""

from __future__ import annotations

from dataclasses import dataclass

from scada.charging.authorization import TAG_LENGTH, Authorization, AuthorizationStatus
from scada.core.effects import Later
from scada.core.value import SECOND_US, TimeUs

PENDING_MAX = 50
"""Chargers that wait at once; further ones are refused at once."""
ANSWER_HOLDS_US = 600 * SECOND_US
"""A token that an operator let in may start within this time."""
ANSWERS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A charger waits for an operator."""

    number: int
    id_tag: str
    charger: str
    connector: int
    asked_us: TimeUs
    until_us: TimeUs
    refusal: Authorization
    later: Later


class Manual:
    """Questions that wait, and answers that hold."""

    def __init__(self) -> None:
        self._next = 1
        self._pending: dict[int, Question] = {}
        self._let_in: dict[tuple[str, str], TimeUs] = {}
        """(charger, token) → until when."""

    def pending(self) -> list[Question]:
        """What waits, oldest first."""
        return list(self._pending.values())

    def ask(
        self,
        id_tag: str,
        charger: str,
        connector: int,
        refusal: Authorization,
        wait_us: TimeUs,
        now_us: TimeUs,
    ) -> Later | None:
        """Put a question to the operators; None: too many wait."""
        if len(self._pending) >= PENDING_MAX:
            return None
        question = Question(
            number=self._next,
            id_tag=id_tag[:TAG_LENGTH],
            charger=charger,
            connector=connector,
            asked_us=now_us,
            until_us=now_us + wait_us,
            refusal=refusal,
            later=Later(),
        )
        self._next += 1
        self._pending[question.number] = question
        return question.later

    def answer(self, number: int, accept: bool, now_us: TimeUs) -> Question | None:
        """An operator has answered; None: nobody waits for it any more."""
        question = self._pending.pop(number, None)
        if question is None:
            return None
        if accept:
            key = (question.charger, question.id_tag.casefold())
            self._let_in.pop(key, None)
            self._let_in[key] = now_us + ANSWER_HOLDS_US
            while len(self._let_in) > ANSWERS_MAX:
                del self._let_in[next(iter(self._let_in))]
            question.later.answer(Authorization(AuthorizationStatus.ACCEPTED, source="manual"))
        else:
            question.later.answer(question.refusal)
        return question

    def let_in(self, id_tag: str, charger: str, now_us: TimeUs) -> bool:
        """Whether an operator let this token in at this charger a moment ago."""
        return self._let_in.get((charger, id_tag[:TAG_LENGTH].casefold()), 0) > now_us

    def overdue(self, now_us: TimeUs) -> list[Question]:
        """Refuse those that waited long enough."""
        late = [one for one in self._pending.values() if one.until_us <= now_us]
        for question in late:
            self.answer(question.number, False, now_us)
        return late
