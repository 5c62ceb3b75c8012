"""Contrast of the themes (WCAG 2.1, 1.4.3: at least 4.5 : 1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import scada.hmi

STYLE = (Path(scada.hmi.__file__).parent / "static" / "hmi.css").read_text("utf-8")
THEMES = {"light": ":root {", "dark": ':root[data-theme="dark"] {'}
PAIRS = [
    *((ink, ground) for ink in ("ink", "dim", "live", "link") for ground in ("bg", "panel", "raise")),
    *((ink, "panel") for ink in ("trouble", "doubt")),
    *((f"{name}-ink", name) for name in ("crit", "high", "med", "low", "journal")),
]


def colours(theme: str) -> dict[str, str]:
    block = STYLE[STYLE.index(THEMES[theme]) :].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_contrast(theme: str, ink: str, ground: str) -> None:
    known = colours(theme)
    light, dark = sorted((luminance(known[ink]), luminance(known[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_colours_stand_in_variables_alone() -> None:
    rules = STYLE[STYLE.index("html, body") :]
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s])", rules)) <= {"#fff", "#10161c"}
