"""The alarm board: the published state of the alarms, the one that HMI, OPC UA, REST and mail read.

It moves when a transition is durable (or marked as not journalled), never before. The counters are tags and
move with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from scada.alarming.alarm import AlarmFacts, AlarmSnapshot
from scada.alarming.counters import Counters
from scada.core.access import Role
from scada.core.database import TagDatabase, Write
from scada.core.plant import Plant
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, HoldKind, HoldRecord
from scada.core.tag import AlarmDefinition, Tag
from scada.core.value import TimeUs

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """An alarm that is not normal, as it is shown.

    Attributes:
        device: path of the connector, charger, meter or site that it is about.
        changed_us: when it came into this state.
        user, comment: of the last thing that somebody did to it.
        acknowledged_by: who acknowledged this occurrence, or empty.
        first_out: number of the group of alarms that it came with.
        leads: it is the first-out of that group.
        until_us: end of its shelving or outage; None: open, or neither.
        journalled: False while the disk lags behind (see `scada.runtime.gate`).
    """

    path: str
    site: str
    domain: str
    nature: str
    device: str
    level: int
    priority: str
    state: AlarmState
    raised_us: TimeUs
    changed_us: TimeUs
    value: str
    user: str
    comment: str
    acknowledged_by: str
    first_out: int
    leads: bool
    until_us: TimeUs | None
    definition: AlarmDefinition
    journalled: bool = True


class AlarmBoard:
    """The alarms that are not normal, what people hold, and the counters.

    Args:
        syntheses: registers that count the alarms for which a filter is true.
        write: takes the counters' new values.
    """

    def __init__(
        self,
        plant: Plant,
        database: TagDatabase,
        syntheses: Sequence[tuple[Tag, Callable[[AlarmFacts, TimeUs], bool]]],
        write: Callable[[Iterable[Write]], None],
    ) -> None:
        self._plant = plant
        self._definitions = {d.path: d for d in plant.tags if d.alarm is not None}
        self._priorities = {level.number: level.priority for level in plant.levels}
        self._write = write
        self._views: dict[str, AlarmView] = {}
        self._groups: dict[int, int] = {}
        """Number of a group → how many of its alarms are on the board."""
        self._holds: dict[tuple[HoldKind, str], HoldRecord] = {}
        self._shown: dict[str, int] = {}
        """Alarm → sequence of the newest transition shown; at most one entry an alarm."""
        self._listeners: list[Callable[[], None]] = []
        self._counters = Counters(database, syntheses)
        self.version = 0
        """Rises with each change."""

    def __len__(self) -> int:
        return len(self._views)

    def get(self, path: str) -> AlarmView | None:
        """The alarm at a path, or None while it is normal."""
        return self._views.get(path)

    def views(self, site: str = "", role: Role | None = None) -> list[AlarmView]:
        """Alarms that stand or wait for somebody: unacknowledged first, then by level, then newest first.

        Args:
            role: only what it sees.
        """
        chosen = (v for v in self._views.values() if not v.state.suppressed and _shown(v, site, role))
        return sorted(chosen, key=_order)

    def suppressed(self, site: str = "", role: Role | None = None) -> list[AlarmView]:
        """Alarms that are shelved, suppressed by design or out of service, newest first."""
        chosen = (v for v in self._views.values() if v.state.suppressed and _shown(v, site, role))
        return sorted(chosen, key=lambda view: -view.changed_us)

    def holds(self) -> list[HoldRecord]:
        """What people hold: shelved alarms, branches out of service, forced tags; newest first."""
        return sorted(self._holds.values(), key=lambda hold: -hold.since_us)

    def is_first_out(self, view: AlarmView) -> bool:
        """Whether an alarm is the first of a group of which more is on the board."""
        return view.leads and self._groups.get(view.first_out, 0) > 1

    def highest_unacknowledged(self, role: Role | None = None) -> AlarmView | None:
        """What the banner shows: the newest of the highest level that nobody has acknowledged."""
        waiting = (v for v in self._views.values() if v.state.unacknowledged and _shown(v, "", role))
        return min(waiting, key=lambda v: (-v.level, -v.raised_us), default=None)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Be told after each change of the board; call what is returned to end it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def restore(
        self, snapshots: Iterable[AlarmSnapshot], holds: Iterable[HoldRecord], now_us: TimeUs
    ) -> None:
        """Show what an earlier run left, and set every counter."""
        for hold in holds:
            self._holds[hold.kind, hold.path] = hold
        for snapshot in snapshots:
            definition = self._definitions.get(snapshot.alarm)
            if definition is None or definition.alarm is None or snapshot.state is AlarmState.NORMAL:
                continue
            self._put(
                AlarmView(
                    path=snapshot.alarm,
                    site=definition.site,
                    domain=definition.domain,
                    nature=definition.nature,
                    device=self._plant.place_of(snapshot.alarm),
                    level=definition.alarm.level,
                    priority=self._priorities[definition.alarm.level],
                    state=snapshot.state,
                    raised_us=snapshot.raised_us,
                    changed_us=snapshot.changed_us,
                    value=snapshot.value,
                    user=snapshot.user,
                    comment=snapshot.comment,
                    acknowledged_by=snapshot.acknowledged_by,
                    first_out=snapshot.first_out,
                    leads=snapshot.leads,
                    until_us=snapshot.until_us,
                    definition=definition.alarm,
                ),
                "",
                now_us,
            )
        self._write(self._counters.start())
        self._publish()

    def apply(
        self,
        transitions: Iterable[AlarmTransition],
        holds: Iterable[HoldRecord] = (),
        *,
        journalled: bool = True,
    ) -> None:
        """Show transitions, in order; one that was shown before it was on disk loses its mark only."""
        changed = False
        for hold in holds:
            changed = True
            if hold.active:
                self._holds[hold.kind, hold.path] = hold
            else:
                self._holds.pop((hold.kind, hold.path), None)
        for transition in transitions:
            changed = self._apply(transition, journalled) or changed
        if changed:
            self._publish()

    def _apply(self, transition: AlarmTransition, journalled: bool) -> bool:
        definition = self._definitions.get(transition.alarm)
        if definition is None or definition.alarm is None:
            return False
        old = self._views.get(transition.alarm)
        shown = self._shown.get(transition.alarm, 0)
        if transition.sequence <= shown:
            if transition.sequence == shown and old is not None and journalled:
                self._views[transition.alarm] = replace(old, journalled=True)
            return True
        self._shown[transition.alarm] = transition.sequence
        event = transition.event
        begins = event is AlarmEvent.RAISED and transition.raised_us == transition.time_us
        if begins:
            old = None
        acknowledged_by = old.acknowledged_by if old else ""
        if event is AlarmEvent.ACKNOWLEDGED:
            acknowledged_by = transition.user
        elif transition.state.unacknowledged:
            acknowledged_by = ""
        self._put(
            AlarmView(
                path=transition.alarm,
                site=transition.site,
                domain=transition.domain,
                nature=transition.nature,
                device=old.device if old else self._plant.place_of(transition.alarm),
                level=transition.level,
                priority=self._priorities[transition.level],
                state=transition.state,
                raised_us=transition.raised_us,
                changed_us=old.changed_us if old and event is AlarmEvent.COMMENTED else transition.time_us,
                value=transition.value or (old.value if old else ""),
                user=transition.user or (old.user if old else ""),
                comment=transition.comment or (old.comment if old else ""),
                acknowledged_by=acknowledged_by,
                first_out=transition.first_out,
                leads=transition.first_out == transition.sequence if begins else bool(old and old.leads),
                until_us=transition.until_us
                if event is not AlarmEvent.COMMENTED or not old
                else old.until_us,
                definition=definition.alarm,
                journalled=journalled,
            ),
            event.value,
            transition.time_us,
        )
        return True

    def _put(self, view: AlarmView, event: str, now_us: TimeUs) -> None:
        old = self._views.pop(view.path, None)
        if old is not None:
            self._group(old.first_out, -1)
        if view.state is not AlarmState.NORMAL:
            self._views[view.path] = view
            self._group(view.first_out, 1)
        facts = AlarmFacts(
            path=view.path,
            name=view.definition.name,
            site=view.site,
            device=view.device,
            domain=view.domain,
            nature=view.nature,
            level=float(view.level),
            priority=view.priority,
            event=event,
            state=view.state.value,
            active=view.state.active,
            unacknowledged=view.state.unacknowledged,
            suppressed=view.state.suppressed,
        )
        self._counters.count(self._definitions[view.path], view.state, facts, now_us)

    def _group(self, number: int, step: int) -> None:
        left = self._groups.get(number, 0) + step
        if left > 0 and number:
            self._groups[number] = left
        else:
            self._groups.pop(number, None)

    def _publish(self) -> None:
        self.version += 1
        batch = self._counters.drain()
        if batch:
            self._write(batch)
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                log.exception("board_listener_failed")


def _shown(view: AlarmView, site: str, role: Role | None) -> bool:
    return (not site or view.site == site) and (role is None or role.sees(view.level, view.site, view.domain))


def _order(view: AlarmView) -> tuple[bool, int, TimeUs]:
    return (not view.state.unacknowledged, -view.level, -view.raised_us)
