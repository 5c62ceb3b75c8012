"""What is kept from operators now, by whom and why: shelved alarms, branches out of service, masks, forced tags.

Pure: from board and masks to lines, as far as a role sees them. A forced tag is no alarm: who sees the plant sees it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from scada.alarming.masks import ActiveMask
from scada.core.access import Role
from scada.core.path import parent
from scada.core.records import AlarmState, HoldKind, HoldRecord
from scada.core.value import TimeUs
from scada.runtime.host import PlantHost

MASK = "mask"
"""Kind of a line that no person is behind, besides those of `HoldKind`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that is held, or that holds.

    Attributes:
        kind: value of `HoldKind`, or `MASK`.
        path: of the alarm, branch or tag; of a mask its pattern.
        name: of a mask.
        alarms: how many alarms it keeps back now.
        value: of a forced tag, as JSON.
    """

    kind: str
    path: str
    user: str
    reason: str
    since_us: TimeUs
    until_us: TimeUs | None
    alarms: int
    name: str = ""
    value: str = ""


def lines(host: PlantHost, role: Role, language: str) -> list[Line]:
    """Everything, newest first within each kind: shelved, out of service, masks, forced."""
    held = host.board.suppressed(role=role)
    kept: Counter[tuple[str, str]] = Counter()
    for view in held:
        branch = view.path
        while branch:
            kept[view.state.value, branch] += 1
            branch = parent(branch)
    found: list[Line] = []
    for hold in host.board.holds():
        if not _seen(host, role, hold):
            continue
        found.append(
            Line(
                kind=hold.kind.value,
                path=hold.path,
                user=hold.user,
                reason=hold.reason,
                since_us=hold.since_us,
                until_us=hold.until_us,
                value=hold.value,
                alarms=kept[hold.kind.value, hold.path],  # the words of kinds are those of states
            )
        )
    masked = {view.path for view in held if view.state is AlarmState.SUPPRESSED}
    found += [
        Line(
            kind=MASK,
            path=mask.definition.select,
            name=mask.definition.name,
            user="",
            reason=host.plant.text(mask.definition.reason, language) or mask.definition.name,
            since_us=mask.since_us,
            until_us=None,
            alarms=sum(alarm.tag.path in masked for alarm in mask.alarms),
        )
        for mask in _masks(host, role)
    ]
    order = (HoldKind.SHELVED.value, HoldKind.OUT_OF_SERVICE.value, MASK, HoldKind.FORCED.value)
    return sorted(found, key=lambda line: (order.index(line.kind), -line.since_us))


def count(host: PlantHost, role: Role, holds: Iterable[HoldRecord]) -> int:
    """How many lines there are."""
    return sum(_seen(host, role, hold) for hold in holds) + len(_masks(host, role))


def reaches(host: PlantHost, role: Role, branch: str) -> bool:
    """Whether a role sees an alarm at a path or below it."""
    own = host.tags.get(branch)
    return any(
        tag.definition.alarm is not None
        and role.sees(tag.definition.alarm.level, tag.definition.site, tag.definition.domain)
        for tag in chain((own,) if own is not None else (), host.tags.below(branch))
    )


def _seen(host: PlantHost, role: Role, hold: HoldRecord) -> bool:
    return hold.kind is HoldKind.FORCED or reaches(host, role, hold.path)


def _masks(host: PlantHost, role: Role) -> list[ActiveMask]:
    """The masks that hold and reach an alarm that the role sees."""
    return [
        mask
        for mask in host.core.masks.holding()
        if any(
            role.sees(alarm.definition.level, alarm.tag.definition.site, alarm.tag.definition.domain)
            for alarm in mask.alarms
        )
    ]
