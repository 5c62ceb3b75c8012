"""What users ask about charging, and how it is judged: tokens, operators' answers, stop conditions, reservations, lists.

Each deed is audited, and answered after it is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scada.charging.authorization import TAG_LENGTH
from scada.charging.desk import Charging
from scada.charging.local_lists import ChargerList
from scada.charging.manual import Question
from scada.charging.reservations import Reservation
from scada.charging.stops import Watched
from scada.core.access import Actor, Right
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import NO_CONDITIONS, AuthorizationMode, Plant, StopConditions, Token
from scada.core.records import AuditRecord, Record, TransactionRecord, TransactionState
from scada.core.value import TimeUs


@dataclass(frozen=True, slots=True)
class AdmitToken:
    """A user makes a token a good one, for the sites and with the plan that it says. Answer: None."""

    token: Token
    actor: Actor


@dataclass(frozen=True, slots=True)
class WithdrawToken:
    """A user takes back a token that was admitted. Answer: None."""

    id_tag: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class ForgetRefused:
    """A user takes a token off the list of refused ones. Answer: None."""

    id_tag: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class AnswerCharger:
    """A user lets a token in, or not, while its charger waits. Answer: Question."""

    number: int
    accept: bool
    actor: Actor


@dataclass(frozen=True, slots=True)
class SetStopConditions:
    """A user says when a running session is to end; no conditions: not by itself. Answer: Watched or None."""

    transaction: int
    conditions: StopConditions
    actor: Actor


@dataclass(frozen=True, slots=True)
class MakeReservation:
    """A user reserves. Answer: Reservation.

    Attributes:
        target: path of a connector, or of a site for any of its connectors.
    """

    target: str
    from_us: TimeUs
    until_us: TimeUs
    actor: Actor
    id_tag: str = ""
    parent: str = ""
    stop: StopConditions = NO_CONDITIONS
    note: str = ""


@dataclass(frozen=True, slots=True)
class CancelReservation:
    """A user ends a reservation. Answer: Reservation."""

    number: int
    actor: Actor


@dataclass(frozen=True, slots=True)
class SendList:
    """A user has the whole local list sent to a charger now. Answer: ChargerList."""

    charger: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class ImportTokens:
    """A fetched list takes the place of the one before. Answer: (added or changed, gone)."""

    name: str
    tokens: Sequence[Token]


def handlers(
    charging: Charging, plant: Plant, record: Callable[[Record], None]
) -> dict[type, Callable[[Any, TimeUs], Any]]:
    """What answers these requests."""
    desk = _Desk(charging, plant, record)
    return {
        AdmitToken: desk.admit,
        WithdrawToken: desk.withdraw,
        ForgetRefused: desk.forget,
        AnswerCharger: desk.answer,
        SetStopConditions: desk.stop_conditions,
        MakeReservation: desk.reserve,
        CancelReservation: desk.cancel,
        SendList: desk.send_list,
        ImportTokens: desk.take_import,
    }


class _Desk:
    def __init__(self, charging: Charging, plant: Plant, record: Callable[[Record], None]) -> None:
        self._charging, self._plant, self._record = charging, plant, record
        self._sites = {site.path for site in plant.sites}

    def admit(self, request: AdmitToken, now_us: TimeUs) -> None:
        request.actor.require(Right.OPERATE)
        token = request.token
        if not 0 < len(token.id_tag) <= TAG_LENGTH:
            raise BadRequest(f"a token has 1 to {TAG_LENGTH} characters")
        self._known(token)
        self._charging.tokens.admit(token, request.actor.name, now_us)
        self._charging.refused.forget(token.id_tag, now_us)
        self._audit(request.actor, "admit_token", token.id_tag, token.name, now_us)

    def withdraw(self, request: WithdrawToken, now_us: TimeUs) -> None:
        request.actor.require(Right.OPERATE)
        if not self._charging.tokens.withdraw(request.id_tag, now_us):
            raise NotFound(f"no operator admitted a token {request.id_tag}")
        self._audit(request.actor, "withdraw_token", request.id_tag, "", now_us)

    def forget(self, request: ForgetRefused, now_us: TimeUs) -> None:
        request.actor.require(Right.OPERATE)
        if not self._charging.refused.forget(request.id_tag, now_us):
            raise NotFound(f"the token {request.id_tag} is not among the refused ones")
        self._audit(request.actor, "forget_refused_token", request.id_tag, "", now_us)

    def answer(self, request: AnswerCharger, now_us: TimeUs) -> Question:
        request.actor.require(Right.OPERATE)
        question = self._charging.manual.answer(request.number, request.accept, now_us)
        if question is None:
            raise NotFound(f"no charger waits with number {request.number} (any more)")
        if not request.accept:
            self._charging.refused.note(
                question.id_tag, question.charger, question.connector, question.refusal, now_us
            )
        text = f"{question.id_tag}: {'let in' if request.accept else 'refused'}"
        self._audit(request.actor, "answer_charger", question.charger, text, now_us)
        return question

    def stop_conditions(self, request: SetStopConditions, now_us: TimeUs) -> Watched | None:
        request.actor.require(Right.OPERATE)
        record = self._open(request.transaction)
        wanted = request.conditions
        if wanted.until_us is not None and wanted.until_us <= now_us:
            raise BadRequest("'until' lies in the past")
        tariff = self._plant.bookkeeping.tariff_for(record.site, record.plan)
        if wanted.cost is not None and tariff is None:
            raise BadRequest(f"no tariff holds for this session at {record.site}: there is no cost to reckon")
        tags = self._charging.tags.get((record.charger, record.connector))
        if wanted.soc is not None and (tags is None or tags.soc is None):
            raise BadRequest("this connector does not tell the vehicle's state of charge")
        self._charging.stops.put(record, wanted, request.actor.name, now_us)
        text = ", ".join(
            f"{name}={value}"
            for name in wanted.__dataclass_fields__
            if (value := getattr(wanted, name)) is not None
        )
        self._audit(request.actor, "stop_conditions", str(record.id), text, now_us)
        return self._charging.stops.get(record.id)

    def reserve(self, request: MakeReservation, now_us: TimeUs) -> Reservation:
        request.actor.require(Right.OPERATE)
        site = request.target if request.target in self._sites else ""
        if not site:
            tags = self._charging.tags.by_path.get(request.target)
            if tags is None:
                raise NotFound(f"there is no connector and no site {request.target}")
            site = tags.site.path
        if request.id_tag:
            mode = self._plant.charging.of(site).authorization
            answer = self._charging.tokens.check(request.id_tag, site, mode, now_us)
            if not answer.accepted and mode is not AuthorizationMode.MANUAL:
                raise BadRequest(f"the token {request.id_tag} may not charge at {site}: {answer.why}")
        wanted = Reservation(
            id=0,
            site=site,
            connector="" if request.target == site else request.target,
            any=request.target == site,
            id_tag=request.id_tag[:TAG_LENGTH],
            parent=request.parent[:TAG_LENGTH],
            from_us=request.from_us,
            until_us=request.until_us,
            user=request.actor.name,
            made_us=now_us,
            stop=request.stop,
            note=request.note[:200],
        )
        made = self._charging.reservations.make(wanted, now_us)
        self._audit(
            request.actor, "reserve", request.target, f"{made.id}: {made.id_tag or made.parent}", now_us
        )
        return made

    def cancel(self, request: CancelReservation, now_us: TimeUs) -> Reservation:
        request.actor.require(Right.OPERATE)
        ended = self._charging.reservations.cancel(request.number, f"by {request.actor.name}", now_us)
        self._audit(request.actor, "cancel_reservation", str(request.number), "", now_us)
        return ended

    def send_list(self, request: SendList, now_us: TimeUs) -> ChargerList:
        request.actor.require(Right.MAINTAIN)
        item = self._charging.lists.send_now(request.charger, now_us)
        self._audit(request.actor, "send_local_list", request.charger, "", now_us)
        return item

    def take_import(self, request: ImportTokens, now_us: TimeUs) -> tuple[int, int]:
        for token in request.tokens:
            self._known(token)
        return self._charging.tokens.take_import(request.name, request.tokens, now_us)

    def _known(self, token: Token) -> None:
        """Raise BadRequest for a site or a plan that the project does not have."""
        for site in token.sites:
            if site not in self._sites:
                raise BadRequest(f"token {token.id_tag}: there is no site '{site}'")
        if token.plan and token.plan not in self._plant.charging.plans:
            raise BadRequest(f"token {token.id_tag}: there is no plan '{token.plan}'")

    def _open(self, number: int) -> TransactionRecord:
        record = self._charging.sessions.get(number)
        if record is None or record.state is not TransactionState.OPEN:
            raise NotFound(f"no transaction {number} is running")
        return record

    def _audit(self, actor: Actor, action: str, object_: str, new: str, now_us: TimeUs) -> None:
        self._record(
            AuditRecord(
                time_us=now_us,
                user=actor.name,
                origin=actor.origin,
                action=action,
                object=object_,
                new=new,
            )
        )
