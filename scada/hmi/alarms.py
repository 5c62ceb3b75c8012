"""Alarms as displays show them: pure functions from the published board to rows, marks and the banner."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from scada.core.path import leaf, parent
from scada.core.plant import Plant
from scada.core.records import AlarmState
from scada.i18n import Formats
from scada.runtime.board import AlarmBoard, AlarmView

ROWS_MAX = 500
"""Longest list sent to a browser; the counters always tell the whole number."""

PRIORITIES = ("critical", "high", "medium", "low", "journal")

STATES = {
    AlarmState.ACTIVE_UNACKNOWLEDGED: "unack",
    AlarmState.ACTIVE_ACKNOWLEDGED: "ack",
    AlarmState.RETURNED_UNACKNOWLEDGED: "returned",
}
"""State → the short name in style sheet, URL and messages."""

Json = dict[str, Any]

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?\Z")


def priority_number(priority: str) -> int:
    """1 (critical) to 5 (journal): the figure in the mark."""
    return PRIORITIES.index(priority) + 1 if priority in PRIORITIES else len(PRIORITIES)


def url_of(plant: Plant, path: str) -> str:
    """Where an operator handles what a tag or branch says."""
    place = plant.place_of(path + ".x")
    if place in plant.connectors_by_path:
        charger, _ = plant.connectors_by_path[place]
        return f"/site/{quote(charger.site)}?select={quote(place)}"
    if place in plant.chargers_by_path:
        return f"/charger/{quote(place)}"
    if any(place == site.path for site in plant.sites):
        return f"/site/{quote(place)}"
    return f"/tags?q={quote(place or path)}"


def device_name(plant: Plant, path: str, language: str) -> str:
    """Where an alarm is, as operators say it: `Depot · CP05 · C1`."""
    place = plant.place_of(path)
    if not place:
        return parent(path).replace(".", " · ")
    for site in plant.sites:
        if place == site.path:
            return plant.text(site.label, language) or place
        if place.startswith(site.path + "."):
            meter = next((m for m in site.meters if m.path == place), None)
            name = plant.text(meter.label, language) if meter else ""
            rest = [name] if name else place[len(site.path) + 1 :].split(".")
            # A threshold says of which register: three phases raise three alarms with the same words.
            register = plant.definitions.get(parent(path))
            of = [plant.text(register.label, language) or leaf(register.path)] if register else []
            return " · ".join([plant.text(site.label, language) or site.path, *rest, *of])
    return place.replace(".", " · ")


def alarm_text(plant: Plant, path: str, language: str) -> str:
    """What an alarm says; the tag's label where it has no message of its own."""
    definition = plant.definitions.get(path)
    if definition is None:
        return path
    message = plant.text(definition.alarm.message, language) if definition.alarm else ""
    return message or plant.text(definition.label, language) or path


def value_text(value: str, language: str) -> str:
    """A value as the journal keeps it (`236.2 A`), in the reader's way of writing numbers."""
    number, _, unit = value.partition(" ")
    if not _NUMBER.match(number):
        return value
    decimals = len(number.partition(".")[2])
    return f"{Formats(language, 'UTC').number(float(number), decimals)} {unit}".rstrip()


def row(plant: Plant, view: AlarmView, language: str) -> Json:
    """One line of the alarm list."""
    definition = view.definition
    return {
        "path": view.path,
        "site": view.site,
        "prio": priority_number(view.priority),
        "level": view.level,
        "state": STATES[view.state],
        "raised": view.raised_us // 1000,
        "changed": view.changed_us // 1000,
        "device": device_name(plant, view.path, language),
        "text": alarm_text(plant, view.path, language),
        "value": value_text(view.value, language),
        "user": view.user,
        "comment": view.comment,
        "journalled": view.journalled,
        "url": url_of(plant, view.path),
        "cause": plant.text(definition.cause, language),
        "consequence": plant.text(definition.consequence, language),
        "guidance": plant.text(definition.guidance, language),
    }


def rows(plant: Plant, board: AlarmBoard, language: str) -> Json:
    """The alarm list: unacknowledged first, then by level, newest first; `total` counts all."""
    views = board.views()
    return {"rows": [row(plant, view, language) for view in views[:ROWS_MAX]], "total": len(views)}


def marks(plant: Plant, views: Iterable[AlarmView]) -> dict[str, list[Any]]:
    """Branch → [priority, state] of the worst alarm there.

    An alarm marks its connector, charger, feeder and site; one of the charger itself marks all its connectors.
    """
    worst: dict[str, tuple[int, bool, AlarmView]] = {}

    def mark(branch: str, view: AlarmView) -> None:
        rank = (view.level, view.state.unacknowledged, view)
        if branch not in worst or rank[:2] > worst[branch][:2]:
            worst[branch] = rank

    for view in views:
        place = plant.place_of(view.path)
        mark(view.site, view)  # "" is the system itself
        charger = plant.chargers_by_path.get(place)
        if place in plant.connectors_by_path:
            charger, _ = plant.connectors_by_path[place]
            mark(place, view)
        elif charger is not None:
            for connector in charger.connectors:
                mark(connector.path, view)
        else:
            mark(place, view)
        if charger is not None:
            mark(charger.path, view)
            mark(f"{charger.site}/{charger.feeder}", view)
    return {
        branch: [priority_number(view.priority), STATES[view.state]] for branch, (_, _, view) in worst.items()
    }


NOTHING: Json = {"banner": None, "unacknowledged": 0, "active": 0, "total": 0, "marks": {}}
"""The summary for those who may not see the plant."""


def summary(plant: Plant, board: AlarmBoard, language: str) -> Json:
    """What every page shows: the banner's alarm, the counters and the marks."""
    views = board.views()
    highest = board.highest_unacknowledged()
    return {
        "banner": None if highest is None else row(plant, highest, language),
        "unacknowledged": sum(view.state.unacknowledged for view in views),
        "active": sum(view.state.active for view in views),
        "total": len(views),
        "marks": marks(plant, views),
    }
