"""The symbol library: SVG files with a manifest that says what of a branch animates which part."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scada import resources
from scada.core.path import parent
from scada.core.plant import Charger, Connector, Current
from scada.core.tag import Texts

ROLES = ("state", "online", "value", "limit", "quality", "alarm")
BRANCHES = ("connector", "charger", "meter", "site")
FALLBACK_PLUG = "connector-type2"

_ROOT = re.compile(r"\A\s*<svg\b([^>]*)>(.*)</svg>\s*\Z", re.DOTALL)
_ABOVE = "^."


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A drawing of the library.

    Attributes:
        of: kinds of branch that it stands for, out of `BRANCHES`; empty: it is bound to tags only.
        roles: what animates → tags of the branch, the first that is there; `^.X` is one of the branch above.
        plugs: types of plug that it is drawn for.
        scale: (low, high) where neither view nor tag say so; None: of its value only the figure is shown.
        attributes, body: of the svg element, everything drawn on top included.
    """

    name: str
    title: Texts
    of: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]
    plugs: tuple[str, ...]
    scale: tuple[float, float] | None
    attributes: str
    body: str

    @property
    def states(self) -> tuple[str, ...]:
        """The states that look different, in the order of the drawing."""
        found = re.findall(r'data-when="([^"]*)"', self.body)
        return tuple(dict.fromkeys(state for states in found for state in states.split()))

    def bind(self, branch: str, given: Mapping[str, str], exists: Callable[[str], bool]) -> dict[str, str]:
        """Role → tag: the given ones, and for the other roles what the branch has. Roles without a tag are left out."""
        bound = {role: path for role, path in given.items() if role in self.roles}
        for role, leaves in self.roles.items():
            if role in bound or not branch:
                continue
            paths = (_below(branch, leaf) for leaf in leaves)
            found = next((path for path in paths if exists(path)), None)
            if found is not None:
                bound[role] = found
        return bound


def _below(branch: str, leaf: str) -> str:
    if leaf.startswith(_ABOVE):
        return f"{parent(branch)}.{leaf.removeprefix(_ABOVE)}"
    return f"{branch}.{leaf}"


@dataclass(frozen=True)
class Library:
    """All symbols by name."""

    symbols: Mapping[str, Symbol] = field(default_factory=dict)

    def connector(self, connector: Connector) -> Symbol:
        """The symbol of a connector, by its plug; Type 2 where the plug is not known."""
        plug = connector.plug.replace("_", " ").casefold()
        for symbol in self.symbols.values():
            if plug in (known.casefold() for known in symbol.plugs):
                return symbol
        return self.symbols[FALLBACK_PLUG]

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
        ValueError: a file is no drawing, or the manifest names what there is not.
    """
    manifest: dict[str, dict[str, Any]] = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    drawings = {name: _read(folder / f"{name}.svg") for name in manifest}
    return Library({name: _symbol(name, entry, drawings) for name, entry in manifest.items()})


def _symbol(name: str, entry: Mapping[str, Any], drawings: Mapping[str, tuple[str, str]]) -> Symbol:
    attributes, body = drawings[name]
    if "over" in entry:
        body += drawings[entry["over"]][1]
    roles: Mapping[str, Sequence[str]] = entry["roles"]
    kinds = tuple(entry.get("of", ()))
    unknown = [
        *(role for role in roles if role not in ROLES),
        *(kind for kind in kinds if kind not in BRANCHES),
    ]
    if unknown:
        raise ValueError(f"symbol {name}: unknown {', '.join(unknown)}")
    scale = entry.get("scale")
    return Symbol(
        name=name,
        title=entry["title"],
        of=kinds,
        roles={role: tuple(leaves) for role, leaves in roles.items()},
        plugs=tuple(entry.get("plug", ())),
        scale=(float(scale[0]), float(scale[1])) if scale else None,
        attributes=attributes,
        body=body,
    )


def _read(path: Path) -> tuple[str, str]:
    match = _ROOT.match(path.read_text("utf-8"))
    if match is None:
        raise ValueError(f"{path.name} is not a drawing")
    return match.group(1), match.group(2)
