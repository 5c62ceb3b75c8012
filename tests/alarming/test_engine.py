"""The alarm state machine, as operators' stories and as invariants."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from scada.alarming.engine import AlarmEngine, AlarmSnapshot
from scada.core.database import TagDatabase
from scada.core.errors import BadRequest, NotFound
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.core.tag import AlarmDefinition, Source, TagDefinition
from scada.core.value import GOOD, SECOND_US, Kind, Quality

NORMAL, ACTIVE, ACKED, RETURNED = (
    AlarmState.NORMAL,
    AlarmState.ACTIVE_UNACKNOWLEDGED,
    AlarmState.ACTIVE_ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
)


class Story:
    """One alarm, told step by step."""

    def __init__(self, **definition: object) -> None:
        self.database = TagDatabase(
            [
                TagDefinition(
                    path="S.Bit",
                    kind=Kind.BIT,
                    source=Source.DRIVER,
                    site="S",
                    alarm=AlarmDefinition(level=20, **definition),  # type: ignore[arg-type]
                )
            ]
        )
        self.journal: list[AlarmTransition] = []
        self.engine = AlarmEngine(self.database, 1, self.journal.append)
        self.tag = self.database["S.Bit"]
        self.now_us = 1_790_000_000 * SECOND_US

    def source(self, value: bool, quality: int = GOOD) -> Story:
        self.database.write([(self.tag, value, quality, self.now_us)], self.now_us)
        return self

    def wait(self, seconds: float) -> Story:
        self.now_us += int(seconds * SECOND_US)
        self.engine.tick(self.now_us)
        return self

    def acknowledge(self, comment: str = "") -> Story:
        self.engine.acknowledge(["S.Bit"], "ann", "test", comment, self.now_us)
        return self

    @property
    def state(self) -> AlarmState:
        alarm = self.engine.get("S.Bit")
        assert alarm is not None
        return alarm.state

    @property
    def events(self) -> list[str]:
        return [f"{t.event.value}>{t.state.value}" for t in self.journal]


def test_raised_acknowledged_returned() -> None:
    story = Story().source(False).source(True)
    assert story.state is ACTIVE
    assert story.acknowledge("on my way").state is ACKED
    assert story.source(False).state is NORMAL
    assert [(t.event, t.user, t.comment) for t in story.journal] == [
        (AlarmEvent.RAISED, "", ""),
        (AlarmEvent.ACKNOWLEDGED, "ann", "on my way"),
        (AlarmEvent.RETURNED, "", ""),
    ]
    assert [t.sequence for t in story.journal] == [1, 2, 3]


def test_an_alarm_that_went_by_itself_still_wants_to_be_seen() -> None:
    story = Story().source(True).source(False)
    assert story.state is RETURNED
    assert story.acknowledge().state is NORMAL


def test_coming_back_unseen_is_the_same_occurrence() -> None:
    story = Story().source(True).wait(5).source(False).wait(5).source(True)
    assert story.state is ACTIVE
    assert len({t.raised_us for t in story.journal}) == 1


def test_without_acknowledgement_it_comes_and_goes() -> None:
    story = Story(needs_acknowledgement=False).source(True)
    assert story.state is ACKED
    assert story.source(False).state is NORMAL


def test_a_blip_shorter_than_the_on_delay_is_no_alarm() -> None:
    story = Story(on_delay_us=90 * SECOND_US).source(True).wait(89)
    assert story.state is NORMAL
    story.source(False).wait(200)
    assert story.events == []
    story.source(True).wait(90)
    assert story.state is ACTIVE


def test_the_delay_runs_from_the_change_not_from_the_repetition() -> None:
    story = Story(on_delay_us=10 * SECOND_US).source(True).wait(6).source(True).wait(4)
    assert story.state is ACTIVE


def test_the_transition_bears_the_time_at_which_the_delay_ended() -> None:
    story = Story(on_delay_us=10 * SECOND_US).source(True)
    due_us = story.now_us + 10 * SECOND_US
    story.wait(25)
    assert story.journal[0].time_us == due_us


def test_the_off_delay_holds_a_chattering_source() -> None:
    story = Story(off_delay_us=10 * SECOND_US).source(True)
    for _ in range(5):
        story.source(False).wait(3).source(True).wait(3)
    assert story.events == ["raised>active_unacknowledged"]
    assert story.source(False).wait(10).state is RETURNED


@pytest.mark.parametrize("quality", [Quality.BAD_NO_COMMUNICATION, Quality.UNCERTAIN_LAST_USABLE_VALUE])
def test_what_cannot_be_trusted_neither_sets_nor_clears(quality: int) -> None:
    story = Story().source(True, quality)
    assert story.state is NORMAL
    story.source(True).source(False, quality)
    assert story.state is ACTIVE
    assert story.source(False).state is RETURNED


def test_a_delay_that_runs_when_trust_is_lost_begins_anew() -> None:
    story = Story(on_delay_us=10 * SECOND_US).source(True).wait(9)
    story.source(True, Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE).wait(60)
    assert story.state is NORMAL
    story.source(True).wait(9)
    assert story.state is NORMAL
    assert story.wait(1).state is ACTIVE


def test_abnormal_may_be_zero() -> None:
    story = Story(abnormal=False).source(True)
    assert story.state is NORMAL
    assert story.source(False).state is ACTIVE


def test_acknowledging_twice_or_nothing_is_harmless() -> None:
    story = Story().source(False).acknowledge()
    story.source(True).acknowledge().acknowledge()
    assert story.events == ["raised>active_unacknowledged", "acknowledged>active_acknowledged"]


def test_a_wrong_path_or_comment_changes_nothing() -> None:
    story = Story().source(True)
    with pytest.raises(NotFound):
        story.engine.acknowledge(["S.Bit", "S.Nothing"], "ann", "test", "", story.now_us)
    with pytest.raises(BadRequest):
        story.acknowledge("x" * 501)
    assert story.state is ACTIVE


def test_a_restart_goes_on_where_it_was() -> None:
    story = Story()
    raised_us = story.now_us - 5 * SECOND_US
    story.engine.restore(
        [
            AlarmSnapshot(alarm="S.Bit", state=ACTIVE, raised_us=raised_us),
            AlarmSnapshot(alarm="S.Gone", state=ACTIVE, raised_us=raised_us),
        ]
    )
    assert story.source(True).events == []  # still the same occurrence: nothing is journalled twice
    assert story.acknowledge().journal[0].raised_us == raised_us


class AnySequence(RuleBasedStateMachine):
    """Whatever happens in whatever order: a recount of the journal equals the state."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(on_delay_us=4 * SECOND_US, off_delay_us=2 * SECOND_US)

    @rule(value=st.booleans(), quality=st.sampled_from([GOOD, GOOD, Quality.BAD_NO_COMMUNICATION]))
    def source(self, value: bool, quality: int) -> None:
        self.story.source(value, quality)

    @rule(seconds=st.sampled_from([0.5, 1, 3, 10]))
    def wait(self, seconds: float) -> None:
        self.story.wait(seconds)

    @rule()
    def acknowledge(self) -> None:
        self.story.acknowledge()

    @rule()
    def restart(self) -> None:
        old = self.story
        alarm = old.engine.get("S.Bit")
        assert alarm is not None
        fresh = Story(on_delay_us=4 * SECOND_US, off_delay_us=2 * SECOND_US)
        fresh.now_us = old.now_us
        fresh.engine = AlarmEngine(TagDatabase([]), 1, fresh.journal.append)
        fresh.database = TagDatabase([old.tag.definition])
        fresh.tag = fresh.database["S.Bit"]
        fresh.engine = AlarmEngine(fresh.database, len(old.journal) + 1, fresh.journal.append)
        fresh.engine.restore([AlarmSnapshot(alarm="S.Bit", state=alarm.state, raised_us=alarm.raised_us)])
        fresh.journal[:] = old.journal
        self.story = fresh

    @invariant()
    def the_journal_tells_the_state(self) -> None:
        journal = self.story.journal
        assert self.story.state is (journal[-1].state if journal else NORMAL)
        assert [t.sequence for t in journal] == list(range(1, len(journal) + 1))
        before = NORMAL
        allowed = {
            (NORMAL, "raised", ACTIVE),
            (RETURNED, "raised", ACTIVE),
            (ACTIVE, "returned", RETURNED),
            (ACKED, "returned", NORMAL),
            (ACTIVE, "acknowledged", ACKED),
            (RETURNED, "acknowledged", NORMAL),
        }
        for transition in journal:
            assert (before, transition.event.value, transition.state) in allowed
            before = transition.state

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        alarm = self.story.engine.get("S.Bit")
        assert alarm is not None
        if self.story.tag.quality == GOOD and alarm.pending is None and self.story.tag.value is not None:
            assert alarm.state.active is (self.story.tag.value is True)


AnySequence.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnySequence = AnySequence.TestCase


def test_a_flood_is_journalled_once_each() -> None:
    count = 10_000
    database = TagDatabase(
        TagDefinition(
            path=f"S.B{n}", kind=Kind.BIT, source=Source.DRIVER, alarm=AlarmDefinition(level=n % 30)
        )
        for n in range(count)
    )
    journal: list[AlarmTransition] = []
    engine = AlarmEngine(database, 1, journal.append)
    now_us = 1_790_000_000 * SECOND_US
    database.write([(tag, True, GOOD, now_us) for tag in database], now_us)
    assert len(journal) == count
    assert Counter(alarm.state for alarm in engine) == {ACTIVE: count}
