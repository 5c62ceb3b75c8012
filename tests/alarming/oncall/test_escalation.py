"""An alarm that nobody answers is told to more people, until somebody does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scada.alarming.alarm import AlarmSnapshot
from scada.core.plant import EscalationStep, Rota, Shift
from scada.core.records import AlarmEvent, AlarmState, EscalationRecord
from scada.core.value import SECOND_US

if TYPE_CHECKING:
    from tests.alarming.oncall.conftest import Kit, World

MINUTE_US = 60 * SECOND_US
FAULT = "Depot.CP01.Fault"
STEPS = (
    EscalationStep(after_us=10 * MINUTE_US, to=("Ann",)),
    EscalationStep(after_us=30 * MINUTE_US, to=("Ann", "Bob"), template="boss"),
)


def world_of(kit: Kit, **more: Any) -> World:
    given = {"steps": STEPS, "repeat_us": 15 * MINUTE_US, "repeat_max": 3, **more}
    return kit.World(profiles=(kit.profile("night", ("Ann",), **given),))


def minutes(world: World, count: int) -> list[tuple[int, str, str, int]]:
    """(minute, contact, template, step) of what is told while time passes."""
    out: list[tuple[int, str, str, int]] = []
    for minute in range(1, count + 1):
        out += [(minute, m.contact, m.template, facts(m)["step"]) for m in world.tick(seconds=60)]
    return out


def facts(message: Any) -> dict[str, Any]:
    out: dict[str, Any] = json.loads(message.snapshot)
    return out


ALL = [
    (10, "Ann", "escalated", 1),
    (30, "Ann", "boss", 2), (30, "Bob", "boss", 2),
    (45, "Ann", "boss", 3), (45, "Bob", "boss", 3),
    (60, "Ann", "boss", 4), (60, "Bob", "boss", 4),
    (75, "Ann", "boss", 5), (75, "Bob", "boss", 5),
]  # fmt: skip


def test_it_goes_on_until_its_end(kit: Kit) -> None:
    world = world_of(kit)
    world.raised()
    assert minutes(world, 200) == ALL
    assert world.escalations[FAULT, "night"].ended
    # The same occurrence does not begin anew.
    world.returned()
    world.raised()
    assert minutes(world, 200) == []
    # Another one does.
    world.acknowledged()
    world.returned(state=AlarmState.NORMAL)
    world.tick(seconds=60)
    world.raised()
    assert minutes(world, 10) == [(10, "Ann", "escalated", 1)]


def test_the_steps_are_one_conversation_and_each_has_an_id(kit: Kit) -> None:
    world = world_of(kit)
    (head,) = world.raised()
    world.run(5000)
    ann = [m for m in world.messages if m.contact == "Ann"]
    assert {m.thread_id for m in ann[1:]} == {head.message_id}
    assert len({m.message_id for m in world.messages}) == len(world.messages)
    last = kit.facts(ann[-1])
    assert (last["step"], last["steps"], last["repeat"], last["profile"]) == (5, 5, 3, "night")
    assert last["since_us"] == last["raised_us"]


@pytest.mark.parametrize("down_at", [1, 9, 10, 11, 29, 30, 44, 45, 59, 74, 75, 90])
def test_a_restart_at_any_moment_loses_no_step_and_repeats_none(kit: Kit, down_at: int) -> None:
    world = world_of(kit)
    world.raised()
    before = minutes(world, down_at)
    assert world.restart() == []
    after = [(down_at + minute, *rest) for minute, *rest in minutes(world, 100)]
    assert before + after == ALL


def test_steps_that_came_due_while_we_were_down_are_taken_at_the_start_once_each(kit: Kit) -> None:
    world = world_of(kit)
    world.raised()
    messages = world.restart(62 * 60)
    # Both steps; of the two repeats one, for nobody wants an hour of them at once.
    assert [(m.contact, facts(m)["step"]) for m in messages] == [
        ("Ann", 1), ("Ann", 2), ("Bob", 2), ("Ann", 4), ("Bob", 4),
    ]  # fmt: skip
    assert world.restart() == []
    assert minutes(world, 100) == [(13, "Ann", "boss", 5), (13, "Bob", "boss", 5)]


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (AlarmEvent.ACKNOWLEDGED, AlarmState.ACTIVE_ACKNOWLEDGED),
        (AlarmEvent.ACKNOWLEDGED, AlarmState.NORMAL),
        (AlarmEvent.SHELVED, AlarmState.SHELVED),
        (AlarmEvent.SUPPRESSED, AlarmState.SUPPRESSED),
        (AlarmEvent.OUT_OF_SERVICE, AlarmState.OUT_OF_SERVICE),
        (AlarmEvent.RESET, AlarmState.NORMAL),
    ],
)
def test_what_ends_it(kit: Kit, event: AlarmEvent, state: AlarmState) -> None:
    world = world_of(kit)
    world.raised()
    minutes(world, 12)
    world.move(FAULT, event, state)
    assert world.escalations[FAULT, "night"].ended
    assert minutes(world, 100) == []
    assert world.restart() == []


def test_a_comment_does_not_end_it(kit: Kit) -> None:
    world = world_of(kit)
    world.raised()
    world.move(FAULT, AlarmEvent.COMMENTED, AlarmState.ACTIVE_UNACKNOWLEDGED)
    assert minutes(world, 200) == ALL


def test_return_to_normal_ends_it_only_where_the_profile_says_so(kit: Kit) -> None:
    world = world_of(kit)
    world.raised()
    world.returned()
    assert minutes(world, 200) == ALL
    world = world_of(kit, ends_on_return=True)
    world.raised()
    minutes(world, 5)
    world.returned()
    assert minutes(world, 200) == []
    world.raised()  # the same occurrence, for nobody has acknowledged; but it asks anew
    assert minutes(world, 10) == [(10, "Ann", "escalated", 1)]
    assert len({m.message_id for m in world.messages}) == len(world.messages)


def test_an_alarm_that_needs_no_acknowledgement_is_asked_about_while_it_stands(kit: Kit) -> None:
    world = world_of(kit)
    world.move(FAULT, AlarmEvent.RAISED, AlarmState.ACTIVE_ACKNOWLEDGED)
    assert minutes(world, 10) == ALL[:1]
    assert world.restart() == []
    assert minutes(world, 20) == [(20, "Ann", "boss", 2), (20, "Bob", "boss", 2)]
    world.move(FAULT, AlarmEvent.RETURNED, AlarmState.NORMAL)
    assert minutes(world, 200) == []


def test_the_hand_over_in_the_middle_asks_who_is_on_duty_then(kit: Kit) -> None:
    rota = Rota(
        name="Duty",
        timezone="UTC",
        shifts=(Shift(days=tuple(range(7)), begin_min=12 * 60 + 20, end_min=23 * 60, who=("Bob",)),),
        fallback=("Ann",),
    )
    steps = (
        EscalationStep(after_us=10 * MINUTE_US, to=("Duty",)),
        EscalationStep(after_us=30 * MINUTE_US, to=("Duty",)),
    )
    world = kit.World(
        "2026-06-01T12:00", rotas=(rota,), profiles=(kit.profile("night", ("Duty",), steps=steps),)
    )
    world.raised()
    assert [(m.contact, m.template) for m in world.messages] == [("Ann", "alarm")]
    assert minutes(world, 40) == [(10, "Ann", "escalated", 1), (30, "Bob", "escalated", 2)]


def test_what_is_no_longer_configured_ends_at_the_start(kit: Kit) -> None:
    world = world_of(kit)
    world.raised()
    object.__setattr__(world.plant, "profiles", ())
    assert world.restart() == []
    assert world.escalations[FAULT, "night"].ended


def test_a_profile_that_only_escalates(kit: Kit) -> None:
    world = world_of(kit, states=(), repeat_us=0)
    assert world.raised() == []
    assert minutes(world, 100) == ALL[:3]


def test_answered_alarms_leave_nothing_behind(kit: Kit) -> None:
    world = world_of(kit)
    for _ in range(2_000):
        world.raised()
        world.acknowledged()
        world.move(FAULT, AlarmEvent.RETURNED, AlarmState.NORMAL)
        world.tick(seconds=120)
    agenda = world.oncall._agenda
    assert len(agenda) == 0
    assert len(agenda._heap) <= 64
    assert len(world.oncall._escalations) == 0


def test_what_happens_while_the_plant_comes_up_counts(kit: Kit) -> None:
    world = world_of(kit)
    world.raised()
    minutes(world, 5)
    record, before = world.escalations[FAULT, "night"], world.states[FAULT]
    world.oncall = world._start()
    world.returned(state=AlarmState.NORMAL)  # before `restore`, which knows the alarm as it was on disk
    snapshot = AlarmSnapshot(alarm=FAULT, state=before.state, raised_us=before.raised_us, sequence=1)
    (ended,) = world.oncall.restore([record], [snapshot], world.now_us)
    assert isinstance(ended, EscalationRecord)
    assert ended.ended
    assert minutes(world, 100) == []
