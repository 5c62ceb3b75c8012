"""The page behind a link in a message: plain, rendered here, no script, for a phone at night."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scada.core.path import leaf
from scada.core.plant import Contact, Plant
from scada.core.records import AlarmState
from scada.core.tag import AlarmDefinition
from scada.core.value import SECOND_US, TimeUs
from scada.i18n import DEFAULT_LANGUAGE, LANGUAGES, Formats, marked, translator
from scada.runtime.board import AlarmView

_ = marked

STYLE = (
    "body{margin:0;background:#eceff1;color:#1c1c1c;font:17px/1.4 -apple-system,Segoe UI,Roboto,Arial,sans-serif}"
    "main{max-width:600px;margin:8px auto;background:#fff}"
    ".band{margin:0;padding:10px 16px;color:#fff;font-weight:bold;background:#4a5560}"
    ".band.alarm{background:#b3261e}.band.done{background:#2e6b3a}"
    ".inner{padding:6px 16px 12px}h1{font-size:24px;line-height:1.25;margin:8px 0 2px}h2{font-size:16px;margin:16px 0 2px}"
    "p{margin:0 0 10px}.where{font-size:18px}.said{font-weight:bold}.dim,.foot,th{color:#5b5b5b}"
    ".foot{padding:10px 16px;border-top:1px solid #d5dadd;font-size:14px}"
    "th{text-align:left;font-weight:normal;padding:3px 14px 3px 0;vertical-align:top;white-space:nowrap}td{padding:3px 0}"
    "button{width:100%;padding:18px;font-size:21px;font-weight:bold;color:#fff;background:#1f5a93;border:0;border-radius:8px;margin:4px 0 8px}"
    "a{color:#1f5a93}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

STATES: Mapping[AlarmState, str] = {
    AlarmState.NORMAL: _("normal"),
    AlarmState.ACTIVE_UNACKNOWLEDGED: _("active, not acknowledged"),
    AlarmState.ACTIVE_ACKNOWLEDGED: _("active, acknowledged"),
    AlarmState.RETURNED_UNACKNOWLEDGED: _("returned, not acknowledged"),
    AlarmState.LATCHED_UNACKNOWLEDGED: _("latched, not acknowledged"),
    AlarmState.LATCHED_ACKNOWLEDGED: _("latched, acknowledged"),
    AlarmState.OUT_OF_SERVICE: _("out of service"),
    AlarmState.SHELVED: _("shelved"),
    AlarmState.SUPPRESSED: _("suppressed by design"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """What a page says.

    Attributes:
        title, said: message ids; `values` fill the places of `said`.
        tone: `alarm`, `done` or empty.
        ask: show the button.
        status: of HTTP.
    """

    title: str
    said: str
    values: Mapping[str, str]
    tone: str = ""
    ask: bool = False
    status: int = 200


class AnswerPages:
    """Renders the pages."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._template = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        ).get_template("answer.html")

    def page(
        self,
        say: Say,
        contact: Contact | None = None,
        alarm: str = "",
        view: AlarmView | None = None,
        raised_us: TimeUs = 0,
    ) -> HTMLResponse:
        """A page.

        Args:
            alarm: path of the alarm to show; empty: the page tells nothing of the plant.
            view: of the alarm, if it is not normal.
            raised_us: of the occurrence that the link is about.
        """
        wanted = contact.language if contact else self._plant.languages[0]
        language = wanted if wanted in LANGUAGES else DEFAULT_LANGUAGE
        tr = translator(language)
        text = self._template.render(
            {
                "_": tr,
                "language": language,
                "style": STYLE,
                "title": tr(say.title),
                "said": tr(say.said).format(**say.values),
                "tone": say.tone,
                "ask": say.ask,
                "contact": contact.name if contact else "",
                "view": self._shown(alarm, view, raised_us, contact, language) if alarm and contact else None,
                "project": self._plant.text(self._plant.label, language) or self._plant.name
                if alarm
                else "EV-SCADA",
            }
        )
        return HTMLResponse(text, say.status, HEADERS)

    def _shown(
        self, path: str, view: AlarmView | None, raised_us: TimeUs, contact: Contact, language: str
    ) -> dict[str, Any]:
        plant, tr = self._plant, translator(language)
        definition = plant.definitions[path]
        texts = definition.alarm or AlarmDefinition(level=0)
        site = next((site for site in plant.sites if site.path == definition.site), None)
        level = next((level for level in plant.levels if level.number == texts.level), None)
        state = view.state if view else AlarmState.NORMAL
        return {
            "message": plant.text(texts.message, language) or plant.text(definition.label, language) or path,
            "device": self._device(path, language),
            "site": plant.text(site.label, language) or site.path if site else "",
            "value": view.value if view and view.raised_us == raised_us else "",
            "state": tr(STATES[state]),
            "level": f"{texts.level} ({plant.text(level.name, language)})" if level else str(texts.level),
            "raised": _time(raised_us, contact, language),
            "texts": [
                (tr("Cause"), plant.text(texts.cause, language)),
                (tr("Consequence"), plant.text(texts.consequence, language)),
                (tr("What to do"), plant.text(texts.guidance, language)),
            ],
            "page": self._page(texts.page, path),
        }

    def _device(self, path: str, language: str) -> str:
        plant = self._plant
        place = plant.place_of(path)
        charger, number = plant.chargers_by_path.get(place), ""
        if place in plant.connectors_by_path:
            charger, connector = plant.connectors_by_path[place]
            number = f" {leaf(connector.path)}"
        if charger is None:
            return next((meter.name for meter in plant.meters() if meter.path == place), "")
        label = plant.text(charger.label, language)
        return (
            f"{charger.name}{number} ({label})" if label and label != charger.name else charger.name + number
        )

    def _page(self, page: str, path: str) -> str:
        if page:
            return f"/{page.lstrip('/')}"
        plant = self._plant
        place = plant.place_of(path)
        charger = plant.connectors_by_path[place][0].path if place in plant.connectors_by_path else place
        return f"/charger/{quote(charger)}" if charger in plant.chargers_by_path else "/alarms"


def _time(time_us: TimeUs, contact: Contact, language: str) -> str:
    try:
        zone = ZoneInfo(contact.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    name = datetime.fromtimestamp(time_us / SECOND_US, zone).strftime("%Z")
    return f"{Formats(language, zone.key).date_time(time_us)} {name}"
