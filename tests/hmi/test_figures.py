"""The figures of the alarm system, each beside the recommended one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scada.core.ports import AlarmFigures
from scada.hmi.pages import figures

DAY_US = 86_400_000_000
CALM = AlarmFigures(
    from_us=0,
    to_us=DAY_US,
    raised=100,
    per_10_min_mean=0.7,
    per_10_min_peak=6,
    flood_percent=0.0,
    most_frequent=[("Depot.CP03.Online", 3)],
    chattering=[],
    fleeting=[],
    stale=[],
    by_priority={"critical": 2.0, "high": 3.0, "medium": 15.0, "low": 80.0},
    acknowledge_s_median=95.0,
    acknowledge_s_p90=None,
)


def states(world: Any, found: AlarmFigures) -> dict[str, str]:
    return {one.name: one.state for one in figures.figures(world.visit(), found)}


def test_a_calm_system_does_well(world: Any) -> None:
    assert set(states(world, CALM).values()) == {"well", ""}
    by_name = {one.name: one for one in figures.figures(world.visit(), CALM)}
    assert by_name["Alarms a day"].value == "100"
    assert by_name["Time to acknowledge, median"].value == "0:01:35"
    assert by_name["Time to acknowledge, nine of ten within"].value == "–"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"raised": 301}, "Alarms a day"),
        ({"per_10_min_mean": 2.1}, "Alarms in 10 minutes, mean"),
        ({"per_10_min_peak": 11}, "Alarms in 10 minutes, peak"),
        ({"flood_percent": 1.0}, "Time in flood (over 10 in 10 minutes)"),
        ({"most_frequent": [("Depot.CP03.Online", 6)]}, "Share of the ten most frequent"),
        ({"chattering": ["Depot.CP03.Online"]}, "Chattering alarms"),
        ({"fleeting": [("Depot.CP03.Online", 1)]}, "Fleeting alarms"),
        ({"stale": ["a", "b", "c", "d", "e"]}, "Stale alarms"),
    ],
)
def test_what_is_worse_than_recommended_is_said(world: Any, change: dict[str, Any], name: str) -> None:
    worse = {key for key, state in states(world, replace(CALM, **change)).items() if state == "above"}
    assert worse == {name}


def test_critical_and_high_share_one_target(world: Any) -> None:
    shares = figures.shares(world.visit(), CALM)
    assert [(number, share, target) for _, number, share, target, _ in shares] == [
        (1, 5.0, 5.0),
        (3, 15.0, 15.0),
        (4, 80.0, 80.0),
    ]


def test_few_alarms_say_nothing_of_the_most_frequent(world: Any) -> None:
    few = replace(CALM, raised=3, by_priority={})
    assert states(world, few)["Share of the ten most frequent"] == ""


def test_names_lead_to_their_alarms(world: Any) -> None:
    visit = world.visit(language="fr")
    html = str(figures.render(visit, replace(CALM, chattering=["Depot.CP03.Online"]), visit.live()))
    assert 'href="/alarm/Depot.CP03.Online"' in html
    assert "Borne hors ligne" in html
    assert "alarmes apparues" in html
