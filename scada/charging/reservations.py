"""Reservations of a connector, or of any connector of a site, for a token or a group.

A charger that can is told (command `Reserve`); where it cannot, will not or is away, the reservation is held here: other
tokens are refused. A no-show, an expiry, a cancellation and the use by whom it is for end it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scada.charging.connector_tags import ConnectorTags, Tags
from scada.charging.matching import same_tag
from scada.charging.ports import Ports, Shelf
from scada.core import moment
from scada.core.command import CommandResult, Outcome
from scada.core.effects import Event, Order
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import NO_CONDITIONS, StopConditions
from scada.core.records import DocumentRecord
from scada.core.value import SECOND_US, TimeUs, Value

OWNER = "reservations"
USER = "<reservation>"
LIVE_MAX = 5_000
ENDED_MAX = 500
"""Reservations that have ended and are still listed."""
AHEAD_US_MAX = 366 * 86_400 * SECOND_US
LENGTH_US_MAX = 7 * 86_400 * SECOND_US
TRIES_MAX = 3
"""How often a charger that could not be reached is told again."""
RETRY_US = 60 * SECOND_US
LIVE = ("planned", "waiting", "active")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One reservation.

    Attributes:
        connector: path of the connector; of one for any connector of the site, the one that is held; empty: none yet.
        any: any connector of the site will do.
        state: `planned` (its time has not come), `waiting` (its time has come, no connector is free), `active`, `used`,
            `no_show`, `cancelled`.
        held: by the `charger`, or `central`; empty: not yet.
        transaction: that used it; 0: none.
    """

    id: int
    site: str
    connector: str
    any: bool
    id_tag: str
    parent: str
    from_us: TimeUs
    until_us: TimeUs
    user: str
    made_us: TimeUs
    stop: StopConditions = NO_CONDITIONS
    state: str = "planned"
    held: str = ""
    tries: int = 0
    retry_us: TimeUs = 0
    transaction: int = 0
    ended_us: TimeUs = 0
    note: str = ""

    def is_for(self, id_tag: str, parent: str) -> bool:
        """Whether a token, or its group, may use it."""
        mine = bool(self.id_tag) and bool(id_tag) and same_tag(self.id_tag, id_tag)
        return mine or (bool(self.parent) and self.parent.casefold() == parent.casefold())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counter:
    next_id: int


class Reservations:
    """All reservations.

    Args:
        busy: whether a transaction runs at a connector.
    """

    def __init__(
        self,
        tags: Tags,
        ports: Ports,
        documents: Iterable[DocumentRecord],
        busy: Callable[[ConnectorTags], bool],
    ) -> None:
        documents = list(documents)
        self._tags, self._ports, self._busy = tags, ports, busy
        self._shelf = Shelf("reservation", Reservation, ports.record, documents)
        self._counter = Shelf("counter", _Counter, ports.record, documents)
        self._active: dict[str, Reservation] = {}
        """Connector → the reservation that holds it now."""

    def restore(self, now_us: TimeUs) -> None:
        """Go on with what an earlier run left."""
        for item in self._shelf.values():
            if item.state == "active" and item.connector in self._tags.by_path:
                self._active[item.connector] = item
                self._show(item.connector, item, now_us)

    def all(self) -> list[Reservation]:
        """All that live, and the last ones that have ended; newest first."""
        return sorted(self._shelf.values(), key=lambda one: one.id, reverse=True)

    def get(self, number: int) -> Reservation:
        """One of them. Raises NotFound."""
        item = self._shelf.get(str(number))
        if item is None:
            raise NotFound(f"there is no reservation {number}")
        return item

    def make(self, wanted: Reservation, now_us: TimeUs) -> Reservation:
        """Reserve.

        Args:
            wanted: its `id`, `state` and what follows are set here.

        Raises:
            BadRequest: it cannot be, or another one stands against it.
        """
        self._possible(wanted, now_us)
        number = self._number(now_us)
        item = replace(wanted, id=number, made_us=now_us)
        self._put(item, now_us)
        self._tell(item)
        if item.from_us <= now_us:
            self._begin(item, now_us)
        return self.get(number)

    def cancel(self, number: int, why: str, now_us: TimeUs) -> Reservation:
        """End one before its time. Raises NotFound; BadRequest: it has ended already."""
        item = self.get(number)
        if item.state not in LIVE:
            raise BadRequest(f"reservation {number} has ended already ({item.state})")
        return self._end(item, "cancelled", now_us, why)

    def holder(self, connector: str) -> Reservation | None:
        """The reservation that holds a connector now."""
        return self._active.get(connector)

    def against(self, connector: str, id_tag: str, parent: str) -> Reservation | None:
        """The reservation of somebody else that holds a connector."""
        item = self._active.get(connector)
        return item if item is not None and not item.is_for(id_tag, parent) else None

    def used_by(
        self, tags: ConnectorTags, id_tag: str, parent: str, reservation_id: int | None
    ) -> Reservation | None:
        """The reservation that a transaction uses: the one it names, that of its connector, or one for any of the site."""
        if reservation_id is not None:
            named = self._shelf.get(str(reservation_id))
            if named is not None and named.state in LIVE and named.site == tags.site.path:
                return named
        here = self._active.get(tags.connector.path)
        if here is not None and here.is_for(id_tag, parent):
            return here
        for item in self._shelf.values():
            at_site = item.any and item.state in ("active", "waiting") and item.site == tags.site.path
            if at_site and item.is_for(id_tag, parent):
                return item
        return None

    def use(self, item: Reservation, transaction: int, connector: str, now_us: TimeUs) -> None:
        """A transaction of the right token began."""
        elsewhere = item.connector not in ("", connector)
        self._end(replace(item, transaction=transaction), "used", now_us, release=elsewhere)

    def second(self, now_us: TimeUs) -> None:
        """Let those begin and end whose time has come."""
        for key in self._shelf:
            item = self._shelf[key]
            if item.state not in LIVE:
                continue
            if item.until_us <= now_us:
                self._end(item, "no_show", now_us, release=False)
            elif (item.state == "planned" and item.from_us <= now_us) or item.state == "waiting":
                self._begin(item, now_us)
            elif item.state == "active" and item.retry_us and item.retry_us <= now_us:
                self._reserve(item, now_us)

    def outcome(self, order: Order, result: CommandResult, now_us: TimeUs) -> None:
        """A charger has taken a reservation, or not: then it is held here."""
        item = self._shelf.get(order.key)
        if order.command != "Reserve" or item is None or item.state != "active":
            return
        if result.outcome.ok:
            item = replace(item, held="charger", retry_us=0, note="")
        else:
            gone = result.outcome not in (Outcome.REFUSED, Outcome.DENIED) and item.tries < TRIES_MAX
            note = result.text or result.outcome.value
            item = replace(item, held="central", retry_us=now_us + RETRY_US if gone else 0, note=note[:200])
        self._put(item, now_us)
        self._active[item.connector] = item

    def _possible(self, wanted: Reservation, now_us: TimeUs) -> None:
        if not wanted.id_tag and not wanted.parent:
            raise BadRequest("a reservation is for a token or for a group")
        if wanted.until_us <= max(now_us, wanted.from_us):
            raise BadRequest("a reservation ends after now, and after it begins")
        if wanted.until_us - wanted.from_us > LENGTH_US_MAX:
            raise BadRequest("a reservation is for seven days at most")
        if wanted.from_us > now_us + AHEAD_US_MAX:
            raise BadRequest("a reservation begins within a year")
        live = [item for item in self._shelf.values() if item.state in LIVE]
        if len(live) >= LIVE_MAX:
            raise BadRequest(f"there are {LIVE_MAX:,} reservations already")
        meanwhile = [one for one in live if one.from_us < wanted.until_us and wanted.from_us < one.until_us]
        if wanted.any:
            places = sum(1 for _ in self._tags.of_site(wanted.site))
            taken = sum(1 for one in meanwhile if one.site == wanted.site)
            if taken >= places:
                raise BadRequest(f"all {places} connectors of {wanted.site} are reserved in that time")
            return
        for one in meanwhile:
            if one.connector == wanted.connector:
                span = f"{moment.text(one.from_us)} to {moment.text(one.until_us)}"
                raise BadRequest(f"{wanted.connector} is reserved already: number {one.id}, {span}")
        tags = self._tags.by_path[wanted.connector]
        if wanted.from_us <= now_us and self._busy(tags):
            raise BadRequest(f"{wanted.connector} is in use")

    def _begin(self, item: Reservation, now_us: TimeUs) -> None:
        connector = item.connector or self._free(item.site)
        tags = self._tags.by_path.get(connector)
        if tags is None or self._busy(tags) or self._active.get(connector, item).id != item.id:
            if item.state != "waiting":
                self._put(replace(item, state="waiting"), now_us)
            return
        item = replace(item, state="active", connector=connector, held="central")
        self._active[connector] = item
        self._reserve(item, now_us)
        self._show(connector, item, now_us)
        self._tell(item)

    def _reserve(self, item: Reservation, now_us: TimeUs) -> None:
        item = replace(item, tries=item.tries + 1, retry_us=0)
        self._put(item, now_us)
        self._active[item.connector] = item
        arguments: dict[str, object] = {
            "reservation_id": item.id,
            "id_tag": item.id_tag or item.parent,
            "expires": moment.text(item.until_us),
        }
        if item.parent:
            arguments["parent"] = item.parent
        self._ports.order(Order("Reserve", item.connector, arguments, USER, OWNER, str(item.id)))

    def _free(self, site: str) -> str:
        for tags in self._tags.of_site(site):
            path = tags.connector.path
            if tags.up and tags.status == "Available" and path not in self._active and not self._busy(tags):
                return path
        return ""

    def _end(
        self, item: Reservation, state: str, now_us: TimeUs, note: str = "", *, release: bool = True
    ) -> Reservation:
        if self._active.get(item.connector, item).id == item.id and item.connector:
            self._active.pop(item.connector, None)
            self._show(item.connector, None, now_us)
            if release and item.state == "active":
                charger = self._tags.by_path[item.connector].charger.path
                arguments: dict[str, object] = {"reservation_id": item.id}
                self._ports.order(Order("CancelReservation", charger, arguments, USER, OWNER, str(item.id)))
        ended = replace(item, state=state, ended_us=now_us, retry_us=0, note=note or item.note)
        self._put(ended, now_us)
        self._tell(ended)
        old = sorted((one for one in self._shelf.values() if one.state not in LIVE), key=lambda one: one.id)
        for one in old[:-ENDED_MAX]:
            self._shelf.remove(str(one.id), now_us)
        return ended

    def _show(self, connector: str, item: Reservation | None, now_us: TimeUs) -> None:
        tags = self._tags.by_path.get(connector)
        if tags is not None:
            values: dict[str, Value] = {
                "Reserved": item is not None,
                "ReservedFor": (item.id_tag or item.parent) if item else "",
                "ReservedUntil": item.until_us / SECOND_US if item else 0.0,
            }
            self._tags.put(tags.key, values, now_us)

    def _tell(self, item: Reservation) -> None:
        data = {"id": item.id, "state": item.state, "id_tag": item.id_tag, "parent": item.parent}
        self._ports.event(Event("reservation", item.connector or item.site, data))

    def _put(self, item: Reservation, now_us: TimeUs) -> None:
        self._shelf.put(str(item.id), item, now_us)

    def _number(self, now_us: TimeUs) -> int:
        counter = self._counter.get("reservation") or _Counter(next_id=1)
        self._counter.put("reservation", _Counter(next_id=counter.next_id + 1), now_us)
        return counter.next_id
