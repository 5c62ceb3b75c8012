"""Functions with memory: what they say over time, frozen by Bad inputs, with a clock that is set back."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.expression.memory import POINTS_MAX
from scada.core.value import GOOD, SECOND_US, Kind, Quality, Value
from scada.testing.formulas import Formulas

BAD = Quality.BAD_NO_COMMUNICATION


class Line:
    """One formula over S.On and S.X, step by step."""

    def __init__(self, text: str, kind: Kind = Kind.BIT) -> None:
        self.formulas = Formulas({"S.On": False, "S.Other": False, "S.X": 0.0}, {"S.F": (text, kind)})
        self.seen: list[Value] = []
        self.formulas.database.watch(self.formulas["S.F"], lambda tag, _now: self.seen.append(tag.value))

    def on(self, value: bool = True, path: str = "S.On") -> Line:
        self.formulas.write(path, value)
        return self

    def x(self, value: float) -> Line:
        self.formulas.write("S.X", value)
        return self

    def bad(self, path: str = "S.On") -> Line:
        self.formulas.spoil(path, BAD)
        return self

    def wait(self, seconds: float, step_s: float = 0.05) -> Line:
        self.formulas.wait(seconds, step_s)
        return self

    def back(self, seconds: float) -> Line:
        """The clock is set back."""
        self.formulas.now_us -= int(seconds * SECOND_US)
        self.formulas.network.tick(self.formulas.now_us)
        return self

    def says(self) -> Value:
        return self.formulas["S.F"].value

    @property
    def quality(self) -> int:
        return self.formulas["S.F"].quality


@pytest.mark.parametrize(
    ("text", "kind", "path", "steps", "edges"),
    [
        ("rising(S.On)", Kind.BIT, "S.On", [True, False, True], 2),
        ("falling(S.On)", Kind.BIT, "S.On", [True, False, True], 1),
        ("changed(S.On)", Kind.BIT, "S.On", [True, False, True], 3),
        ("changed(S.X)", Kind.BIT, "S.X", [1.0, 1.0, 2.0], 2),
        ("not rising(S.On)", Kind.BIT, "S.On", [True, False, True], 2),
    ],
)
def test_an_edge_is_seen_once_for_one_turn(
    text: str, kind: Kind, path: str, steps: list[Value], edges: int
) -> None:
    line = Line(text, kind)
    at_rest = line.says()
    for value in steps:
        line.formulas.write(path, value)
        line.formulas.network.tick(line.formulas.now_us)  # the very next turn
        assert line.says() is at_rest
        line.wait(1)
    assert line.seen == [not at_rest, at_rest] * edges


def test_a_further_turn_for_another_input_ends_the_edge_too() -> None:
    line = Line("rising(S.On) or S.Other and false")
    line.on()
    assert line.says() is True
    line.on(path="S.Other")
    assert line.says() is False


def test_what_is_true_from_the_start_has_not_risen() -> None:
    formulas = Formulas({"S.On": True}, {"S.F": ("rising(S.On)", Kind.BIT)})
    assert formulas["S.F"].value is False


def test_each_edge_is_seen_though_the_rest_needs_it_not() -> None:
    """`a and rising(b)`: b rises while a is false: that edge is over when a becomes true."""
    line = Line("S.Other and rising(S.On)")
    line.on().wait(1).on(path="S.Other")
    assert line.seen == []
    line.on(False).wait(1).on()
    assert line.seen == [True]


def test_an_edge_across_a_gap_is_seen_when_the_value_can_be_trusted_again() -> None:
    line = Line("rising(S.On)").bad()
    assert line.quality == Quality.BAD_NO_DATA
    line.on()
    assert (line.says(), line.quality) == (True, GOOD)


def test_a_latch_is_held_until_it_is_reset_and_reset_wins() -> None:
    line = Line("latch(S.On, S.Other)").on().on(False)
    assert line.says() is True
    line.on(path="S.Other")
    assert line.says() is False
    line.on()
    assert line.says() is False


def test_delay() -> None:
    line = Line("delay(S.On, 10)").on().wait(9.9)
    assert line.says() is False
    line.wait(0.1)
    assert line.says() is True
    line.on(False)
    assert line.says() is False
    line.on().wait(6).on(False).on().wait(6)
    assert line.says() is False


def test_a_delay_waits_while_its_input_is_bad() -> None:
    line = Line("delay(S.On, 10)").on().wait(6).bad().wait(100)
    assert line.quality == Quality.BAD_NO_DATA
    line.on().wait(3.9)
    assert (line.says(), line.quality) == (False, GOOD)
    line.wait(0.1)
    assert line.says() is True


def test_a_delay_that_is_over_needs_no_second_one_after_a_gap() -> None:
    line = Line("delay(S.On, 10)").on().wait(11).bad().wait(5).on()
    assert line.says() is True


def test_a_delay_with_a_clock_that_is_set_back_begins_anew() -> None:
    line = Line("delay(S.On, 10)").on().wait(5).back(3600).on(path="S.Other")
    line.formulas.network.tick(line.formulas.now_us)
    line.formulas.write("S.On", True, Quality.UNCERTAIN_LAST_USABLE_VALUE)  # a turn
    line.wait(9.9)
    assert line.says() is False
    line.wait(0.2)
    assert line.says() is True


def test_hold() -> None:
    line = Line("hold(S.On, 10)").on().wait(3600).on(False)  # on for long: the time begins when it goes
    assert line.says() is True
    line.wait(9.9)
    assert line.says() is True
    line.wait(0.1)
    assert line.says() is False
    line.on().on(False).wait(6).on().on(False).wait(6)
    assert line.says() is True
    line.wait(4)
    assert line.says() is False


def test_a_hold_waits_while_its_input_is_bad() -> None:
    line = Line("hold(S.On, 10)").on().on(False).wait(6).bad().wait(100).on(False).wait(3.9)
    assert line.says() is True
    line.wait(0.1)
    assert line.says() is False


def test_a_hold_with_a_clock_that_is_set_back_is_not_lengthened() -> None:
    line = Line("hold(S.On, 10)").on().on(False).back(3600)
    line.formulas.write("S.On", False, Quality.UNCERTAIN_LAST_USABLE_VALUE)  # a turn
    line.wait(10)
    assert line.says() is False


def test_delta_is_that_of_the_newest_change() -> None:
    line = Line("delta(S.X)", Kind.REGISTER).x(5).x(5)
    assert line.says() == 5.0
    assert line.x(3).says() == -2.0
    assert line.bad("S.X").x(10).says() == 7.0


def test_change_looks_so_many_seconds_back() -> None:
    line = Line("change(S.X, 60)", Kind.REGISTER)
    for minute in range(1, 4):
        line.wait(60).x(minute * 10.0)
    assert line.says() == 10.0
    line.wait(62)
    assert line.says() == 0.0  # and by itself


def test_average_is_weighted_by_time() -> None:
    line = Line("average(S.X, 60)", Kind.REGISTER).wait(60).x(30)
    line.wait(20)
    line.formulas.write("S.X", 30.0, Quality.UNCERTAIN_LAST_USABLE_VALUE)  # a turn
    assert line.says() == pytest.approx(10.0)
    line.wait(63)
    assert line.says() == 30.0


def test_least_and_greatest_of_a_while() -> None:
    formulas = Formulas(
        {"S.X": 5.0},
        {"S.Min": ("minimum(S.X, 60)", Kind.REGISTER), "S.Max": ("maximum(S.X, 60)", Kind.REGISTER)},
    )
    formulas.write("S.X", 90.0)
    formulas.wait(0.01)
    formulas.write("S.X", 6.0)  # a spike of ten milliseconds
    formulas.wait(0.01)
    formulas.write("S.X", 1.0)
    formulas.wait(0.01)
    formulas.write("S.X", 7.0)
    for _ in range(50):
        formulas.wait(1)
        formulas.write("S.X", 7.0 + formulas.now_us % 3)
        assert (formulas["S.Min"].value, formulas["S.Max"].value) == (1.0, 90.0)
    formulas.write("S.X", 7.0)
    formulas.wait(65, 1)
    assert (formulas["S.Min"].value, formulas["S.Max"].value) == (7.0, 7.0)


def test_a_window_with_a_clock_that_is_set_back_begins_anew() -> None:
    line = Line("maximum(S.X, 60)", Kind.REGISTER).x(100).wait(1).x(3).back(3600).x(4)
    assert line.says() == 4.0


@given(
    st.lists(st.tuples(st.floats(0.001, 20), st.integers(-50, 50)), min_size=1, max_size=40),
    st.sampled_from([10, 60]),
)
def test_windows_against_every_value_that_ever_was(steps: list[tuple[float, int]], span_s: int) -> None:
    """The sums are exact but for the parts at the beginning that were taken together."""
    formulas = Formulas({"S.X": 0.0})
    start_us = formulas.now_us
    kept = {
        name: formulas.formula(f"{name}(S.X, {span_s})")
        for name in ("average", "minimum", "maximum", "change")
    }
    course: list[tuple[int, float]] = [(start_us, 0.0)]
    for formula in kept.values():
        formula.evaluate(start_us)
    part_us = span_s * SECOND_US // POINTS_MAX
    for seconds, value in steps:
        formulas.wait(seconds)
        now_us = formulas.now_us
        formulas.put("S.X", float(value))
        course.append((now_us, float(value)))
        found = {name: formula.evaluate(now_us)[0] for name, formula in kept.items()}
        ends = [time_us for time_us, _ in course[1:]] + [now_us]
        lived = [(a, max(a, b), v) for (a, v), b in zip(course, ends, strict=True)]
        exact, wide = now_us - span_s * SECOND_US, now_us - span_s * SECOND_US - part_us
        inside = [v for _, b, v in lived if b > exact or b == now_us]
        nearly = [v for _, b, v in lived if b >= wide]
        assert min(nearly) <= found["minimum"] <= min(inside)  # type: ignore[operator]
        assert max(nearly) >= found["maximum"] >= max(inside)  # type: ignore[operator]
        begin = max(exact, start_us)
        if now_us > begin:
            area = sum(v * (b - max(a, begin)) for a, b, v in lived if b > begin)
            assert found["average"] == pytest.approx(area / (now_us - begin), abs=100 / POINTS_MAX)
        assert value - found["change"] in nearly  # type: ignore[operator]


def test_a_window_stays_small_however_fast_its_value_moves() -> None:
    formulas = Formulas({"S.X": 0.0}, {"S.F": ("average(S.X, 60)", Kind.REGISTER)})
    formula = formulas.formula("average(S.X, 60)")
    dice = random.Random(1)
    for _ in range(20_000):
        formulas.now_us += dice.randrange(10_000)
        formulas.put("S.X", dice.random())
        formula.evaluate(formulas.now_us)
        formulas.network.settle(formulas.now_us)
    (memory,) = (one for one in formula._arguments if hasattr(one, "_points"))
    assert 2 < len(memory._points) <= 2 * POINTS_MAX + 3
    assert len(formulas.network._timers) < 10  # and it asks for few turns


def test_a_function_called_in_two_places_has_two_memories() -> None:
    line = Line("rising(S.On) and rising(S.On)").on()
    assert line.seen == [True]


def test_memories_are_called_once_a_turn_though_the_formula_is_tried_twice() -> None:
    """Division by zero: the fast way fails in the middle, the slow one goes through it again."""
    formulas = Formulas({"S.X": 0.0})
    formula = formulas.formula("delta(S.X) + if_bad(1 / (S.X - S.X), 0)")
    for value, delta in ((0.0, 0.0), (5.0, 5.0), (7.0, 2.0), (7.0, 2.0)):
        formulas.put("S.X", value)
        assert formula.evaluate(formulas.now_us) == (delta, GOOD)


def test_nested() -> None:
    line = Line("delay(hold(S.On, 2), 5)")
    for _ in range(4):  # flickers, but never off for two seconds
        line.on().wait(1).on(False).wait(1)
    assert line.says() is True
    line.wait(2)
    assert line.says() is False
