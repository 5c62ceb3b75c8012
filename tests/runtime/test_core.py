"""The plant core as one: what its parts do for each other over time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scada.core.access import Actor, Right, Role
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.plant import Action, ActionStep, Mask, Synthesis
from scada.core.records import AuditRecord, HoldKind, HoldRecord, RetainedRecord
from scada.core.tag import AlarmDefinition, ExpressionText, HistoryRule, Source, WriteRule
from scada.core.value import GOOD, SECOND_US, Quality
from scada.runtime.requests import (
    Acknowledge,
    Comment,
    Force,
    Release,
    ResetLatch,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
    WriteTag,
)
from scada.testing.cores import ANN, MemoryCore, bit, plant_of, register

S = SECOND_US


def actor(*rights: Right, **scope: object) -> Actor:
    return Actor("bob", frozenset(rights), "test", scope=Role(**scope))  # type: ignore[arg-type]


def test_periodic_history_is_kept_at_whole_times_however_long_a_tick_takes() -> None:
    core = MemoryCore(plant_of(register("S.X", history=HistoryRule(every_us=60 * S))))
    core.wait(61)
    assert core.tags.drain_samples() == []  # there was no value yet
    core.write({"S.X": 5.0})
    core.wait(180)
    core.wait(3600, step_s=3600)  # the clock leaps: nothing is made up for
    core.wait(60)
    samples = core.tags.drain_samples()
    assert [sample.value for sample in samples] == [5.0] * 5
    assert [sample.source_us % (60 * S) for sample in samples[:3]] == [0] * 3
    assert samples[-1].source_us > core.now_us - 61 * S


def test_a_retained_value_is_journalled_at_most_each_second_and_comes_back_as_such() -> None:
    core = MemoryCore(
        plant_of(
            register("S.Energy", retain=True),
            register("S.Wish", retain=True, source=Source.INTERNAL, write=WriteRule()),
        )
    )
    for value in range(100):
        core.write({"S.Energy": float(value)})
        core.wait(0.1, 0.1)
    core.wait(2)
    kept = [r.value for r in core.records if isinstance(r, RetainedRecord)]
    assert kept[-1] == "99.0"
    assert len(kept) <= 13
    core.ask(WriteTag("S.Wish", 7, ANN))
    assert isinstance(core.records[-2], RetainedRecord)  # with the answer, not a second later
    core = core.restarted(60)
    energy, wish = core.tags["S.Energy"], core.tags["S.Wish"]
    assert (energy.value, energy.quality) == (99.0, Quality.UNCERTAIN_LAST_USABLE_VALUE)
    assert (wish.value, wish.quality) == (7.0, GOOD)


def test_a_forced_value_is_not_retained() -> None:
    core = MemoryCore(plant_of(register("S.X", retain=True)))
    core.write({"S.X": 4.0})
    core.wait(2)
    core.ask(Force("S.X", 9, "test", None, ANN))
    core.wait(2)
    core.ask(Release("S.X", ANN))
    core = core.restarted()
    assert core.tags["S.X"].value == 4.0


def test_an_action_a_mask_and_a_counter_work_together_in_one_turn() -> None:
    plant = plant_of(
        bit("S.A", AlarmDefinition(level=20)),
        bit("S.B", AlarmDefinition(level=10)),
        bit("S.Night", source=Source.INTERNAL, initial=False),
        register("S.Waiting"),
        bit("S.Many", expression="S.Waiting >= 2"),
        masks=(Mask(name="night", select="S.B", when=ExpressionText(text="S.Night")),),
        syntheses=(Synthesis(tag="S.Waiting", filter=ExpressionText(text="alarm.unacknowledged")),),
        actions=(
            Action(
                name="night",
                steps=(ActionStep(write="S.Night", value=ExpressionText(text="true")),),
                when=ExpressionText(text="S.Many"),
            ),
        ),
    )
    core = MemoryCore(plant)
    core.write({"S.A": True})
    core.write({"S.B": True})
    assert core.tags["S.Night"].value is True
    assert core.state("S.B").suppressed
    assert core.tags["S.Waiting"].value == 1.0


def test_an_event_reaches_the_outside_and_the_inside_in_order() -> None:
    core = MemoryCore(plant_of(register("S.X", device="S.CP1")))
    core.write({"S.X": 1.0})
    core.core.link("S.CP1", False, core.now_us)
    core.wait(0)
    core.write({})
    assert [(event.kind, event.data) for event in core.events] == [("link", {"up": False})]
    assert core.tags["S.X"].quality == Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE
    core.wait(300, 1)
    assert core.tags["S.X"].quality == Quality.BAD_NO_COMMUNICATION


LEVELS = plant_of(
    bit("S.Low", AlarmDefinition(level=3), domain="charging"),
    bit("S.High", AlarmDefinition(level=25, acknowledge_level=5, mask_level=28), domain="safety"),
    bit("T.Low", AlarmDefinition(level=3), domain="charging"),
    register("S.X", source=Source.INTERNAL, write=WriteRule(low=0, high=10, right="maintain")),
    register("S.Y", write=WriteRule(command="set_limit", argument="limit_a")),
)
SOON_US = MemoryCore(LEVELS).now_us + 60 * S


@pytest.mark.parametrize(
    ("who", "request_", "error"),
    [
        (actor(), Acknowledge(("S.Low",), ANN), Denied),
        (actor(Right.ACKNOWLEDGE), Acknowledge(("S.Low",), ANN), None),
        (actor(Right.ACKNOWLEDGE, acknowledge=(4, 29)), Acknowledge(("S.Low",), ANN), Denied),
        (actor(Right.ACKNOWLEDGE, acknowledge=(4, 10)), Acknowledge(("S.High",), ANN), None),
        (actor(Right.ACKNOWLEDGE, see=(0, 20)), Acknowledge(("S.High",), ANN), NotFound),
        (actor(Right.ACKNOWLEDGE, sites=frozenset("T")), Acknowledge(("S.Low",), ANN), NotFound),
        (actor(Right.ACKNOWLEDGE, sites=frozenset("S")), Acknowledge(("S.Low", "T.Low"), ANN), NotFound),
        (actor(Right.ACKNOWLEDGE, domains=frozenset(["safety"])), Comment("S.Low", ANN, "x"), NotFound),
        (actor(Right.ACKNOWLEDGE), Shelve(("S.Low",), SOON_US, ANN, "why"), Denied),
        (actor(Right.MASK), Shelve(("S.Low",), SOON_US, ANN, "why"), None),
        (actor(Right.MASK, mask=(0, 27)), Shelve(("S.High",), SOON_US, ANN, "why"), Denied),
        (actor(Right.MASK, mask=(0, 27)), TakeOutOfService("S", None, ANN, "why"), Denied),
        (actor(Right.MASK, sites=frozenset("T")), TakeOutOfService("S", None, ANN, "why"), Denied),
        (actor(Right.MASK), TakeOutOfService("S", None, ANN, "why"), None),
        (actor(Right.MASK), ReturnToService("S", ANN), BadRequest),
        (actor(Right.MASK), Unshelve(("S.Low",), ANN), None),
        (actor(Right.MASK), ResetLatch(("S.Low",), ANN), Denied),
        (actor(Right.OPERATE), WriteTag("S.X", 5, ANN), Denied),
        (actor(Right.MAINTAIN), WriteTag("S.X", 5, ANN), None),
        (actor(Right.MAINTAIN), WriteTag("S.X", 11, ANN), BadRequest),
        (actor(Right.MAINTAIN), WriteTag("S.X", "5", ANN), BadRequest),
        (actor(*Right), WriteTag("S.Y", 5, ANN), BadRequest),
        (actor(*Right), WriteTag("S.Low", True, ANN), BadRequest),
        (actor(), WriteTag("S.Low", True, ANN), Denied),
        (actor(Right.OPERATE), Force("S.Y", 5, "why", None, ANN), Denied),
        (actor(Right.MAINTAIN), Force("S.Y", 5, "", None, ANN), BadRequest),
        (actor(Right.MAINTAIN), Force("S.Y", 5, "why", 1, ANN), BadRequest),
        (actor(Right.MAINTAIN), Force("S.Z", 5, "why", None, ANN), NotFound),
        (actor(Right.MAINTAIN), Release("S.Y", ANN), BadRequest),
        (actor(Right.MAINTAIN), Force("S.Y", 5, "why", None, ANN), None),
    ],
)
def test_who_may_do_what(who: Actor, request_: object, error: type[Exception] | None) -> None:
    core = MemoryCore(LEVELS)
    core.write({"S.Low": True, "S.High": True, "T.Low": True})
    before = list(core.records)
    asked = replace(request_, actor=who)  # type: ignore[type-var]
    if error is None:
        core.ask(asked)  # type: ignore[arg-type]
        return
    with pytest.raises(error):
        core.ask(asked)  # type: ignore[arg-type]
    assert core.records == before  # nothing was changed


def test_writes_and_forcings_are_audited_with_old_and_new() -> None:
    core = MemoryCore(LEVELS)
    core.ask(WriteTag("S.X", 5, ANN))
    core.ask(Force("S.X", 6, "bench test", core.now_us + 10 * S, ANN))
    core.ask(Release("S.X", ANN))
    rows = [(r.action, r.object, r.old, r.new) for r in core.records if isinstance(r, AuditRecord)]
    assert rows == [
        ("write_tag", "S.X", "", "5.0"),
        ("force_tag", "S.X", "5.0", "6.0 (bench test)"),
        ("release_tag", "S.X", "6.0", "5.0"),
    ]
    holds = [(r.kind, r.active, r.value) for r in core.records if isinstance(r, HoldRecord)]
    assert holds == [(HoldKind.FORCED, True, "6.0"), (HoldKind.FORCED, False, "6.0")]


def test_a_write_under_a_forced_value_is_kept_for_later() -> None:
    core = MemoryCore(LEVELS)
    core.ask(Force("S.X", 6, "bench test", None, ANN))
    core.ask(WriteTag("S.X", 5, ANN))
    assert core.tags["S.X"].value == 6.0
    core.ask(Release("S.X", ANN))
    assert (core.tags["S.X"].value, core.tags["S.X"].quality) == (5.0, GOOD)


def test_a_day_of_operation() -> None:
    """Twenty chargers, a value each minute, an outage each hour: counters end where they began."""
    tags = []
    for n in range(20):
        tags += [
            bit(f"S.CP{n}.Online", AlarmDefinition(level=20, abnormal=False, on_delay_us=90 * S)),
            register(f"S.CP{n}.Power"),
        ]
    tags.append(register("S.Power", expression='sum("S.*.Power")'))
    tags.append(register("S.Mean", expression="average(S.Power, 900)"))
    core = MemoryCore(plant_of(*tags))
    core.write({f"S.CP{n}.Online": True for n in range(20)})
    for minute in range(24 * 60):
        core.write({f"S.CP{n}.Power": float((minute + n) % 22) for n in range(20)})
        if minute % 60 == 10:
            core.write({f"S.CP{minute % 20}.Online": False})
        if minute % 60 == 20:
            core.write({f"S.CP{n}.Online": True for n in range(20)})
        core.wait(60, 60)
    events = [row.event.value for row in core.journal()]
    assert (events.count("raised"), events.count("returned")) == (24, 24)
    assert core.tags["S.Alarms.Active"].value == 0.0
    core.ask(Acknowledge(tuple(tag.path for tag in core.plant.tags if tag.alarm), ANN))
    assert core.board.views() == []
    mean = core.tags["S.Mean"].value
    assert isinstance(mean, float)
    assert mean == pytest.approx(20 * 10.5, rel=0.2)
