"""Plant → views: each site as a single-line diagram, and all sites on one. Pure.

From top to bottom: the grid connection with its meter, the busbar, then a column a feeder with its connectors in rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scada.core.plant import (
    HOME,
    Charger,
    Connector,
    Feeder,
    Meter,
    Mimic,
    PlacedLine,
    PlacedSymbol,
    PlacedText,
    Plant,
    Site,
)
from scada.core.tag import Texts
from scada.mimic.symbols import library

MARGIN = 40.0
CELL_W, CELL_H = 112.0, 128.0
SYMBOL = 56.0
GRID = 64.0
BUS_Y = 216.0
HEAD = 56.0
"""Between busbar and the first row: the feeder's tap and name."""
ROW_MAX = 6
"""Connectors beside each other below one feeder."""
GAP = 48.0
WIDTH_MIN = 960.0
SITE_W, SITE_H = 280.0, 176.0
SITES_A_ROW = 4

GRID_NAME: Texts = {"en": "Grid", "fr": "Réseau"}
LIMIT_NAME: Texts = {"en": "Limit {limit} A", "fr": "Limite {limit} A"}


def views(plant: Plant) -> dict[str, Mimic]:
    """Name → view: the project's own ones first, then what is generated where it has none of that name."""
    own = {mimic.name: mimic for mimic in plant.mimics}
    return own | {name: mimic for name, mimic in generate(plant).items() if name not in own}


def generate(plant: Plant) -> dict[str, Mimic]:
    """Name → generated view: one of all sites, and one of each."""
    return {mimic.name: mimic for mimic in (_home(plant), *(_site(plant, site) for site in plant.sites))}


@dataclass(frozen=True, slots=True)
class _Column:
    """What hangs on a feeder; `feeder` is None for what hangs on the busbar itself."""

    feeder: Feeder | None
    connectors: Sequence[tuple[Charger, Connector]]

    @property
    def across(self) -> int:
        return max(1, min(ROW_MAX, len(self.connectors)))

    @property
    def width(self) -> float:
        return self.across * CELL_W

    @property
    def rows(self) -> int:
        return -(-len(self.connectors) // self.across)


def _columns(site: Site) -> list[_Column]:
    def on(name: str | None) -> list[tuple[Charger, Connector]]:
        known = {feeder.name for feeder in site.feeders}
        return [
            (charger, connector)
            for charger in site.chargers
            if (charger.feeder == name if name is not None else charger.feeder not in known)
            for connector in charger.connectors
        ]

    columns = [_Column(feeder, on(feeder.name)) for feeder in site.feeders]
    loose = on(None)
    return [*columns, *([_Column(None, loose)] if loose else [])]


def _site(plant: Plant, site: Site) -> Mimic:
    columns = _columns(site)
    across = sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)
    width = max(WIDTH_MIN, across + 2 * MARGIN)
    rows = max((column.rows for column in columns), default=0)
    height = BUS_Y + HEAD + rows * CELL_H + MARGIN
    drawing = _Drawing()
    _supply(site, width, drawing)
    x = (width - across) / 2
    for column in columns:
        _feeder(site, column, x, drawing)
        x += column.width + GAP
    return Mimic(
        name=site.path,
        title=site.label or {plant.languages[0]: site.path},
        site=site.path,
        width=width,
        height=height,
        lines=tuple(drawing.lines),
        symbols=tuple(drawing.symbols),
        texts=tuple(drawing.texts),
    )


class _Drawing:
    """Gathers what is placed."""

    def __init__(self) -> None:
        self.lines: list[PlacedLine] = []
        self.symbols: list[PlacedSymbol] = []
        self.texts: list[PlacedText] = []


def _supply(site: Site, width: float, into: _Drawing) -> None:
    """The grid connection down to the busbar, the meters beside it."""
    middle = width / 2
    grid = next((meter for meter in site.meters if meter.role == "grid"), None)
    others = [meter for meter in site.meters if meter is not grid]
    into.lines += [
        PlacedLine(points=((middle, 92.0), (middle, BUS_Y))),
        PlacedLine(points=((MARGIN, BUS_Y), (width - MARGIN, BUS_Y)), width=6.0),
    ]
    into.symbols.append(
        PlacedSymbol(symbol="transformer", x=middle - GRID / 2, y=28.0, size=GRID, branch=site.path, label={})
    )
    into.texts += [
        PlacedText(text=GRID_NAME, x=middle - GRID / 2 - 12, y=56.0, anchor="end", bold=True),
        PlacedText(
            text={code: text.format(limit=f"{site.limit_a:g}") for code, text in LIMIT_NAME.items()},
            x=middle - GRID / 2 - 12,
            y=78.0,
            size=14.0,
            anchor="end",
        ),
    ]
    if grid is not None:
        into.symbols.append(_meter(site, grid, middle + 40, 116.0))
        into.lines.append(PlacedLine(points=((middle, 140.0), (middle + 40, 140.0))))
    for number, meter in enumerate(others):
        x = middle + 200 + number * CELL_W
        into.symbols.append(_meter(site, meter, x, 116.0))
        into.lines.append(PlacedLine(points=((x + 24, 202.0), (x + 24, BUS_Y)), dashed=True))


def _meter(site: Site, meter: Meter, x: float, y: float) -> PlacedSymbol:
    # A connection's limit per phase, as power of three phases at 230 V.
    return PlacedSymbol(
        symbol="meter", x=x, y=y, branch=meter.path, low=0.0, high=round(site.limit_a * 0.69, 1)
    )


def _feeder(site: Site, column: _Column, x: float, into: _Drawing) -> None:
    middle = x + column.width / 2
    top = BUS_Y + HEAD
    if column.feeder is not None:
        name = column.feeder.label or {"en": column.feeder.name}
        text = {code: f"{label} · {column.feeder.limit_a:g} A" for code, label in name.items()}
        link = f"/site/{site.path}#feeder-{column.feeder.name}"
        into.texts.append(PlacedText(text=text, x=middle + 10, y=BUS_Y + 22, size=14.0, link=link))
    into.lines.append(PlacedLine(points=((middle, BUS_Y), (middle, top - 16))))
    cells = list(_cells(column, x, top))
    if cells:
        first, last = cells[0][0] + CELL_W / 2, cells[min(column.across, len(cells)) - 1][0] + CELL_W / 2
        into.lines.append(PlacedLine(points=((first, top - 16), (last, top - 16))))
    for cell_x, cell_y, connector in cells:
        symbol = library().connector(connector).name
        at = cell_x + (CELL_W - SYMBOL) / 2
        if cell_y == top:
            into.lines.append(PlacedLine(points=((at + SYMBOL / 2, top - 16), (at + SYMBOL / 2, top))))
        into.symbols.append(
            PlacedSymbol(
                symbol=symbol, x=at, y=cell_y, size=SYMBOL, branch=connector.path, high=connector.power_max_kw
            )
        )


def _cells(column: _Column, x: float, top: float) -> Iterator[tuple[float, float, Connector]]:
    for number, (_, connector) in enumerate(column.connectors):
        row, at = divmod(number, column.across)
        yield x + at * CELL_W, top + row * CELL_H, connector


def _home(plant: Plant) -> Mimic:
    """All sites: each with its power, sessions and worst alarm, and a way to it."""
    across = min(SITES_A_ROW, max(1, len(plant.sites)))
    rows = -(-len(plant.sites) // across) if plant.sites else 1
    drawing = _Drawing()
    for number, site in enumerate(plant.sites):
        row, at = divmod(number, across)
        _site_cell(plant, site, MARGIN + at * SITE_W, MARGIN + row * SITE_H, drawing)
    return Mimic(
        name=HOME,
        title=plant.label,
        width=across * SITE_W + 2 * MARGIN,
        height=rows * SITE_H + 2 * MARGIN,
        lines=tuple(drawing.lines),
        symbols=tuple(drawing.symbols),
        texts=tuple(drawing.texts),
    )


def _site_cell(plant: Plant, site: Site, x: float, y: float, into: _Drawing) -> None:
    link = f"/site/{site.path}"
    name = site.label or {plant.languages[0]: site.path}
    into.texts.append(PlacedText(text=name, x=x + 76, y=y + 24, size=18.0, bold=True, link=link))
    into.symbols += [
        PlacedSymbol(symbol="transformer", x=x, y=y, size=GRID, branch=site.path, label={}, link=link),
        PlacedSymbol(
            symbol="number",
            x=x + 76,
            y=y + 40,
            size=SYMBOL,
            label={},
            link=link,
            tags={"value": f"{site.path}.ChargingPower"},
        ),
        PlacedSymbol(
            symbol="number",
            x=x + 156,
            y=y + 40,
            size=SYMBOL,
            link=link,
            tags={"value": f"{site.path}.SessionsActive"},
            label={"en": "sessions", "fr": "sessions"},
        ),
    ]
