"""The one element a page is: our own component, which fills, patches and listens by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nicegui.element import Element

_FOLDER = Path(__file__).parent / "elements"


class PageElement(Element, component=_FOLDER / "page.js", esm={"scada-hmi": str(_FOLDER / "lib")}):
    """A page.

    Args:
        html: of the whole page, safe.
        options: language, time zone, words and texts.
        snapshot: values of the page's places, for the first picture.
        alarms: banner, counters and marks for the first picture.
    """

    def __init__(
        self, *, html: str, options: dict[str, Any], snapshot: dict[str, Any], alarms: dict[str, Any]
    ) -> None:
        super().__init__()
        self._props["html"] = html
        self._props["options"] = options
        self._props["snapshot"] = snapshot
        self._props["alarms"] = alarms
