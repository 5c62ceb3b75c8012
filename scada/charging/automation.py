"""What is started without anybody's doing: autostart, resume after a fault or a power cut, automatic reloading.

Each is a pending start of one connector: with a reason, a token and bounded tries; durable, and visible on the
connector's tag `Automation`, which also says why nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from scada.charging.authorization import Authorization
from scada.charging.connector_tags import ConnectorTags, Key, Tags
from scada.charging.ports import Ports, Shelf
from scada.charging.sessions import SessionBook
from scada.charging.stops import next_time_of_day
from scada.charging.visits import PLUGGED, Visits
from scada.core.command import CommandResult
from scada.core.effects import Order
from scada.core.plant import ChargingSettings, SiteCharging
from scada.core.records import DocumentRecord, TransactionRecord, TransactionState
from scada.core.value import SECOND_US, TimeUs

OWNER = "automation"
RETRY_S = (30, 120, 600)
"""After the n-th try that did not start anything; after the last it is given up for this visit, and said."""
SETTLE_US = 2 * SECOND_US
"""A vehicle that was plugged in, or a charger that came back, is given so long."""
PENDING_US_MAX = 86_400 * SECOND_US
"""A start that could not be tried for so long is given up."""
LOOK_EVERY_US = 10 * SECOND_US
"""How often vehicles left plugged in are looked at."""
RELOAD_PAUSE_US = 3_600 * SECOND_US
"""A vehicle whose charge is low is started again so long after its last session at the earliest."""

AFTER_POWER = frozenset(("PowerLoss", "Reboot", "HardReset", "SoftReset"))
STARTABLE = PLUGGED | {"Finishing"}
"""States in which a charger takes a remote start for the vehicle that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A start that is to be tried.

    Attributes:
        kind: `autostart`, `resume`, `reload`.
        given_up: it is kept only so that the visit is not begun with again.
    """

    kind: str
    connector: str
    id_tag: str
    visit: int
    since_us: TimeUs
    next_us: TimeUs
    tries: int = 0
    given_up: bool = False


class Automation:
    """The pending starts of all connectors.

    Args:
        allowed: (connector, token) → the answer that the token would get there.
    """

    def __init__(
        self,
        tags: Tags,
        settings: ChargingSettings,
        ports: Ports,
        documents: Iterable[DocumentRecord],
        sessions: SessionBook,
        visits: Visits,
        allowed: Callable[[ConnectorTags, str, TimeUs], Authorization],
    ) -> None:
        self._tags, self._settings, self._ports = tags, settings, ports
        self._sessions, self._visits, self._allowed = sessions, visits, allowed
        self._shelf = Shelf("automation", Pending, ports.record, documents)
        self._looked_us = 0

    def pending(self, connector: str) -> Pending | None:
        """What is to be started at a connector."""
        return self._shelf.get(connector)

    def status(self, key: Key, status: str, now_us: TimeUs) -> None:
        """The state of a connector was told."""
        tags = self._tags.get(key)
        visit = self._visits.open_on(key)
        if tags is None or visit is None or self._sessions.open_on(*key) is not None:
            return
        rules = self._rules(tags)
        last = self._sessions.last_on(key)
        in_visit = last is not None and last.visit == visit.id
        if status in PLUGGED and not in_visit and tags.setting("Autostart", rules.autostart):
            token = tags.word("AutostartToken") or rules.autostart_token
            self._plan("autostart", tags, token, visit.id, now_us)
        elif status == "Faulted" and in_visit and last is not None:
            self._after_fault(tags, last, now_us)

    def ended(self, record: TransactionRecord, now_us: TimeUs) -> None:
        """A transaction has ended."""
        tags = self._tags.get((record.charger, record.connector))
        if tags is None or record.late or record.state is not TransactionState.CLOSED:
            return
        if record.reason in AFTER_POWER:
            self._resume(tags, record, now_us)
        elif tags.status == "Faulted":
            self._after_fault(tags, record, now_us)

    def started(self, key: Key, now_us: TimeUs) -> None:
        """A transaction runs: nothing more is to be started."""
        tags = self._tags.get(key)
        if tags is not None:
            self._drop(tags, now_us)

    def second(self, now_us: TimeUs) -> None:
        """Try what is due."""
        for connector in self._shelf:
            item = self._shelf[connector]
            tags = self._tags.by_path.get(connector)
            if tags is None:
                self._shelf.remove(connector, now_us)
            elif item.next_us <= now_us:
                self._try(item, tags, now_us)
        if not 0 <= now_us - self._looked_us < LOOK_EVERY_US:
            before_us, self._looked_us = self._looked_us, now_us
            if before_us and before_us < now_us:
                self._reload(before_us, now_us)

    def outcome(self, order: Order, result: CommandResult, now_us: TimeUs) -> None:
        """An order to start has ended."""
        item, tags = self._shelf.get(order.key), self._tags.by_path.get(order.key)
        if item is not None and tags is not None and not result.outcome.ok:
            self._show(tags, f"{item.kind}: {result.text or result.outcome.value}", now_us)

    def _after_fault(self, tags: ConnectorTags, last: TransactionRecord, now_us: TimeUs) -> None:
        soon = last.stopped_us is not None and now_us - last.stopped_us < 60 * SECOND_US
        if soon and last.state is TransactionState.CLOSED and last.reason == "Other":
            self._resume(tags, last, now_us)

    def _resume(self, tags: ConnectorTags, record: TransactionRecord, now_us: TimeUs) -> None:
        visit = self._visits.open_on(tags.key)
        wanted = tags.setting("Resume", self._rules(tags).resume)
        if wanted and visit is not None and visit.id == record.visit:
            self._plan("resume", tags, record.id_tag, visit.id, now_us)

    def _reload(self, before_us: TimeUs, now_us: TimeUs) -> None:
        due: dict[str, bool] = {}
        for visit in self._visits.open_visits():
            tags = self._tags.by_key[visit.charger, visit.connector]
            rules = self._rules(tags)
            if not tags.setting("Reload", rules.reload) or self._sessions.open_on(*tags.key) is not None:
                continue
            last = self._sessions.last_on(tags.key)
            if last is None or last.visit != visit.id:
                continue  # not charged yet in this visit: that is for whoever plugged it in
            site = tags.site.path
            if site not in due:
                zone, at_min = ZoneInfo(tags.site.timezone), rules.reload_at_min
                due[site] = at_min is not None and next_time_of_day(at_min, zone, before_us) <= now_us
            rested = now_us - (last.stopped_us or 0) >= RELOAD_PAUSE_US
            # What was told before the session ended says nothing of what has been used since.
            soc = tags.charge(max(now_us - RELOAD_PAUSE_US, (last.stopped_us or 0) + 1))
            low = rules.reload_below_soc is not None and soc is not None and soc < rules.reload_below_soc
            pending = self._shelf.get(tags.connector.path)
            fresh = pending is None or now_us - pending.since_us >= RELOAD_PAUSE_US
            if due[site] or (low and rested and fresh):
                self._drop(tags, now_us)
                self._plan("reload", tags, last.id_tag, visit.id, now_us)

    def _plan(self, kind: str, tags: ConnectorTags, id_tag: str, visit: int, now_us: TimeUs) -> None:
        path = tags.connector.path
        before = self._shelf.get(path)
        if before is not None and before.visit == visit and before.kind == kind:
            return
        item = Pending(
            kind=kind,
            connector=path,
            id_tag=id_tag[:20],
            visit=visit,
            since_us=now_us,
            next_us=now_us + SETTLE_US,
        )
        self._shelf.put(path, item, now_us)
        self._show(tags, f"{kind}: soon", now_us)

    def _try(self, item: Pending, tags: ConnectorTags, now_us: TimeUs) -> None:
        visit = self._visits.open_on(tags.key)
        if visit is None or visit.id != item.visit or self._sessions.open_on(*tags.key) is not None:
            self._drop(tags, now_us)
            return
        if item.given_up:
            return
        if not self._wanted(item, tags):
            self._drop(tags, now_us)
            return
        waits = self._waits(item, tags, now_us)
        if waits:
            self._show(tags, f"{item.kind}: {waits}", now_us)
            if now_us - item.since_us > PENDING_US_MAX:
                self._shelf.put(item.connector, replace(item, given_up=True), now_us)
            return
        if item.tries >= len(RETRY_S):
            self._shelf.put(item.connector, replace(item, given_up=True), now_us)
            self._show(tags, f"{item.kind}: the charger did not start ({item.tries} tries)", now_us)
            return
        again_us = now_us + RETRY_S[item.tries] * SECOND_US
        self._shelf.put(item.connector, replace(item, tries=item.tries + 1, next_us=again_us), now_us)
        self._show(tags, f"{item.kind}: starting", now_us)
        arguments = {"id_tag": item.id_tag}
        self._ports.order(
            Order("RemoteStart", item.connector, arguments, f"<{item.kind}>", OWNER, item.connector)
        )

    def _waits(self, item: Pending, tags: ConnectorTags, now_us: TimeUs) -> str:
        """Why it cannot be tried now; empty: it can."""
        if not item.id_tag:
            return "no token is set"
        if not tags.up:
            return "the charger is offline"
        if tags.status not in STARTABLE:
            return f"the connector is {tags.status or 'in an unknown state'}"
        answer = self._allowed(tags, item.id_tag, now_us)
        return "" if answer.accepted else f"token {item.id_tag}: {answer.why or answer.status.value}"

    def _wanted(self, item: Pending, tags: ConnectorTags) -> bool:
        rules = self._rules(tags)
        name, default = {
            "autostart": ("Autostart", rules.autostart),
            "resume": ("Resume", rules.resume),
            "reload": ("Reload", rules.reload),
        }[item.kind]
        return tags.setting(name, default)

    def _drop(self, tags: ConnectorTags, now_us: TimeUs) -> None:
        self._shelf.remove(tags.connector.path, now_us)
        self._show(tags, "", now_us)

    def _show(self, tags: ConnectorTags, text: str, now_us: TimeUs) -> None:
        self._tags.put(tags.key, {"Automation": text}, now_us)

    def _rules(self, tags: ConnectorTags) -> SiteCharging:
        return self._settings.of(tags.site.path)
