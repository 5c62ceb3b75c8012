import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.plant import Connector, Current
from scada.simulator.drawing import draw
from scada.simulator.outlet import Outlet, OutletState, Transaction
from scada.simulator.vehicle import AC_EFFICIENCY, DC_EFFICIENCY, Vehicle, dc_share

vehicles = st.builds(
    Vehicle,
    name=st.just("any"),
    battery_kwh=st.floats(5, 200),
    soc=st.floats(0, 100),
    target_soc=st.floats(50, 100),
    phases=st.sampled_from((1, 3)),
    current_max_a=st.floats(6, 80),
    dc_power_max_kw=st.floats(0, 350),
    id_tag=st.just("T"),
)
connectors = st.builds(
    Connector,
    number=st.just(1),
    path=st.just("D.C.C1"),
    plug=st.just("any"),
    current=st.sampled_from(Current),
    phases=st.sampled_from((1, 3)),
    current_max_a=st.floats(6, 500),
    power_max_kw=st.floats(1.4, 400),
)


@given(vehicles, connectors, st.lists(st.floats(0.01, 7200), max_size=30), st.integers(), st.floats(0, 500))
def test_physics_hold(
    vehicle: Vehicle, spec: Connector, steps: list[float], seed: int, offered_a: float
) -> None:
    state = OutletState(
        vehicle=vehicle,
        transaction=Transaction(key="k", id_tag="T", started="", meter_start_wh=0),
    )
    outlet = Outlet(spec=spec, state=state, offered_a=min(offered_a, spec.current_max_a))
    rng = random.Random(seed)
    for seconds in steps:
        register_wh, soc = state.register_wh, vehicle.soc
        outlet.step(seconds, rng)
        measured = outlet.measured
        assert state.register_wh >= register_wh >= 0
        assert soc <= vehicle.soc <= max(soc, vehicle.target_soc) <= 100
        assert 0 <= measured.power_w <= spec.power_max_kw * 1000 * 1.000001
        assert all(0 <= a <= outlet.offered_a * 1.000001 for a in measured.currents_a)
        if not outlet.is_dc:
            assert all(a <= vehicle.current_max_a for a in measured.currents_a)
            if spec.phases == 1 or vehicle.phases == 1:
                assert measured.currents_a[1:] == (0.0, 0.0)
        else:
            assert measured.power_w <= vehicle.dc_power_max_kw * 1000 * 1.000001
        # What went through the meter is in the battery, but for the losses.
        efficiency = DC_EFFICIENCY if outlet.is_dc else AC_EFFICIENCY
        gained_wh = (vehicle.soc - soc) / 100 * vehicle.battery_kwh * 1000
        assert gained_wh == pytest.approx((state.register_wh - register_wh) * efficiency, abs=0.01, rel=1e-6)
        assert -40 < outlet.temperature_c < 120


@given(vehicles)
def test_below_6_a_a_vehicle_on_ac_pauses(vehicle: Vehicle) -> None:
    assert vehicle.ac_current_a(5.9, 3) == (0.0, 0.0, 0.0)


@given(st.floats(0, 100))
def test_the_dc_curve_is_a_share(soc: float) -> None:
    assert 0 < dc_share(soc) <= 1


def test_the_dc_curve_falls_above_80_percent() -> None:
    shares = [dc_share(soc) for soc in range(80, 101)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1
    assert shares[-1] == pytest.approx(0.08)


def test_an_ac_charge_tapers_near_full() -> None:
    car = Vehicle(
        name="car",
        battery_kwh=50,
        soc=97.5,
        phases=3,
        current_max_a=16,
        dc_power_max_kw=0,
        id_tag="T",
    )
    current_a, _, _ = car.ac_current_a(32, 3)
    assert current_a == pytest.approx(11.0)


@given(connectors, st.integers())
def test_a_drawn_vehicle_can_charge_where_it_is_sent(spec: Connector, seed: int) -> None:
    vehicle = draw(spec, "T", random.Random(seed))
    assert not vehicle.full
    if spec.current is Current.DC:
        assert vehicle.dc_power_w(50_000) > 0
    else:
        assert vehicle.ac_current_a(32, spec.phases)[0] >= 6


def test_a_bad_contact_gets_hot_and_cools_down() -> None:
    spec = Connector(
        number=1,
        path="D.C.C1",
        plug="",
        current=Current.AC,
        phases=3,
        current_max_a=32,
        power_max_kw=22,
    )
    outlet = Outlet(spec=spec, state=OutletState(), heat_c=50)
    rng = random.Random(1)
    for _ in range(1200):
        outlet.step(1, rng)
    assert 65 < outlet.temperature_c < 78
    outlet.heat_c = 0
    for _ in range(1800):
        outlet.step(1, rng)
    assert outlet.temperature_c < 30
