"""Whatever happens to a plant core, in whatever order: what must hold holds after each step."""

from __future__ import annotations

import json
from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scada.alarming.counters import COUNTERS, branches_of
from scada.core.errors import BadRequest
from scada.core.plant import Contact, Mask, OnCallProfile, Synthesis
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, HoldKind, HoldRecord, OutboxRecord
from scada.core.tag import AlarmDefinition, Condition, ExpressionText, Source, ThresholdDefinition
from scada.core.value import GOOD, SECOND_US, Quality, is_good
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
)
from scada.testing.cores import ANN, MemoryCore, bit, plant_of, register

S = SECOND_US
HI = ThresholdDefinition(name="Hi", condition=Condition.HIGH, limit=50.0, hysteresis=5.0, on_delay_us=2 * S)
PLANT = plant_of(
    bit("S.CP0.Offline", AlarmDefinition(level=20, on_delay_us=5 * S), domain="communication"),
    bit("S.CP0.C1.Fault", AlarmDefinition(level=22), domain="charging", nature="fault"),
    bit("S.CP0.C1.Ground", AlarmDefinition(level=26, latching=True, on_delay_us=1 * S), domain="safety"),
    register("S.CP0.C1.Temp", thresholds=(HI,)),
    bit(
        "S.CP0.C1.Temp.Hi",
        AlarmDefinition(level=14, off_delay_us=3 * S),
        source=Source.THRESHOLD,
        domain="safety",
    ),
    bit("S.CP1.Offline", AlarmDefinition(level=20, needs_acknowledgement=False), domain="communication"),
    bit("S.CP1.Latched", AlarmDefinition(level=5, latching=True, needs_acknowledgement=False)),
    bit("S.Works"),
    bit("S.Both", AlarmDefinition(level=25), expression="S.CP0.Offline and S.CP1.Offline"),
    bit("System.Ok", AlarmDefinition(level=28, abnormal=False), source=Source.INTERNAL, initial=True),
    register("S.Count"),
    register("S.High"),
    masks=(
        Mask(
            name="offline",
            select="S.CP0.*",
            when=ExpressionText(text="active(this.Offline)", scope={"this": "S.CP0"}),
        ),
        Mask(name="works", select="S.CP*.**", when=ExpressionText(text="S.Works")),
    ),
    syntheses=(
        Synthesis(tag="S.Count", filter=ExpressionText(text="alarm.unacknowledged")),
        Synthesis(
            tag="S.High",
            filter=ExpressionText(
                text='alarm.level >= 20 and alarm.domain != "safety" and not alarm.suppressed'
            ),
        ),
    ),
    contacts=(Contact(name="ann", email="ann@depot.example", language="en"),),
    profiles=(
        OnCallProfile(
            name="all",
            to=("ann",),
            levels=(0, 29),
            states=("raised", "acknowledged", "returned", "unshelved"),
        ),
    ),
)
ALARMS = sorted(d.path for d in PLANT.tags if d.alarm)
BITS = ("S.CP0.Offline", "S.CP0.C1.Fault", "S.CP0.C1.Ground", "S.CP1.Offline", "S.CP1.Latched", "System.Ok")
BRANCHES = ("S", "S.CP0", "S.CP0.C1", "S.CP0.C1.Fault", "S.CP1", "System")
QUALITIES = st.sampled_from(
    [GOOD, GOOD, GOOD, Quality.UNCERTAIN_LAST_USABLE_VALUE, Quality.BAD_NO_COMMUNICATION]
)
SPAN = st.sampled_from([1.0, 4.0, 30.0])


def short(core: MemoryCore) -> dict[str, object]:
    """Everything of the alarms that a restart must leave as it was."""
    return {
        one.tag.path: (
            one.state,
            one.raised_us,
            one.first_out,
            one.shelf,
            frozenset(one.outages),
            one.latch_kept,
        )
        for one in core.core.alarms
    }


class AnySequence(RuleBasedStateMachine):
    """Rules are what the world and people do."""

    def __init__(self) -> None:
        super().__init__()
        self.core = MemoryCore(PLANT)
        self.seen = 0
        self.states: dict[str, AlarmState] = defaultdict(lambda: AlarmState.NORMAL)
        self.raised: dict[str, int] = {}

    @rule(path=st.sampled_from(BITS), value=st.booleans(), quality=QUALITIES)
    def source(self, path: str, value: bool, quality: int) -> None:
        self.core.write({path: value}, quality)

    @rule(values=st.dictionaries(st.sampled_from([*BITS, "S.Works"]), st.booleans(), min_size=2))
    def batch(self, values: dict[str, bool]) -> None:
        self.core.write(values)

    @rule(value=st.sampled_from([40.0, 47.0, 60.0]), quality=QUALITIES)
    def temperature(self, value: float, quality: int) -> None:
        self.core.write({"S.CP0.C1.Temp": value}, quality)

    @rule(value=st.booleans(), quality=QUALITIES)
    def works(self, value: bool, quality: int) -> None:
        self.core.write({"S.Works": value}, quality)

    @rule(path=st.sampled_from([*BITS, "S.CP0.C1.Temp"]), quality=QUALITIES)
    def quality_alone(self, path: str, quality: int) -> None:
        tag = self.core.tags[path]
        if tag.value is not None:
            self.core.tags.set_quality([tag], quality, self.core.now_us)
            self.core.write({})

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.core.wait(seconds)
        assert [
            hold for hold in self.core.core.holds if hold.until_us and hold.until_us <= self.core.now_us
        ] == []

    @rule(alarms=st.sets(st.sampled_from(ALARMS), min_size=1))
    def acknowledge(self, alarms: set[str]) -> None:
        self.core.ask(Acknowledge(tuple(alarms), ANN, "seen"))

    @rule(alarm=st.sampled_from(ALARMS))
    def comment(self, alarm: str) -> None:
        self.core.ask(Comment(alarm, ANN, "looked at it"))

    @rule(alarm=st.sampled_from(ALARMS), seconds=SPAN)
    def shelve(self, alarm: str, seconds: float) -> None:
        self.core.ask(Shelve((alarm,), self.core.now_us + int(seconds * S), ANN, "works"))

    @rule(alarms=st.sets(st.sampled_from(ALARMS), min_size=1))
    def unshelve(self, alarms: set[str]) -> None:
        self.core.ask(Unshelve(tuple(alarms), ANN))

    @rule(branch=st.sampled_from(BRANCHES), seconds=SPAN | st.none())
    def take_out(self, branch: str, seconds: float | None) -> None:
        until_us = None if seconds is None else self.core.now_us + int(seconds * S)
        self.core.ask(TakeOutOfService(branch, until_us, ANN, "works"))

    @rule(branch=st.sampled_from(BRANCHES))
    def put_in(self, branch: str) -> None:
        out = self.core.core.holds.get(HoldKind.OUT_OF_SERVICE, branch) is not None
        try:
            self.core.ask(ReturnToService(branch, ANN))
        except BadRequest:
            assert not out
        else:
            assert out

    @rule(alarms=st.sets(st.sampled_from(ALARMS), min_size=2))
    def reset(self, alarms: set[str]) -> None:
        self.core.ask(ResetLatch(tuple(alarms), ANN))

    @rule(path=st.sampled_from(BITS), value=st.booleans(), seconds=SPAN | st.none())
    def force(self, path: str, value: bool, seconds: float | None) -> None:
        until_us = None if seconds is None else self.core.now_us + int(seconds * S)
        self.core.ask(Force(path, value, "test", until_us, ANN))

    @precondition(lambda self: any(h.kind is HoldKind.FORCED for h in self.core.core.holds))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        forced = [hold.path for hold in self.core.core.holds if hold.kind is HoldKind.FORCED]
        self.core.ask(Release(data.draw(st.sampled_from(forced)), ANN))

    @rule(seconds=st.sampled_from([0.0, 2.0]))
    def restart(self, seconds: float) -> None:
        before, rows, old = short(self.core), len(self.core.journal()), self.core
        self.core = old.restarted(seconds)
        news = {row.alarm for row in self.core.journal()[rows:]}
        after = short(self.core)
        for path in ALARMS:
            if path in news:  # its source has a value from the start, or is forced, and says otherwise
                tag = self.core.tags[path]
                assert is_good(tag.quality)
                continue
            assert after[path] == before[path]
        masked = {one.tag.path for one in old.core.alarms if one.masks and one.held is AlarmState.SUPPRESSED}
        for one in self.core.core.alarms:
            if one.tag.path in masked and one.state is AlarmState.SUPPRESSED:
                assert one.masks

    # What must hold

    @invariant()
    def each_transition_is_journalled_once_and_follows_from_the_one_before(self) -> None:
        rows = self.core.journal()
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        for row in rows[self.seen :]:
            if row.alarm not in ALARMS:
                continue
            self._follows(row)
            self.states[row.alarm] = row.state
        self.seen = len(rows)

    def _follows(self, row: AlarmTransition) -> None:
        before, after, event = self.states[row.alarm], row.state, row.event
        definition = PLANT.definitions[row.alarm].alarm
        assert definition is not None
        if event is AlarmEvent.COMMENTED:
            assert after is before
        elif after.suppressed:
            assert event not in (
                AlarmEvent.RAISED,
                AlarmEvent.RETURNED,
                AlarmEvent.ACKNOWLEDGED,
                AlarmEvent.RESET,
            )
        elif before.suppressed:
            assert after is AlarmState.NORMAL
            assert event in (AlarmEvent.UNSHELVED, AlarmEvent.UNSUPPRESSED, AlarmEvent.IN_SERVICE)
        else:
            allowed = {
                AlarmEvent.RAISED: {
                    (AlarmState.NORMAL, AlarmState.ACTIVE_UNACKNOWLEDGED),
                    (AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.ACTIVE_UNACKNOWLEDGED),
                    (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.ACTIVE_UNACKNOWLEDGED),
                    (AlarmState.LATCHED_ACKNOWLEDGED, AlarmState.ACTIVE_UNACKNOWLEDGED),
                    (AlarmState.LATCHED_ACKNOWLEDGED, AlarmState.ACTIVE_ACKNOWLEDGED),
                    (AlarmState.NORMAL, AlarmState.ACTIVE_ACKNOWLEDGED),
                    (AlarmState.NORMAL, AlarmState.LATCHED_UNACKNOWLEDGED),
                    (AlarmState.NORMAL, AlarmState.LATCHED_ACKNOWLEDGED),
                },
                AlarmEvent.RETURNED: {
                    (AlarmState.ACTIVE_UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED),
                    (AlarmState.ACTIVE_ACKNOWLEDGED, AlarmState.NORMAL),
                    (AlarmState.ACTIVE_UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED),
                    (AlarmState.ACTIVE_ACKNOWLEDGED, AlarmState.LATCHED_ACKNOWLEDGED),
                },
                AlarmEvent.ACKNOWLEDGED: {
                    (AlarmState.ACTIVE_UNACKNOWLEDGED, AlarmState.ACTIVE_ACKNOWLEDGED),
                    (AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.NORMAL),
                    (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED_ACKNOWLEDGED),
                },
                AlarmEvent.RESET: {
                    (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED),
                    (AlarmState.LATCHED_ACKNOWLEDGED, AlarmState.NORMAL),
                },
            }
            assert (before, after) in allowed[event], (row, before)
        assert not after.latched or definition.latching
        assert not after.unacknowledged or definition.needs_acknowledgement
        if event is AlarmEvent.RAISED and not before.unacknowledged:
            assert row.raised_us == row.time_us  # another occurrence
            self.raised[row.alarm] = row.raised_us
        elif after.active:
            assert row.raised_us == self.raised[row.alarm]
        assert bool(row.user) == bool(row.origin)

    @invariant()
    def the_last_row_of_an_alarm_tells_its_state(self) -> None:
        for one in self.core.core.alarms:
            assert one.state is self.states[one.tag.path]

    @invariant()
    def what_is_held_is_normal_or_suppressed_and_what_is_suppressed_is_held(self) -> None:
        for one in self.core.core.alarms:
            held = one.held
            if held is not None:
                assert one.state in (AlarmState.NORMAL, held)
            else:
                assert not one.state.suppressed

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        for one in self.core.core.alarms:
            tag, definition = one.tag, one.definition
            if one.due_us is not None:
                assert one.pending is not None
                continue  # a delay runs
            if not is_good(tag.quality) or tag.value is None or one.state.suppressed:
                continue
            assert one.pending is None
            if one.held is not None:
                assert not one.abnormal  # else it were counted as suppressed
            elif one.abnormal:
                assert one.state.active
                assert not one.state.latched
            else:
                assert not one.state.active or one.state.latched
            assert definition is not None

    @invariant()
    def masks_are_those_that_hold(self) -> None:
        holding = {mask.definition.name for mask in self.core.core.masks.holding()}
        unknown = {mask.definition.name for mask in self.core.core.masks if mask.holds is None}
        for mask in self.core.core.masks:
            for one in mask.alarms:
                name = mask.definition.name
                if name in holding:
                    assert name in one.masks
                elif name not in unknown:
                    assert name not in one.masks
        offline = self.core.state("S.CP0.Offline").active
        assert ("offline" in holding) is offline

    @invariant()
    def the_board_shows_the_same_and_the_counters_equal_a_recount(self) -> None:
        core = self.core
        expected: dict[str, float] = defaultdict(float)
        for one in core.core.alarms:
            view = core.board.get(one.tag.path)
            assert (view.state if view else AlarmState.NORMAL) is one.state
            if view is not None and one.state.suppressed:
                assert view.until_us == one.until_us
            for branch in branches_of(one.tag.definition):
                for name, counts in COUNTERS:
                    expected[f"{branch}.{name}"] += counts(one.state)
        for path, value in expected.items():
            assert core.tags[path].value == value
        views = [view for path in ALARMS if (view := core.board.get(path)) is not None]
        assert core.tags["S.Count"].value == sum(view.state.unacknowledged for view in views)
        assert core.tags["S.High"].value == sum(
            view.level >= 20 and view.domain != "safety" and not view.state.suppressed for view in views
        )
        shown = {view.path for view in core.board.views()} | {view.path for view in core.board.suppressed()}
        assert shown == {view.path for view in views}

    @invariant()
    def what_people_hold_is_journalled(self) -> None:
        held: dict[object, HoldRecord] = {}
        for record in self.core.records:
            if isinstance(record, HoldRecord):
                held.pop((record.kind, record.path), None)
                if record.active:
                    held[record.kind, record.path] = record
        assert set(held.values()) == set(self.core.core.holds)
        assert set(self.core.board.holds()) == set(held.values())

    @invariant()
    def nothing_suppressed_is_mailed(self) -> None:
        rows = self.core.journal()
        for record in self.core.records:
            if isinstance(record, OutboxRecord) and record.cause:
                row = rows[record.cause - 1]
                assert not row.state.suppressed
                assert json.loads(record.snapshot)


AnySequence.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestAnySequence = AnySequence.TestCase
