"""Rows to look at templates with: previews, and the trial of a project's templates when it is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scada.core.message_ports import OutboxRow
from scada.core.plant import Contact, Plant
from scada.core.records import AlarmEvent, AlarmState, Channel, OutboxRecord
from scada.core.value import SECOND_US, TimeUs
from scada.notify.parcel import Parcel

SAMPLE_NUMBER = 4711
SEVERAL = 3


def sample(
    plant: Plant,
    template: str,
    kind: str,
    *,
    language: str,
    contact: Contact | None,
    now_us: TimeUs,
    alarm: str = "",
    channel: Channel = Channel.EMAIL,
) -> Parcel:
    """A message of a kind, about an alarm of the plant or the first there is.

    Args:
        kind: of facts, out of the values of `scada.notify.templates.SHIPPED`.
    """
    count = SEVERAL if kind == "several" else 1
    snapshots = [_snapshot(plant, template, kind, now_us, alarm, number) for number in range(count)]
    rows = [
        OutboxRow(
            id=number + 1,
            record=OutboxRecord(
                message_id=f"<preview.{number}@scada.invalid>",
                thread_id="",
                created_us=now_us,
                contact=contact.name if contact else "Ann",
                recipient=(contact.email if contact else "") or "ann@plant.example",
                language=language,
                template=template,
                cause=SAMPLE_NUMBER,
                snapshot=json.dumps(snapshot, ensure_ascii=False),
                channel=channel,
            ),
            state="held" if template == "digest" else "waiting",
            attempts=0,
            next_try_us=0,
            last_answer="",
            subject="",
        )
        for number, snapshot in enumerate(snapshots)
    ]
    return Parcel(tuple(rows))


def _snapshot(
    plant: Plant, template: str, kind: str, now_us: TimeUs, alarm: str, number: int
) -> Mapping[str, Any]:
    if kind == "event":
        path = next((charger.path for charger in plant.chargers()), "")
        site = plant.sites[0].path if plant.sites else ""
        return {"kind": "boot", "path": path, "site": site, "data": {"model": "X1"}, "time_us": now_us}
    if kind == "report":
        return {"kind": "report", "report": "Daily", "site": "", "time_us": now_us, "from_us": now_us}
    if kind == "action":
        texts = dict.fromkeys(plant.languages, "Text of the action")
        return {"action": "Action", "place": "", "text": texts, "time_us": now_us}
    if kind == "test":
        return {"user": "ann", "time_us": now_us}
    return _alarm(plant, template, now_us, alarm, number)


def _alarm(plant: Plant, template: str, now_us: TimeUs, alarm: str, number: int) -> Mapping[str, Any]:
    alarms = [tag for tag in plant.tags if tag.alarm is not None]
    wanted = [tag for tag in alarms if tag.path == alarm]
    # One that belongs to a device shows more than one of the product's own.
    with_device = sorted(alarms, key=lambda tag: not plant.place_of(tag.path))
    definition = None
    if with_device:
        definition = wanted[0] if wanted and number == 0 else with_device[number % len(with_device)]
    behaviour = definition.alarm if definition else None
    return {
        "sequence": SAMPLE_NUMBER + number,
        "time_us": now_us,
        "alarm": definition.path if definition else "Plant.Sample",
        "site": definition.site if definition else "",
        "level": behaviour.level if behaviour else 0,
        "domain": definition.domain if definition else "",
        "nature": definition.nature if definition else "",
        "event": AlarmEvent.RAISED.value,
        "state": AlarmState.ACTIVE_UNACKNOWLEDGED.value,
        "raised_us": now_us - 720 * SECOND_US,
        "value": "87 °C",
        "user": "",
        "comment": "",
        "step": 2 if template == "escalated" else 0,
        "held_back": 7 if template == "chatter_ended" else 0,
    }
