"""What may stand in a view file, `views/NAME.toml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scada.project.fields import Segment, Strict, Texts

SIDE_MAX = 20_000
"""Units of a view's own coordinates."""

Coordinate = Annotated[float, Field(ge=-SIDE_MAX, le=SIDE_MAX)]
Side = Annotated[float, Field(gt=0, le=SIDE_MAX)]
Link = Annotated[str, Field(pattern=r"^(/[^/\\\s][^\\\s]*|/)?$", max_length=500)]
"""A path of this HMI; never a place elsewhere."""
Point = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]


class SymbolSection(Strict):
    """[[symbols]]."""

    symbol: str
    x: Coordinate
    y: Coordinate
    size: Annotated[float, Field(ge=8, le=SIDE_MAX)] = 48
    branch: str = ""
    tags: dict[Literal["state", "online", "value", "limit", "quality"], str] = {}
    label: Texts | None = None
    values: bool = True
    low: float | None = None
    high: float | None = None
    link: Link = ""
    command: str = ""
    arguments: dict[str, str] = {}
    layer: str = ""


class TextSection(Strict):
    """[[texts]]."""

    text: Texts
    x: Coordinate
    y: Coordinate
    size: Annotated[float, Field(ge=4, le=1000)] = 16
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    link: Link = ""
    layer: str = ""


class LineSection(Strict):
    """[[lines]]."""

    points: Annotated[list[Point], Field(min_length=2, max_length=1_000)]
    width: Annotated[float, Field(gt=0, le=100)] = 2
    dashed: bool = False
    layer: str = ""


class LayerSection(Strict):
    """[[layers]]."""

    name: Segment
    title: Texts = {}
    hidden: bool = False


class ViewFile(Strict):
    """A view file."""

    title: Texts
    site: str = ""
    width: Side
    height: Side
    background: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$", max_length=100)] = ""
    layers: Annotated[list[LayerSection], Field(max_length=50)] = []
    lines: Annotated[list[LineSection], Field(max_length=5_000)] = []
    symbols: Annotated[list[SymbolSection], Field(max_length=2_000)] = []
    texts: Annotated[list[TextSection], Field(max_length=2_000)] = []
