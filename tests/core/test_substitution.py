"""Values that are held: forced by an operator, found stuck by a watchdog, and both at once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.database import TagDatabase
from scada.core.errors import BadRequest
from scada.core.links import Links
from scada.core.substitution import Forcing, Watchdogs
from scada.core.tag import Source, Tag, TagDefinition
from scada.core.timers import Timers
from scada.core.value import GOOD, SECOND_US, Kind, Quality, TimeUs, Value

NOW = 1_790_000_000 * SECOND_US
FORCED = Quality.GOOD_LOCAL_OVERRIDE
STUCK = Quality.BAD_SENSOR_FAILURE


class Held:
    """One register with forcing and a watchdog of a minute."""

    def __init__(self, watchdog_s: int = 60, deadband: float = 0.0) -> None:
        definition = TagDefinition(
            path="S.M.X",
            kind=Kind.REGISTER,
            source=Source.DRIVER,
            device="S.M",
            deadband=deadband,
            watchdog_us=watchdog_s * SECOND_US,
        )
        self.database = TagDatabase([definition])
        self.timers = Timers()
        self.forcing = Forcing(self.database)
        self.links = Links(self.database, 300 * SECOND_US)
        Watchdogs(self.database, self.timers)
        self.tag = self.database["S.M.X"]
        self.now_us: TimeUs = NOW

    def write(self, value: Value, quality: int = GOOD) -> None:
        self.database.write([(self.tag, value, quality, self.now_us)], self.now_us)

    def wait(self, seconds: float, says: Value = None) -> None:
        """Let time pass; the device says its value every ten seconds."""
        end_us = self.now_us + int(seconds * SECOND_US)
        while self.now_us < end_us:
            self.now_us = min(end_us, self.now_us + 10 * SECOND_US)
            self.timers.tick(self.now_us)
            self.links.tick(self.now_us)
            if says is not None:
                self.write(says)

    def force(self, value: Value) -> None:
        self.forcing.force(self.tag, value, self.now_us)

    def release(self) -> None:
        self.forcing.release(self.tag, self.now_us)

    @property
    def shown(self) -> tuple[Value, int]:
        return self.tag.value, self.tag.quality


def test_what_the_driver_writes_meanwhile_is_kept_back_and_given_back() -> None:
    held = Held(0)
    held.write(5.0)
    held.force(9.0)
    held.write(6.0)
    assert held.shown == (9.0, FORCED)
    assert Forcing.underlying(held.tag) == (6.0, GOOD)
    held.force(10.0)
    held.write(7.0)
    assert held.shown == (10.0, FORCED)
    held.release()
    assert held.shown == (7.0, GOOD)
    assert not Forcing.is_forced(held.tag)
    held.write(8.0)
    assert held.shown == (8.0, GOOD)


def test_a_link_that_is_lost_meanwhile_leaves_the_devices_own_value_behind() -> None:
    held = Held(0)
    held.write(5.0)
    held.force(9.0)
    held.links.down("S.M", held.now_us)
    assert held.shown == (9.0, FORCED)
    assert Forcing.underlying(held.tag) == (5.0, Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE)
    held.wait(300)
    assert Forcing.underlying(held.tag) == (5.0, Quality.BAD_NO_COMMUNICATION)
    held.release()
    assert held.shown == (5.0, Quality.BAD_NO_COMMUNICATION)


def test_forcing_what_never_had_a_value() -> None:
    held = Held(0)
    held.force(9.0)
    assert held.shown == (9.0, FORCED)
    held.release()
    assert held.tag.quality == Quality.BAD_WAITING_FOR_INITIAL_DATA
    held.force(9.0)
    held.write(4.0)
    held.release()
    assert held.shown == (4.0, GOOD)


def test_a_driver_that_writes_no_number_meanwhile() -> None:
    held = Held(0)
    held.write(5.0)
    held.force(9.0)
    held.write(math.nan)
    assert held.shown == (9.0, FORCED)
    held.release()
    assert held.tag.quality == Quality.BAD_NO_DATA


def test_what_a_person_enters_is_never_too_small_a_change() -> None:
    held = Held(0, deadband=1.0)
    held.write(5.0)
    held.force(9.0)
    held.force(9.2)
    assert held.shown == (9.2, FORCED)
    held.write(5.5)
    held.write(5.9)
    held.release()
    assert held.shown == (5.9, GOOD)
    held.write(6.5)
    assert held.shown == (5.9, GOOD)  # the deadband is back


def test_releasing_what_is_not_forced_is_refused() -> None:
    held = Held(0)
    with pytest.raises(BadRequest, match="not forced"):
        held.release()


def test_a_stuck_value_is_bad_though_its_device_speaks() -> None:
    held = Held()
    held.write(5.0)
    held.wait(50, says=5.0)
    assert held.shown == (5.0, GOOD)
    held.wait(10, says=5.0)
    assert held.shown == (5.0, STUCK)
    held.wait(600, says=5.0)
    assert held.shown == (5.0, STUCK)
    held.write(5.1)
    assert held.shown == (5.1, GOOD)
    held.wait(59, says=5.1)
    assert held.shown == (5.1, GOOD)
    held.wait(11, says=5.1)
    assert held.shown == (5.1, STUCK)


def test_a_value_that_moves_in_time_is_never_stuck() -> None:
    held = Held()
    for turn in range(20):
        held.write(float(turn))
        held.wait(50, says=float(turn))
        assert held.tag.quality == GOOD


def test_a_stuck_value_that_flickers_within_its_deadband_stays_bad() -> None:
    held = Held(deadband=1.0)
    held.write(5.0)
    for turn in range(20):
        held.wait(10, says=5.0 + turn % 2 / 2)
    assert held.shown == (5.0, STUCK)
    held.write(6.0)
    assert held.shown == (6.0, GOOD)


def test_the_watchdog_does_not_speak_for_a_device_that_is_silent() -> None:
    held = Held()
    held.write(5.0)
    held.links.down("S.M", held.now_us)
    held.wait(100)
    assert held.tag.quality == Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE
    held.links.up("S.M")
    held.write(5.0)
    assert held.shown == (5.0, GOOD)
    held.wait(70, says=5.0)
    assert held.shown == (5.0, STUCK)


def test_a_forced_value_is_not_stuck_and_the_stuck_one_is_given_back_as_such() -> None:
    held = Held()
    held.write(5.0)
    held.wait(70, says=5.0)
    held.force(9.0)
    held.wait(200, says=5.0)
    assert held.shown == (9.0, FORCED)
    held.release()
    assert held.shown == (5.0, STUCK)
    held.write(5.0)
    assert held.shown == (5.0, STUCK)
    held.write(6.0)
    assert held.shown == (6.0, GOOD)


def test_a_stuck_value_that_moves_while_it_is_forced_is_good_when_it_is_released() -> None:
    held = Held()
    held.write(5.0)
    held.wait(70, says=5.0)
    held.force(9.0)
    held.write(6.0)
    held.write(5.0)
    held.release()
    assert held.shown == (5.0, GOOD)
    held.wait(70, says=5.0)
    assert held.shown == (5.0, STUCK)


def test_forced_before_the_watchdog_bites() -> None:
    held = Held()
    held.write(5.0)
    held.wait(30, says=5.0)
    held.force(9.0)
    held.wait(300, says=5.0)
    held.release()
    assert held.shown == (5.0, GOOD)  # the time begins with the release
    held.wait(70, says=5.0)
    assert held.shown == (5.0, STUCK)


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("write"), st.integers(0, 3), st.sampled_from([GOOD, Quality.BAD_DEVICE_FAILURE])
            ),
            st.tuples(st.just("quality"), st.just(0), st.sampled_from([GOOD, Quality.UNCERTAIN_SUB_NORMAL])),
            st.tuples(st.just("force"), st.integers(5, 8), st.just(GOOD)),
            st.tuples(st.just("release"), st.just(0), st.just(GOOD)),
        ),
        max_size=25,
    )
)
def test_a_tag_that_was_forced_ends_as_one_that_was_not(steps: list[tuple[str, int, int]]) -> None:
    """Beside one that is never forced."""
    definitions = [
        TagDefinition(path=path, kind=Kind.REGISTER, source=Source.DRIVER) for path in ("S.A", "S.B")
    ]
    database = TagDatabase(definitions)
    forcing = Forcing(database)
    forced, free = database["S.A"], database["S.B"]
    database.write([(tag, 1.0, GOOD, NOW) for tag in (forced, free)], NOW)

    def same() -> bool:
        return (forced.value, forced.quality, forced.source_us) == (free.value, free.quality, free.source_us)

    for number, (what, value, quality) in enumerate(steps):
        now_us = NOW + number
        tags: list[Tag] = [forced, free]
        if what == "write":
            database.write([(tag, float(value), quality, now_us) for tag in tags], now_us)
        elif what == "quality":
            database.set_quality(tags, quality, now_us)
        elif what == "force":
            forcing.force(forced, float(value), now_us)
            assert (forced.value, forced.quality) == (float(value), FORCED)
        elif Forcing.is_forced(forced):
            forcing.release(forced, now_us)
        assert Forcing.is_forced(forced) or same()
    if Forcing.is_forced(forced):
        forcing.release(forced, NOW + 100)
    assert same()
