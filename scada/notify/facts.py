"""What a template may use: texts and numbers, in the reader's language and time zone, each on one line.

Values may come from a charger. They enter only as data of a sandboxed template, without control characters, so none
can become a header, a second message or code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scada.core.path import leaf
from scada.core.plant import Contact, Plant
from scada.core.records import AlarmState, OutboxRecord
from scada.core.tag import AlarmDefinition, Tag
from scada.core.value import SECOND_US, TimeUs, is_good, quality_name
from scada.i18n import DEFAULT_LANGUAGE, LANGUAGES, Formats
from scada.notify.links import LinkSigner
from scada.notify.message import one_line

FIELD_LENGTH_MAX = 2_000
DATA_ITEMS_MAX = 50
SNAPSHOT_DEPTH_MAX = 4

ReadTag = Callable[[str], Tag | None]
"""Path → the live tag, read when a message is made; None: there is none."""
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a message is for."""

    name: str
    language: str
    zone: ZoneInfo

    def time(self, time_us: object) -> str:
        """A moment with the name of the zone; empty for what is none."""
        if isinstance(time_us, bool) or not isinstance(time_us, int) or not time_us:
            return ""
        try:
            local = datetime.fromtimestamp(time_us / SECOND_US, self.zone)
        except (ValueError, OverflowError, OSError):
            return ""
        return f"{local:%Y-%m-%d %H:%M:%S} {zone_name(local)}"


class ValueText(str):
    """The fact `value`: the text of the alarm's own value, and as `value(path)` the value of any tag."""

    read: Callable[[str], object]

    def __new__(cls, text: str, read: Callable[[str], object]) -> ValueText:
        """A text that can be called."""
        made = super().__new__(cls, text)
        made.read = read
        return made

    def __call__(self, path: str) -> object:
        """The value of a tag."""
        return self.read(path)


class FactMaker:
    """Makes the facts of a plant's messages.

    Args:
        read: for `tag(…)`, `value(…)`, `quality(…)` and `age_s(…)` of templates. Called where messages are made.
        links: makes tokens for links; None: there are no links.
    """

    def __init__(self, plant: Plant, read: ReadTag, links: LinkSigner | None) -> None:
        self._plant = plant
        self._read = read
        self._links = links
        self._levels = {level.number: level for level in plant.levels}
        self._sites = {site.path: site for site in plant.sites}
        self._meters = {meter.path: meter for meter in plant.meters()}
        self._contacts = {contact.name: contact for contact in plant.contacts}

    def contact(self, name: str) -> Contact | None:
        """The contact of this name; None: he is no longer in the project."""
        return self._contacts.get(name)

    def reader(self, record: OutboxRecord) -> Reader:
        """Whom a row is for; a contact who has gone reads in the project's time zone."""
        contact = self._contacts.get(record.contact)
        try:
            zone = ZoneInfo(contact.timezone if contact else self._plant.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            zone = ZoneInfo("UTC")
        return Reader(record.contact, record.language, zone)

    def common(self, reader: Reader, words: Mapping[str, Any], now_us: TimeUs) -> Facts:
        """What every template may use."""
        plant = self._plant
        return {
            "w": words,
            "language": reader.language,
            "contact": one_line(reader.name, FIELD_LENGTH_MAX),
            "project": one_line(plant.text(plant.label, reader.language) or plant.name, FIELD_LENGTH_MAX),
            "zone": zone_name(datetime.fromtimestamp(now_us / SECOND_US, reader.zone)),
            "now": reader.time(now_us),
            "public_url": plant.oncall.public_url.rstrip("/"),
            "page_url": self._url("/"),
            "held_back": 0,
            "held_since": "",
            **self._tag_functions(reader, words, now_us),
        }

    def alarm(
        self, snapshot: Mapping[str, Any], record: OutboxRecord, reader: Reader, now_us: TimeUs
    ) -> Facts:
        """The facts of one alarm."""
        plant, language = self._plant, reader.language
        path = str(snapshot.get("alarm", ""))
        definition = plant.definitions.get(path)
        texts = (definition.alarm if definition else None) or AlarmDefinition(level=0)
        label = plant.text(definition.label, language) if definition else ""
        site = self._sites.get(str(snapshot.get("site", "")))
        level = self._levels.get(_int(snapshot.get("level")))
        state = _state(snapshot.get("state"))
        raised_us = _int(snapshot.get("raised_us")) or record.created_us
        since_us = _int(snapshot.get("since_us")) or raised_us
        unacknowledged = state is not None and state.unacknowledged
        place = plant.place_of(path)
        token = (
            self._links.make(path, raised_us, record.contact, now_us)
            if self._links and unacknowledged
            else ""
        )
        facts: Facts = {
            "message": plant.text(texts.message, language) or label or path or record.template,
            "event": _event(snapshot),
            "state": state.value if state else str(snapshot.get("state", "")),
            "active": state is not None and state.active,
            "unacknowledged": unacknowledged,
            "time": reader.time(_int(snapshot.get("time_us")) or record.created_us),
            "raised": reader.time(raised_us),
            "since": span(now_us - since_us),
            "site": (plant.text(site.label, language) or site.path)
            if site
            else plant.text(plant.label, language) or plant.name,
            "site_path": site.path if site else "",
            "device": self.device(path, language),
            "device_path": place,
            "level": _int(snapshot.get("level")),
            "level_name": plant.text(level.name, language) if level else "",
            "priority": level.priority if level else "",
            "domain": str(snapshot.get("domain") or (definition.domain if definition else "")),
            "nature": str(snapshot.get("nature") or (definition.nature if definition else "")),
            "value": str(snapshot.get("value", "")),
            "user": str(snapshot.get("user", "")),
            "comment": str(snapshot.get("comment", "")),
            "cause": plant.text(texts.cause, language),
            "consequence": plant.text(texts.consequence, language),
            "guidance": plant.text(texts.guidance, language),
            "alarm": path,
            "sequence": _int(snapshot.get("sequence")) or record.cause,
            "step": _int(snapshot.get("step")),
            "steps": _int(snapshot.get("steps")),
            "repeat": _int(snapshot.get("repeat")),
            "chattering": bool(snapshot.get("chattering")),
            "kept": _int(snapshot.get("held_back")),
            "token": token,
            "ack_url": self._url(f"/a/{token}") if token else "",
            "page_url": self._page_url(texts.page, place),
        }
        return flat(facts)

    def event(self, snapshot: Mapping[str, Any], record: OutboxRecord, reader: Reader) -> Facts:
        """The facts of a device event."""
        path = str(snapshot.get("path", ""))
        site = self._sites.get(str(snapshot.get("site", "")))
        data = snapshot.get("data")
        facts = {
            "event": str(snapshot.get("kind", "")),
            "notice": str(snapshot.get("notice", "")),
            "path": path,
            "time": reader.time(_int(snapshot.get("time_us")) or record.created_us),
            "site": self._plant.text(site.label, reader.language) or site.path if site else "",
            "site_path": site.path if site else "",
            "device": self.device(f"{path}.x", reader.language) or path,
            "device_path": path,
            "page_url": self._page_url("", path),
            "data": data if isinstance(data, dict) else {},
        }
        return flat(facts)

    def action(self, snapshot: Mapping[str, Any], record: OutboxRecord, reader: Reader) -> Facts:
        """The facts of a message that an action sends."""
        text = snapshot.get("text", "")
        place = str(snapshot.get("place", ""))
        words = (
            {str(key): str(one) for key, one in text.items()} if isinstance(text, dict) else {"": str(text)}
        )
        return flat(
            {
                "action": str(snapshot.get("action", "")),
                "text": self._plant.text(words, reader.language),
                "place": place,
                "device": self.device(f"{place}.x", reader.language) if place else "",
                "device_path": place,
                "time": reader.time(_int(snapshot.get("time_us")) or record.created_us),
                "page_url": self._page_url("", place),
            }
        )

    def test(self, snapshot: Mapping[str, Any], record: OutboxRecord, reader: Reader) -> Facts:
        """The facts of a test, a self-test, or anything else that has no more to say."""
        return flat(
            {
                "user": str(snapshot.get("user", "")),
                "report": str(snapshot.get("report", "")),
                "time": reader.time(_int(snapshot.get("time_us")) or record.created_us),
            }
        )

    def callback_url(self, contact: str) -> str:
        """Where a webhook's receiver calls back, or empty."""
        return self._url(f"/api/v1/oncall/callback/{quote(contact, safe='')}")

    def device(self, path: str, language: str) -> str:
        """The charger (with connector) or meter that a tag belongs to, or empty."""
        plant = self._plant
        place = plant.place_of(path)
        if place in plant.connectors_by_path:
            charger, connector = plant.connectors_by_path[place]
            return _named(f"{charger.name} {leaf(connector.path)}", plant.text(charger.label, language))
        if place in plant.chargers_by_path:
            charger = plant.chargers_by_path[place]
            return _named(charger.name, plant.text(charger.label, language))
        meter = self._meters.get(place)
        return _named(meter.name, plant.text(meter.label, language)) if meter else ""

    def _page_url(self, page: str, place: str) -> str:
        if page:
            return self._url(f"/{page.lstrip('/')}")
        plant = self._plant
        charger = plant.connectors_by_path[place][0].path if place in plant.connectors_by_path else place
        return self._url(f"/charger/{quote(charger)}" if charger in plant.chargers_by_path else "/alarms")

    def _url(self, path: str) -> str:
        base = self._plant.oncall.public_url.rstrip("/")
        return f"{base}{path}" if base else ""

    def _tag_functions(self, reader: Reader, words: Mapping[str, Any], now_us: TimeUs) -> Facts:
        formats = Formats(reader.language if reader.language in LANGUAGES else DEFAULT_LANGUAGE, "UTC")

        def text(path: str) -> str:
            """The value as a person reads it, with its unit; a dash where there is none."""
            tag = self._read(str(path))
            if tag is None or tag.value is None:
                return "–"
            definition, value = tag.definition, tag.value
            if isinstance(value, bool):
                shown = str(words.get("on" if value else "off", value))
            elif isinstance(value, (int, float)):
                number = formats.number(value, definition.decimals)
                shown = f"{number} {definition.unit}".rstrip()
            else:
                shown = one_line(str(value), FIELD_LENGTH_MAX)
            return shown if is_good(tag.quality) else f"{shown} ({words.get('not_current', 'not current')})"

        def value(path: str) -> object:
            """The value itself: number, true or false, text on one line, or none."""
            tag = self._read(str(path))
            if tag is None:
                return None
            return one_line(tag.value, FIELD_LENGTH_MAX) if isinstance(tag.value, str) else tag.value

        def quality(path: str) -> str:
            """The name of the OPC UA status code."""
            tag = self._read(str(path))
            return "BadNoData" if tag is None else quality_name(tag.quality)

        def age_s(path: str) -> float | None:
            """How old the value is; none where none ever came."""
            tag = self._read(str(path))
            if tag is None or not tag.server_us:
                return None
            return round((now_us - (tag.source_us or tag.server_us)) / SECOND_US, 1)

        return {"tag": text, "value": ValueText("", value), "quality": quality, "age_s": age_s}


def zone_name(local: datetime) -> str:
    """`CEST`, or `UTC-03` where the zone has no letters of its own."""
    name = local.strftime("%Z")
    return f"UTC{name}" if name[:1] in "+-" else name


def span(span_us: TimeUs) -> str:
    """How long, as a person says it: `45 s`, `12 min`, `2 h 05 min`, `3 d 4 h`."""
    seconds = max(0, span_us // SECOND_US)
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def flat(facts: Mapping[str, Any], depth: int = 0) -> Facts:
    """Facts with every text on one line of bounded length; what lies too deep is left out."""
    made: Facts = {}
    for name, fact in list(facts.items())[: DATA_ITEMS_MAX if depth else None]:
        if isinstance(fact, str):
            made[name] = one_line(fact, FIELD_LENGTH_MAX)
        elif isinstance(fact, dict):
            if depth < SNAPSHOT_DEPTH_MAX:
                made[name] = flat({one_line(str(key), 100): one for key, one in fact.items()}, depth + 1)
        elif isinstance(fact, (list, tuple)):
            made[name] = [one_line(str(one), FIELD_LENGTH_MAX) for one in fact[:DATA_ITEMS_MAX]]
        else:
            made[name] = fact
    return made


def _named(name: str, label: str) -> str:
    """The tag name, which is unique in its site, and the label, which need not be."""
    return f"{name} ({label})" if label and label != name else name


def _int(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _state(value: object) -> AlarmState | None:
    try:
        return AlarmState(value)
    except ValueError:
        return None


def _event(snapshot: Mapping[str, Any]) -> str:
    """What the head says: an alarm that its latch holds has not returned to normal for who reads it."""
    event = str(snapshot.get("event", ""))
    held = event == "returned" and str(snapshot.get("state", "")).startswith("latched")
    return "latched" if held else event
