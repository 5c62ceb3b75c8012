"""The curve: steps where values hold, gaps where nothing was known."""

from __future__ import annotations

import pytest

from scada.core.ports import Point
from scada.core.value import GOOD, Quality
from scada.hmi.trend import drawing, paths, top_of_scale
from scada.i18n import Formats

LOST = int(Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE)


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (0.3, 0.5), (7.4, 10), (11, 20), (22, 50), (50, 50), (51, 100)]
)
def test_scale_ends_at_a_round_figure(highest: float, top: float) -> None:
    assert top_of_scale(highest) == pytest.approx(top)


def test_a_value_holds_until_the_next_and_to_the_end() -> None:
    (path,) = paths([Point(0, 10.0, GOOD), Point(50, 5.0, GOOD)], 0, 100, 10)
    assert path.count("M") == 1
    assert path.count("H") == 2


def test_lost_link_is_a_gap() -> None:
    points = [Point(0, 10.0, GOOD), Point(20, 10.0, LOST), Point(60, 8.0, GOOD)]
    assert len(paths(points, 0, 100, 10)) == 2
    assert len(paths(points[:2], 0, 100, 10)) == 1


def test_samples_before_the_span_begin_at_its_edge() -> None:
    (path,) = paths([Point(-50, 10.0, GOOD)], 0, 100, 10)
    assert path.startswith("M48.0 ")


def test_nothing_recorded_is_a_sentence() -> None:
    text = drawing([], 0, 100, Formats("en", "UTC"), "kW", 1, "nothing <b>")
    assert text == '<p class="empty">nothing &lt;b&gt;</p>'
