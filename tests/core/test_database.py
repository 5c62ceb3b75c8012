from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.aggregate import Aggregates
from scada.core.database import TagDatabase, coerce
from scada.core.links import Links
from scada.core.path import matcher
from scada.core.tag import AggregateDefinition, Source, Tag, TagDefinition, WriteRule
from scada.core.value import GOOD, Kind, Quality

NOW = 1_790_000_000_000_000


def register(path: str, **more: object) -> TagDefinition:
    return TagDefinition(path=path, kind=Kind.REGISTER, source=Source.DRIVER, **more)  # type: ignore[arg-type]


def test_a_new_tag_waits_for_its_first_value() -> None:
    tag = TagDatabase([register("A.X")])["A.X"]
    assert tag.value is None
    assert tag.quality == Quality.BAD_WAITING_FOR_INITIAL_DATA


def test_a_change_is_told_once_however_often_it_came() -> None:
    database = TagDatabase([register("A.X", record=True), register("A.Y")])
    x, y = database["A.X"], database["A.Y"]
    database.write([(x, 1.0, GOOD, NOW), (y, 5.0, GOOD, NOW), (x, 2.0, GOOD, NOW + 1)], NOW)
    assert database.drain_changes() == [x, y]
    assert [(s.value, s.source_us) for s in database.drain_samples()] == [(1.0, NOW), (2.0, NOW + 1)]
    assert database.drain_changes() == []
    assert database.drain_samples() == []


def test_the_same_value_is_no_event_but_renews_the_time() -> None:
    database = TagDatabase([register("A.X", record=True)])
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
    database = TagDatabase([register("A.X", record=True)])
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


def summed(count: int) -> tuple[TagDatabase, Aggregates, list[Tag], Tag]:
    definitions = [register(f"S.M{n}.P") for n in range(count)]
    total = TagDefinition(
        path="S.Sum",
        kind=Kind.REGISTER,
        source=Source.AGGREGATE,
        aggregate=AggregateDefinition(pattern="S.*.P"),
    )
    database = TagDatabase([total, *definitions])
    return database, Aggregates(database), [database[d.path] for d in definitions], database["S.Sum"]


def test_one_dead_charger_does_not_hide_the_sites_power() -> None:
    database, aggregates, parts, total = summed(3)
    database.write([(parts[0], 10.0, GOOD, NOW), (parts[1], 20.0, GOOD, NOW)], NOW)
    aggregates.settle(NOW)
    assert (total.value, total.quality) == (30.0, Quality.UNCERTAIN_SUB_NORMAL)
    database.write([(parts[2], 5.0, GOOD, NOW)], NOW)
    aggregates.settle(NOW)
    assert (total.value, total.quality) == (35.0, GOOD)
    database.set_quality([parts[0]], Quality.BAD_NO_COMMUNICATION, NOW)
    aggregates.settle(NOW)
    assert (total.value, total.quality) == (25.0, Quality.UNCERTAIN_SUB_NORMAL)
    database.set_quality(parts, Quality.BAD_NO_COMMUNICATION, NOW)
    aggregates.settle(NOW)
    assert total.quality == Quality.BAD_NO_DATA


def test_members_that_have_a_value_from_the_start_count() -> None:
    member = TagDefinition(path="S.M.P", kind=Kind.BIT, source=Source.INTERNAL, initial=True)
    total = register("S.Sum", aggregate=AggregateDefinition(pattern="S.*.P"))
    database = TagDatabase([total, member])
    Aggregates(database).settle(NOW)
    assert (database["S.Sum"].value, database["S.Sum"].quality) == (1.0, GOOD)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.floats(-1e6, 1e6),
            st.sampled_from([GOOD, Quality.UNCERTAIN_LAST_USABLE_VALUE, Quality.BAD_DEVICE_FAILURE]),
        ),
        max_size=60,
    )
)
def test_a_sum_equals_a_recount(writes: list[tuple[int, float, int]]) -> None:
    database, aggregates, parts, total = summed(5)
    for number, value, quality in writes:
        database.write([(parts[number], value, quality, NOW)], NOW)
        aggregates.settle(NOW)
    usable = [p for p in parts if p.quality & 0x80000000 == 0]
    if not usable:
        assert total.quality & 0x80000000
    else:
        assert total.value == pytest.approx(math.fsum(float(p.value or 0) for p in usable), abs=1e-3)
        assert (total.quality == GOOD) is all(p.quality == GOOD for p in parts)


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
