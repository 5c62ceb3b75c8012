"""Trends: what the browser is given to draw, and the addresses of the page."""

from __future__ import annotations

import html
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scada.core.ports import Point
from scada.core.value import GOOD, SECOND_US, Quality
from scada.hmi import curves
from scada.hmi.pages import PAGES, trends

BAD = int(Quality.BAD_NO_COMMUNICATION)
OLD = int(Quality.UNCERTAIN_LAST_USABLE_VALUE)
POWER = "Depot.CP03.C1.ActivePower"


def at(second: float, value: Any, quality: int = GOOD) -> Point:
    return Point(int(second * SECOND_US), value, quality)


def drawn(points: list[Point], pixels: int = 100, end: int = 100) -> dict[str, Any]:
    return curves.columns(points, 0, 100 * SECOND_US, end * SECOND_US, pixels)


def test_a_value_holds_until_the_end_and_begins_at_the_left_edge() -> None:
    got = drawn([at(-50, 3.0), at(40, 5.0)], end=60)
    assert got["t"] == [0, 40_000, 60_000]
    assert got["v"] == got["lo"] == got["hi"] == [3.0, 5.0, 5.0]
    assert got["doubt"] == []


def test_a_gap_is_a_gap_and_says_how_bad_it_was() -> None:
    got = drawn([at(0, 1.0), at(20, 1.0, OLD), at(30, None, BAD), at(50, 2.0)])
    assert got["v"] == [1.0, None, None, 2.0, 2.0]
    assert got["doubt"] == [[20_000, 30_000, curves.UNCERTAIN], [30_000, 50_000, curves.BAD]]


def test_a_link_that_is_still_down_ends_in_a_gap() -> None:
    got = drawn([at(0, 1.0), at(20, None, BAD)])
    assert got["v"][-1] is None
    assert got["doubt"] == [[20_000, 100_000, curves.BAD]]


def test_nothing_recorded_is_nothing_to_draw() -> None:
    assert drawn([]) == {"t": [], "v": [], "lo": [], "hi": [], "doubt": []}


def test_bits_are_drawn_and_texts_are_not() -> None:
    assert drawn([at(0, True), at(1, "x")], pixels=1000)["v"] == [1.0, None, None]


@given(
    st.lists(st.tuples(st.integers(0, 99_999), st.floats(-1e6, 1e6)), min_size=1, max_size=300),
    st.integers(1, 50),
)
def test_no_extreme_is_lost_and_columns_stay_narrow(samples: list[tuple[int, float]], pixels: int) -> None:
    points = [at(ms / 1000, value) for ms, value in sorted(samples)]
    got = drawn(points, pixels)
    assert min(got["lo"]) == min(value for _, value in samples)
    assert max(got["hi"]) == max(value for _, value in samples)
    assert len(got["t"]) == len(got["v"]) == len(got["lo"]) == len(got["hi"]) <= 2 * pixels + 5
    assert got["t"] == sorted(got["t"])
    assert all(low <= value <= high for low, value, high in zip(got["lo"], got["v"], got["hi"], strict=True))


def test_the_address_holds_tags_and_span(world: Any) -> None:
    visit = world.visit(tags=f"{POWER},nothing,{POWER},Depot.CP03.Model", **{"from": "1000", "to": "5000"})
    assert [tag.path for tag in trends.chosen(visit)] == [POWER]
    assert trends.span(visit) == (1_000_000, 5_000_000)
    for begin, end in (("5000", "1000"), ("x", "5"), ("0", "9" * 15), ("", "5000")):
        assert trends.span(world.visit(**{"from": begin, "to": end})) is None
    assert trends.span_s(world.visit(span="600")) == 600
    assert trends.span_s(world.visit(span="0")) == trends.DEFAULT_SPAN_S


async def test_tags_are_found_added_and_taken_away(world: Any) -> None:
    view = await PAGES["/trends"](world.visit(tags=POWER, q="CP03 C1", span="600"))
    shown = html.unescape(str(view.main))
    assert f"/trends?tags={POWER.replace(',', '%2C')}%2CDepot.CP03.C1." in shown
    assert "/trends?tags=&span=600" in shown
    assert view.sites == ("Depot",)
    nothing = str((await PAGES["/trends"](world.visit(q="no such tag"))).main)
    assert "No recorded tag fits" in nothing
    assert "No tag is chosen" in str((await PAGES["/trends"](world.visit())).main)


async def test_eight_tags_are_enough(world: Any) -> None:
    paths = [tag.path for tag in world.host.tags if trends.drawable(tag)]
    assert len(paths) > trends.TAGS_MAX
    view = await PAGES["/trends"](world.visit(tags=",".join(paths[:20]), q="CP"))
    assert str(view.main).count("data-cursor=") == trends.TAGS_MAX
    assert "at most 8 tags" in str(view.main)
