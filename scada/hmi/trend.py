"""A curve of the last hour as SVG, drawn from history. Pure: points → drawing.

A value holds until the next sample (history keeps changes), so the line goes in steps; where the quality was
not Good nothing was known, and the line has a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from scada.core.ports import Point
from scada.core.value import TimeUs, is_good
from scada.i18n import Formats

WIDTH, HEIGHT = 600, 120
_LEFT, _RIGHT, _BOTTOM, _TOP = 48, 6, 18, 10


def top_of_scale(highest: float) -> float:
    """The next round figure above: 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= highest)


def paths(points: Sequence[Point], from_us: TimeUs, to_us: TimeUs, top: float) -> list[str]:
    """The unbroken stretches as SVG paths."""
    out: list[str] = []
    current: list[str] = []
    plot = HEIGHT - _BOTTOM - _TOP

    def x(time_us: TimeUs) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (max(time_us, from_us) - from_us) / (to_us - from_us)

    for point in points:
        good = is_good(point.quality) and isinstance(point.value, (int, float))
        if current:
            current.append(f"H{x(point.time_us):.1f}")
        if not good:
            if current:
                out.append("".join(current))
            current = []
            continue
        assert isinstance(point.value, (int, float))
        y = _TOP + plot * (1 - min(max(point.value, 0.0), top) / top)
        current.append(f"V{y:.1f}" if current else f"M{x(point.time_us):.1f} {y:.1f}")
    if current:
        out.append("".join([*current, f"H{x(to_us):.1f}"]))
    return out


def drawing(
    points: Sequence[Point],
    from_us: TimeUs,
    to_us: TimeUs,
    formats: Formats,
    unit: str,
    decimals: int,
    empty: str,
) -> Markup:
    """The curve with its scale; a sentence where there is nothing to draw."""
    values = [float(p.value) for p in points if is_good(p.quality) and isinstance(p.value, (int, float))]
    if not values:
        return Markup('<p class="empty">{}</p>').format(empty)
    top = top_of_scale(max(values))
    floor = HEIGHT - _BOTTOM
    lines = Markup("").join(
        Markup('<path class="curve" d="{}"/>').format(d) for d in paths(points, from_us, to_us, top)
    )
    grid = Markup("").join(
        Markup('<path class="grid" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>').format(
            _LEFT, y, WIDTH - _RIGHT, _LEFT - 5, y + 4, label
        )
        for y, label in (
            (_TOP, f"{formats.number(top, 0 if top >= 10 else decimals)} {unit}"),
            ((_TOP + floor) / 2, formats.number(top / 2, 0 if top >= 20 else decimals)),
            (floor, "0"),
        )
    )
    middle = (from_us + to_us) // 2
    times = Markup(
        '<text x="{}" y="{y}">{}</text><text x="{}" y="{y}" text-anchor="middle">{}</text>'
    ).format(
        _LEFT, formats.hour(from_us), (_LEFT + WIDTH - _RIGHT) / 2, formats.hour(middle), y=HEIGHT - 4
    ) + Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
        WIDTH - _RIGHT, HEIGHT - 4, formats.hour(to_us)
    )
    return Markup('<svg class="trend" viewBox="0 0 {} {}" role="img">{}{}{}</svg>').format(
        WIDTH, HEIGHT, grid, lines, times
    )


def sparkline(
    points: Sequence[Point], from_us: TimeUs, to_us: TimeUs, formats: Formats, unit: str, empty: str
) -> Markup:
    """The curve alone, for a narrow place: it is stretched, its scale stands beside it as text."""
    values = [float(p.value) for p in points if is_good(p.quality) and isinstance(p.value, (int, float))]
    if not values:
        return Markup('<p class="dim">{}</p>').format(empty)
    top = top_of_scale(max(values))
    lines = Markup("").join(
        Markup('<path class="curve" d="{}"/>').format(d) for d in paths(points, from_us, to_us, top)
    )
    plot = f"{_LEFT} 0 {WIDTH - _LEFT - _RIGHT} {HEIGHT - _BOTTOM + 2}"
    scale = formats.number(top, 0 if top >= 10 else 1)
    return Markup(
        '<p class="spark-line"><span>{} {}</span></p><svg class="trend spark" viewBox="{}" preserveAspectRatio="none"'
        ' aria-hidden="true">{}</svg><p class="spark-line"><span>{}</span><span>{}</span></p>'
    ).format(scale, unit, plot, lines, formats.hour(from_us), formats.hour(to_us))
