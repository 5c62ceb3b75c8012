"""An alarm that comes and goes is told once as chattering; what was held back is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scada.core.plant import EscalationStep
from scada.core.records import AlarmEvent, AlarmState
from scada.core.value import SECOND_US

if TYPE_CHECKING:
    from tests.alarming.oncall.conftest import Kit, World

FAULT = "Depot.CP01.Fault"


def flap(world: World, times: int, every_s: float = 10) -> None:
    for _ in range(times):
        world.raised()
        world.tick(seconds=every_s / 2)
        world.returned()
        world.tick(seconds=every_s / 2)


def test_it_is_told_once_then_held_back_then_said(kit: Kit) -> None:
    world = kit.World(
        profiles=(
            kit.profile("both", ("Ann",), states=("raised", "returned")),
            kit.profile("raises", ("Bob",)),
        )
    )
    flap(world, 10)
    assert kit.told(m for m in world.messages if m.contact == "Ann") == [
        ("Ann", "alarm"), ("Ann", "alarm"), ("Ann", "alarm"), ("Ann", "alarm"), ("Ann", "chattering"),
    ]  # fmt: skip
    assert kit.told(m for m in world.messages if m.contact == "Bob") == [
        ("Bob", "alarm"), ("Bob", "alarm"), ("Bob", "chattering"),
    ]  # fmt: skip
    ended = world.run(400)
    assert kit.told(ended) == [("Ann", "chatter_ended"), ("Bob", "chatter_ended")]
    # Of ten raises and ten returns Ann was told four and the chattering; of the raises Bob two and the chattering.
    assert [kit.facts(m)["held_back"] for m in ended] == [15, 7]
    assert kit.facts(ended[0])["state"] == "returned_unacknowledged"
    assert len({m.message_id for m in world.messages}) == len(world.messages)
    assert kit.told(world.raised()) == [("Ann", "alarm"), ("Bob", "alarm")]


def test_it_ends_five_minutes_after_the_last_move(kit: Kit) -> None:
    world = kit.World()
    flap(world, 3)
    world.tick(seconds=200)
    last_us = world.now_us
    assert world.raised() == []
    ended = world.run(400, every=1)
    assert [m.created_us - last_us for m in ended] == [300 * SECOND_US]
    assert kit.facts(ended[0])["state"] == "active_unacknowledged"


def test_three_in_more_than_a_minute_is_no_chatter(kit: Kit) -> None:
    world = kit.World()
    flap(world, 8, every_s=31)
    assert [m.template for m in world.messages] == ["alarm"] * 8


def test_acknowledging_is_told_all_the_same(kit: Kit) -> None:
    world = kit.World(profiles=(kit.profile(states=("raised", "acknowledged")),))
    flap(world, 4)
    world.raised()
    (message,) = world.acknowledged()
    assert (message.template, kit.facts(message)["event"]) == ("alarm", "acknowledged")


def test_one_that_was_suppressed_meanwhile_is_not_told_at_the_end(kit: Kit) -> None:
    world = kit.World()
    flap(world, 4)
    world.move(FAULT, AlarmEvent.SHELVED, AlarmState.SHELVED)
    assert world.run(1000) == []
    world.move(FAULT, AlarmEvent.UNSHELVED, AlarmState.NORMAL)
    assert kit.told(world.raised()) == [("Ann", "alarm")]


def test_the_escalation_goes_on_as_one(kit: Kit) -> None:
    steps = (EscalationStep(after_us=120 * SECOND_US, to=("Bob",)),)
    world = kit.World(profiles=(kit.profile("night", ("Ann",), steps=steps, ends_on_return=True),))
    flap(world, 3)
    world.raised()
    start = len(world.messages)
    flap(world, 30)  # five minutes
    assert kit.told(world.messages[start:]) == [("Bob", "escalated")]


def test_when_the_chatter_ends_returned_its_escalation_ends_where_the_profile_says_so(kit: Kit) -> None:
    steps = (EscalationStep(after_us=3600 * SECOND_US, to=("Bob",)),)
    world = kit.World(profiles=(kit.profile("night", ("Ann",), steps=steps, ends_on_return=True),))
    flap(world, 5)
    assert not world.escalations[FAULT, "night"].ended
    world.run(400)
    assert world.escalations[FAULT, "night"].ended
    assert not [m for m in world.run(7200) if m.contact == "Bob"]


def test_ten_thousand_alarms_that_came_once_are_forgotten(kit: Kit) -> None:
    world = kit.World()
    for number in range(10_000):
        world.raised(f"Depot.CP{number}.Fault")
        world.tick(seconds=0.5)
    assert len(world.oncall._chatter._raises) <= 122
