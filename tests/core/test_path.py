from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.path import is_path, matcher

PATHS = [
    "Depot.CP01.C1.ActivePower",
    "Depot.CP01.C2.ActivePower",
    "Depot.CP01.Online",
    "Depot.Grid.ActivePower",
    "System.LoopLag",
]


@pytest.mark.parametrize(
    ("pattern", "selected"),
    [
        ("Depot.CP01.Online", [2]),
        ("Depot.*", [0, 1, 2, 3]),
        ("Depot.**", [0, 1, 2, 3]),
        ("**", [0, 1, 2, 3, 4]),
        ("*", [0, 1, 2, 3, 4]),
        ("Depot.**.ActivePower", [0, 1, 3]),
        ("Depot.*.ActivePower", [3]),
        ("Depot.*.C*.ActivePower", [0, 1]),
        ("Depot.CP0*.C1.*", [0]),
        ("*.CP01.Online", [2]),
        ("**.**.ActivePower", [0, 1, 3]),
        ("depot.*", []),
    ],
)
def test_a_pattern_selects(pattern: str, selected: list[int]) -> None:
    match = matcher(pattern)
    assert [number for number, path in enumerate(PATHS) if match(path)] == selected


@pytest.mark.parametrize("pattern", ["", "a..b", ".a", "a.", "a b", "a/b", "x" * 300, "(a+)+$"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        matcher(pattern)


@given(st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=6))
def test_a_path_selects_itself_and_its_branches_select_it(segments: list[str]) -> None:
    path = ".".join(segments)
    assert is_path(path)
    assert matcher(path)(path)
    assert matcher("**")(path)
    for depth in range(1, len(segments)):
        assert matcher(".".join(segments[:depth]) + ".*")(path)
        assert matcher(".".join(["*"] * depth + segments[depth:]))(path)


def test_many_stars_are_no_trap() -> None:
    # A pattern out of a query string must not cost exponential time.
    assert not matcher(".".join(["**"] * 60) + ".x")("a." * 60 + "y")
    assert not matcher("a*" * 100 + "b")("a" * 200)
