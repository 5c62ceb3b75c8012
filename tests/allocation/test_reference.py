"""The reference scenario of the field: three chargers on one phase behind 16 A, step by step."""

from __future__ import annotations

import pytest

from scada.allocation import Limits, Member, Mode, Node, Settings, Tree
from tests.allocation.world import Vehicle, World


def world(
    *,
    phases: tuple[int, int, int] = (0, 0, 0),
    hold_minimum: bool = False,
    fallback_a: float = 0.0,
    metered: bool = True,
) -> World:
    grid = Node(name="Grid", limits=Limits(current_a=(16.0,) * 3), safe_a=(12.0,) * 3, metered=metered)
    members = [
        Member(name=f"C{n + 1}", node="Grid", phases=(phase,), fallback_a=fallback_a)
        for n, phase in enumerate(phases)
    ]
    result = World(Tree([grid], members), Settings(hold_minimum=hold_minimum), sample_s=5, lost_answers=0)
    result.run(30)
    return result


def plug(site: World, *indexes: int) -> None:
    for index in indexes:
        site.plug(index, Vehicle(f"car {index} {site.now_s}", 32.0, 1, 1e9, 1e9))
    site.run(45)


def currents(site: World) -> list[float]:
    return [charger.current_a for charger in site.chargers]


def test_step_by_step() -> None:
    site = world()
    plug(site, 0)
    assert currents(site) == [16.0, 0.0, 0.0]
    plug(site, 1)
    assert currents(site) == [8.0, 8.0, 0.0]

    plug(site, 2)
    assert sorted(currents(site)) == [0.0, 8.0, 8.0]
    had = [0.0] * 3
    for _ in range(3 * 60):
        site.run(30)
        had = [one + more for one, more in zip(had, currents(site), strict=True)]
    assert min(had) > 0.8 * max(had), "they take turns"

    site.unplug(2)
    site.run(45)
    assert currents(site) == [8.0, 8.0, 0.0]

    site.load("Grid", [8.0, 0.0, 0.0])
    site.run(45)
    assert sorted(currents(site)) == [0.0, 0.0, 8.0]
    assert site.decision is not None
    waiting = next(share for share in site.decision.shares if share.state.value == "waiting")
    assert waiting.bound_by == "turn of others: Grid, L1"

    site.load("Grid", [0.0, 0.0, 0.0])
    site.run(60)
    assert currents(site) == [8.0, 8.0, 0.0]
    assert [share.bound_by for share in site.decision.shares[:2]] == ["Grid, L1"] * 2

    site.meters_silent_until_s = site.now_s + 120
    site.run(60)
    assert currents(site) == [6.0, 6.0, 0.0]
    site.run(120)
    assert currents(site) == [8.0, 8.0, 0.0]

    site.power_cycle(0, 20)
    site.run(65)
    assert currents(site) == [8.0, 8.0, 0.0]

    site.mode = Mode.STOP
    site.run(15)
    assert currents(site) == [0.0, 0.0, 0.0]
    site.mode = Mode.NORMAL
    site.run(120)
    assert currents(site) == [8.0, 8.0, 0.0]
    assert site.violations == []


def test_cars_on_different_phases_all_get_8_a_at_least() -> None:
    site = world(phases=(0, 0, 1))
    plug(site, 0, 1, 2)
    assert currents(site) == [8.0, 8.0, 16.0]


def test_a_site_limit_of_power_shares_over_phases() -> None:
    grid = Node(name="Grid", limits=Limits(current_a=(16.0,) * 3, power_kw=24 * 0.23))
    members = [Member(name=f"C{n}", node="Grid", phases=(phase,)) for n, phase in enumerate((0, 0, 1))]
    site = World(Tree([grid], members), Settings(), lost_answers=0)
    site.run(30)
    plug(site, 0, 1, 2)
    assert currents(site) == [8.0, 8.0, 8.0]


def test_holding_the_minimum_exceeds_the_limit_and_says_so() -> None:
    site = world(hold_minimum=True)
    plug(site, 0, 1, 2)
    assert currents(site) == [6.0, 6.0, 6.0]
    assert site.decision is not None
    assert site.decision.overload == ("Grid, L1",)
    site.unplug(2)
    site.load("Grid", [8.0, 0.0, 0.0])
    site.run(45)
    assert currents(site)[:2] == [6.0, 6.0]


@pytest.mark.parametrize("fallback_a", [0.0, 6.0])
def test_a_charger_that_goes_offline_counts_as_its_lease_and_then_as_its_fallback(fallback_a: float) -> None:
    site = world(fallback_a=fallback_a, metered=False)
    plug(site, 0, 1)
    site.chargers[0].offline_until_s = 1e9
    site.run(60)
    assert currents(site)[:2] == [8.0, 8.0], "its lease still runs"
    site.run(240)
    assert currents(site)[:2] == [fallback_a, 16.0 - fallback_a]
    assert site.violations == []


def test_what_one_does_not_take_the_other_has() -> None:
    site = world()
    site.plug(0, Vehicle("small", 6.0, 1, 1e9, 1e9))
    plug(site, 1)
    site.run(60)
    assert currents(site)[:2] == [6.0, 9.0]


def test_a_disobedient_charger_is_reported_and_stopped_while_the_limit_is_exceeded() -> None:
    site = world()
    plug(site, 0, 1)
    site.chargers[0].disobeys = True
    site.reason()
    site.run(60)
    assert site.chargers[0].vehicle is None, "it was stopped"
    assert currents(site)[1] == 16.0
