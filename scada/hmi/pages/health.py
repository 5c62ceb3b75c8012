"""System health: services, what is written down, connections, versions; each with what to do when it is bad."""

from __future__ import annotations

import functools
import platform
import sqlite3
from dataclasses import dataclass
from importlib import metadata

from markupsafe import Markup

from scada.core.access import Right
from scada.core.path import leaf
from scada.core.tag import Source, Tag
from scada.hmi import alarms
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.i18n import marked

EVERY_S = 10.0
PAUSE_S = 1.0

_ = marked
SERVICE = "System.Service."
PARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("host", _("Computer and program"), ("LoopLag", "DiskFree", "SamplesDropped", "ActionsOk")),
    ("journal", _("Journal and history"), ("Journal", "History", "Samples")),
    ("feed", _("Copies elsewhere"), ("Feed", "Exports")),
    ("messages", _("Messages"), ("Mail", "Webhook", "Calendars", "Tokens")),
    (
        "doors",
        _("Doors and certificates"),
        ("LogIn", "Certificate", "OcppCertificate", "Opcua", "PendingChargers"),
    ),
)
"""Key, name, and how the tags below `System` begin that stand in a part; what fits none stands under `other`."""


@dataclass(frozen=True, slots=True)
class Line:
    """A tag of the system, its worst alarm, and what to do about it.

    Attributes:
        prio: of its worst alarm that stands; 0: all is well.
        guidance: what to do; empty: the catalogue says nothing.
    """

    tag: Tag
    prio: int
    state: str
    alarm: str
    guidance: str


@dataclass(frozen=True, slots=True)
class Link:
    """A driver's connections: so many of so many."""

    name: str
    up: int
    of: int
    url: str


@dataclass(frozen=True, slots=True)
class Package:
    """A package that the program stands on."""

    name: str
    version: str
    licence: str


async def build(visit: Visit) -> View:
    """The page."""
    host = visit.services.host
    tags = [tag for tag in host.tags.select("System.*") if _own(tag)]

    def line(tag: Tag) -> Line:
        paths = [tag.path, *(f"{tag.path}.{one.name}" for one in tag.definition.thresholds)]
        views = [view for path in paths if (view := host.board.get(path)) is not None and view.state.active]
        worst = max(views, key=lambda view: view.level, default=None)
        told = [host.tags.get(path) for path in ([worst.path] if worst else paths)]
        guidance = [visit.text(one.definition.alarm.guidance) for one in told if one and one.definition.alarm]
        return Line(
            tag,
            alarms.priority_number(worst.priority) if worst else 0,
            alarms.STATES[worst.state] if worst else "",
            alarms.alarm_text(visit.plant, worst.path, visit.language) if worst else "",
            next((text for text in guidance if text), ""),
        )

    async def body(live: Live) -> Markup:
        lines = [line(tag) for tag in tags]
        return visit.render(
            "health_body.html",
            live,
            services=[one for one in lines if one.tag.path.startswith(SERVICE)],
            parts=[(name, found) for name, found in _parts(lines) if found],
            links=links(visit),
            bad=[one for one in lines if one.prio],
        )

    live = visit.live()
    shown = await body(live)
    main = visit.render(
        "health.html",
        live,
        body=shown,
        facts=_versions(visit),
        packages=packages() if visit.actor.may(Right.MAINTAIN) else (),
    )
    return View(
        title=visit.tr("System health"),
        main=main,
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="health",
        fragments=[
            Fragment(
                slot="health", render=body, alarms=True, every_s=EVERY_S, pause_s=PAUSE_S, shown=str(shown)
            )
        ],
    )


def _own(tag: Tag) -> bool:
    """A state of its own, and no threshold of another tag, nor a counter of alarms."""
    if tag.definition.source is Source.COUNTER:
        return False
    return tag.path.count(".") == (2 if tag.path.startswith(SERVICE) else 1)


def _parts(lines: list[Line]) -> list[tuple[str, list[Line]]]:
    rest = [one for one in lines if not one.tag.path.startswith(SERVICE)]
    parts = []
    for _key, name, starts in PARTS:
        parts.append((name, [one for one in rest if leaf(one.tag.path).startswith(starts)]))
        rest = [one for one in rest if not leaf(one.tag.path).startswith(starts)]
    return [*parts, (_("Other"), rest)]


def links(visit: Visit) -> list[Link]:
    """Connections of the drivers."""
    tags = visit.services.host.tags

    def up(paths: list[str]) -> int:
        return sum(
            1 for path in paths if (tag := tags.get(f"{path}.Online")) is not None and tag.value is True
        )

    chargers = [one.path for one in visit.plant.chargers()]
    meters = [one.path for one in visit.plant.meters()]
    found = [
        Link(visit.tr("Chargers (OCPP)"), up(chargers), len(chargers), "/commissioning"),
        Link(visit.tr("Meters (Modbus)"), up(meters), len(meters), "/meters"),
    ]
    clients, limit = tags.get("System.OpcuaClients"), tags.get("System.OpcuaClientsMax")
    if clients is not None and limit is not None:
        count = [int(tag.value) if isinstance(tag.value, (int, float)) else 0 for tag in (clients, limit)]
        found.append(Link(visit.tr("OPC UA clients"), count[0], count[1], "/tag/System.OpcuaClients"))
    return [one for one in found if one.of]


def _versions(visit: Visit) -> list[tuple[str, str]]:
    formats, tr = visit.formats(), visit.tr
    now_us = visit.services.host.clock.now_us()
    facts = [
        (tr("Program"), visit.services.version),
        (tr("Clock"), f"{formats.date_time(now_us)} {visit.plant.timezone}"),
    ]
    if visit.actor.may(Right.MAINTAIN):  # a guest need not know what to look for a hole in
        facts += [
            ("Python", platform.python_version()),
            ("SQLite", sqlite3.sqlite_version),
            (tr("System"), f"{platform.system()} {platform.release()} {platform.machine()}"),
        ]
    return facts


@functools.cache
def packages() -> tuple[Package, ...]:
    """The packages installed beside the program, by name."""
    found = {}
    for one in metadata.distributions():
        about = one.metadata
        name = about["Name"]
        if not name:
            continue
        classifiers = [
            entry.rpartition("::")[2].strip()
            for entry in about.get_all("Classifier", [])
            if entry.startswith("License ::")
        ]
        licence = about["License-Expression"] or ", ".join(classifiers) or (about["License"] or "")
        found[name.casefold()] = Package(name, one.version, " ".join(licence.split())[:80])
    return tuple(found[key] for key in sorted(found))
