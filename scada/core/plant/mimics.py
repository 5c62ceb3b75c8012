"""Mimic diagrams: what is placed on a view, bound to what. Only data; displays draw it, the project's files hold it.

A view has its own coordinates: `width` × `height` units, from the upper left corner; whoever shows it scales it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scada.core.tag import Texts

HOME = "home"
"""Name of the view that the home page shows; a view of a site's own goes by the site's tag."""


@dataclass(frozen=True, kw_only=True)
class PlacedSymbol:
    """A symbol of the library.

    Attributes:
        x, y, size: upper left corner and width; a symbol is as high as wide.
        branch: what it stands for; the library says which tags of it animate what. Empty: nothing.
        tags: role → path, in place of what the branch gives.
        label: None: what the branch is called.
        values: the figure of its value stands below.
        low, high: of its scale; None: as the tag or the library says.
        link: where a click leads, a path of this HMI; empty: to the detail of its branch.
        command, arguments: what a click orders for the branch, where the user may (`scada.core.catalogue`).
        layer: name of the layer that it lies on; empty: always shown.
    """

    symbol: str
    x: float
    y: float
    size: float = 48.0
    branch: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    label: Texts | None = None
    values: bool = True
    low: float | None = None
    high: float | None = None
    link: str = ""
    command: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    layer: str = ""


@dataclass(frozen=True, kw_only=True)
class PlacedText:
    """Words; (x, y) is the left, middle or right end of their base line, by `anchor`."""

    text: Texts
    x: float
    y: float
    size: float = 16.0
    anchor: str = "start"
    bold: bool = False
    link: str = ""
    layer: str = ""


@dataclass(frozen=True, kw_only=True)
class PlacedLine:
    """A line through points: a feeder, a wall, the border of a bay."""

    points: tuple[tuple[float, float], ...]
    width: float = 2.0
    dashed: bool = False
    layer: str = ""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A group of things that is shown or hidden together."""

    name: str
    title: Texts
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Mimic:
    """A view.

    Attributes:
        site: whose it is, or empty: of the whole project.
        background: name of a picture beside the file, or empty.
        owned: it stands in a file of the project; else it is made out of the plant.
    """

    name: str
    title: Texts
    width: float
    height: float
    site: str = ""
    background: str = ""
    layers: tuple[Layer, ...] = ()
    lines: tuple[PlacedLine, ...] = ()
    symbols: tuple[PlacedSymbol, ...] = ()
    texts: tuple[PlacedText, ...] = ()
    owned: bool = False
