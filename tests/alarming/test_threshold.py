"""Thresholds: every condition, hysteresis, delays, what cannot be trusted; and against the obvious way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.alarming.threshold import attach_thresholds
from scada.core.database import TagDatabase
from scada.core.tag import Condition, Source, TagDefinition, ThresholdDefinition
from scada.core.timers import Timers
from scada.core.value import GOOD, SECOND_US, Kind, Quality, TimeUs, Value

NOW = 1_790_000_000 * SECOND_US
UNSURE = Quality.UNCERTAIN_LAST_USABLE_VALUE
BAD = Quality.BAD_NO_COMMUNICATION


def threshold(name: str, condition: Condition, limit: float = 0.0, **more: Any) -> ThresholdDefinition:
    delays: dict[str, Any] = {
        key: int(more.pop(key[:-3] + "_s", 0) * SECOND_US) for key in ("on_delay_us", "off_delay_us")
    }
    return ThresholdDefinition(name=name, condition=condition, limit=limit, **delays, **more)


class Register:
    """S.X with its thresholds; S.L and S.R stand beside it."""

    def __init__(self, *thresholds: ThresholdDefinition, first: Value = None) -> None:
        bits = [
            TagDefinition(path=f"S.X.{t.name}", kind=Kind.BIT, source=Source.THRESHOLD) for t in thresholds
        ]
        self.database = TagDatabase(
            [
                TagDefinition(
                    path="S.X", kind=Kind.REGISTER, source=Source.DRIVER, thresholds=thresholds, initial=first
                ),
                TagDefinition(path="S.L", kind=Kind.REGISTER, source=Source.DRIVER),
                TagDefinition(path="S.R", kind=Kind.REGISTER, source=Source.DRIVER),
                *bits,
            ]
        )
        self.timers = Timers()
        self.now_us: TimeUs = NOW
        self.timers.tick(NOW)
        attach_thresholds(self.database, self.timers, NOW)

    def write(self, value: float | None, quality: int = GOOD, path: str = "S.X") -> Register:
        tag = self.database[path]
        self.database.write([(tag, tag.value if value is None else value, quality, self.now_us)], self.now_us)
        return self

    def wait(self, seconds: float, step_s: float = 0.25) -> Register:
        end_us = self.now_us + int(seconds * SECOND_US)
        while self.now_us < end_us:
            self.now_us = min(end_us, self.now_us + int(step_s * SECOND_US))
            self.timers.tick(self.now_us)
        return self

    def on(self, name: str) -> Value:
        return self.database[f"S.X.{name}"].value

    def quality(self, name: str) -> int:
        return self.database[f"S.X.{name}"].quality


HI = threshold("Hi", Condition.HIGH, 60, hysteresis=3)
LO = threshold("Lo", Condition.LOW, 10, hysteresis=2)
HIHI = threshold("HiHi", Condition.HIGH, 80)
LOLO = threshold("LoLo", Condition.LOW, 5)


@pytest.mark.parametrize(
    ("values", "hi", "lo"),
    [
        ([20], [False], [False]),
        ([60, 60.1, 58, 57, 56.9], [False, True, True, True, False], [False] * 5),
        ([10, 9.9, 11, 12, 12.1], [False] * 5, [False, True, True, True, False]),
        ([5, 70, 5], [False, True, False], [True, False, True]),
    ],
)
def test_set_beyond_the_limit_cleared_past_the_hysteresis(
    values: list[float], hi: list[bool], lo: list[bool]
) -> None:
    register = Register(HI, LO)
    seen = []
    for value in values:
        register.write(float(value))
        seen.append((register.on("Hi"), register.on("Lo")))
    assert seen == list(zip(hi, lo, strict=True))


def test_four_at_once() -> None:
    register = Register(HIHI, HI, LO, LOLO)
    seen = []
    for value in (50.0, 70.0, 90.0, 70.0, 50.0, 7.0, 3.0, 7.0, 50.0):
        register.write(value)
        seen.append([name for name in ("HiHi", "Hi", "Lo", "LoLo") if register.on(name)])
    assert seen == [[], ["Hi"], ["HiHi", "Hi"], ["Hi"], [], ["Lo"], ["Lo", "LoLo"], ["Lo"], []]


def test_a_register_that_has_its_value_from_the_start_is_looked_at() -> None:
    register = Register(HI, LO, first=70.0)
    assert (register.on("Hi"), register.on("Lo")) == (True, False)


def test_on_delay_and_off_delay() -> None:
    register = Register(threshold("Hi", Condition.HIGH, 60, on_delay_s=10, off_delay_s=5))
    register.write(50.0)
    assert register.on("Hi") is False
    register.write(70.0).wait(9.75)
    assert register.on("Hi") is False
    register.write(50.0).wait(20)
    assert register.on("Hi") is False  # back before the delay was over
    register.write(70.0).wait(5).write(71.0).wait(5)
    assert register.on("Hi") is True  # the delay runs from the first of them
    register.write(50.0).wait(4.75)
    assert register.on("Hi") is True
    register.write(70.0).write(50.0).wait(4.75)
    assert register.on("Hi") is True
    register.wait(0.25)
    assert register.on("Hi") is False


def test_the_bit_bears_the_time_at_which_its_delay_was_over() -> None:
    register = Register(threshold("Hi", Condition.HIGH, 60, on_delay_s=10)).write(50.0).write(70.0)
    register.wait(60, step_s=60)
    assert register.database["S.X.Hi"].source_us == NOW + 10 * SECOND_US


def test_the_first_value_beyond_the_limit_waits_for_its_delay_too() -> None:
    register = Register(threshold("Hi", Condition.HIGH, 60, on_delay_s=10)).write(70.0)
    assert (register.on("Hi"), register.quality("Hi")) == (False, GOOD)
    assert register.wait(10).on("Hi") is True


@pytest.mark.parametrize("quality", [UNSURE, BAD])
def test_what_cannot_be_trusted_neither_sets_nor_clears(quality: int) -> None:
    register = Register(HI).write(70.0).write(20.0, quality)
    assert (register.on("Hi"), register.quality("Hi")) == (True, quality)
    register.write(20.0)
    assert (register.on("Hi"), register.quality("Hi")) == (False, GOOD)


def test_a_forced_value_is_judged() -> None:
    register = Register(HI).write(20.0).write(70.0, Quality.GOOD_LOCAL_OVERRIDE)
    assert (register.on("Hi"), register.quality("Hi")) == (True, GOOD)
    register.write(20.0, Quality.GOOD_LOCAL_OVERRIDE)
    assert register.on("Hi") is False


@pytest.mark.parametrize("quality", [UNSURE, BAD])
def test_a_delay_waits_while_the_value_cannot_be_trusted(quality: int) -> None:
    register = Register(threshold("Hi", Condition.HIGH, 60, on_delay_s=10)).write(50.0)
    register.write(70.0).wait(6).write(None, quality).wait(100)
    assert register.on("Hi") is False
    register.write(71.0).wait(3.75)
    assert register.on("Hi") is False
    assert register.wait(0.25).on("Hi") is True


def test_a_delay_that_was_frozen_is_over_when_the_value_has_come_back_meanwhile() -> None:
    register = Register(threshold("Hi", Condition.HIGH, 60, on_delay_s=10)).write(50.0)
    register.write(70.0).wait(6).write(None, BAD).wait(1).write(50.0).write(70.0).wait(9.75)
    assert register.on("Hi") is False
    assert register.wait(0.25).on("Hi") is True


def test_the_limit_may_be_a_tag() -> None:
    register = Register(threshold("Hi", Condition.HIGH, 999, limit_tag="S.L", hysteresis=5)).write(50.0)
    assert register.quality("Hi") == Quality.BAD_WAITING_FOR_INITIAL_DATA
    register.write(60.0, path="S.L")
    assert (register.on("Hi"), register.quality("Hi")) == (False, GOOD)
    register.write(40.0, path="S.L")
    assert register.on("Hi") is True
    register.write(54.0, path="S.L")
    assert register.on("Hi") is True
    register.write(56.0, path="S.L")
    assert register.on("Hi") is False
    register.write(None, BAD, path="S.L").write(1000.0)
    assert (register.on("Hi"), register.quality("Hi")) == (False, BAD)
    register.write(56.0, path="S.L")
    assert (register.on("Hi"), register.quality("Hi")) == (True, GOOD)


def test_deviation_from_another_tag() -> None:
    register = Register(threshold("Dev", Condition.DEVIATION, 10, reference="S.R", hysteresis=2)).write(50.0)
    assert register.quality("Dev") == Quality.BAD_WAITING_FOR_INITIAL_DATA
    seen = []
    for reference in (50.0, 60.0, 61.0, 58.5, 57.0, 39.0, 42.5):
        register.write(reference, path="S.R")
        seen.append(register.on("Dev"))
    assert seen == [False, False, True, True, False, True, False]
    register.write(None, UNSURE, path="S.R").write(500.0)
    assert (register.on("Dev"), register.quality("Dev")) == (False, UNSURE)


class TestRate:
    """Limit: 5 units a second."""

    def register(self, **more: object) -> Register:
        return Register(threshold("Rate", Condition.RATE, 5, **more))

    def test_a_steady_ramp(self) -> None:
        for step_s in (0.1, 0.5, 1.0, 2.0, 10.0):
            for rate, on in ((4.9, False), (5.2, True), (-5.2, True)):
                register = self.register().write(0.0)
                seen = []
                for number in range(1, int(20 / step_s) + 1):
                    register.wait(step_s, 0.05).write(number * step_s * rate)
                    seen.append(register.on("Rate"))
                settled = seen[max(1, int(2 / step_s)) :] or seen[-1:]
                assert set(settled) == {on}, (step_s, rate)

    def test_a_leap_after_a_long_standstill_is_seen(self) -> None:
        register = self.register().write(10.0)
        for _ in range(60):  # the same value each ten seconds: no event
            register.wait(10).write(10.0)
        register.wait(10).write(70.0)
        assert register.on("Rate") is True

    def test_a_slow_change_after_a_long_standstill_is_slow(self) -> None:
        register = self.register().write(10.0)
        for _ in range(60):
            register.wait(10).write(10.0)
        register.wait(10).write(50.0)
        assert register.on("Rate") is False

    def test_a_leap_right_after_another_value_is_seen(self) -> None:
        register = self.register().write(10.0).wait(0.5).write(100.0)
        assert register.on("Rate") is True

    def test_it_falls_when_the_value_stands_still(self) -> None:
        register = self.register().write(0.0).wait(1).write(20.0)
        assert register.on("Rate") is True
        register.wait(1).write(20.0).wait(1).write(20.0).wait(1)
        assert register.on("Rate") is False
        register.write(0.0).wait(60)  # and when nothing more is heard
        assert register.on("Rate") is False

    def test_what_could_not_be_trusted_lies_between(self) -> None:
        register = self.register().write(0.0).wait(1).write(None, BAD).wait(1).write(100.0)
        assert register.on("Rate") is False

    def test_a_clock_that_is_set_back_is_no_rate(self) -> None:
        register = self.register().write(0.0)
        register.now_us -= 3600 * SECOND_US
        register.write(100.0)
        assert register.on("Rate") is False
        register.wait(1).write(120.0)
        assert register.on("Rate") is True


class TestStale:
    """Limit: 60 seconds."""

    def register(self, limit: float = 60, **more: object) -> Register:
        return Register(threshold("Stale", Condition.STALE, limit, **more))

    def test_nothing_is_known_until_the_first_value_or_the_limit(self) -> None:
        register = self.register().wait(59.75)
        assert register.on("Stale") is None
        assert register.wait(0.25).on("Stale") is True
        assert register.write(1.0).on("Stale") is False
        assert self.register().write(1.0).on("Stale") is False

    def test_no_value_for_the_limit(self) -> None:
        register = self.register().write(1.0).wait(59)
        register.write(1.0).wait(59)  # the same value counts
        assert register.on("Stale") is False
        register.wait(2)
        assert (register.on("Stale"), register.quality("Stale")) == (True, GOOD)

    def test_the_same_value_ends_it_soon(self) -> None:
        register = self.register().write(1.0).wait(120)
        assert register.on("Stale") is True
        register.write(1.0).wait(6)
        assert register.on("Stale") is False

    def test_a_bad_quality_at_once_an_uncertain_one_after_the_limit(self) -> None:
        register = self.register().write(1.0).write(None, BAD)
        assert (register.on("Stale"), register.quality("Stale")) == (True, GOOD)
        register.write(1.0)
        assert register.on("Stale") is False
        tag = register.database["S.X"]
        register.wait(30)
        register.database.set_quality(
            [tag], UNSURE, register.now_us
        )  # the link is lost: no value came with that
        register.wait(29)
        assert register.on("Stale") is False
        assert register.wait(1).on("Stale") is True

    def test_without_limit_it_is_the_quality_alone(self) -> None:
        register = self.register(0)
        assert register.on("Stale") is True
        register.write(1.0).wait(3600)
        assert register.on("Stale") is False
        assert register.write(None, BAD).on("Stale") is True

    def test_delays(self) -> None:
        register = self.register(on_delay_s=10).write(1.0).write(None, BAD).wait(9)
        assert register.on("Stale") is False
        assert register.wait(1).on("Stale") is True

    def test_a_leap_of_the_clock_is_not_made_up_for(self) -> None:
        register = self.register(1).write(1.0)
        register.wait(86_400, step_s=86_400)
        assert register.on("Stale") is True
        assert len(register.timers) == 1


@dataclass
class Naive:
    """One threshold, looked at each time."""

    definition: ThresholdDefinition
    on: bool = False
    bit: Value = None
    quality: int = Quality.BAD_WAITING_FOR_INITIAL_DATA
    left_us: TimeUs | None = None
    """What is left of the delay after which the bit follows `on`; None: none runs."""
    log: list[Value] = field(default_factory=list)

    def look(self, value: Any, quality: int, limit: tuple[Any, int], reference: tuple[Any, int]) -> None:
        d = self.definition
        bound = d.limit
        if d.limit_tag:
            if limit[1]:
                quality = quality or limit[1]
            else:
                bound = limit[0]
        if d.condition is Condition.DEVIATION:
            quality = quality or reference[1]
            value = abs(value - reference[0]) if not quality else 0.0
        if quality:
            self.quality = quality
            return
        back = d.hysteresis if self.on else 0.0
        beyond = value - bound if d.condition is not Condition.LOW else bound - value
        on = beyond > 0 if not self.on else beyond >= -back
        if on is not self.on:
            self.left_us = None
        was, self.on, self.quality = self.on, on, GOOD
        if on is self.bit:
            self.left_us = None
            return
        delay_us = d.on_delay_us if on else d.off_delay_us if self.bit is not None else 0
        if self.left_us is None or was is not on:
            self.left_us = delay_us
        if self.bit is None:
            self.bit = False
        if self.left_us == 0 or on is self.bit:
            self.bit, self.left_us = on, None

    def pass_time(self, span_us: TimeUs) -> None:
        if self.left_us is not None and not self.quality:
            self.left_us -= span_us
            if self.left_us <= 0:
                self.bit, self.left_us = self.on, None


CONDITIONS = st.sampled_from([Condition.HIGH, Condition.LOW, Condition.DEVIATION])
DEFINITIONS = st.lists(
    st.builds(
        lambda condition, limit, by_tag, hysteresis, on_s, off_s: threshold(
            "T", condition, limit, limit_tag="S.L" if by_tag else "", hysteresis=hysteresis,
            reference="S.R" if condition is Condition.DEVIATION else "", on_delay_s=on_s, off_delay_s=off_s,
        ),
        CONDITIONS, st.sampled_from([0.0, 5.0, 10.0]), st.booleans(), st.sampled_from([0.0, 2.0]),
        st.sampled_from([0, 0, 3]), st.sampled_from([0, 0, 2]),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["S.X", "S.X", "S.L", "S.R"]),
        st.sampled_from([-5.0, 0.0, 3.0, 5.0, 6.0, 8.0, 10.0, 11.0, 12.0]),
        st.sampled_from([GOOD, GOOD, GOOD, int(UNSURE), int(BAD)]),
        st.sampled_from([0, 0, 1, 3]),
    ),
    max_size=25,
)


@settings(max_examples=200)
@given(DEFINITIONS, STEPS)
def test_bands_and_timers_change_nothing_but_the_cost(
    definitions: list[ThresholdDefinition], steps: list[tuple[str, float, int, int]]
) -> None:
    """Against the obvious way: look at every threshold at each write."""
    named = [
        ThresholdDefinition(
            name=f"T{number}",
            condition=d.condition,
            limit=d.limit,
            limit_tag=d.limit_tag,
            reference=d.reference,
            hysteresis=d.hysteresis,
            on_delay_us=d.on_delay_us,
            off_delay_us=d.off_delay_us,
        )
        for number, d in enumerate(definitions)
    ]
    register = Register(*named)
    naive = [Naive(d) for d in named]
    x, limit, reference = (register.database[path] for path in ("S.X", "S.L", "S.R"))
    for path, value, quality, seconds in steps:
        register.write(value, quality, path)
        if x.value is not None:
            for one in naive:
                one.look(
                    x.value, x.quality, (limit.value, limit.quality), (reference.value, reference.quality)
                )
        assert [register.on(d.name) for d in named] == [one.bit for one in naive]
        assert [register.quality(d.name) for d in named] == [one.quality for one in naive]
        register.wait(seconds)
        for one in naive:
            one.pass_time(seconds * SECOND_US)
        assert [register.on(d.name) for d in named] == [one.bit for one in naive]
