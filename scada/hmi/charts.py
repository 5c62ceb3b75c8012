"""Charts of reports as SVG: bars side by side or stacked, or lines. Pure: data → drawing; the table below says the same.

Series are shades of one grey with a hatch or a dash each, named in a legend: colour is for alarms.
"""

from __future__ import annotations

from markupsafe import Markup

from scada.core.report_ports import Chart
from scada.hmi.trend import top_of_scale
from scada.i18n import Formats

WIDTH, HEIGHT = 800, 220
LABELS_MAX = 12
"""Labels below the axis; of more every second, third … is written."""
_LEFT, _RIGHT, _BOTTOM, _TOP = 56, 8, 20, 14
_PLOT = HEIGHT - _BOTTOM - _TOP
_SHADES = 9


def drawing(chart: Chart, formats: Formats, empty: str) -> Markup:
    """The chart with scale, labels and legend; a sentence where there is nothing to draw."""
    count = len(chart.labels)
    top = top_of_scale(_highest(chart))
    if not count or not any(value for values in chart.series.values() for value in values):
        return Markup('<p class="empty">{}</p>').format(empty)
    body = _lines(chart, top) if chart.lines else _bars(chart, top, formats)
    legend = Markup("")
    if len(chart.series) > 1:
        legend = Markup('<ul class="chart-legend">{}</ul>').format(
            Markup("").join(
                Markup(
                    '<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="s{}" width="12" height="12"/></svg>{}</li>'
                ).format(number % _SHADES, name or "–")
                for number, name in enumerate(chart.series)
            )
        )
    return Markup(
        '<figure class="chart"><svg class="chart-plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>{}</figure>'
    ).format(WIDTH, HEIGHT, chart.title, _grid(chart, top, formats), body, _labels(chart), legend)


def _highest(chart: Chart) -> float:
    if not chart.stacked:
        return max((value for values in chart.series.values() for value in values), default=0.0)
    return max((sum(values) for values in zip(*chart.series.values(), strict=True)), default=0.0)


def _y(value: float, top: float) -> float:
    return _TOP + _PLOT * (1 - min(max(value, 0.0), top) / top)


def _width(chart: Chart) -> float:
    return (WIDTH - _LEFT - _RIGHT) / len(chart.labels)


def _grid(chart: Chart, top: float, formats: Formats) -> Markup:
    decimals = 0 if top >= 10 else 1 if top >= 1 else 2
    return Markup("").join(
        Markup('<path class="grid" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>').format(
            _LEFT, f"{_y(value, top):.1f}", WIDTH - _RIGHT, _LEFT - 5, f"{_y(value, top) + 4:.1f}", text
        )
        for value, text in (
            (top, f"{formats.number(top, decimals)} {chart.unit}"),
            (top / 2, formats.number(top / 2, decimals)),
            (0.0, "0"),
        )
    )


def _bars(chart: Chart, top: float, formats: Formats) -> Markup:
    width = _width(chart)
    part = width * 0.8 / (1 if chart.stacked else max(1, len(chart.series)))
    out = []
    for place, label in enumerate(chart.labels):
        base = 0.0
        for number, (name, values) in enumerate(chart.series.items()):
            value = values[place]
            if value <= 0:
                continue
            x = _LEFT + place * width + width * 0.1 + (0 if chart.stacked else number * part)
            high, low = _y(base + value, top), _y(base, top)
            title = " · ".join(
                one for one in (label, name, f"{formats.number(value, 2)} {chart.unit}") if one
            )
            out.append(
                Markup(
                    '<rect class="s{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
                ).format(
                    number % _SHADES,
                    f"{x:.1f}",
                    f"{high:.1f}",
                    f"{max(part, 0.5):.1f}",
                    f"{low - high:.1f}",
                    title,
                )
            )
            base += value if chart.stacked else 0.0
    return Markup("").join(out)


def _lines(chart: Chart, top: float) -> Markup:
    width = _width(chart)
    return Markup("").join(
        Markup('<path class="curve l{}" d="M{}"/>').format(
            number % _SHADES,
            "L".join(
                f"{_LEFT + (place + 0.5) * width:.1f} {_y(value, top):.1f}"
                for place, value in enumerate(values)
            ),
        )
        for number, values in enumerate(chart.series.values())
    )


def _labels(chart: Chart) -> Markup:
    width, every = _width(chart), -(-len(chart.labels) // LABELS_MAX)
    return Markup("").join(
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
            f"{_LEFT + (place + 0.5) * width:.1f}", HEIGHT - 5, label
        )
        for place, label in enumerate(chart.labels)
        if place % every == 0
    )
