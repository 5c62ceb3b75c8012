from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scada.core.timers import Timers


@given(st.lists(st.integers(0, 50), max_size=30), st.lists(st.integers(0, 60), max_size=10))
def test_what_is_due_comes_once_in_order_with_its_own_time(dues: list[int], ticks: list[int]) -> None:
    timers = Timers()
    seen: list[tuple[int, int]] = []
    for number, due in enumerate(dues):
        timers.at(due, lambda due_us, number=number: seen.append((due_us, number)))  # type: ignore[misc]
    for now in sorted(ticks):
        timers.tick(now)
        assert seen == sorted((due, number) for number, due in enumerate(dues) if due <= now)
    assert len(timers) == len(dues) - len(seen)


def test_what_is_asked_for_within_a_tick_and_due_already_comes_in_the_same() -> None:
    timers = Timers()
    seen: list[int] = []
    timers.at(10, lambda due_us: timers.at(due_us + 5, seen.append))
    timers.tick(20)
    assert seen == [15]
    assert timers.now_us == 20
