"""One alarm: where it stands, what holds it back, and how it is told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scada.core.database import TagDatabase
from scada.core.errors import BadRequest
from scada.core.path import parent
from scada.core.records import AlarmState, AlarmTransition, HoldRecord
from scada.core.tag import AlarmDefinition, Tag
from scada.core.value import TimeUs, is_good

COMMENT_LENGTH_MAX = 500
By = tuple[str, str, str]
"""(user, origin, comment)."""

VALUE_LENGTH_MAX = 60
"""Of a text that a device sends, so much goes into the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSnapshot:
    """An alarm as an earlier run left it.

    Attributes:
        sequence, changed_us, value, user, comment, until_us: of the last transition.
        acknowledged_by: who acknowledged this occurrence, or empty.
        leads: it was the first-out of its group.
    """

    alarm: str
    state: AlarmState
    raised_us: TimeUs
    sequence: int = 0
    first_out: int = 0
    leads: bool = False
    changed_us: TimeUs = 0
    value: str = ""
    user: str = ""
    acknowledged_by: str = ""
    comment: str = ""
    until_us: TimeUs | None = None


class Alarm:
    """One alarm-capable bit.

    Attributes:
        value_of: the tag whose value is noted with a transition, or None.
        pending: the state (abnormal?) that the running delay leads to; None: no delay runs.
        due_us: when the delay ends; None while it is frozen.
        left_us: what is left of a frozen delay.
        masks: names of the masks that hold.
        shelf: by whom it is shelved, or None.
        outages: what takes it out of service: holds of branches that it lies in.
        latch_kept: it stood and latches when it was suppressed; it comes back with its latch.
        activity: a tag that is true while the alarm is active, where an expression asks for it.
    """

    __slots__ = (
        "activity",
        "definition",
        "due_us",
        "first_out",
        "latch_kept",
        "left_us",
        "masks",
        "outages",
        "pending",
        "raised_us",
        "shelf",
        "state",
        "tag",
        "value_of",
    )

    def __init__(self, tag: Tag, definition: AlarmDefinition, value_of: Tag | None) -> None:
        self.tag = tag
        self.definition = definition
        self.value_of = value_of
        self.state = AlarmState.NORMAL
        self.raised_us: TimeUs = 0
        self.first_out = 0
        self.pending: bool | None = None
        self.due_us: TimeUs | None = None
        self.left_us: TimeUs | None = None
        self.masks: tuple[str, ...] = ()
        self.shelf: HoldRecord | None = None
        self.outages: tuple[HoldRecord, ...] = ()
        self.latch_kept = False
        self.activity: Tag | None = None

    @property
    def held(self) -> AlarmState | None:
        """The suppressed state that what holds it back leads to; None: nothing does."""
        if self.outages:
            return AlarmState.OUT_OF_SERVICE
        if self.shelf is not None:
            return AlarmState.SHELVED
        return AlarmState.SUPPRESSED if self.masks else None

    @property
    def until_us(self) -> TimeUs | None:
        """When what people hold it by ends; None: open, or nothing."""
        if self.outages:
            ends = [hold.until_us for hold in self.outages]
            return None if None in ends else max(end for end in ends if end is not None)
        return self.shelf.until_us if self.shelf is not None else None

    @property
    def abnormal(self) -> bool:
        """Whether the source is abnormal, for sure."""
        return self.tag.value is self.definition.abnormal and is_good(self.tag.quality)

    def cancel_delay(self) -> None:
        """No delay runs any more."""
        self.pending = self.due_us = self.left_us = None

    def value_text(self) -> str:
        """The noted tag's value with its unit, or empty."""
        tag = self.value_of
        if tag is None or isinstance(tag.value, bool):
            return ""
        definition = tag.definition
        if isinstance(tag.value, (int, float)):
            return f"{tag.value:.{definition.decimals}f} {definition.unit}".rstrip()
        return (tag.value or "")[:VALUE_LENGTH_MAX]


def value_of(database: TagDatabase, path: str, name: str) -> Tag | None:
    """The tag whose value is noted with an alarm: the named one in the nearest branch, else the register of a threshold."""
    branch = parent(path)
    if not name:
        return database.get(branch)
    while branch:
        found = database.get(f"{branch}.{name}")
        if found is not None:
            return found
        branch = parent(branch)
    return None


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """What a filter may ask of an alarm (`scada.core.expression.functions.ALARM_FIELDS`)."""

    path: str
    name: str
    site: str
    device: str
    domain: str
    nature: str
    level: float
    priority: str
    event: str
    state: str
    active: bool
    unacknowledged: bool
    suppressed: bool


def facts_of(
    transition: AlarmTransition, definition: AlarmDefinition, device: str, priority: str
) -> AlarmFacts:
    """The properties of an alarm after a transition."""
    state = transition.state
    return AlarmFacts(
        path=transition.alarm,
        name=definition.name,
        site=transition.site,
        device=device,
        domain=transition.domain,
        nature=transition.nature,
        level=float(transition.level),
        priority=priority,
        event=transition.event.value,
        state=state.value,
        active=state.active,
        unacknowledged=state.unacknowledged,
        suppressed=state.suppressed,
    )


ACKNOWLEDGED: Mapping[AlarmState, AlarmState] = {
    AlarmState.ACTIVE_UNACKNOWLEDGED: AlarmState.ACTIVE_ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED: AlarmState.NORMAL,
    AlarmState.LATCHED_UNACKNOWLEDGED: AlarmState.LATCHED_ACKNOWLEDGED,
}
"""What acknowledging makes of a state; the others have nothing to acknowledge."""


def check_comment(comment: str) -> None:
    """Raise BadRequest for a comment that is too long."""
    if len(comment) > COMMENT_LENGTH_MAX:
        raise BadRequest(f"a comment has at most {COMMENT_LENGTH_MAX} characters")
