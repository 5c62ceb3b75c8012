"""What people hold: shelved alarms, branches out of service, forced tags. Each ends by hand or by the time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from scada.alarming.alarm import Alarm, By, check_comment
from scada.alarming.engine import AlarmEngine
from scada.core.database import TagDatabase, coerce
from scada.core.errors import BadRequest, NotFound
from scada.core.records import HoldKind, HoldRecord
from scada.core.substitution import Forcing
from scada.core.tag import Tag, TagDefinition
from scada.core.timers import Timers
from scada.core.value import SECOND_US, TimeUs, Value

SHELVE_MAX_US = 7 * 86_400 * SECOND_US
"""Longest shelving. What shall be silent for longer is taken out of service, or is no alarm."""

_TIME = ("", "", "")


class Holds:
    """All that is held, by kind and path.

    Args:
        emit: takes each hold when it begins, changes and ends.
    """

    def __init__(
        self,
        database: TagDatabase,
        engine: AlarmEngine,
        timers: Timers,
        emit: Callable[[HoldRecord], None],
    ) -> None:
        self._database = database
        self._engine = engine
        self._timers = timers
        self._emit = emit
        self._forcing = Forcing(database)
        self._holds: dict[tuple[HoldKind, str], HoldRecord] = {}

    def __iter__(self) -> Iterator[HoldRecord]:
        return iter(self._holds.values())

    def get(self, kind: HoldKind, path: str) -> HoldRecord | None:
        """The hold of a kind on a path, or None."""
        return self._holds.get((kind, path))

    def restore(self, holds: Iterable[HoldRecord], now_us: TimeUs) -> None:
        """Hold again what an earlier run held; what is no longer configured is let go of."""
        for hold in holds:
            if hold.kind is HoldKind.FORCED:
                tag = self._database.get(hold.path)
                value = _parse(tag.definition, hold.value) if tag is not None else None
                if tag is None or value is None:
                    self._emit(replace(hold, active=False))
                    continue
                self._forcing.force(tag, value, now_us)
            elif not self._held(hold):
                self._emit(replace(hold, active=False))
                continue
            self._enter(hold)

    def shelve(self, alarms: Iterable[Alarm], by: By, until_us: TimeUs, now_us: TimeUs) -> list[str]:
        """Shelve alarms. Returns their paths.

        Raises:
            BadRequest: no reason, or a time that is over or too far away; nothing was changed.
        """
        _check_reason(by)
        if not now_us < until_us <= now_us + SHELVE_MAX_US:
            raise BadRequest(f"shelving ends between now and {SHELVE_MAX_US // 86_400_000_000} days from now")
        done = []
        for alarm in alarms:
            hold = self._record(HoldKind.SHELVED, alarm.tag.path, by, now_us, until_us)
            self._engine.shelve(alarm, hold, now_us)
            done.append(alarm.tag.path)
        return done

    def unshelve(self, alarms: Iterable[Alarm], by: By, now_us: TimeUs) -> list[str]:
        """Take alarms off the shelf; those that are not there are passed over. Returns the paths."""
        check_comment(by[2])
        return [
            alarm.tag.path
            for alarm in alarms
            if self._end(HoldKind.SHELVED, alarm.tag.path) and self._engine.unshelve(alarm, by, now_us)
        ]

    def take_out(self, branch: str, by: By, until_us: TimeUs | None, now_us: TimeUs) -> None:
        """Take a branch out of service.

        Raises:
            NotFound: no alarm lies there.
            BadRequest: no reason, or a time that is over.
        """
        _check_reason(by)
        _check_end(until_us, now_us)
        if not self._engine.below(branch):
            raise NotFound(f"there is no alarm at {branch} or below it")
        self._engine.take_out(self._record(HoldKind.OUT_OF_SERVICE, branch, by, now_us, until_us), now_us)

    def put_in(self, branch: str, by: By, now_us: TimeUs) -> None:
        """Put a branch back into service. Raises BadRequest where it is not out of it by itself."""
        check_comment(by[2])
        if not self._end(HoldKind.OUT_OF_SERVICE, branch):
            raise BadRequest(f"{branch} is not out of service itself")
        self._engine.put_in(branch, by, now_us)

    def force(self, tag: Tag, value: Value, by: By, until_us: TimeUs | None, now_us: TimeUs) -> None:
        """Force a tag; the value is of its kind. Raises BadRequest: no reason, or a time that is over."""
        _check_reason(by)
        _check_end(until_us, now_us)
        self._forcing.force(tag, value, now_us)
        self._record(HoldKind.FORCED, tag.path, by, now_us, until_us, json.dumps(value))

    def release(self, tag: Tag, now_us: TimeUs) -> None:
        """Give a forced tag back. Raises BadRequest where it is not forced."""
        self._forcing.release(tag, now_us)
        self._end(HoldKind.FORCED, tag.path)

    def _held(self, hold: HoldRecord) -> bool:
        """Whether there still is what an earlier run shelved or took out of service."""
        if hold.kind is HoldKind.SHELVED:
            return self._engine.get(hold.path) is not None
        return bool(self._engine.below(hold.path))

    def _record(
        self,
        kind: HoldKind,
        path: str,
        by: By,
        now_us: TimeUs,
        until_us: TimeUs | None,
        value: str = "",
    ) -> HoldRecord:
        hold = HoldRecord(
            kind=kind,
            path=path,
            user=by[0],
            origin=by[1],
            reason=by[2],
            since_us=now_us,
            until_us=until_us,
            value=value,
        )
        self._enter(hold)
        self._emit(hold)
        return hold

    def _enter(self, hold: HoldRecord) -> None:
        self._holds[hold.kind, hold.path] = hold
        if hold.until_us is not None:
            self._timers.at(hold.until_us, lambda due_us: self._over(hold, due_us))

    def _end(self, kind: HoldKind, path: str) -> bool:
        hold = self._holds.pop((kind, path), None)
        if hold is None:
            return False
        self._emit(replace(hold, active=False))
        return True

    def _over(self, hold: HoldRecord, now_us: TimeUs) -> None:
        if self._holds.get((hold.kind, hold.path)) is not hold:
            return  # it ended by hand, or was held anew
        if hold.kind is HoldKind.FORCED:
            self.release(self._database[hold.path], now_us)
        elif hold.kind is HoldKind.OUT_OF_SERVICE:
            self.put_in(hold.path, _TIME, now_us)
        else:
            self.unshelve(self._engine.find([hold.path]), _TIME, now_us)


def _check_reason(by: By) -> None:
    if not by[2].strip():
        raise BadRequest("a reason is needed")
    check_comment(by[2])


def _check_end(until_us: TimeUs | None, now_us: TimeUs) -> None:
    if until_us is not None and until_us <= now_us:
        raise BadRequest("the end lies in the past")


def _parse(definition: TagDefinition, text: str) -> Value:
    """The value of an earlier run; None where it does not fit the tag any more."""
    try:
        return coerce(definition, json.loads(text), any_choice=True)
    except ValueError:
        return None
