"""Messages at a time of day: once a day, whatever the clocks do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scada.core.plant import Report

if TYPE_CHECKING:
    from tests.alarming.oncall.conftest import Kit, World


def world_of(kit: Kit, start: str, at: str = "07:00", zone: str = "Europe/Paris", **more: Any) -> World:
    hours, _, minutes = at.partition(":")
    report = Report(name="Morning", to=("Ann",), at_min=int(hours) * 60 + int(minutes), timezone=zone, **more)
    return kit.World(start, zone, profiles=(), reports=(report,))


def due(kit: Kit, world: World) -> list[str]:
    return [world.local(kit.facts(m)["time_us"]) for m in world.messages]


def test_it_comes_each_day_at_its_time(kit: Kit) -> None:
    world = world_of(kit, "2026-06-01T06:00")
    world.run(3 * 86_400, every=60)
    assert due(kit, world) == [f"2026-06-0{day}T07:00:00" for day in (1, 2, 3)]
    assert [world.local(m.created_us) for m in world.messages] == due(kit, world)
    assert kit.facts(world.messages[1])["from_us"] == kit.facts(world.messages[0])["time_us"]


@pytest.mark.parametrize(
    ("zone", "start", "at", "expected"),
    [
        # Skipped: at the next moment that there is. Twice: the first.
        ("Europe/Paris", "2026-03-28T00:00", "02:30", ["28T02:30", "29T03:00", "30T02:30"]),
        ("Europe/Paris", "2026-10-24T00:00", "02:30", ["24T02:30", "25T02:30", "26T02:30"]),
        ("America/New_York", "2026-03-07T00:00", "02:30", ["07T02:30", "08T03:00", "09T02:30"]),
        ("America/New_York", "2026-10-31T00:00", "01:30", ["31T01:30", "01T01:30", "02T01:30"]),
    ],
)
def test_on_the_day_of_the_change_it_comes_once(
    kit: Kit, zone: str, start: str, at: str, expected: list[str]
) -> None:
    world = world_of(kit, start, at, zone)
    world.run(3 * 86_400 - 3_600, every=60)
    assert [text[8:16] for text in due(kit, world)] == expected


def test_on_the_days_that_are_meant(kit: Kit) -> None:
    world = world_of(kit, "2026-06-01T00:00", days=(0, 4))  # a Monday
    world.run(14 * 86_400, every=600)
    assert [text[8:10] for text in due(kit, world)] == ["01", "05", "08", "12"]


@pytest.mark.parametrize(
    ("back_at", "told"), [("2026-06-01T07:59", 1), ("2026-06-01T08:00", 0), ("2026-06-01T12:00", 0)]
)
def test_missed_while_down_it_is_sent_if_less_than_an_hour_late(kit: Kit, back_at: str, told: int) -> None:
    world = world_of(kit, "2026-06-01T06:00")
    world.now_us = world.at(back_at)
    world.restart()
    world.tick()
    world.tick(seconds=1)
    assert len(world.messages) == told
    world.tick("2026-06-02T07:00")
    assert len(world.messages) == told + 1


def test_told_before_the_restart_it_has_the_same_id_and_the_outbox_takes_it_once(kit: Kit) -> None:
    world = world_of(kit, "2026-06-01T06:59")
    world.run(120)
    world.restart(60)
    world.tick()
    first, second = world.messages
    assert first.message_id == second.message_id


def test_a_clock_that_is_put_back_tells_nothing_twice(kit: Kit) -> None:
    world = world_of(kit, "2026-06-01T06:59")
    world.run(300)
    world.tick("2026-06-01T06:00")
    world.run(7200)
    assert len(world.messages) == 1
    world.run(86_400, every=60)
    assert len(world.messages) == 2


def test_a_clock_that_leapt_ahead_and_comes_back_silences_nothing(kit: Kit) -> None:
    world = world_of(kit, "2026-06-01T06:00")
    world.tick("2027-06-01T12:00")
    world.tick("2026-06-01T06:30")
    world.run(7200)
    assert due(kit, world) == ["2026-06-01T07:00:00"]
