from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.database import TagDatabase, coerce
from scada.core.links import Links
from scada.core.path import matcher
from scada.core.tag import HistoryRule, Source, Tag, TagDefinition, WriteRule
from scada.core.value import GOOD, Kind, Quality

NOW = 1_790_000_000_000_000


def register(path: str, **more: object) -> TagDefinition:
    return TagDefinition(path=path, kind=Kind.REGISTER, source=Source.DRIVER, **more)  # type: ignore[arg-type]


def test_a_new_tag_waits_for_its_first_value() -> None:
    tag = TagDatabase([register("A.X")])["A.X"]
    assert tag.value is None
    assert tag.quality == Quality.BAD_WAITING_FOR_INITIAL_DATA


def test_a_change_is_told_once_however_often_it_came() -> None:
    database = TagDatabase([register("A.X", history=HistoryRule()), register("A.Y")])
    x, y = database["A.X"], database["A.Y"]
    database.write([(x, 1.0, GOOD, NOW), (y, 5.0, GOOD, NOW), (x, 2.0, GOOD, NOW + 1)], NOW)
    assert database.drain_changes() == [x, y]
    assert [(s.value, s.source_us) for s in database.drain_samples()] == [(1.0, NOW), (2.0, NOW + 1)]
    assert database.drain_changes() == []
    assert database.drain_samples() == []


def test_the_same_value_is_no_event_but_renews_the_time() -> None:
    database = TagDatabase([register("A.X", history=HistoryRule())])
    x = database["A.X"]
    database.write([(x, 1.0, GOOD, NOW)], NOW)
    database.drain_changes(), database.drain_samples()
    database.write([(x, 1.0, GOOD, NOW + 7)], NOW + 8)
    assert database.drain_changes() == []
    assert database.drain_samples() == []
    assert (x.source_us, x.server_us) == (NOW + 7, NOW + 8)


def test_a_deadband_holds_small_changes_back_until_they_add_up() -> None:
    database = TagDatabase([register("A.X", deadband=0.5)])
    x = database["A.X"]
    for value in (10.0, 10.2, 10.4, 10.6):
        database.write([(x, value, GOOD, NOW)], NOW)
    assert x.value == 10.6  # against the last value told, so slow drift is seen
    database.write([(x, 10.6, Quality.BAD_DEVICE_FAILURE, NOW)], NOW)
    assert x.quality == Quality.BAD_DEVICE_FAILURE  # a change of quality is always told


def test_nan_is_bad_and_keeps_the_last_value() -> None:
    database = TagDatabase([register("A.X")])
    x = database["A.X"]
    database.write([(x, 3.0, GOOD, NOW)], NOW)
    database.write([(x, math.nan, GOOD, NOW)], NOW)
    assert (x.value, x.quality) == (3.0, Quality.BAD_NO_DATA)


def test_watches_react_in_the_write_and_each_within_its_own_band() -> None:
    database = TagDatabase([register("A.X"), TagDefinition(path="A.T", kind=Kind.TEXT, source=Source.DRIVER)])
    x, text = database["A.X"], database["A.T"]
    seen: list[tuple[str, object]] = []

    def note(name: str):  # type: ignore[no-untyped-def]
        return lambda tag, _now: seen.append((name, tag.value))

    database.watch(x, note("wide"), 0.0, 100.0)
    database.watch(x, note("narrow"), 0.0, 10.0)
    database.watch(text, note("text"))
    database.write([(x, 5.0, GOOD, NOW), (x, 50.0, GOOD, NOW), (x, 500.0, GOOD, NOW)], NOW)
    database.write([(text, "a", GOOD, NOW), (text, "b", GOOD, NOW)], NOW)
    assert seen == [("narrow", 50.0), ("wide", 500.0), ("narrow", 500.0), ("text", "a"), ("text", "b")]


def test_a_late_value_goes_to_history_only() -> None:
    database = TagDatabase([register("A.X", history=HistoryRule())])
    x = database["A.X"]
    database.write([(x, 9.0, GOOD, NOW)], NOW)
    database.drain_samples()
    database.write_late(x, 4.0, GOOD, NOW - 1_000_000)
    assert x.value == 9.0
    assert [s.value for s in database.drain_samples()] == [4.0]


@pytest.mark.parametrize(
    "pattern",
    ["**", "S.*", "S.**", "S.A.*", "S.A*", "S.A*.X", "S.*.X", "*.A.X", "S.A.X", "S.AB.*", "X.*", "S.**.X"],
)
def test_a_selection_equals_a_look_at_every_tag(pattern: str) -> None:
    paths = ["S.A.X", "S.A.Y", "S.AB.X", "S.AB.C.X", "S.X", "T.A.X", "T"]
    database = TagDatabase(register(path) for path in paths)
    match = matcher(pattern)
    assert [tag.path for tag in database.select(pattern)] == [path for path in paths if match(path)]


def test_two_tags_cannot_share_a_path() -> None:
    with pytest.raises(ValueError, match=r"A\.X"):
        TagDatabase([register("A.X"), register("A.X")])


class TestLink:
    """A device drops: everything it feeds says so at once, and the last value stays."""

    def setup_method(self) -> None:
        self.database = TagDatabase([register("S.M.X", device="S.M"), register("S.N.X", device="S.N")])
        self.links = Links(self.database, stale_us=60_000_000)
        self.x = self.database["S.M.X"]
        self.database.write([(self.x, 7.0, GOOD, NOW)], NOW)

    def test_uncertain_at_once_bad_after_the_stale_time(self) -> None:
        self.links.down("S.M", NOW)
        assert (self.x.value, self.x.quality) == (7.0, Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE)
        assert self.x.source_us == NOW
        self.links.tick(NOW + 59_000_000)
        assert self.x.quality == Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE
        self.links.tick(NOW + 60_000_000)
        assert (self.x.value, self.x.quality) == (7.0, Quality.BAD_NO_COMMUNICATION)

    def test_a_link_that_returns_in_time_leaves_no_timer_behind(self) -> None:
        self.links.down("S.M", NOW)
        self.links.up("S.M")
        self.database.write([(self.x, 8.0, GOOD, NOW)], NOW)
        self.links.tick(NOW + 60_000_000)
        assert (self.x.value, self.x.quality) == (8.0, GOOD)

    def test_down_and_up_and_down_counts_from_the_last_loss(self) -> None:
        self.links.down("S.M", NOW)
        self.links.up("S.M")
        self.database.write([(self.x, 8.0, GOOD, NOW)], NOW)
        self.links.down("S.M", NOW + 50_000_000)
        self.links.tick(NOW + 60_000_000)
        assert self.x.quality == Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE

    def test_a_device_that_never_comes_does_not_keep_the_values_of_an_earlier_run(self) -> None:
        y = self.database["S.N.X"]
        self.database.restore(y, 22.0, NOW - 1_000_000)
        self.links.start(NOW)
        assert (y.value, y.quality) == (22.0, Quality.UNCERTAIN_LAST_USABLE_VALUE)
        self.links.up("S.M")
        self.links.tick(NOW + 60_000_000)
        assert (y.value, y.quality) == (22.0, Quality.BAD_NO_COMMUNICATION)
        assert self.x.quality == GOOD

    def test_what_never_had_a_value_stays_bad(self) -> None:
        self.links.down("S.N", NOW)
        assert self.database["S.N.X"].quality == Quality.BAD_WAITING_FOR_INITIAL_DATA


def test_history_keeps_what_is_further_than_its_deadband_from_the_last_one_kept() -> None:
    database = TagDatabase([register("A.X", history=HistoryRule(deadband=1.0))])
    x = database["A.X"]
    for value in (0.0, 0.6, 0.9, 1.0, 1.9, 0.4, 0.0):
        database.write([(x, value, GOOD, NOW)], NOW)
    assert x.value == 0.0  # the live value has each
    assert [s.value for s in database.drain_samples()] == [0.0, 1.0, 0.0]


def test_history_keeps_each_change_of_quality_whatever_its_deadband() -> None:
    database = TagDatabase([register("A.X", history=HistoryRule(deadband=1.0))])
    x = database["A.X"]
    database.write([(x, 5.0, GOOD, NOW)], NOW)
    database.set_quality([x], Quality.BAD_NO_COMMUNICATION, NOW + 1)
    database.write([(x, 5.1, GOOD, NOW + 2)], NOW + 2)
    database.write([(x, 5.2, GOOD, NOW + 3)], NOW + 3)
    assert [(s.value, s.quality, s.source_us) for s in database.drain_samples()] == [
        (5.0, GOOD, NOW),
        (5.0, Quality.BAD_NO_COMMUNICATION, NOW + 1),
        (5.1, GOOD, NOW + 2),
    ]


@pytest.mark.parametrize("deadband", [0.0, 1.0])
def test_a_device_may_be_bad_before_it_ever_had_a_value(deadband: float) -> None:
    database = TagDatabase([register("A.X", deadband=deadband, history=HistoryRule(deadband=1.0))])
    x = database["A.X"]
    for value in (None, 3.0, None, 3.5, None):
        database.write([(x, value, Quality.BAD_DEVICE_FAILURE, NOW)], NOW)
    assert x.quality == Quality.BAD_DEVICE_FAILURE


def test_periodic_history_keeps_the_value_that_stands_under_the_present_time() -> None:
    database = TagDatabase([register("A.X", history=HistoryRule(every_us=60))])
    x = database["A.X"]
    database.write([(x, 5.0, GOOD, NOW)], NOW)
    assert database.drain_samples() == []  # not at changes
    database.keep_sample(x, NOW + 60)
    assert [(s.value, s.source_us) for s in database.drain_samples()] == [(5.0, NOW + 60)]


def test_samples_that_nobody_fetches_are_given_up_by_half_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scada.core.database.SAMPLES_MAX", 10)
    database = TagDatabase([register("A.X", history=HistoryRule())])
    x = database["A.X"]
    for value in range(11):
        database.write([(x, float(value), GOOD, NOW)], NOW)
    assert database.samples_dropped == 5
    assert [s.value for s in database.drain_samples()] == [5.0, 6.0, 7.0, 8.0, 9.0, 10.0]


def test_a_quality_that_changes_leaves_the_time_at_which_the_value_came() -> None:
    database = TagDatabase([register("A.X")])
    x = database["A.X"]
    database.write([(x, 5.0, GOOD, NOW)], NOW + 1)
    database.set_quality([x], Quality.UNCERTAIN_LAST_USABLE_VALUE, NOW + 9)
    assert (x.source_us, x.server_us, x.quality_us) == (NOW, NOW + 1, NOW + 9)


def test_a_tag_that_is_added_is_told_of_selected_and_numbered() -> None:
    database = TagDatabase([register("S.A.X")])
    seen: list[Tag] = []
    database.subscribe_added(seen.append)
    added = database.add(register("S.A.Vendor_Torque"))
    assert seen == [added]
    assert database.by_index(added.index) is added
    assert database.select("S.A.*") == [database["S.A.X"], added]
    with pytest.raises(ValueError, match="two tags"):
        database.add(register("S.A.X"))


def test_a_restored_value_is_shown_but_moves_nothing() -> None:
    database = TagDatabase([register("A.X", history=HistoryRule())])
    x = database["A.X"]
    database.watch(x, lambda *_: pytest.fail("nothing happened now"))
    database.restore(x, 7.0, NOW)
    assert (x.value, x.quality, x.source_us) == (7.0, Quality.UNCERTAIN_LAST_USABLE_VALUE, NOW)
    assert database.drain_changes() == [x]
    assert database.drain_samples() == []


def test_three_watches_of_one_tag_each_see_each_loss_of_trust() -> None:
    database = TagDatabase([register("A.X")])
    x = database["A.X"]
    seen: list[str] = []
    for name in "abc":
        database.watch(x, lambda _tag, _now, name=name: seen.append(name), 0.0, 10.0)  # type: ignore[misc]
    database.write([(x, 5.0, GOOD, NOW)], NOW)  # from Bad to Good within every band: nobody asked
    database.set_quality([x], Quality.BAD_DEVICE_FAILURE, NOW)
    assert seen == ["a", "b", "c"]


@pytest.mark.parametrize("extra", [0, 1])
@given(
    st.lists(st.tuples(st.floats(-100, 100), st.booleans()), max_size=30), st.floats(-50, 0), st.floats(0, 50)
)
def test_a_band_holds_back_nothing_that_leaves_it(
    extra: int, writes: list[tuple[float, bool]], low: float, high: float
) -> None:
    database = TagDatabase([register("A.X")])
    x = database["A.X"]
    seen: list[object] = []
    database.watch(x, lambda tag, _now: seen.append(tag.value), low, high)
    for _ in range(extra):
        database.watch(x, lambda *_: None)
    expected: list[object] = []
    before: tuple[float | None, int] = (None, -1)
    for value, good in writes:
        quality = GOOD if good else int(Quality.UNCERTAIN_SUB_NORMAL)
        database.write([(x, value, quality, NOW)], NOW)
        if (value, quality) != before and (not good or not low <= value <= high):
            expected.append(value)
        before = (value, quality)
    assert seen == expected


@pytest.mark.parametrize(
    ("kind", "more", "given_value", "outcome"),
    [
        (Kind.BIT, {}, True, True),
        (Kind.BIT, {}, 1, True),
        (Kind.BIT, {}, 2, "bit"),
        (Kind.BIT, {}, "true", "bit"),
        (Kind.REGISTER, {}, 3, 3.0),
        (Kind.REGISTER, {}, True, "number"),
        (Kind.REGISTER, {}, "3", "number"),
        (Kind.REGISTER, {}, math.inf, "finite"),
        (Kind.REGISTER, {"write": WriteRule(low=0, high=10)}, 11, "0 to 10"),
        (Kind.TEXT, {}, "on", "on"),
        (Kind.TEXT, {}, 5, "text"),
        (Kind.TEXT, {"choices": ("a", "b")}, "c", "one of"),
        (Kind.TEXT, {}, "x" * 1001, "1,000"),
    ],
)
def test_values_from_outside_are_checked(
    kind: Kind, more: dict[str, object], given_value: object, outcome: object
) -> None:
    definition = TagDefinition(path="A.X", kind=kind, source=Source.INTERNAL, **more)  # type: ignore[arg-type]
    if isinstance(outcome, str) and outcome != given_value:
        with pytest.raises(ValueError, match=outcome):
            coerce(definition, given_value)
    else:
        assert coerce(definition, given_value) == outcome
