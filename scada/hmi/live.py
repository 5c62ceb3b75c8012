"""Places for live values: HTML that names tags and a format; the browser fills it and keeps it true.

One message of raw values then serves every language and every page of a site. `elements/lib/live.js` is the
other half: the formats are written there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from scada.core.database import TagDatabase
from scada.core.path import leaf
from scada.core.tag import Tag
from scada.core.value import Kind

WORDED = frozenset({"Status", "ErrorCode", "RegistrationStatus"})
"""Texts whose values are names of OCPP, shown in the reader's language."""

Snapshot = dict[str, list[Any]]


class Live:
    """Makes places, and remembers which tags they need.

    Attributes:
        used: indexes of the tags that have a place.
    """

    def __init__(self, tags: TagDatabase) -> None:
        self._tags = tags
        self.used: set[int] = set()

    def has(self, path: str) -> bool:
        """Whether there is such a tag."""
        return path in self._tags

    def place(
        self,
        kind: str,
        *paths: str,
        css: str = "",
        element: str = "span",
        inner: Markup | str = "",
        **data: object,
    ) -> Markup:
        """A place that is filled from tags by the format `kind`. A tag that is not there counts as unknown."""
        return Markup('<{} class="live {}"{}>{}</{}>').format(
            element, css, self.attributes(kind, *paths, **data), inner, element
        )

    def attributes(self, kind: str, *paths: str, **data: object) -> Markup:
        """The attributes alone, for an element of the caller's."""
        indexes = []
        for path in paths:
            tag = self._tags.get(path)
            if tag is not None:
                self.used.add(tag.index)
            indexes.append(-1 if tag is None else tag.index)
        extra = Markup("").join(
            Markup(' data-{}="{}"').format(k, v) for k, v in data.items() if v is not None
        )
        return Markup(' data-t="{}" data-f="{}"{}').format(",".join(map(str, indexes)), kind, extra)

    def value(self, path: str, css: str = "", *, unit: bool = False) -> Markup:
        """A tag's value in the format that fits its kind, with its unit where wanted."""
        tag = self._tags.get(path)
        if tag is None:
            return Markup("–")
        definition = tag.definition
        if definition.kind is Kind.REGISTER:
            if definition.nature == "time":
                return self.place("datetime", path, css=css)
            place = self.place("number", path, css=f"num {css}", d=definition.decimals)
            if unit and definition.unit:
                return Markup('{} <span class="unit">{}</span>').format(place, definition.unit)
            return place
        if definition.kind is Kind.BIT:
            return self.place("word", path, css=css)
        worded = definition.choices or leaf(path) in WORDED
        return self.place("word" if worded else "text", path, css=css)

    def number(self, path: str, decimals: int | None = None, css: str = "") -> Markup:
        """A register with fixed decimals: its own, or the given ones."""
        tag = self._tags.get(path)
        shown = decimals if decimals is not None else tag.definition.decimals if tag else 0
        return self.place("number", path, css=f"num {css}", d=shown)

    def snapshot(self, indexes: Iterable[int] | None = None) -> Snapshot:
        """The present values of the used tags, or of the given ones."""
        chosen = self.used if indexes is None else indexes
        return message(self._tags.by_index(index) for index in sorted(chosen))


def message(tags: Iterable[Tag]) -> Snapshot:
    """Values as the browser takes them: indexes, values, qualities, times of the device in milliseconds."""
    out: Snapshot = {"i": [], "v": [], "q": [], "t": []}
    for tag in tags:
        out["i"].append(tag.index)
        out["v"].append(tag.value)
        out["q"].append(int(tag.quality))
        out["t"].append((tag.source_us or tag.server_us) // 1000)
    return out
