"""The alarm state machine in words of operators."""

from __future__ import annotations

from typing import Any

import pytest

from scada.core.errors import BadRequest, NotFound
from scada.core.plant import Mask
from scada.core.records import AlarmEvent, AlarmState, HoldKind
from scada.core.tag import AlarmDefinition, Condition, ExpressionText, Source, ThresholdDefinition
from scada.core.value import GOOD, SECOND_US, Kind, Quality
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

NORMAL, ACTIVE, ACKED, RETURNED = (
    AlarmState.NORMAL,
    AlarmState.ACTIVE_UNACKNOWLEDGED,
    AlarmState.ACTIVE_ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
)
LATCHED, LATCHED_ACKED = AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED_ACKNOWLEDGED
SHELVED, SUPPRESSED, OUT = AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE
BAD = Quality.BAD_NO_COMMUNICATION


class Story:
    """One alarm `S.A.Bit`, told step by step; `S.Mask` masks it."""

    def __init__(self, core: MemoryCore | None = None, **definition: Any) -> None:
        for name in ("on_delay", "off_delay"):
            definition[f"{name}_us"] = int(definition.pop(f"{name}_s", 0) * SECOND_US)
        self.core = core or MemoryCore(
            plant_of(
                bit("S.A.Bit", AlarmDefinition(level=20, **definition)),
                bit("S.Mask"),
                masks=(Mask(name="by hand", select="S.A.*", when=ExpressionText(text="S.Mask")),),
            )
        )

    def source(self, value: bool | None, quality: int = GOOD) -> Story:
        self.core.write({"S.A.Bit": value}, quality)
        return self

    def mask(self, value: bool = True, quality: int = GOOD) -> Story:
        self.core.write({"S.Mask": value}, quality)
        return self

    def wait(self, seconds: float) -> Story:
        self.core.wait(seconds)
        return self

    def acknowledge(self, comment: str = "") -> Story:
        self.core.ask(Acknowledge(("S.A.Bit",), ANN, comment))
        return self

    def shelve(self, seconds: float = 600) -> Story:
        until_us = self.core.now_us + int(seconds * SECOND_US)
        self.core.ask(Shelve(("S.A.Bit",), until_us, ANN, "door switch is repaired"))
        return self

    def unshelve(self) -> Story:
        self.core.ask(Unshelve(("S.A.Bit",), ANN))
        return self

    def out(self, branch: str = "S.A", seconds: float | None = None) -> Story:
        until_us = None if seconds is None else self.core.now_us + int(seconds * SECOND_US)
        self.core.ask(TakeOutOfService(branch, until_us, ANN, "maintenance"))
        return self

    def back(self, branch: str = "S.A") -> Story:
        self.core.ask(ReturnToService(branch, ANN, "done"))
        return self

    def reset(self) -> Story:
        self.core.ask(ResetLatch(("S.A.Bit",), ANN))
        return self

    def restart(self, seconds: float = 0) -> Story:
        return Story(self.core.restarted(seconds))

    @property
    def state(self) -> AlarmState:
        return self.core.state("S.A.Bit")

    @property
    def told(self) -> list[str]:
        return self.core.told("S.A.Bit")

    def count(self, name: str) -> object:
        return self.core.tags[f"S.A.Alarms.{name}"].value


def test_raised_acknowledged_returned() -> None:
    story = Story().source(False).source(True)
    assert story.state is ACTIVE
    assert story.acknowledge("on my way").state is ACKED
    assert story.source(False).state is NORMAL
    assert [(t.event, t.user, t.origin, t.comment) for t in story.core.journal()] == [
        (AlarmEvent.RAISED, "", "", ""),
        (AlarmEvent.ACKNOWLEDGED, "ann", "test", "on my way"),
        (AlarmEvent.RETURNED, "", "", ""),
    ]
    assert [t.sequence for t in story.core.journal()] == [1, 2, 3]


def test_an_alarm_that_went_by_itself_still_wants_to_be_seen() -> None:
    story = Story().source(True).source(False)
    assert story.state is RETURNED
    assert story.acknowledge().state is NORMAL


def test_coming_back_unseen_is_the_same_occurrence() -> None:
    story = Story().source(True).wait(5).source(False).wait(5).source(True)
    assert story.state is ACTIVE
    assert len({t.raised_us for t in story.core.journal()}) == 1


def test_without_acknowledgement_it_comes_and_goes() -> None:
    story = Story(needs_acknowledgement=False).source(True)
    assert story.state is ACKED
    assert story.source(False).state is NORMAL


def test_a_blip_shorter_than_the_on_delay_is_no_alarm() -> None:
    story = Story(on_delay_s=90).source(True).wait(89)
    assert story.state is NORMAL
    story.source(False).wait(200)
    assert story.told == []
    story.source(True).wait(90)
    assert story.state is ACTIVE


def test_the_delay_runs_from_the_change_not_from_the_repetition() -> None:
    assert Story(on_delay_s=10).source(True).wait(6).source(True).wait(4).state is ACTIVE


def test_the_transition_bears_the_time_at_which_the_delay_ended() -> None:
    story = Story(on_delay_s=10).source(True)
    due_us = story.core.now_us + 10 * SECOND_US
    story.core.wait(25, step_s=25)
    assert story.core.journal()[0].time_us == due_us


def test_the_off_delay_holds_a_chattering_source() -> None:
    story = Story(off_delay_s=10).source(True)
    for _ in range(5):
        story.source(False).wait(3).source(True).wait(3)
    assert story.told == ["raised>active_unacknowledged"]
    assert story.source(False).wait(10).state is RETURNED


@pytest.mark.parametrize("quality", [BAD, Quality.UNCERTAIN_LAST_USABLE_VALUE])
def test_what_cannot_be_trusted_neither_sets_nor_clears(quality: int) -> None:
    story = Story().source(True, quality)
    assert story.state is NORMAL
    story.source(True).source(False, quality)
    assert story.state is ACTIVE
    assert story.source(False).state is RETURNED


@pytest.mark.parametrize("quality", [BAD, Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE])
def test_a_delay_waits_while_the_source_cannot_be_trusted(quality: int) -> None:
    story = Story(on_delay_s=10).source(True).wait(6).source(None, quality).wait(60)
    assert story.state is NORMAL
    story.source(True).wait(3.5)
    assert story.state is NORMAL
    assert story.wait(0.5).state is ACTIVE
    story.source(False)
    assert story.state is RETURNED
    story.source(True, quality).source(False, quality).source(True).wait(9.5)
    assert story.state is RETURNED


def test_a_forced_source_is_believed() -> None:
    story = Story().source(False)
    story.core.ask(Force("S.A.Bit", True, "test of the horn", None, ANN))
    assert story.state is ACTIVE
    story.core.ask(Release("S.A.Bit", ANN))
    assert story.state is RETURNED


def test_abnormal_may_be_zero() -> None:
    story = Story(abnormal=False).source(True)
    assert story.state is NORMAL
    assert story.source(False).state is ACTIVE


def test_acknowledging_twice_or_nothing_is_harmless() -> None:
    story = Story().source(False).acknowledge()
    story.source(True).acknowledge().acknowledge()
    story.core.ask(Acknowledge(("S.A.Bit", "S.A.Bit"), ANN))
    assert story.told == ["raised>active_unacknowledged", "acknowledged>active_acknowledged"]


def test_a_wrong_path_or_comment_changes_nothing() -> None:
    story = Story().source(True)
    for request, error in (
        (Acknowledge(("S.A.Bit", "S.Nothing"), ANN), NotFound),
        (Acknowledge(("S.A.Bit",), ANN, "x" * 501), BadRequest),
        (Comment("S.A.Bit", ANN, "  "), BadRequest),
        (Shelve(("S.A.Bit",), story.core.now_us, ANN, "why"), BadRequest),
        (Shelve(("S.A.Bit",), story.core.now_us + 8 * 86_400 * SECOND_US, ANN, "why"), BadRequest),
        (Shelve(("S.A.Bit",), story.core.now_us + SECOND_US, ANN, " "), BadRequest),
        (TakeOutOfService("S.A", None, ANN, ""), BadRequest),
        (TakeOutOfService("S.A", story.core.now_us - 1, ANN, "why"), BadRequest),
        (TakeOutOfService("S.Z", None, ANN, "why"), NotFound),
        (ReturnToService("S.A", ANN), BadRequest),
        (ResetLatch(("S.A.Bit",), ANN), BadRequest),
    ):
        with pytest.raises(error):
            story.core.ask(request)
    assert story.told == ["raised>active_unacknowledged"]
    assert list(story.core.core.holds) == []


def test_a_comment_is_a_row_and_moves_nothing() -> None:
    story = Story().source(True)
    story.core.ask(Comment("S.A.Bit", ANN, "ordered a part"))
    assert story.told[-1] == "commented>active_unacknowledged"
    view = story.core.board.get("S.A.Bit")
    assert view is not None
    assert (view.comment, view.user) == ("ordered a part", "ann")


# Shelving


def test_a_shelved_alarm_is_out_of_sight_until_its_time_is_over() -> None:
    story = Story(on_delay_s=5).source(True).wait(5).shelve(600)
    assert story.state is SHELVED
    assert story.core.board.views() == []
    assert (story.count("Active"), story.count("Shelved")) == (0.0, 1.0)
    story.source(False).wait(5).source(True).wait(5)
    assert story.told == ["raised>active_unacknowledged", "shelved>shelved"]
    story.wait(590)
    assert story.state is NORMAL  # over: the on-delay begins anew
    row = story.core.journal()[-1]
    assert (row.event, row.user, row.until_us) == (AlarmEvent.UNSHELVED, "", None)
    story.wait(5)
    assert story.state is ACTIVE
    assert (story.count("Active"), story.count("Shelved")) == (1.0, 0.0)
    assert len({t.raised_us for t in story.core.journal() if t.event is AlarmEvent.RAISED}) == 2


def test_unshelved_by_hand_while_abnormal_it_comes_as_active_unacknowledged_after_its_delay() -> None:
    story = Story(on_delay_s=5).source(True).wait(5).acknowledge().shelve().unshelve()
    assert story.state is NORMAL
    story.wait(4.5)
    assert story.state is NORMAL
    assert story.wait(0.5).state is ACTIVE


def test_unshelved_while_normal_it_is_normal() -> None:
    story = Story().source(False).shelve()
    assert story.state is SHELVED
    assert story.unshelve().state is NORMAL
    assert [row.raised_us for row in story.core.journal()] == [0, 0]  # it never came


def test_unshelved_while_its_source_cannot_be_told_it_is_what_was_last_heard() -> None:
    story = Story().source(True).source(True, BAD).shelve()
    assert story.unshelve().state is ACTIVE
    assert story.source(False).state is RETURNED
    story = Story().source(True).source(False).acknowledge().source(False, BAD).shelve()
    assert story.unshelve().state is NORMAL


def test_shelving_again_counts_by_the_new_terms() -> None:
    story = Story().source(True).shelve(60).wait(30).shelve(60).wait(31)
    assert story.state is SHELVED
    assert story.wait(30).state is ACTIVE
    assert story.told.count("unshelved>normal") == 1


# Out of service


def test_a_branch_out_of_service_and_back() -> None:
    story = Story().source(True).out()
    assert story.state is OUT
    assert story.told == ["raised>active_unacknowledged", "out_of_service>out_of_service"]
    assert [row.event.value for row in story.core.journal("S.A")] == ["out_of_service"]
    assert story.back().state is ACTIVE


def test_an_alarm_that_comes_while_its_branch_is_out_is_counted_and_not_shown() -> None:
    story = Story(on_delay_s=5).source(False).out(seconds=600).source(True).wait(5)
    assert story.state is OUT
    row = story.core.journal("S.A.Bit")[-1]
    assert (row.event, row.user, row.comment, row.raised_us) == (
        AlarmEvent.OUT_OF_SERVICE, "", "maintenance", 0,
    )  # fmt: skip
    view = story.core.board.get("S.A.Bit")
    assert view is not None
    assert view.until_us == story.core.now_us + 595 * SECOND_US
    assert (story.count("OutOfService"), story.core.board.views()) == (1.0, [])
    story.wait(595)
    assert story.state is NORMAL
    assert story.wait(5).state is ACTIVE


def test_an_alarm_that_did_not_come_leaves_no_trace_of_its_outage() -> None:
    story = Story().source(False).out().wait(10).back()
    assert story.told == []


def test_site_and_charger_out_of_service_hold_each_for_itself() -> None:
    story = Story().source(True).out("S").out("S.A").back("S")
    assert story.state is OUT
    assert story.back("S.A").state is ACTIVE


def test_one_tag_out_of_service() -> None:
    story = Story().source(False).out("S.A.Bit")
    assert story.state is OUT
    assert story.core.told() == ["out_of_service>out_of_service"]  # one row, not one of the branch besides
    assert story.back("S.A.Bit").state is NORMAL


# Masks


def test_a_mask_takes_an_active_alarm_away_and_gives_it_back_anew() -> None:
    story = Story().source(True).acknowledge().mask()
    assert story.state is SUPPRESSED
    assert story.core.journal()[-1].comment == "by hand"
    assert (story.count("Suppressed"), story.count("Active")) == (1.0, 0.0)
    assert story.mask(False).state is ACTIVE


def test_an_alarm_that_comes_under_a_mask_is_counted() -> None:
    story = Story(on_delay_s=5).mask().source(True).wait(5)
    assert story.state is SUPPRESSED
    assert story.told == ["suppressed>suppressed"]
    story.mask(False)
    assert story.state is NORMAL
    assert story.wait(5).state is ACTIVE


def test_a_mask_that_comes_while_the_delay_runs_calls_it_off() -> None:
    story = Story(on_delay_s=10).source(True).wait(9).mask().wait(5)
    assert story.told == []
    story.mask(False).wait(9.5)
    assert story.told == []  # and lifted, the delay begins anew
    assert story.wait(0.5).state is ACTIVE


def test_under_a_mask_that_came_within_the_delay_it_is_counted_in_the_end() -> None:
    story = Story(on_delay_s=10).source(True).wait(9).mask().wait(10)
    assert (story.state, story.told) == (SUPPRESSED, ["suppressed>suppressed"])


def test_a_mask_that_cannot_be_told_masks_nothing() -> None:
    story = Story().source(True).mask()
    assert story.state is SUPPRESSED
    story.mask(True, BAD)
    assert story.state is ACTIVE
    story.mask(True, Quality.UNCERTAIN_SUB_NORMAL)
    assert story.state is SUPPRESSED


def test_the_last_suppression_that_goes_sets_it_free() -> None:
    story = Story().source(True).mask().shelve(600).out()
    assert story.state is OUT
    assert story.mask(False).state is OUT
    assert story.back().state is SHELVED
    view = story.core.board.get("S.A.Bit")
    assert view is not None
    assert view.until_us == story.core.now_us + 600 * SECOND_US
    assert story.unshelve().state is ACTIVE
    assert story.told == [
        "raised>active_unacknowledged",
        "suppressed>suppressed",
        "shelved>shelved",
        "out_of_service>out_of_service",
        "unsuppressed>out_of_service",
        "in_service>shelved",
        "unshelved>normal",
        "raised>active_unacknowledged",
    ]


# Latches


def test_a_latch_holds_until_it_is_reset() -> None:
    story = Story(latching=True).source(True).source(False)
    assert story.state is LATCHED
    assert story.acknowledge().state is LATCHED_ACKED
    assert (story.count("Active"), story.count("Acknowledged")) == (1.0, 1.0)
    assert story.reset().state is NORMAL
    assert story.told[-1] == "reset>normal"


def test_a_latch_that_is_reset_unseen_still_wants_to_be_seen() -> None:
    story = Story(latching=True).source(True).source(False).reset()
    assert story.state is RETURNED
    assert story.acknowledge().state is NORMAL


def test_a_latch_cannot_be_reset_while_its_cause_is_there() -> None:
    story = Story(latching=True).source(True).acknowledge()
    with pytest.raises(BadRequest, match="its cause is still there"):
        story.reset()
    assert story.state is ACKED


def test_a_latched_alarm_that_comes_again_is_active() -> None:
    story = Story(latching=True, on_delay_s=5).source(True).wait(5).source(False)
    assert story.state is LATCHED
    story.source(True).wait(4.5)
    assert story.state is LATCHED
    assert story.wait(0.5).state is ACTIVE
    assert len({t.raised_us for t in story.core.journal()}) == 1  # nobody had seen it: the same occurrence


def test_a_latched_alarm_that_was_seen_and_comes_again_is_another_occurrence() -> None:
    story = Story(latching=True).source(True).source(False).acknowledge().wait(5).source(True)
    assert story.state is ACTIVE
    assert len({t.raised_us for t in story.core.journal()}) == 2


@pytest.mark.parametrize("restart", [False, True])
def test_a_latch_comes_through_a_suppression(restart: bool) -> None:
    story = Story(latching=True).source(True).shelve().source(False)
    if restart:
        story = story.restart()
    assert story.state is SHELVED
    assert story.unshelve().state is LATCHED


@pytest.mark.parametrize("restart", [False, True])
def test_what_came_and_went_under_a_suppression_has_not_latched(restart: bool) -> None:
    story = Story(latching=True).source(False).mask().source(True)
    assert story.state is SUPPRESSED
    story.source(False)
    if restart:
        story = story.restart().source(False).mask()
        assert story.state is SUPPRESSED
    assert story.mask(False).state is NORMAL


def test_a_latch_stands_while_the_delay_after_a_suppression_runs() -> None:
    story = Story(latching=True, on_delay_s=5).source(True).wait(5).shelve().unshelve()
    assert story.state is LATCHED
    story.wait(2).source(False).wait(10)
    assert story.state is LATCHED
    story = Story(latching=True, on_delay_s=5).source(True).wait(5).shelve().unshelve().wait(5)
    assert story.state is ACTIVE


# Restart


def test_a_restart_goes_on_where_it_was() -> None:
    story = Story().source(True).wait(5)
    raised_us = story.core.journal()[0].raised_us
    story = story.restart(60)
    assert story.state is ACTIVE
    story.source(True)
    assert story.told == ["raised>active_unacknowledged"]  # still the same occurrence: nothing is told twice
    story.acknowledge()
    assert story.core.journal()[-1].raised_us == raised_us
    assert story.restart().source(False).state is NORMAL


def test_shelving_ends_in_time_though_the_program_was_down() -> None:
    story = Story().source(True).shelve(60).restart(10)
    assert story.state is SHELVED
    assert story.wait(49).state is SHELVED
    story.source(True).wait(1)
    assert story.state is ACTIVE
    story = Story().source(True).shelve(60).restart(3600)
    assert story.wait(0.5).source(True).state is ACTIVE


def test_a_mask_holds_over_a_restart_until_it_can_be_told() -> None:
    story = Story().source(True).mask().restart()
    rows = len(story.told)
    story.source(True).wait(30)
    assert (story.state, len(story.told)) == (SUPPRESSED, rows)
    story.mask().wait(300)
    assert (story.state, len(story.told)) == (SUPPRESSED, rows)  # it was so before: no row
    assert story.mask(False).state is ACTIVE


def test_a_mask_that_is_lifted_at_the_restart_lets_go() -> None:
    story = Story().source(True).mask().restart().mask(False)
    assert story.state is NORMAL  # its source is not known yet
    assert story.source(True).state is ACTIVE


def test_a_mask_that_cannot_be_told_for_long_after_a_restart_lets_go() -> None:
    story = Story().source(True).mask().restart().source(True).wait(119)
    assert story.state is SUPPRESSED
    assert story.wait(2).state is ACTIVE


def test_a_mask_that_is_configured_no_more_lets_go() -> None:
    first = Story().source(True).mask()
    plant = plant_of(bit("S.A.Bit", AlarmDefinition(level=20)), bit("S.Mask"))
    story = Story(MemoryCore(plant, first.core.now_us, first.core.records))
    assert story.state is NORMAL
    assert story.source(True).state is ACTIVE


def test_sources_that_have_their_value_from_the_start() -> None:
    """The product's own health bits: true until somebody says otherwise."""
    definition = AlarmDefinition(level=20, abnormal=False)
    plant = plant_of(bit("System.MailOk", definition, initial=True, source=Source.INTERNAL))
    core = MemoryCore(plant)
    core.write({"System.MailOk": False})
    assert core.state("System.MailOk") is ACTIVE
    core = core.restarted()
    assert core.state("System.MailOk") is RETURNED  # it went while nobody looked
    plant = plant_of(bit("System.MailOk", definition, initial=False, source=Source.INTERNAL))
    assert MemoryCore(plant).state("System.MailOk") is ACTIVE


def test_a_retained_bit_raises_its_alarm_once_over_all_restarts() -> None:
    definition = bit("S.Hatch", AlarmDefinition(level=20), source=Source.INTERNAL, initial=False, retain=True)
    core = MemoryCore(plant_of(definition))
    core.write({"S.Hatch": True})
    core.wait(2)
    core.ask(Acknowledge(("S.Hatch",), ANN))
    core = core.restarted().restarted()
    assert (core.tags["S.Hatch"].value, core.state("S.Hatch")) == (True, ACKED)
    assert core.told() == ["raised>active_unacknowledged", "acknowledged>active_acknowledged"]


def test_an_alarm_about_a_stale_value_is_not_told_anew_at_each_restart() -> None:
    stale = ThresholdDefinition(name="Stale", condition=Condition.STALE, limit=60)
    plant = plant_of(
        register("S.X", thresholds=(stale,)),
        bit("S.X.Stale", AlarmDefinition(level=9), source=Source.THRESHOLD),
    )
    core = MemoryCore(plant)
    core.wait(61)
    assert core.state("S.X.Stale") is ACTIVE
    core = core.restarted().restarted()
    core.wait(100)
    assert core.told() == ["raised>active_unacknowledged"]
    core.write({"S.X": 1.0})
    assert core.state("S.X.Stale") is RETURNED


def test_what_is_forced_or_retained_and_does_not_fit_any_more_is_let_go() -> None:
    text = register("S.X", retain=True, source=Source.INTERNAL)
    core = MemoryCore(plant_of(text))
    core.write({"S.X": 4.0})
    core.wait(2)
    core.ask(Force("S.X", 5.0, "test", None, ANN))
    assert core.restarted().tags["S.X"].value == 5.0
    other = plant_of(bit("S.X", retain=True, source=Source.INTERNAL))
    later = MemoryCore(other, core.now_us, core.records)
    assert later.tags["S.X"].value is None
    assert later.core.holds.get(HoldKind.FORCED, "S.X") is None
    assert later.board.holds() == []


def test_a_forced_value_survives_with_its_end() -> None:
    core = MemoryCore(plant_of(register("S.X")))
    core.write({"S.X": 4.0})
    core.ask(Force("S.X", 5.0, "test", core.now_us + 60 * SECOND_US, ANN))
    core = core.restarted(10)
    assert (core.tags["S.X"].value, core.tags["S.X"].quality) == (5.0, Quality.GOOD_LOCAL_OVERRIDE)
    core.write({"S.X": 6.0})
    core.wait(49)
    assert core.tags["S.X"].value == 5.0
    core.wait(1)
    assert (core.tags["S.X"].value, core.tags["S.X"].quality) == (6.0, GOOD)
    assert core.restarted().tags["S.X"].value is None


def test_what_a_user_writes_survives_the_next_moment() -> None:
    rule = register("S.X", retain=True, source=Source.INTERNAL)
    core = MemoryCore(plant_of(rule))
    with pytest.raises(BadRequest, match="read-only"):
        core.ask(WriteTag("S.X", 5, ANN))
    assert core.tags["S.X"].definition.kind is Kind.REGISTER


# Several alarms


def test_the_first_out_of_what_came_together() -> None:
    definitions = [bit(f"S.B{n}", AlarmDefinition(level=n)) for n in range(4)]
    other = bit("T.B", AlarmDefinition(level=9))
    core = MemoryCore(plant_of(*definitions, other))
    core.write({"S.B2": True})
    core.wait(1)
    core.write({"T.B": True})
    core.write({"S.B3": True})
    core.wait(1.5)
    core.write({"S.B1": True})  # near enough to the one before
    core.wait(2.5)
    core.write({"S.B0": True})
    views = {view.path: view for view in core.board.views()}
    assert [path for path, view in views.items() if core.board.is_first_out(view)] == ["S.B2"]
    assert len({views[path].first_out for path in ("S.B1", "S.B2", "S.B3")}) == 1
    assert views["S.B0"].first_out == core.journal("S.B0")[0].sequence
    core = core.restarted()
    view = core.board.get("S.B2")
    assert view is not None
    assert core.board.is_first_out(view)


def chargers(count: int) -> MemoryCore:
    """Chargers with a link bit and a fault each: offline masks the fault, the site masks offline."""
    tags = []
    masks = [
        Mask(
            name="site unreachable",
            select="S.CP*.Offline",
            when=ExpressionText(text="active(S.Unreachable)"),
        )
    ]
    for n in range(count):
        tags += [
            bit(f"S.CP{n}.Offline", AlarmDefinition(level=20, on_delay_us=90 * SECOND_US)),
            bit(f"S.CP{n}.C1.Fault", AlarmDefinition(level=22)),
        ]
        when = ExpressionText(text="active(charger.Offline)", scope={"charger": f"S.CP{n}"})
        masks.append(Mask(name=f"offline {n}", select=f"S.CP{n}.*", when=when))
    gone = 'change(sum("S.CP*.Offline"), 10) > count("S.CP*.Offline") / 2'
    tags.append(register("S.Gone", expression='sum("S.CP*.Offline")'))
    tags.append(
        bit("S.Unreachable", AlarmDefinition(level=25), expression=f"latch({gone}, S.Gone * 2 < {count})")
    )
    core = MemoryCore(plant_of(*tags, masks=tuple(masks)))
    core.write({f"S.CP{n}.{leaf}": False for n in range(count) for leaf in ("Offline", "C1.Fault")})
    return core


def test_a_charger_offline_silences_its_connectors_whether_acknowledged_or_not() -> None:
    core = chargers(4)
    core.write({"S.CP0.C1.Fault": True, "S.CP1.C1.Fault": True})
    core.write({"S.CP0.Offline": True})
    core.wait(89)
    assert core.state("S.CP0.C1.Fault") is ACTIVE
    core.wait(1)
    assert core.state("S.CP0.Offline") is ACTIVE  # it does not mask itself
    assert core.state("S.CP0.C1.Fault") is SUPPRESSED
    assert core.state("S.CP1.C1.Fault") is ACTIVE
    core.ask(Acknowledge(("S.CP0.Offline",), ANN))
    assert core.state("S.CP0.C1.Fault") is SUPPRESSED
    core.write({"S.CP0.Offline": False})
    assert core.state("S.CP0.C1.Fault") is ACTIVE


def test_a_restart_tells_nothing_of_what_was_masked_before_and_still_is() -> None:
    core = chargers(4)
    core.write({"S.CP0.C1.Fault": True, "S.CP0.Offline": True})
    core.wait(90)
    before = core.told()
    core = core.restarted(10)
    core.wait(300)
    assert core.state("S.CP0.C1.Fault") is SUPPRESSED
    assert core.told() == before
    core.write({"S.CP0.C1.Fault": True, "S.CP0.Offline": False})
    assert core.state("S.CP0.C1.Fault") is ACTIVE


def test_more_than_half_gone_within_seconds_is_one_alarm_of_the_site() -> None:
    core = chargers(8)
    for n in range(5):
        core.write({f"S.CP{n}.Offline": True})
        core.wait(1)
    assert core.state("S.Unreachable") is ACTIVE
    core.wait(120)
    shown = [view.path for view in core.board.views()]
    assert shown == ["S.Unreachable"]
    assert core.tags["S.Alarms.Suppressed"].value == 5.0
    core.write({f"S.CP{n}.Offline": False for n in range(5)})
    core.wait(20)
    assert core.state("S.Unreachable") is RETURNED
    assert core.tags["S.Alarms.Suppressed"].value == 0.0


def test_chargers_that_go_one_by_one_are_alarms_of_their_own() -> None:
    core = chargers(8)
    for n in range(5):
        core.write({f"S.CP{n}.Offline": True})
        core.wait(60)
    core.wait(60)
    assert core.state("S.Unreachable") is NORMAL
    assert len(core.board.views()) == 5


def test_a_flood_is_journalled_once_each() -> None:
    count = 10_000
    core = MemoryCore(plant_of(*(bit(f"S.B{n}", AlarmDefinition(level=n % 30)) for n in range(count))))
    core.write({f"S.B{n}": True for n in range(count)})
    journal = core.journal()
    assert [row.sequence for row in journal] == list(range(1, count + 1))
    assert len({row.alarm for row in journal}) == count
    assert core.tags["S.Alarms.Unacknowledged"].value == float(count)
    assert core.tags["System.Alarms.Level.L07.Active"].value == float(len(range(7, count, 30)))


def test_what_an_operator_forces_is_not_stale_for_want_of_news() -> None:
    stale = ThresholdDefinition(name="Stale", condition=Condition.STALE, limit=60)
    plant = plant_of(
        register("S.X", thresholds=(stale,)),
        bit("S.X.Stale", AlarmDefinition(level=20), source=Source.THRESHOLD),
    )
    world = MemoryCore(plant)
    world.write(S__X=5.0)
    world.ask(Force("S.X", 7.0, "meter away", None, ANN))
    world.wait(300)
    assert world.state("S.X.Stale") is AlarmState.NORMAL
    world.ask(Release("S.X", ANN))
    world.wait(130)
    assert world.state("S.X.Stale") is AlarmState.ACTIVE_UNACKNOWLEDGED
