"""What a message tells, as JSON: the alarm, event or report as it was when the message was decided.

Keys of an alarm: `sequence`, `time_us`, `alarm`, `site`, `level`, `domain`, `nature`, `event`, `state`, `raised_us`,
`first_out`, `value`, `user`, `comment`, `until_us`. Besides them
- of an escalation: `step` (from 1, repeats included), `steps` (how many there are at most), `repeat` (0: none yet),
  `since_us` (since when nobody has answered), `profile`;
- of a chattering alarm: `since_us` (first of the raises), `held_back` (messages that were kept from this reader),
  `chattering` (it still does).
Keys of a device event: `kind`, `path`, `site`, `data`, `time_us`, `notice`.
Keys of a timed report: `kind` (`report`), `report`, `site`, `time_us` (when it was due), `from_us` (when it was due
before).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scada.alarming.alarm import AlarmSnapshot
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.core.tag import TagDefinition

SNAPSHOT_LENGTH_MAX = 20_000
"""Characters; what an event or an action brings beyond is left out, and said to be."""


def snapshot(transition: AlarmTransition, more: Mapping[str, object] | None = None) -> str:
    """A transition as JSON, with what else a template needs."""
    return encode(
        {
            "sequence": transition.sequence,
            "time_us": transition.time_us,
            "alarm": transition.alarm,
            "site": transition.site,
            "level": transition.level,
            "domain": transition.domain,
            "nature": transition.nature,
            "event": transition.event.value,
            "state": transition.state.value,
            "raised_us": transition.raised_us,
            "first_out": transition.first_out,
            "value": transition.value,
            "user": transition.user,
            "comment": transition.comment,
            "until_us": transition.until_us,
            **(more or {}),
        }
    )


def encode(facts: Mapping[str, Any]) -> str:
    """Facts as JSON of bounded length: a device may send anything."""
    text = json.dumps(facts, ensure_ascii=False, default=str)
    if len(text) <= SNAPSHOT_LENGTH_MAX:
        return text
    short = {
        name: fact
        for name, fact in facts.items()
        if fact is None
        or isinstance(fact, (bool, int, float))
        or (isinstance(fact, str) and len(fact) <= 500)
    }
    return json.dumps({**dict(list(short.items())[:50]), "left_out": True}, ensure_ascii=False)


def standing(alarm: AlarmSnapshot, definition: TagDefinition) -> AlarmTransition:
    """The transition that an alarm of an earlier run stands for."""
    if alarm.state is AlarmState.RETURNED_UNACKNOWLEDGED:
        event = AlarmEvent.RETURNED
    else:
        event = AlarmEvent.ACKNOWLEDGED if alarm.acknowledged_by else AlarmEvent.RAISED
    return AlarmTransition(
        sequence=alarm.sequence,
        time_us=alarm.changed_us or alarm.raised_us,
        alarm=alarm.alarm,
        site=definition.site,
        level=definition.alarm.level if definition.alarm else 0,
        event=event,
        state=alarm.state,
        raised_us=alarm.raised_us,
        domain=definition.domain,
        nature=definition.nature,
        first_out=alarm.first_out,
        value=alarm.value,
        user=alarm.user,
        comment=alarm.comment,
        until_us=alarm.until_us,
    )
