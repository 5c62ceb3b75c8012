"""Energy out of registers, whatever they do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.charging.registers import (
    HOUR_US,
    Reading,
    energy_by,
    energy_in,
    register_at,
    steps,
    whole,
)


def rows(*pairs: tuple[int, float]) -> list[Reading]:
    return [Reading(hours * HOUR_US, value) for hours, value in pairs]


@pytest.mark.parametrize(
    ("readings", "energies", "marks"),
    [
        (rows((0, 100), (1, 600), (2, 600)), [500, 0], ["", ""]),
        (rows((0, 5_000), (1, 200), (2, 700)), [200, 500], ["reset", ""]),
        (rows((0, 99_999_900), (1, 50)), [150], ["roll_over"]),
        (rows((0, 999_999_500), (1, 500)), [1_000], ["roll_over"]),
        (rows((0, 1000), (1, 999.5)), [0], [""]),
        (rows((0, 1_000), (1, 900_000)), [0], ["jump"]),
        (rows((2, 900), (0, 100), (1, 500)), [400, 400], ["", ""]),
        (rows((0, 100)), [], []),
        ([], [], []),
    ],
)
def test_steps(readings: list[Reading], energies: list[float], marks: list[str]) -> None:
    found = steps(readings, power_max_w=22_000)
    assert [step.energy_wh for step in found] == pytest.approx(energies)
    assert [step.mark for step in found] == marks


def test_without_a_greatest_power_nothing_is_a_jump() -> None:
    assert steps(rows((0, 1_000), (1, 900_000)))[0].mark == ""


@given(
    st.lists(st.tuples(st.integers(1, 3_600), st.floats(0, 50_000)), min_size=1, max_size=40),
    st.lists(st.integers(0, 39), max_size=5),
)
def test_resets_lose_nothing_but_what_flowed_unseen(
    flows: list[tuple[int, float]], resets: list[int]
) -> None:
    """A register that is set to 0 right after a reading counts on as if nothing had been."""
    register, time_us, expected = 1_000.0, 0, 0.0
    readings = [Reading(0, register)]
    for number, (seconds, energy) in enumerate(flows):
        if number in resets and energy < register - 2:  # else nobody can see that it fell
            register = 0.0
        register += energy
        expected += energy
        time_us += seconds * 1_000_000
        readings.append(Reading(time_us, register))
    assert sum(step.energy_wh for step in steps(readings)) == pytest.approx(expected, abs=1.0 * len(flows))


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 10**6)), min_size=2, max_size=30),
    st.lists(st.integers(-10, 10**6 + 10), min_size=2, max_size=20, unique=True),
)
def test_parts_add_up_to_the_whole(pairs: list[tuple[int, float]], edges: list[int]) -> None:
    found = steps(Reading(*pair) for pair in pairs)
    edges.sort()
    assert sum(energy_by(found, edges)) == pytest.approx(energy_in(found, edges[0], edges[-1]), abs=1e-3)
    everything = energy_in(found, -1, 10**6 + 1)
    assert everything == pytest.approx(sum(step.energy_wh for step in found), abs=1e-3)
    assert all(energy >= 0 for energy in energy_by(found, edges))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.integers(0, 10**9))
def test_whole_watt_hours_add_up_exactly(energies: list[float], total: int) -> None:
    shares = whole(energies, total)
    assert sum(shares) == total
    assert len(shares) == len(energies)
    assert min(shares) >= 0


def test_the_register_at_a_moment() -> None:
    readings = rows((0, 100), (10, 1_100))
    assert register_at(readings, 5 * HOUR_US, 24 * HOUR_US) == pytest.approx(600)
    assert register_at(readings, 11 * HOUR_US, 2 * HOUR_US) == 1_100
    assert register_at(readings, 5 * HOUR_US, HOUR_US) is None
    assert register_at([], 0, HOUR_US) is None
    fallen = rows((0, 1_000), (2, 10))
    assert register_at(fallen, HOUR_US, 9 * HOUR_US) == 1_000  # on no line between two registers
