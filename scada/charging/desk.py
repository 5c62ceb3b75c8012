"""Charging as one: what chargers ask and tell goes through here, in an order that makes sense of it.

Pure: the plant core calls it with the time; records, events and orders leave by the ports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from scada.charging.authorization import Authorization, AuthorizationStatus, TokenBook
from scada.charging.automation import OWNER as AUTOMATION
from scada.charging.automation import Automation
from scada.charging.closing import LATE_AFTER_US
from scada.charging.connector_tags import ConnectorTags, Tags
from scada.charging.local_lists import OWNER as LISTS
from scada.charging.local_lists import LocalLists
from scada.charging.manual import Manual
from scada.charging.matching import believed, same_tag
from scada.charging.ports import Ports
from scada.charging.refused import Refused
from scada.charging.reservations import OWNER as RESERVATIONS
from scada.charging.reservations import USER as RESERVATION_USER
from scada.charging.reservations import Reservation, Reservations
from scada.charging.sessions import SessionBook, StartFacts
from scada.charging.stops import OWNER as STOPS
from scada.charging.stops import Stops
from scada.charging.told import StartAnswer, StartTransaction, StopAnswer, StopTransaction
from scada.charging.vehicles import Vehicles
from scada.charging.visits import Visits
from scada.core.command import CommandResult
from scada.core.database import TagDatabase
from scada.core.effects import Event, Later, Order
from scada.core.plant import NO_CONDITIONS, AuthorizationMode, Plant, SiteCharging
from scada.core.records import CommandRecord, DocumentRecord, Record, TransactionRecord, VisitRecord
from scada.core.value import SECOND_US, TimeUs

ORDERED_HOLDS_US = 300 * SECOND_US
"""A start or stop within this time of an order is by that order."""
ORDERED_MAX = 10_000


class Charging:
    """Sessions, tokens, reservations, vehicles and what is done by itself, of a whole plant.

    Args:
        documents: what an earlier run left.
    """

    def __init__(
        self,
        plant: Plant,
        database: TagDatabase,
        ports: Ports,
        documents: Sequence[DocumentRecord],
        *,
        next_transaction: int = 1,
        next_visit: int = 1,
    ) -> None:
        settings = plant.charging
        self._settings, self._ports = settings, ports
        self.tags = Tags(plant, database)
        self.tokens = TokenBook(plant.tokens, settings, ports.record, documents)
        self.refused = Refused(ports.record, documents)
        self.manual = Manual()
        self.vehicles = Vehicles(settings.vehicles)
        self.sessions = SessionBook(plant, self.tags, next_transaction, self._emit, self._ended_by)
        self.visits = Visits(self.tags, next_visit, self._emit)
        self.stops = Stops(self.tags, plant.bookkeeping, ports, documents, self.sessions.get)
        self.reservations = Reservations(self.tags, ports, documents, self._busy)
        self.automation = Automation(
            self.tags, settings, ports, documents, self.sessions, self.visits, self._allowed
        )
        self.lists = LocalLists(plant, settings, self.tokens, self.tags, database, ports, documents)
        self._starts_ordered: dict[str, tuple[str, str, TimeUs]] = {}
        """Connector → (user, token, when) of the last order to start."""
        self._stops_ordered: dict[int, tuple[str, TimeUs]] = {}
        """Transaction → (user, when) of the last order to stop."""
        self.owners: dict[str, Callable[[Order, CommandResult, TimeUs], None]] = {
            STOPS: self.stops.outcome,
            RESERVATIONS: self.reservations.outcome,
            AUTOMATION: self.automation.outcome,
            LISTS: self.lists.outcome,
        }

    def restore(
        self, transactions: Iterable[TransactionRecord], visits: Iterable[VisitRecord], now_us: TimeUs
    ) -> None:
        """Go on with what an earlier run left."""
        self.tokens.restore(now_us)
        self.sessions.restore(transactions, now_us)
        self.visits.restore(visits, now_us)
        self.stops.restore(now_us)
        self.reservations.restore(now_us)
        self.lists.restore(now_us)

    def authorize(self, id_tag: str, charger: str, connector: int, now_us: TimeUs) -> Authorization | Later:
        """Whether a token may charge at a charger (connector 0: at one of its connectors)."""
        answer, mode = self._judge(id_tag, self._places(charger, connector), now_us)
        if not answer.accepted and mode is AuthorizationMode.MANUAL and self.tokens.find(id_tag) is None:
            if self.manual.let_in(id_tag, charger, now_us):
                return Authorization(AuthorizationStatus.ACCEPTED, source="manual")
            wait_us = self._rules(charger).manual_answer_us
            later = self.manual.ask(id_tag, charger, connector, answer, wait_us, now_us)
            if later is not None:
                return later
        if not answer.accepted:
            self.refused.note(id_tag, charger, connector, answer, now_us)
        return answer

    def authorize_wait_us(self, charger: str) -> TimeUs:
        """How long an answer may wait for an operator."""
        places = self._places(charger, 0)
        manual = any(self._mode(tags) is AuthorizationMode.MANUAL for tags in places)
        return self._rules(charger).manual_answer_us if manual else 0

    def start(self, request: StartTransaction, now_us: TimeUs) -> StartAnswer:
        """Begin a transaction, or know a retry of one that has begun and not yet stopped."""
        key = (request.charger, request.connector)
        tags = self.tags.get(key)
        started_us, _ = believed(request.time_us, now_us)
        late = now_us - started_us > LATE_AFTER_US
        known = self.sessions.known_start(request, now_us)
        answer = self._start_answer(request, tags, None if known is None else known.id, late, now_us)
        if known is not None:
            return StartAnswer(known.id, answer)
        reservation: Reservation | None = None
        if tags is not None and answer.accepted and not late:
            reservation = self.reservations.used_by(
                tags, request.id_tag, answer.parent, request.reservation_id
            )
        visit = self.visits.of_start(key, started_us, now_us)
        vehicle = self._vehicle_of(request.id_tag, visit)
        unknown = bool(request.reservation_id) and reservation is None
        facts = StartFacts(
            authorization=answer,
            visit=visit.id if visit else 0,
            vehicle=vehicle,
            reservation=reservation.id if reservation else 0,
            ordered_by=self._ordered_by(tags, request.id_tag, now_us),
            flags="unknown_reservation" if unknown else "",
        )
        record = self.sessions.begin(request, facts, now_us)
        if visit is not None and vehicle and not visit.vehicle and visit.ended_us is None:
            self.visits.identify(key, vehicle, visit.vehicle_id, now_us)
        if tags is not None:
            self._began(record, answer, reservation, tags, now_us)
        if not answer.accepted:
            self.refused.note(request.id_tag, request.charger, request.connector, answer, now_us)
        return StartAnswer(record.id, answer)

    def stop(self, request: StopTransaction, now_us: TimeUs) -> StopAnswer:
        """End a transaction. An id that nothing fits is kept as a closed, flagged one of its own."""
        token = None
        if request.id_tag:
            token, _ = self._judge(request.id_tag, self._places(request.charger, 0), now_us, reserved=False)
        record = self.sessions.stop(request, now_us, token)
        if record is not None:
            self.sessions.revisit(record, self.visits.of_stop(record, now_us), now_us)
        own_id = record is not None and record.id != request.transaction_id
        return StopAnswer(record is not None, token, own_id)

    def identify(self, charger: str, connector: int, vehicle_id: str, now_us: TimeUs) -> str:
        """A charger told which vehicle is there; its name in the registry, or empty."""
        key = (charger, connector)
        vehicle = self.vehicles.of_id(vehicle_id)
        name = vehicle.name if vehicle else ""
        visit = self.visits.open_on(key)
        self.visits.identify(key, name or (visit.vehicle if visit else ""), vehicle_id, now_us)
        record = self.sessions.open_on(charger, connector)
        if record is not None and name:
            self.sessions.identify(record, name, now_us)
        return name

    def event(self, event: Event, now_us: TimeUs) -> None:
        """Something happened to a device or a transaction."""
        match event.kind:
            case "status":
                tags = self.tags.by_path.get(event.path)
                if tags is not None:
                    status = str(event.data.get("status", ""))
                    self.visits.status(tags.key, status, event.data.get("time_us", now_us), now_us)
                    self.automation.status(tags.key, status, now_us)
            case "transaction_started":
                tags = self.tags.by_path.get(event.path)
                if tags is not None:
                    self.automation.started(tags.key, now_us)
            case "transaction_stopped":
                record = self.sessions.get(event.data["id"])
                if record is not None:
                    self._stops_ordered.pop(record.id, None)
                    self.stops.ended(record, now_us)
                    self.automation.ended(record, now_us)
            case "local_list":
                self.lists.told(event.path, event.data, now_us)
            case "link" if event.data.get("up"):
                self.lists.link_up(event.path)

    def second(self, now_us: TimeUs) -> None:
        """Let a second pass."""
        for question in self.manual.overdue(now_us):
            self.refused.note(question.id_tag, question.charger, question.connector, question.refusal, now_us)
        self.reservations.second(now_us)
        self.stops.second(now_us)
        self.automation.second(now_us)
        self.lists.second(now_us)

    def noted(self, records: Iterable[Record]) -> None:
        """Orders were journalled: whose a start or a stop is that follows."""
        for record in records:
            if not isinstance(record, CommandRecord) or record.outcome:
                continue
            tags = self.tags.by_path.get(record.target)
            if tags is None:
                continue
            if record.name == "RemoteStart":
                try:
                    id_tag = str(json.loads(record.arguments).get("id_tag", ""))
                except ValueError:
                    continue  # cut off in the journal
                _bounded(self._starts_ordered, record.target, (record.user, id_tag, record.time_us))
            elif record.name == "RemoteStop":
                running = self.sessions.open_on(*tags.key)
                if running is not None:
                    _bounded(self._stops_ordered, running.id, (record.user, record.time_us))

    def _began(
        self,
        record: TransactionRecord,
        answer: Authorization,
        reservation: Reservation | None,
        tags: ConnectorTags,
        now_us: TimeUs,
    ) -> None:
        if reservation is not None:
            self.reservations.use(reservation, record.id, tags.connector.path, now_us)
        running = self.sessions.open_on(*tags.key)
        if running is None or running.id != record.id:
            return
        plan = self._settings.plans.get(answer.plan)
        of_reservation = reservation.stop if reservation else NO_CONDITIONS
        conditions = self.stops.merge(of_reservation, plan.stop if plan else NO_CONDITIONS)
        if conditions:
            self.stops.put(record, conditions, "reservation" if of_reservation else "plan", now_us)
        against = self.reservations.against(tags.connector.path, record.id_tag, answer.parent)
        if against is not None and not record.late:
            # The charger did not know of the reservation; the connector is somebody else's.
            self._ports.order(Order("RemoteStop", tags.connector.path, {}, RESERVATION_USER))

    def _start_answer(
        self,
        request: StartTransaction,
        tags: ConnectorTags | None,
        known: int | None,
        late: bool,
        now_us: TimeUs,
    ) -> Authorization:
        places = [tags] if tags is not None else self._places(request.charger, 0)
        answer, mode = self._judge(request.id_tag, places, now_us, reserved=not late)
        if not answer.accepted and mode is AuthorizationMode.MANUAL:
            unknown = self.tokens.find(request.id_tag) is None
            if unknown and self.manual.let_in(request.id_tag, request.charger, now_us):
                return Authorization(AuthorizationStatus.ACCEPTED, source="manual")
        if answer.accepted and not late and not self._rules(request.charger).concurrent:
            here = (request.charger, request.connector)
            for other in self.sessions.open_transactions():
                elsewhere = other.id != known and (other.charger, other.connector) != here
                if elsewhere and same_tag(other.id_tag, request.id_tag):
                    place = f"{other.charger}.C{other.connector}"
                    return answer.refused(AuthorizationStatus.CONCURRENT, f"charges at {place}")
        return answer

    def _judge(
        self, id_tag: str, places: Sequence[ConnectorTags], now_us: TimeUs, *, reserved: bool = True
    ) -> tuple[Authorization, AuthorizationMode]:
        """A token at one of several connectors: the answer of the one that takes it most readily."""
        site = places[0].site.path if places else ""
        modes = {self._mode(tags) for tags in places} or {self._settings.of(site).authorization}
        mode = next(one for one in _READINESS if one in modes)
        answer = self.tokens.check(id_tag, site, mode, now_us)
        if answer.accepted and reserved and places:
            against = [
                self.reservations.against(tags.connector.path, id_tag, answer.parent) for tags in places
            ]
            if all(against):
                answer = answer.refused(AuthorizationStatus.BLOCKED, "reserved for another token")
        return answer, mode

    def _allowed(self, tags: ConnectorTags, id_tag: str, now_us: TimeUs) -> Authorization:
        return self._judge(id_tag, [tags], now_us)[0]

    def _mode(self, tags: ConnectorTags) -> AuthorizationMode:
        # A word that is none (a forced tag) is the site's rule too: nothing is opened by mistake.
        own = _MODES.get(tags.word("AuthorizationMode"))
        return own or self._settings.of(tags.site.path).authorization

    def _places(self, charger: str, connector: int) -> list[ConnectorTags]:
        tags = self.tags.get((charger, connector))
        return [tags] if tags is not None else self.tags.by_charger.get(charger, [])

    def _rules(self, charger: str) -> SiteCharging:
        places = self.tags.by_charger.get(charger)
        return self._settings.of(places[0].site.path if places else "")

    def _vehicle_of(self, id_tag: str, visit: VisitRecord | None) -> str:
        if visit is not None and visit.vehicle:
            return visit.vehicle
        vehicle = self.vehicles.of_token(id_tag)
        return vehicle.name if vehicle else ""

    def _ordered_by(self, tags: ConnectorTags | None, id_tag: str, now_us: TimeUs) -> str:
        ordered = self._starts_ordered.pop(tags.connector.path, None) if tags is not None else None
        if ordered is None:
            return ""
        user, token, at_us = ordered
        return user if same_tag(token, id_tag) and now_us - at_us < ORDERED_HOLDS_US else ""

    def _ended_by(self, record: TransactionRecord) -> tuple[str, str]:
        user, _ = self._stops_ordered.get(record.id, ("", 0))
        watched = self.stops.get(record.id)
        return user, watched.reached if watched is not None and watched.tries else ""

    def _busy(self, tags: ConnectorTags) -> bool:
        return self.sessions.open_on(*tags.key) is not None

    def _emit(self, item: TransactionRecord | VisitRecord | Event) -> None:
        if isinstance(item, Event):
            self._ports.event(item)
        else:
            self._ports.record(item)


_MODES = {mode.value: mode for mode in AuthorizationMode}
_READINESS = (AuthorizationMode.FREE, AuthorizationMode.MANUAL, AuthorizationMode.TOKENS)

K = TypeVar("K")
V = TypeVar("V")


def _bounded(table: dict[K, V], key: K, value: V) -> None:
    table.pop(key, None)
    table[key] = value
    while len(table) > ORDERED_MAX:
        del table[next(iter(table))]
