"""The alarm state machine (ISA-18.2 / IEC 62682), pure.

Sources are bits. While a bit's quality is not Good its alarm stands as it is, its delays included. Every
transition is returned as a record; what operators see is the published board, after the record is durable
(`scada.runtime.board`).

Invariant: each change of a state has one record; the last record of an alarm tells its state.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from scada.core.database import TagDatabase
from scada.core.errors import BadRequest, NotFound
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.core.tag import AlarmDefinition, Tag
from scada.core.value import TimeUs, is_good

COMMENT_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSnapshot:
    """An alarm as an earlier run left it.

    Attributes:
        changed_us, value, user, comment: of the last transition.
    """

    alarm: str
    state: AlarmState
    raised_us: TimeUs
    changed_us: TimeUs = 0
    value: str = ""
    user: str = ""
    comment: str = ""


class Alarm:
    """One alarm-capable bit and where it stands."""

    __slots__ = ("definition", "due_us", "pending", "raised_us", "state", "tag", "value_of")

    def __init__(self, tag: Tag, definition: AlarmDefinition, value_of: Tag | None) -> None:
        self.tag = tag
        self.definition = definition
        self.value_of = value_of
        """The register whose value is noted with a transition, or None."""
        self.state = AlarmState.NORMAL
        self.raised_us: TimeUs = 0
        self.due_us: TimeUs | None = None
        self.pending: bool | None = None
        """The state (abnormal?) that the running delay leads to; None: no delay runs."""


class AlarmEngine:
    """All alarms of a plant.

    Args:
        database: its bits with an alarm definition are watched.
        next_sequence: number of the next journal row.
        emit: takes each transition, in order.
    """

    def __init__(
        self, database: TagDatabase, next_sequence: int, emit: Callable[[AlarmTransition], None]
    ) -> None:
        self._emit = emit
        self._sequence = next_sequence
        self._timers: list[tuple[TimeUs, str]] = []
        self._alarms: dict[str, Alarm] = {}
        for tag in database:
            definition = tag.definition.alarm
            if definition is not None:
                register = database.get(tag.path.rpartition(".")[0])
                self._alarms[tag.path] = Alarm(tag, definition, register)
                database.watch(tag, self._changed)

    def __iter__(self) -> Iterator[Alarm]:
        return iter(self._alarms.values())

    def get(self, path: str) -> Alarm | None:
        """The alarm of a bit, or None."""
        return self._alarms.get(path)

    def restore(self, snapshots: Iterable[AlarmSnapshot]) -> None:
        """Put alarms back as they were; alarms that are no longer configured are passed over."""
        for snapshot in snapshots:
            alarm = self._alarms.get(snapshot.alarm)
            if alarm is not None:
                alarm.state = snapshot.state
                alarm.raised_us = snapshot.raised_us

    def acknowledge(
        self, paths: Sequence[str], user: str, origin: str, comment: str, now_us: TimeUs
    ) -> list[str]:
        """Acknowledge alarms; those that are acknowledged already are passed over.

        Returns:
            The paths that were acknowledged now.

        Raises:
            NotFound: a path is no alarm; nothing was changed.
            BadRequest: the comment is too long; nothing was changed.
        """
        if len(comment) > COMMENT_LENGTH_MAX:
            raise BadRequest(f"a comment has at most {COMMENT_LENGTH_MAX} characters")
        alarms = []
        for path in paths:
            alarm = self._alarms.get(path)
            if alarm is None:
                raise NotFound(f"there is no alarm {path}")
            alarms.append(alarm)
        done = []
        for alarm in alarms:
            if alarm.state is AlarmState.ACTIVE_UNACKNOWLEDGED:
                state = AlarmState.ACTIVE_ACKNOWLEDGED
            elif alarm.state is AlarmState.RETURNED_UNACKNOWLEDGED:
                state = AlarmState.NORMAL
            else:
                continue
            self._move(alarm, AlarmEvent.ACKNOWLEDGED, state, now_us, user, origin, comment)
            done.append(alarm.tag.path)
        return done

    def tick(self, now_us: TimeUs) -> None:
        """End the delays that are over."""
        while self._timers and self._timers[0][0] <= now_us:
            due_us, path = heapq.heappop(self._timers)
            alarm = self._alarms[path]
            if alarm.due_us != due_us or alarm.pending is None:
                continue  # the delay was called off or began anew
            abnormal = alarm.pending
            alarm.pending = alarm.due_us = None
            self._apply(alarm, abnormal, due_us)

    def _changed(self, tag: Tag, now_us: TimeUs) -> None:
        alarm = self._alarms[tag.path]
        if not is_good(tag.quality):
            # Frozen: the delay ends and begins anew when the source can be trusted again.
            alarm.pending = alarm.due_us = None
            return
        definition = alarm.definition
        abnormal = tag.value is definition.abnormal
        if abnormal is alarm.state.active:
            alarm.pending = alarm.due_us = None
            return
        if alarm.pending is abnormal:
            return
        delay_us = definition.on_delay_us if abnormal else definition.off_delay_us
        if delay_us <= 0:
            alarm.pending = alarm.due_us = None
            self._apply(alarm, abnormal, now_us)
            return
        alarm.pending = abnormal
        alarm.due_us = now_us + delay_us
        heapq.heappush(self._timers, (alarm.due_us, tag.path))

    def _apply(self, alarm: Alarm, abnormal: bool, now_us: TimeUs) -> None:
        if abnormal:
            if alarm.state is AlarmState.NORMAL:
                alarm.raised_us = now_us
            state = (
                AlarmState.ACTIVE_UNACKNOWLEDGED
                if alarm.definition.needs_acknowledgement
                else AlarmState.ACTIVE_ACKNOWLEDGED
            )
            self._move(alarm, AlarmEvent.RAISED, state, now_us)
        else:
            state = (
                AlarmState.RETURNED_UNACKNOWLEDGED
                if alarm.state is AlarmState.ACTIVE_UNACKNOWLEDGED
                else AlarmState.NORMAL
            )
            self._move(alarm, AlarmEvent.RETURNED, state, now_us)

    def _move(
        self,
        alarm: Alarm,
        event: AlarmEvent,
        state: AlarmState,
        now_us: TimeUs,
        user: str = "",
        origin: str = "",
        comment: str = "",
    ) -> None:
        alarm.state = state
        sequence = self._sequence
        self._sequence += 1
        self._emit(
            AlarmTransition(
                sequence=sequence,
                time_us=now_us,
                alarm=alarm.tag.path,
                site=alarm.tag.definition.site,
                level=alarm.definition.level,
                event=event,
                state=state,
                raised_us=alarm.raised_us,
                value=_value_text(alarm.value_of),
                user=user,
                origin=origin,
                comment=comment,
            )
        )


def _value_text(register: Tag | None) -> str:
    if register is None or not isinstance(register.value, (int, float)):
        return ""
    definition = register.definition
    return f"{register.value:.{definition.decimals}f} {definition.unit}".rstrip()
