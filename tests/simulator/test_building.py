import random

import pytest

from scada.core.plant import Connector, Current
from scada.simulator.building import SiteLoad, building_shape
from scada.simulator.outlet import Measured, Outlet, OutletState


def outlet(
    power_w: float, currents: tuple[float, float, float], current: Current = Current.AC, shift: int = 0
) -> Outlet:
    spec = Connector(
        number=1, path="D.C.C1", plug="", current=current, phases=3, current_max_a=32, power_max_kw=22
    )
    return Outlet(
        spec=spec,
        state=OutletState(),
        phase_shift=shift,
        measured=Measured(currents_a=currents, voltages_v=(230.0, 230.0, 230.0), power_w=power_w),
    )


def test_a_working_day() -> None:
    assert building_shape(3) < 0.6
    assert building_shape(10) > 1.2
    assert building_shape(12.5) < building_shape(10)
    assert all(0.4 < building_shape(hour / 4) < 1.4 for hour in range(96))


def test_the_grid_meter_sees_building_and_chargers() -> None:
    load = SiteLoad(20.0, random.Random(1), {})
    for _ in range(60):
        load.step(60, 10.0, [[outlet(11_040, (16, 16, 16))], [outlet(30_000, (75, 0, 0), Current.DC)]])
    building, grid = load.readings("building"), load.readings("grid")
    assert 15_000 < building["Power"] < 35_000
    assert grid["Power"] - building["Power"] == pytest.approx(11_040 + 30_000 / 0.94)
    assert grid["Import"] > building["Import"] > 15
    for phase in (1, 2, 3):
        assert 222 <= grid[f"VoltageL{phase}"] <= 240
        extra_a = grid[f"CurrentL{phase}"] - building[f"CurrentL{phase}"]
        assert extra_a == pytest.approx(16 + 10_000 / 0.94 / 230, rel=0.05)
    assert 49.9 < grid["Frequency"] < 50.1


def test_small_cars_are_spread_over_the_phases() -> None:
    load = SiteLoad(0.0, random.Random(1), {})
    load.step(1, 0.0, [[outlet(3_680, (16, 0, 0), shift=n)] for n in range(3)])
    currents = [load.readings("grid")[f"CurrentL{phase}"] for phase in (1, 2, 3)]
    assert currents == pytest.approx([16, 16, 16], rel=0.05)
