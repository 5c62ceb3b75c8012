"""Alarms as displays show them: pure functions from the published board to rows, marks and the banner.

Whoever looks sees what the role sees: every function here takes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from scada.core.access import Actor, Right, Role
from scada.core.path import leaf, parent
from scada.core.plant import Level, Plant
from scada.core.records import AlarmState, HoldKind, HoldRecord
from scada.core.tag import AlarmDefinition
from scada.hmi.not_normal import oddities
from scada.i18n import Formats
from scada.runtime import suppressions
from scada.runtime.board import AlarmView
from scada.runtime.host import PlantHost

PRIORITIES = ("critical", "high", "medium", "low", "journal")
THEME_COLOURS = {
    "critical": "#c8102e",
    "high": "#e07000",
    "medium": "#d9b300",
    "low": "#8f5bb5",
    "journal": "#5d6a75",
}
"""Colours for which the style sheet has a measured one in each theme; a level of another colour shows its own."""

STATES = {
    AlarmState.NORMAL: "normal",
    AlarmState.ACTIVE_UNACKNOWLEDGED: "unack",
    AlarmState.ACTIVE_ACKNOWLEDGED: "ack",
    AlarmState.RETURNED_UNACKNOWLEDGED: "returned",
    AlarmState.LATCHED_UNACKNOWLEDGED: "latched_unack",
    AlarmState.LATCHED_ACKNOWLEDGED: "latched_ack",
    AlarmState.OUT_OF_SERVICE: "out_of_service",
    AlarmState.SHELVED: "shelved",
    AlarmState.SUPPRESSED: "suppressed",
}
"""State → the short name in style sheet, URL and messages."""

FORCED_MAX = 500
OUTAGES_MAX = 2_000
"""Bounds of what every page is told of; the page of what is suppressed lists all."""

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
        return f"/site/{quote(charger.site)}?connector={quote(place)}"
    if place in plant.chargers_by_path:
        return f"/charger/{quote(place)}"
    if any(place == site.path for site in plant.sites):
        return f"/site/{quote(place)}"
    return f"/tags?q={quote(place or path)}"


def handled_at(plant: Plant, path: str, definition: AlarmDefinition) -> str:
    """The page on which an alarm is handled: the one it names, else that of its device."""
    return "/" + definition.page.lstrip("/") if definition.page else url_of(plant, path)


def alarm_url(path: str) -> str:
    """The page of one alarm."""
    return f"/alarm/{quote(path)}"


def device_name(plant: Plant, path: str, language: str) -> str:
    """Where an alarm is, as operators say it: `Depot · CP05 · C1`."""
    place = plant.place_of(path)
    if not place:
        return parent(path).replace(".", " · ")
    name = branch_name(plant, place, language)
    # A threshold says of which register: three phases raise three alarms with the same words.
    register = plant.definitions.get(parent(path))
    return f"{name} · {plant.text(register.label, language) or leaf(register.path)}" if register else name


def branch_name(plant: Plant, branch: str, language: str) -> str:
    """What operators call a site, charger, connector, meter, or a tag in one."""
    for site in plant.sites:
        name = plant.text(site.label, language) or site.path
        if branch == site.path:
            return name
        if branch.startswith(site.path + "."):
            meter = next((m for m in site.meters if m.path == branch), None)
            label = plant.text(meter.label, language) if meter else ""
            return " · ".join([name, *([label] if label else branch[len(site.path) + 1 :].split("."))])
    return branch.replace(".", " · ")


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


def may(actor: Actor, right: Right, definition: AlarmDefinition, site: str, domain: str) -> bool:
    """Whether somebody may acknowledge or mask an alarm that he sees."""
    role = actor.scope
    low, high = role.acknowledge if right is Right.ACKNOWLEDGE else role.mask
    level = definition.level_to_acknowledge if right is Right.ACKNOWLEDGE else definition.level_to_mask
    return actor.may(right) and low <= level <= high and role.covers(site, domain)


def row(plant: Plant, view: AlarmView, language: str, *, first: bool = False) -> Json:
    """One line of the alarm list.

    Args:
        first: it is the first-out of a group.
    """
    return {
        "path": view.path,
        "prio": priority_number(view.priority),
        "level": view.level,
        "state": STATES[view.state],
        "raised": view.raised_us // 1000,
        "changed": view.changed_us // 1000,
        "device": device_name(plant, view.path, language),
        "text": alarm_text(plant, view.path, language),
        "value": value_text(view.value, language),
        "user": view.acknowledged_by,
        "comment": view.comment,
        "journalled": view.journalled,
        "first": first,
        "url": handled_at(plant, view.path, view.definition),
    }


def marks(plant: Plant, views: Iterable[AlarmView]) -> dict[str, list[Any]]:
    """Branch → [priority, state, level] of the worst alarm there.

    An alarm marks its connector, charger, feeder and site; one of the charger itself marks all its connectors.
    """
    worst: dict[str, tuple[int, bool, AlarmView]] = {}

    def mark(branch: str, rank: tuple[int, bool, AlarmView]) -> None:
        known = worst.get(branch)
        if known is None or rank[:2] > known[:2]:
            worst[branch] = rank

    for view in views:
        place = view.device
        rank = (view.level, view.state.unacknowledged, view)
        mark(view.site, rank)  # "" is the system itself
        charger = plant.chargers_by_path.get(place)
        if place in plant.connectors_by_path:
            charger, _ = plant.connectors_by_path[place]
            mark(place, rank)
        elif charger is not None:
            for connector in charger.connectors:
                mark(connector.path, rank)
        else:
            mark(place, rank)
        if charger is not None:
            mark(charger.path, rank)
            mark(f"{charger.site}/{charger.feeder}", rank)
    return {
        branch: [priority_number(view.priority), STATES[view.state], view.level]
        for branch, (_, _, view) in worst.items()
    }


def looks(levels: Iterable[Level], language: str, plant: Plant) -> dict[int, Json]:
    """Level → what its mark looks like where it is not as the style sheet has it, and what it sounds like."""
    return {
        level.number: {
            "name": plant.text(level.name, language),
            "colour": "" if level.colour.lower() == THEME_COLOURS.get(level.priority) else level.colour,
            "flash": level.flash,
            "sound": level.sound,
        }
        for level in levels
    }


NOTHING: Json = {
    "banner": None,
    "unacknowledged": 0,
    "active": 0,
    "total": 0,
    "suppressed": 0,
    "not_normal": 0,
    "marks": {},
    "outages": {},
    "forced": {},
}
"""The summary for those who may not see the plant."""


def summary(host: PlantHost, language: str, role: Role) -> Json:
    """What every page shows: the banner's alarm, the counters, the marks, and what is out of service or forced."""
    return in_language(host, picture(host, role), language, role)


def picture(host: PlantHost, role: Role) -> Json:
    """The part of the summary that is the same in each language."""
    views = host.board.views(role=role)
    holds = host.board.holds()
    suppressed = suppressions.count(host, role, holds)
    return {
        "unacknowledged": sum(view.state.unacknowledged for view in views),
        "active": sum(view.state.active for view in views),
        "total": len(views),
        "suppressed": suppressed,
        "not_normal": suppressed + len(oddities(host, role)),
        "marks": marks(host.plant, views),
        "outages": _outages(host, role, holds),
        "forced": _forced(host, holds),
    }


def in_language(host: PlantHost, shared: Mapping[str, Any], language: str, role: Role) -> Json:
    """The summary out of its picture."""
    highest = host.board.highest_unacknowledged(role)
    return {**shared, "banner": None if highest is None else row(host.plant, highest, language)}


def _outages(host: PlantHost, role: Role, holds: Iterable[HoldRecord]) -> dict[str, list[Any]]:
    """Branch out of service → [user, reason, end]."""
    found = (
        hold
        for hold in holds
        if hold.kind is HoldKind.OUT_OF_SERVICE and suppressions.reaches(host, role, hold.path)
    )
    return {hold.path: _told(hold) for hold, _ in zip(found, range(OUTAGES_MAX), strict=False)}


def _forced(host: PlantHost, holds: Iterable[HoldRecord]) -> dict[int, list[Any]]:
    """Index of a forced tag → [user, reason, end]."""
    found: dict[int, list[Any]] = {}
    for hold in holds:
        tag = host.tags.get(hold.path) if hold.kind is HoldKind.FORCED else None
        if tag is not None and len(found) < FORCED_MAX:
            found[tag.index] = _told(hold)
    return found


def _told(hold: HoldRecord) -> list[Any]:
    return [hold.user, hold.reason, hold.until_us // 1000 if hold.until_us is not None else None]
