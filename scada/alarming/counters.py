"""How many alarms stand how: kept up at each transition, never by scanning.

For the project (`System`), each site, each branch with alarms, each level, domain and nature there is a set of
seven registers. A synthesis counts the alarms for which a filter is true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scada.alarming.alarm import AlarmFacts
from scada.core.database import TagDatabase, Write
from scada.core.path import parent
from scada.core.records import AlarmState
from scada.core.tag import Tag, TagDefinition
from scada.core.value import GOOD, TimeUs

COUNTERS: tuple[tuple[str, Callable[[AlarmState], bool]], ...] = (
    ("Active", lambda state: state.active),
    ("Unacknowledged", lambda state: state.unacknowledged),
    ("Acknowledged", lambda state: state.active and not state.unacknowledged),
    ("ReturnedUnacknowledged", lambda state: state is AlarmState.RETURNED_UNACKNOWLEDGED),
    ("Shelved", lambda state: state is AlarmState.SHELVED),
    ("Suppressed", lambda state: state is AlarmState.SUPPRESSED),
    ("OutOfService", lambda state: state is AlarmState.OUT_OF_SERVICE),
)
"""Name of the register → which states it counts."""

BRANCH = "Alarms"
"""The branch of a place's counters: `Depot.CP01.Alarms.Active`."""

_HITS = {state: tuple(int(counts(state)) for _, counts in COUNTERS) for state in AlarmState}


@dataclass(slots=True)
class _Set:
    """The seven registers of one place."""

    counts: list[int]
    tags: Sequence[Tag | None]


class Counters:
    """All counters of a database, as far as it has their tags."""

    def __init__(
        self,
        database: TagDatabase,
        syntheses: Sequence[tuple[Tag, Callable[[AlarmFacts, TimeUs], bool]]] = (),
    ) -> None:
        self._database = database
        self._sets: dict[str, _Set] = {}
        self._sets_of: dict[str, tuple[_Set, ...]] = {}
        self._states: dict[str, AlarmState] = {}
        self._dirty: dict[int, tuple[Tag, float]] = {}
        self._syntheses = syntheses
        self._totals = [0] * len(syntheses)
        self._matches: dict[str, tuple[bool, ...]] = {}

    def start(self) -> list[Write]:
        """The first value of each counter."""
        for tag in self._database:
            branch, _, name = tag.path.rpartition(".")
            if name == COUNTERS[0][0] and _is_counter_branch(branch):
                self._set(branch)
        batch: list[Write] = []
        for one in self._sets.values():
            batch += [(tag, float(n), GOOD, 0) for tag, n in zip(one.tags, one.counts, strict=True) if tag]
        batch += [(tag, float(n), GOOD, 0) for (tag, _), n in zip(self._syntheses, self._totals, strict=True)]
        self._dirty.clear()
        return batch

    def count(self, definition: TagDefinition, state: AlarmState, facts: AlarmFacts, now_us: TimeUs) -> None:
        """An alarm is in a state now."""
        path = definition.path
        before = self._states.get(path, AlarmState.NORMAL)
        if state is AlarmState.NORMAL:
            self._states.pop(path, None)
        else:
            self._states[path] = state
        if state is not before:
            old, new = _HITS[before], _HITS[state]
            for one in self._sets_for(definition):
                counts = one.counts
                for position, tag in enumerate(one.tags):
                    step = new[position] - old[position]
                    if step:
                        counts[position] += step
                        if tag is not None:
                            self._dirty[tag.index] = (tag, float(counts[position]))
        if self._syntheses:
            self._synthesize(path, facts, now_us)

    def drain(self) -> list[Write]:
        """The counters that changed since the last call, with their values."""
        batch: list[Write] = [(tag, value, GOOD, 0) for tag, value in self._dirty.values()]
        self._dirty.clear()
        return batch

    def _synthesize(self, path: str, facts: AlarmFacts, now_us: TimeUs) -> None:
        none = (False,) * len(self._syntheses)
        before = self._matches.get(path, none)
        # An alarm that is normal counts nowhere, whatever the filter says.
        normal = facts.state == AlarmState.NORMAL.value
        after = none if normal else tuple(filter_(facts, now_us) for _, filter_ in self._syntheses)
        if after == none:
            self._matches.pop(path, None)
        else:
            self._matches[path] = after
        for position, (was, is_) in enumerate(zip(before, after, strict=True)):
            if was is not is_:
                self._totals[position] += is_ - was
                tag = self._syntheses[position][0]
                self._dirty[tag.index] = (tag, float(self._totals[position]))

    def _sets_for(self, definition: TagDefinition) -> tuple[_Set, ...]:
        sets = self._sets_of.get(definition.path)
        if sets is None:
            sets = tuple(one for branch in branches_of(definition) if (one := self._set(branch)) is not None)
            self._sets_of[definition.path] = sets
        return sets

    def _set(self, branch: str) -> _Set | None:
        known = self._sets.get(branch)
        if known is None:
            tags = [self._database.get(f"{branch}.{name}") for name, _ in COUNTERS]
            if not any(tags):
                return None
            known = self._sets[branch] = _Set([0] * len(COUNTERS), tags)
        return known


def branches_of(definition: TagDefinition) -> list[str]:
    """The branches whose counters an alarm belongs to."""
    alarm = definition.alarm
    branches = [f"System.{BRANCH}"]
    if alarm is not None:
        branches.append(f"System.{BRANCH}.Level.L{alarm.level:02d}")
    if definition.domain:
        branches.append(f"System.{BRANCH}.Domain.{segment(definition.domain)}")
    if definition.nature:
        branches.append(f"System.{BRANCH}.Nature.{segment(definition.nature)}")
    place = parent(definition.path)
    while place and place != "System":
        branches.append(f"{place}.{BRANCH}")
        place = parent(place)
    return branches


def segment(word: str) -> str:
    """A domain or nature as a segment of a path."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in word)
    return kept if kept and not kept[0].isdigit() else f"_{kept}"


def _is_counter_branch(branch: str) -> bool:
    return branch.endswith(f".{BRANCH}") or branch.startswith(f"System.{BRANCH}.")
