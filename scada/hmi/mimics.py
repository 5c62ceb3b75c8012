"""A view as one SVG drawing with live places. Pure: Mimic + plant → what the template writes.

A symbol takes its values by roles (`symbols/manifest.toml`); the browser's format `symbol` animates it. Nothing of a view
gets into the page but as escaped text, numbers and names of the shipped library.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from scada.core.catalogue import CATALOGUE
from scada.core.plant import Mimic, PlacedSymbol
from scada.core.value import Kind
from scada.hmi import alarms
from scada.hmi.context import Visit
from scada.hmi.live import WORDED, Live
from scada.hmi.symbols import svg
from scada.mimic import Symbol, library

INSIDE = frozenset({"number", "text", "button"})
"""Symbols whose words stand in them, not below."""
ANIMATED = ("state", "online", "value", "limit", "quality")
MARK_UNITS = 20.0
"""The mark of an alarm is drawn in a box of so many units, at least; on large symbols it is a third of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A placed symbol, ready to be written.

    Attributes:
        live: attributes of its place, or empty.
        select: the connector whose faceplate a click opens, or empty.
        href: where else a click leads, or empty.
        command: attributes of a button that orders something, or empty.
        mark: branch whose worst alarm it carries, or empty.
        state, value: live places below it, or empty.
    """

    placed: PlacedSymbol
    drawing: Markup
    live: Markup
    select: str
    href: str
    command: Mapping[str, str]
    mark: str
    mark_scale: float
    label: str
    state: Markup
    value: Markup
    inside: bool


def drawn(visit: Visit, mimic: Mimic, live: Live, hidden: frozenset[str], selected: str = "") -> Markup:
    """The view as HTML.

    Args:
        hidden: names of the layers that are not shown.
        selected: the connector whose faceplate is open.
    """

    def shown(things: Iterable[Any]) -> list[Any]:
        return [thing for thing in things if thing.layer not in hidden]

    return visit.render(
        "mimic.html",
        live,
        mimic=mimic,
        background=f"/hmi/picture/{quote(mimic.background)}" if mimic.background else "",
        lines=shown(mimic.lines),
        symbols=[_symbol(visit, placed, live) for placed in shown(mimic.symbols)],
        texts=shown(mimic.texts),
        selected=selected,
    )


def hidden_layers(mimic: Mimic, wanted: str | None) -> frozenset[str]:
    """The layers that are not shown: those that the address names, else those that are hidden at first."""
    known = {layer.name for layer in mimic.layers}
    if wanted is None:
        return frozenset(layer.name for layer in mimic.layers if layer.hidden)
    return frozenset(wanted.split(",")) & known


def _symbol(visit: Visit, placed: PlacedSymbol, live: Live) -> Drawn:
    symbol = library().symbols[placed.symbol]
    bound = symbol.bind(placed.branch, placed.tags, live.has)
    box = {"width": f"{placed.size:g}", "height": f"{placed.size:g}"}
    label = _label(visit, placed)
    inside = placed.symbol in INSIDE
    return Drawn(
        placed=placed,
        drawing=svg(symbol, attributes=box),
        live=_place(visit, symbol, placed, bound, live),
        select=placed.branch if not placed.link and placed.branch in visit.plant.connectors_by_path else "",
        href=_href(visit, placed, bound),
        command=_command(visit, placed, label),
        mark=placed.branch if "alarm" in symbol.roles else "",
        mark_scale=max(MARK_UNITS, placed.size / 3) / MARK_UNITS,
        label=label,
        state=_state(symbol, placed, bound, live),
        value=_value(visit, placed, bound, live),
        inside=inside,
    )


def _place(
    visit: Visit, symbol: Symbol, placed: PlacedSymbol, bound: Mapping[str, str], live: Live
) -> Markup:
    roles = [role for role in ANIMATED if role in bound]
    if not roles:
        return Markup("")
    low, high = scale(visit, symbol, placed, bound)
    return live.attributes(
        "symbol", *(bound[role] for role in roles), roles=" ".join(roles), low=low, high=high
    )


def scale(
    visit: Visit, symbol: Symbol, placed: PlacedSymbol, bound: Mapping[str, str]
) -> tuple[float, float]:
    """From where to where value and limit go: as placed, else by the tag, else by the library."""
    definition = visit.plant.definitions.get(bound.get("value", ""))
    low, high = symbol.scale or (0.0, 100.0)
    if definition is not None and symbol.scale is None:
        low = definition.low if definition.low is not None else low
        high = definition.high if definition.high is not None else high
    low = placed.low if placed.low is not None else low
    high = placed.high if placed.high is not None else high
    return low, max(high, low + 1e-9)


def _label(visit: Visit, placed: PlacedSymbol) -> str:
    if placed.label is not None:
        return visit.text(placed.label) if placed.label else ""
    found = visit.plant.connectors_by_path.get(placed.branch)
    if found is not None:
        charger, connector = found
        return charger.name if len(charger.connectors) == 1 else f"{charger.name} · C{connector.number}"
    meter = next((one for one in visit.plant.meters() if one.path == placed.branch), None)
    if meter is not None:
        return visit.text(meter.label) or meter.name
    site = visit.site(placed.branch)
    if site is not None:
        return visit.text(site.label) or site.path
    return placed.branch.rpartition(".")[2]


def _href(visit: Visit, placed: PlacedSymbol, bound: Mapping[str, str]) -> str:
    if placed.link:
        return placed.link
    if placed.branch:
        return alarms.url_of(visit.plant, placed.branch)
    tag = bound.get("value") or bound.get("state")
    return f"/tag/{quote(tag)}" if tag else ""


def _command(visit: Visit, placed: PlacedSymbol, label: str) -> dict[str, str]:
    """Attributes of the button; nothing where the user may not: what is not allowed is not offered."""
    definition = CATALOGUE.get(placed.command)
    if definition is None or not visit.actor.may(definition.right):
        return {}
    title = f"{label or placed.command} · {placed.branch}"
    return {
        "data-action": "command",
        "data-command": placed.command,
        "data-target": placed.branch,
        "data-arguments": json.dumps(dict(placed.arguments), ensure_ascii=False),
        "data-title": title,
        "data-confirm": visit.tr("{command} for {path}?").format(
            command=label or placed.command, path=placed.branch
        ),
    }


def _state(symbol: Symbol, placed: PlacedSymbol, bound: Mapping[str, str], live: Live) -> Markup:
    """The state in words, where there is room: never by shape or colour alone."""
    if "state" not in bound or not placed.values or not symbol.of:
        return Markup("")
    paths = [bound["state"], *([bound["online"]] if "online" in bound else [])]
    if bound["state"].endswith(".Online"):
        return live.place("link", bound["state"], element="tspan")
    return live.place("status", *paths, element="tspan")


def _value(visit: Visit, placed: PlacedSymbol, bound: Mapping[str, str], live: Live) -> Markup:
    path = bound.get("value", "")
    if not path or not placed.values:
        return Markup("")
    definition = visit.plant.definitions.get(path)
    if definition is None or definition.kind is Kind.REGISTER:
        unit = definition.unit if definition else ""
        place = live.place(
            "number", path, css="num", element="tspan", d=definition.decimals if definition else 0
        )
        return place + Markup('<tspan class="unit"> {}</tspan>').format(unit) if unit else place
    worded = definition.kind is Kind.BIT or definition.choices or path.rpartition(".")[2] in WORDED
    return live.place("word" if worded else "text", path, element="tspan")
