"""What surrounds every page: top bar, banner, side bar; and what its script needs to know."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from scada.hmi import alarms, navigation, words
from scada.hmi.context import Crumb, View, Visit

FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" fill="#2a3138"/>'
    '<path fill="#e4e9ed" d="M13 2 5 13h5l-1 9 9-13h-6z"/></svg>'
)
_STYLE = Path(__file__).parent / "static" / "hmi.css"


@functools.cache
def style_version() -> str:
    """Changes with the style sheet, so that browsers may keep it."""
    return hashlib.sha256(_STYLE.read_bytes()).hexdigest()[:12]


def head(visit: Visit) -> str:
    """The page's head: the style sheet, and the ground colour before it is there."""
    ground = "#22282e" if visit.theme == "dark" else "#d9dbdd"
    return (
        f'<link rel="stylesheet" href="/hmi/static/hmi.css?v={style_version()}">'
        f"<style>html,body{{background:{ground}}}</style>"
    )


def around(visit: Visit, view: View) -> Markup:
    """The whole page."""
    return visit.render(
        "shell.html",
        view.live,
        view=view,
        menu=navigation.menu(visit.actor),
        here=view.nav,
        crumbs=view.crumbs or _crumbs(visit, view),
        prefs=_prefs(visit),
    )


def options(visit: Visit, view: View) -> dict[str, Any]:
    """What the page's script needs to know."""
    zone = view.site.timezone if view.site else visit.plant.timezone
    locale = "en-GB" if visit.language == "en" else visit.language
    return {
        "language": visit.language,
        "user": visit.actor.name,
        "locale": locale,
        "timezone": zone,
        "theme": visit.theme,
        "words": words.dictionary(visit.tr),
        "texts": words.script_texts(visit.tr),
        "levels": alarms.looks(visit.plant.levels, visit.language, visit.plant),
        "priorities": [visit.tr(words.PRIORITY_NAMES[name]) for name in alarms.PRIORITIES],
    }


def _crumbs(visit: Visit, view: View) -> tuple[Crumb, ...]:
    """Of a page in a group of the top bar: the group and the page."""
    found = navigation.place(view.nav)
    if found is None:
        return ()
    group, entry = found
    if group is None or group.name == entry.name:
        return ()
    return (Crumb(visit.tr(group.name)), Crumb(visit.tr(entry.name), entry.url))


def _prefs(visit: Visit) -> dict[str, str]:
    def link(**values: str) -> str:
        return "/prefs?" + urlencode({**values, "next": visit.url})

    other = "light" if visit.theme == "dark" else "dark"
    return {"en": link(lang="en"), "fr": link(lang="fr"), "theme": link(theme=other)}
