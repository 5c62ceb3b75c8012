"""The symbol library: SVG files with a manifest, inlined into pages."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from scada import resources
from scada.core.plant import Charger, Connector, Current
from scada.core.tag import Texts

_ROOT = re.compile(r"\A\s*<svg\b([^>]*)>(.*)</svg>\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A drawing of the library.

    Attributes:
        roles: what animates, out of `state`, `value`, `quality`, `alarm`.
        plug: type of plug that it stands for, or empty.
        attributes, body: of the svg element, everything drawn on top included.
    """

    name: str
    title: Texts
    roles: frozenset[str]
    plug: str
    attributes: str
    body: str

    def svg(self, css: str = "", attributes: Mapping[str, str] | None = None) -> Markup:
        """The drawing as an inline element. It is decoration: what it says stands beside it as text."""
        extra = Markup("").join(Markup(' {}="{}"').format(k, v) for k, v in (attributes or {}).items())
        # The library's own files are the only source of these strings.
        head = Markup(self.attributes)  # noqa: S704
        body = Markup(self.body)  # noqa: S704
        return Markup('<svg{}{} class="symbol {}" aria-hidden="true">{}</svg>').format(head, extra, css, body)


@dataclass(frozen=True)
class Library:
    """All symbols by name."""

    symbols: Mapping[str, Symbol] = field(default_factory=dict)

    def connector(self, connector: Connector) -> Symbol:
        """The symbol of a connector, by its plug; Type 2 where the plug is not known."""
        plug = connector.plug.replace("_", " ").casefold()
        for symbol in self.symbols.values():
            if symbol.plug and symbol.plug.casefold() == plug:
                return symbol
        return self.symbols["connector-type2"]

    def charger(self, charger: Charger) -> Symbol:
        """The symbol of a charger, by number and kind of its connectors."""
        if len(charger.connectors) > 1:
            return self.symbols["charger-two"]
        direct = any(connector.current is Current.DC for connector in charger.connectors)
        return self.symbols["charger-dc" if direct else "charger-ac"]


@functools.cache
def library() -> Library:
    """The shipped symbols."""
    return load(resources.folder("symbols"))


def load(folder: Path) -> Library:
    """Read a folder of symbols.

    Raises:
        ValueError: a file is no drawing.
    """
    manifest: dict[str, dict[str, Any]] = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    drawings = {name: _read(folder / f"{name}.svg") for name in manifest}
    symbols = {}
    for name, entry in manifest.items():
        attributes, body = drawings[name]
        if "over" in entry:
            body += drawings[entry["over"]][1]
        symbols[name] = Symbol(
            name=name,
            title=entry["title"],
            roles=frozenset(entry["roles"]),
            plug=entry.get("plug", ""),
            attributes=attributes,
            body=body,
        )
    return Library(symbols)


def _read(path: Path) -> tuple[str, str]:
    match = _ROOT.match(path.read_text("utf-8"))
    if match is None:
        raise ValueError(f"{path.name} is not a drawing")
    return match.group(1), match.group(2)
