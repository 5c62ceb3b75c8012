"""The alarm state machine (ISA-18.2 / IEC 62682), pure.

Sources are bits. While a bit's quality is not Good its alarm stands as it is and a running delay waits. Every
transition is returned as a record; what operators see is the published board, after the record is durable
(`scada.runtime.board`).

Suppressions are a set: masks, a shelf, outages of branches. While one holds, nothing is raised: an alarm that
stood, or would come, goes to a suppressed state and stays there until the last one is gone; then its source is
looked at anew, with its on-delay. A mask that comes while a delay runs cancels the delay; one towards the suppressed
state begins, for what is suppressed is counted.

Invariants: each change of a state has one record; the last record of an alarm tells its state; an alarm that is
held is normal or in a suppressed state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from scada.alarming.alarm import ACKNOWLEDGED, Alarm, AlarmSnapshot, By, check_comment, value_of
from scada.alarming.groups import Groups
from scada.core.database import TagDatabase
from scada.core.errors import BadRequest, NotFound
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, HoldKind, HoldRecord
from scada.core.tag import Source, Tag, TagDefinition
from scada.core.timers import Timers
from scada.core.value import GOOD, Kind, TimeUs, is_good

_NOBODY = ("", "", "")


class AlarmEngine:
    """All alarms of a plant.

    Args:
        database: its bits with an alarm definition are watched.
        next_sequence: number of the next journal row.
        emit: takes each transition, in order.
    """

    def __init__(
        self,
        database: TagDatabase,
        timers: Timers,
        next_sequence: int,
        emit: Callable[[AlarmTransition], None],
    ) -> None:
        self._database = database
        self._emit = emit
        self._timers = timers
        self._sequence = next_sequence
        self._alarms: dict[str, Alarm] = {}
        self._groups = Groups()
        for tag in database:
            definition = tag.definition.alarm
            if definition is not None:
                self._alarms[tag.path] = Alarm(
                    tag, definition, value_of(database, tag.path, definition.value)
                )
                database.watch(tag, self._changed)

    def __iter__(self) -> Iterator[Alarm]:
        return iter(self._alarms.values())

    def __len__(self) -> int:
        return len(self._alarms)

    def get(self, path: str) -> Alarm | None:
        """The alarm of a bit, or None."""
        return self._alarms.get(path)

    def find(self, paths: Sequence[str]) -> list[Alarm]:
        """The alarms at these paths. Raises NotFound for the first that there is not."""
        found = []
        for path in dict.fromkeys(paths):
            alarm = self._alarms.get(path)
            if alarm is None:
                raise NotFound(f"there is no alarm {path}")
            found.append(alarm)
        return found

    def below(self, branch: str) -> list[Alarm]:
        """The alarms at a path and below it."""
        paths = (branch, *(tag.path for tag in self._database.below(branch)))
        return [self._alarms[path] for path in paths if path in self._alarms]

    def activity(self, path: str) -> Tag | None:
        """A tag that is true while the alarm is active, for expressions to watch; None: there is no such alarm."""
        alarm = self._alarms.get(path)
        if alarm is None:
            return None
        if alarm.activity is None:
            definition = TagDefinition(path=path, kind=Kind.BIT, source=Source.INTERNAL, initial=False)
            alarm.activity = Tag(definition, -1)
        return alarm.activity

    def restore(self, snapshots: Iterable[AlarmSnapshot], holds: Iterable[HoldRecord]) -> None:
        """Put alarms back as they were; alarms that are no longer configured are passed over.

        This comes before any source moves; `look` follows when all sources have been put back.
        """
        for hold in holds:
            if hold.kind is HoldKind.SHELVED and (alarm := self._alarms.get(hold.path)) is not None:
                alarm.shelf = hold
            elif hold.kind is HoldKind.OUT_OF_SERVICE:
                for one in self.below(hold.path):
                    one.outages = (*one.outages, hold)
        for snapshot in snapshots:
            alarm = self._alarms.get(snapshot.alarm)
            if alarm is None:
                continue
            alarm.state = snapshot.state
            alarm.raised_us = snapshot.raised_us
            alarm.first_out = snapshot.first_out
            alarm.latch_kept = (
                alarm.definition.latching and snapshot.state.suppressed and bool(snapshot.raised_us)
            )
            self._tell_activity(alarm, snapshot.changed_us)

    def look(self, now_us: TimeUs) -> None:
        """Look at every source: some have a value from the start, or got theirs back, and never change again."""
        for alarm in self._alarms.values():
            if alarm.tag.value is not None:
                self._changed(alarm.tag, now_us)

    # What operators do

    def acknowledge(self, alarms: Iterable[Alarm], by: By, now_us: TimeUs) -> list[str]:
        """Acknowledge alarms; those that need none are passed over. Returns the paths acknowledged now."""
        check_comment(by[2])
        done = []
        for alarm in alarms:
            state = ACKNOWLEDGED.get(alarm.state)
            if state is not None:
                self._move(alarm, AlarmEvent.ACKNOWLEDGED, state, now_us, by)
                done.append(alarm.tag.path)
        return done

    def comment(self, alarm: Alarm, by: By, now_us: TimeUs) -> None:
        """Put a comment into the journal. Raises BadRequest for one that is empty or too long."""
        if not by[2].strip():
            raise BadRequest("a comment needs words")
        check_comment(by[2])
        self._move(alarm, AlarmEvent.COMMENTED, alarm.state, now_us, by)

    def reset(self, alarms: Iterable[Alarm], by: By, now_us: TimeUs) -> list[str]:
        """Let go of latches whose source is normal again; others are passed over. Returns the paths."""
        check_comment(by[2])
        done = []
        for alarm in alarms:
            if alarm.state.latched:
                state = (
                    AlarmState.RETURNED_UNACKNOWLEDGED if alarm.state.unacknowledged else AlarmState.NORMAL
                )
                self._move(alarm, AlarmEvent.RESET, state, now_us, by)
                done.append(alarm.tag.path)
        return done

    def shelve(self, alarm: Alarm, hold: HoldRecord, now_us: TimeUs) -> None:
        """Put an alarm on the shelf; one that is there already stays by the new terms. Who calls sees to its end."""
        alarm.shelf = hold
        by = (hold.user, hold.origin, hold.reason)
        self._hold(alarm, AlarmEvent.SHELVED, now_us, by)

    def unshelve(self, alarm: Alarm, by: By, now_us: TimeUs) -> bool:
        """Take an alarm off the shelf. Returns whether it was there."""
        if alarm.shelf is None:
            return False
        alarm.shelf = None
        self._let_go(alarm, AlarmEvent.UNSHELVED, now_us, by)
        unsure = not is_good(alarm.tag.quality) and alarm.tag.value is alarm.definition.abnormal
        if unsure and alarm.state is AlarmState.NORMAL:
            # It was abnormal when last heard of: an alarm does not go because its source cannot be told.
            self._apply(alarm, True, now_us)
        return True

    def take_out(self, hold: HoldRecord, now_us: TimeUs) -> None:
        """Take a branch out of service. One journal row tells it of the branch, one of each alarm that stood."""
        by = (hold.user, hold.origin, hold.reason)
        self._note(hold.path, AlarmEvent.OUT_OF_SERVICE, AlarmState.OUT_OF_SERVICE, now_us, by, hold.until_us)
        for alarm in self.below(hold.path):
            alarm.outages = (*(one for one in alarm.outages if one.path != hold.path), hold)
            if alarm.state is not AlarmState.NORMAL or alarm.tag.path == hold.path:
                self._hold(alarm, AlarmEvent.OUT_OF_SERVICE, now_us, by)
            else:
                self._begin_anew(alarm, now_us)

    def put_in(self, branch: str, by: By, now_us: TimeUs) -> None:
        """Put a branch back into service."""
        self._note(branch, AlarmEvent.IN_SERVICE, AlarmState.NORMAL, now_us, by, None)
        for alarm in self.below(branch):
            if any(one.path == branch for one in alarm.outages):
                alarm.outages = tuple(one for one in alarm.outages if one.path != branch)
                self._let_go(alarm, AlarmEvent.IN_SERVICE, now_us, by)

    # What masks do

    def mask(self, name: str, alarms: Iterable[Alarm], now_us: TimeUs, *, known: bool = True) -> None:
        """A mask holds from now on.

        Args:
            known: False: it may have held before the restart already; what is suppressed was so by it, maybe.
        """
        for alarm in alarms:
            if name in alarm.masks:
                continue
            alarm.masks = (*alarm.masks, name)
            if alarm.state is not AlarmState.NORMAL and (known or not alarm.state.suppressed):
                self._hold(alarm, AlarmEvent.SUPPRESSED, now_us, ("", "", name))
            elif alarm.state is AlarmState.NORMAL:
                self._begin_anew(alarm, now_us)

    def unmask(self, name: str, alarms: Iterable[Alarm], now_us: TimeUs) -> None:
        """A mask does not hold any more."""
        for alarm in alarms:
            if name in alarm.masks:
                alarm.masks = tuple(one for one in alarm.masks if one != name)
                self._let_go(alarm, AlarmEvent.UNSUPPRESSED, now_us, ("", "", name))

    def unmask_all(self, alarm: Alarm, now_us: TimeUs) -> None:
        """Nothing that is configured holds an alarm back any more, though an earlier run left it so."""
        alarm.masks = ()
        self._let_go(alarm, AlarmEvent.UNSUPPRESSED, now_us, _NOBODY)

    # The machine

    def _changed(self, tag: Tag, now_us: TimeUs) -> None:
        alarm = self._alarms[tag.path]
        if not is_good(tag.quality):
            if alarm.due_us is not None:  # frozen: what is left runs on when the source can be trusted again
                alarm.left_us = max(1, alarm.due_us - now_us)
                alarm.due_us = None
            return
        state = alarm.state
        if state.suppressed:
            return
        abnormal = tag.value is alarm.definition.abnormal
        # An alarm that its latch holds waits for the source to be abnormal again.
        if abnormal is (state.active and not state.latched):
            alarm.cancel_delay()
            return
        left_us = None
        if alarm.pending is abnormal:
            if alarm.due_us is not None:
                return
            left_us = alarm.left_us
        delay_us = alarm.definition.on_delay_us if abnormal else alarm.definition.off_delay_us
        if left_us is not None:
            delay_us = left_us
        alarm.cancel_delay()
        if delay_us <= 0:
            self._apply(alarm, abnormal, now_us)
            return
        alarm.pending = abnormal
        alarm.due_us = now_us + delay_us
        self._timers.at(alarm.due_us, lambda due_us: self._due(alarm, due_us))

    def _begin_anew(self, alarm: Alarm, now_us: TimeUs) -> None:
        """What holds it has changed: a delay that ran is called off, and one under the new terms may begin."""
        alarm.cancel_delay()
        self._changed(alarm.tag, now_us)

    def _due(self, alarm: Alarm, due_us: TimeUs) -> None:
        if alarm.due_us != due_us or alarm.pending is None:
            return  # the delay was called off or began anew
        abnormal = alarm.pending
        alarm.cancel_delay()
        self._apply(alarm, abnormal, due_us)

    def _apply(self, alarm: Alarm, abnormal: bool, now_us: TimeUs) -> None:
        definition, state = alarm.definition, alarm.state
        if abnormal:
            held = alarm.held
            if held is not None:
                alarm.raised_us = alarm.first_out = 0  # it has not come
                if held is AlarmState.SUPPRESSED:
                    self._move(alarm, AlarmEvent.SUPPRESSED, held, now_us, ("", "", ", ".join(alarm.masks)))
                else:
                    reason = alarm.outages[0].reason
                    self._move(alarm, AlarmEvent.OUT_OF_SERVICE, held, now_us, ("", "", reason))
                return
            if not state.unacknowledged:  # else it is still the occurrence that nobody has seen
                alarm.raised_us = now_us
                alarm.first_out = self._groups.join(alarm.tag.definition.site, self._sequence, now_us)
            raised = (
                AlarmState.ACTIVE_UNACKNOWLEDGED
                if definition.needs_acknowledgement
                else AlarmState.ACTIVE_ACKNOWLEDGED
            )
            self._move(alarm, AlarmEvent.RAISED, raised, now_us)
            return
        unacknowledged = state is AlarmState.ACTIVE_UNACKNOWLEDGED
        if definition.latching:
            latched = AlarmState.LATCHED_UNACKNOWLEDGED if unacknowledged else AlarmState.LATCHED_ACKNOWLEDGED
            self._move(alarm, AlarmEvent.RETURNED, latched, now_us)
        else:
            returned = AlarmState.RETURNED_UNACKNOWLEDGED if unacknowledged else AlarmState.NORMAL
            self._move(alarm, AlarmEvent.RETURNED, returned, now_us)

    def _hold(self, alarm: Alarm, event: AlarmEvent, now_us: TimeUs, by: By) -> None:
        alarm.cancel_delay()
        if alarm.state is AlarmState.NORMAL:
            alarm.raised_us = alarm.first_out = 0  # it has not come
        alarm.latch_kept = alarm.latch_kept or (alarm.definition.latching and alarm.state.active)
        held = alarm.held
        assert held is not None
        self._move(alarm, event, held, now_us, by)

    def _let_go(self, alarm: Alarm, event: AlarmEvent, now_us: TimeUs, by: By) -> None:
        held = alarm.held
        if not alarm.state.suppressed:
            if held is None:
                self._begin_anew(alarm, now_us)
            return
        self._move(alarm, event, held or AlarmState.NORMAL, now_us, by)
        if held is not None:
            return
        if alarm.latch_kept and not (alarm.abnormal and alarm.definition.on_delay_us <= 0):
            # Its latch stands at once: an on-delay that runs now may come to nothing.
            alarm.raised_us = now_us
            alarm.first_out = self._groups.join(alarm.tag.definition.site, self._sequence, now_us)
            latched = (
                AlarmState.LATCHED_UNACKNOWLEDGED
                if alarm.definition.needs_acknowledgement
                else AlarmState.LATCHED_ACKNOWLEDGED
            )
            self._move(alarm, AlarmEvent.RAISED, latched, now_us)
        alarm.latch_kept = False
        self._changed(alarm.tag, now_us)

    def _move(
        self,
        alarm: Alarm,
        event: AlarmEvent,
        state: AlarmState,
        now_us: TimeUs,
        by: By = _NOBODY,
    ) -> None:
        alarm.state = state
        definition = alarm.tag.definition
        self._emit(
            AlarmTransition(
                sequence=self._next(),
                time_us=now_us,
                alarm=alarm.tag.path,
                site=definition.site,
                level=alarm.definition.level,
                event=event,
                state=state,
                raised_us=alarm.raised_us,
                domain=definition.domain,
                nature=definition.nature,
                first_out=alarm.first_out,
                value=alarm.value_text(),
                user=by[0],
                origin=by[1],
                comment=by[2],
                until_us=alarm.until_us,
            )
        )
        self._tell_activity(alarm, now_us)

    def _note(
        self,
        branch: str,
        event: AlarmEvent,
        state: AlarmState,
        now_us: TimeUs,
        by: By,
        until_us: TimeUs | None,
    ) -> None:
        """A row about a branch, which is no alarm itself."""
        if branch in self._alarms:
            return  # it has a row of its own
        site = branch.partition(".")[0]
        self._emit(
            AlarmTransition(
                sequence=self._next(),
                time_us=now_us,
                alarm=branch,
                site="" if site == "System" else site,
                level=0,
                event=event,
                state=state,
                raised_us=now_us,
                user=by[0],
                origin=by[1],
                comment=by[2],
                until_us=until_us,
            )
        )

    def _next(self) -> int:
        sequence = self._sequence
        self._sequence += 1
        return sequence

    def _tell_activity(self, alarm: Alarm, now_us: TimeUs) -> None:
        activity = alarm.activity
        if activity is not None and activity.value is not alarm.state.active:
            activity.value = alarm.state.active
            activity.quality = GOOD
            if activity.watch is not None:
                activity.watch.react(activity, now_us)
