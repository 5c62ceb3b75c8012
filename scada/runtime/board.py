"""The alarm board: the published state of the alarms, the one that HMI, OPC UA, REST and mail read.

It moves when a transition is durable (or marked as not journalled), never before. The counters are tags and
move with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import structlog

from scada.alarming.engine import AlarmSnapshot
from scada.core.database import TagDatabase, Write
from scada.core.plant import Plant
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.core.tag import AlarmDefinition
from scada.core.value import GOOD, TimeUs

log = structlog.get_logger()

COUNTERS = ("Active", "Unacknowledged", "Acknowledged", "ReturnedUnacknowledged")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """An alarm that is not normal, as it is shown.

    Attributes:
        changed_us: when it came into this state.
        journalled: False while the disk lags behind (see `scada.runtime.gate`).
    """

    path: str
    site: str
    level: int
    priority: str
    state: AlarmState
    raised_us: TimeUs
    changed_us: TimeUs
    value: str
    user: str
    comment: str
    definition: AlarmDefinition
    journalled: bool = True


class AlarmBoard:
    """The alarms that are not normal, and their counters.

    Args:
        write: takes the counters' new values.
    """

    def __init__(
        self,
        plant: Plant,
        database: TagDatabase,
        write: Callable[[Iterable[Write]], None],
    ) -> None:
        self._definitions = {d.path: d for d in plant.tags if d.alarm is not None}
        self._priorities = {level.number: level.priority for level in plant.levels}
        self._write = write
        self._views: dict[str, AlarmView] = {}
        self._shown: dict[str, int] = {}
        """Alarm → sequence of the newest transition shown; at most one entry an alarm."""
        self._listeners: list[Callable[[], None]] = []
        self.version = 0
        """Rises with each change."""
        self._counters = {}
        for scope in ("System", *(site.path for site in plant.sites)):
            tags = [database.get(f"{scope}.Alarms.{name}") for name in COUNTERS]
            self._counters[scope] = ([0] * len(COUNTERS), tags)

    def __len__(self) -> int:
        return len(self._views)

    def get(self, path: str) -> AlarmView | None:
        """The alarm at a path, or None while it is normal."""
        return self._views.get(path)

    def views(self, site: str = "") -> list[AlarmView]:
        """Alarms that are not normal: unacknowledged first, then by level, then newest first."""
        chosen = (v for v in self._views.values() if not site or v.site == site)
        return sorted(chosen, key=_order)

    def highest_unacknowledged(self) -> AlarmView | None:
        """What the banner shows: the newest of the highest level that nobody has acknowledged."""
        waiting = (v for v in self._views.values() if v.state.unacknowledged)
        return min(waiting, key=lambda v: (-v.level, -v.raised_us), default=None)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Be told after each change of the board; call what is returned to end it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def restore(self, snapshots: Iterable[AlarmSnapshot]) -> None:
        """Show what an earlier run left, and set every counter."""
        for snapshot in snapshots:
            definition = self._definitions.get(snapshot.alarm)
            if definition is None or definition.alarm is None or snapshot.state is AlarmState.NORMAL:
                continue
            self._put(
                AlarmView(
                    path=snapshot.alarm,
                    site=definition.site,
                    level=definition.alarm.level,
                    priority=self._priorities[definition.alarm.level],
                    state=snapshot.state,
                    raised_us=snapshot.raised_us,
                    changed_us=snapshot.changed_us,
                    value=snapshot.value,
                    user=snapshot.user,
                    comment=snapshot.comment,
                    definition=definition.alarm,
                )
            )
        self._publish(self._counters)

    def apply(self, transitions: Iterable[AlarmTransition], *, journalled: bool = True) -> None:
        """Show transitions, in order; one that was shown before it was on disk loses its mark only."""
        scopes: set[str] = set()
        for transition in transitions:
            definition = self._definitions.get(transition.alarm)
            if definition is None or definition.alarm is None:
                continue
            old = self._views.get(transition.alarm)
            scopes.update(("System", transition.site))
            shown = self._shown.get(transition.alarm, 0)
            if transition.sequence <= shown:
                if transition.sequence == shown and old is not None and journalled:
                    self._views[transition.alarm] = replace(old, journalled=True)
                continue
            self._shown[transition.alarm] = transition.sequence
            acknowledged = transition.event is AlarmEvent.ACKNOWLEDGED
            self._put(
                AlarmView(
                    path=transition.alarm,
                    site=transition.site,
                    level=transition.level,
                    priority=self._priorities[transition.level],
                    state=transition.state,
                    raised_us=transition.raised_us,
                    changed_us=transition.time_us,
                    value=transition.value or (old.value if old else ""),
                    user=transition.user if acknowledged or old is None else old.user,
                    comment=transition.comment if acknowledged or old is None else old.comment,
                    definition=definition.alarm,
                    journalled=journalled,
                )
            )
        if scopes:
            self._publish(scopes)

    def _put(self, view: AlarmView) -> None:
        old = self._views.pop(view.path, None)
        if old is not None:
            self._count(old, -1)
        if view.state is not AlarmState.NORMAL:
            self._views[view.path] = view
            self._count(view, +1)

    def _count(self, view: AlarmView, step: int) -> None:
        state = view.state
        hits = (
            state.active,
            state.unacknowledged,
            state is AlarmState.ACTIVE_ACKNOWLEDGED,
            state is AlarmState.RETURNED_UNACKNOWLEDGED,
        )
        for scope in {"System", view.site}:
            if scope in self._counters:
                counts, _ = self._counters[scope]
                for position, hit in enumerate(hits):
                    counts[position] += step * hit

    def _publish(self, scopes: Iterable[str]) -> None:
        self.version += 1
        batch: list[Write] = []
        for scope in scopes:
            counts, tags = self._counters.get(scope, ((), ()))
            batch += [(tag, count, GOOD, 0) for tag, count in zip(tags, counts, strict=True) if tag]
        self._write(batch)
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                log.exception("board_listener_failed")


def _order(view: AlarmView) -> tuple[bool, int, TimeUs]:
    return (not view.state.unacknowledged, -view.level, -view.raised_us)
