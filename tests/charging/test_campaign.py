"""Campaigns: stories of roll-outs, and what holds whatever happens."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.charging.campaign import (
    BUSY,
    JUDGE_MAX_US,
    Campaign,
    Head,
    Item,
    Phase,
    Plan,
    State,
    new_campaign,
    share,
    wave_sizes,
)
from scada.core.command import Outcome
from scada.core.errors import BadRequest
from scada.core.value import SECOND_US

START = 1_000 * SECOND_US


def ready(_target: str) -> str:
    return ""


def phase(roll_out: Campaign) -> Phase:
    return roll_out.head.phase


def ended(roll_out: Campaign) -> bool:
    return roll_out.ended


def campaign(waves: list[str], count: int, **more: object) -> Campaign:
    targets = [f"D.C{number}" for number in range(count)]
    plan = Plan(
        name="roll-out",
        command="UpdateFirmware",
        arguments={"file": "fw"},
        waves=wave_sizes(waves, count),
        user="eve",
        origin="test",
        created_us=START,
        timeout_s=100,
        **more,  # type: ignore[arg-type]
    )
    return new_campaign("1", plan, targets)


def ask(roll_out: Campaign, now_us: int) -> list[str]:
    targets = roll_out.due(now_us, ready)
    for target in targets:
        roll_out.asked(target, "1.0", now_us)
    return targets


def end(roll_out: Campaign, target: str, outcome: Outcome, now_us: int) -> None:
    roll_out.outcome(target, outcome, outcome.value, now_us, judge=True)


def test_a_roll_out_goes_from_one_charger_to_all() -> None:
    roll_out = campaign(["1", "50%"], 10, pause_s=60)
    assert roll_out.head.plan.waves == (1, 5, 4)
    assert ask(roll_out, START) == ["D.C0"]
    assert ask(roll_out, START + SECOND_US) == []  # the first is not through yet
    end(roll_out, "D.C0", Outcome.DONE, START + 2 * SECOND_US)
    assert ask(roll_out, START + 3 * SECOND_US) == []  # the pause
    second = ask(roll_out, START + 62 * SECOND_US)
    assert second == [f"D.C{number}" for number in range(1, 6)]
    for target in second:
        end(roll_out, target, Outcome.DONE, START + 70 * SECOND_US)
    for target in ask(roll_out, START + 130 * SECOND_US):
        end(roll_out, target, Outcome.SCHEDULED, START + 140 * SECOND_US)
    assert (roll_out.head.phase, roll_out.count(State.DONE)) == (Phase.DONE, 10)
    assert ended(roll_out)


def test_a_failure_in_the_first_wave_stops_the_roll_out_until_somebody_goes_on() -> None:
    roll_out = campaign(["2"], 6)
    one, two = ask(roll_out, START)
    end(roll_out, one, Outcome.FAILED, START)
    assert (roll_out.head.phase, roll_out.head.reason) == (
        Phase.STOPPED,
        "1 of 2 chargers of wave 1 failed",
    )
    end(roll_out, two, Outcome.DONE, START)  # what was under way still counts
    assert ask(roll_out, START + SECOND_US) == []
    roll_out.resume(START + 2 * SECOND_US)
    assert len(ask(roll_out, START + 2 * SECOND_US)) == 4
    with pytest.raises(BadRequest):
        roll_out.resume(START)


def test_a_charger_that_says_no_is_asked_again_later() -> None:
    roll_out = campaign([], 1, retries=1, retry_wait_s=30)
    (target,) = ask(roll_out, START)
    end(roll_out, target, Outcome.UNREACHABLE, START)
    assert phase(roll_out) is Phase.RUNNING
    assert ask(roll_out, START + 29 * SECOND_US) == []
    assert ask(roll_out, START + 30 * SECOND_US) == [target]
    end(roll_out, target, Outcome.UNREACHABLE, START + 31 * SECOND_US)
    assert (roll_out.items[target].state, roll_out.items[target].attempts) == (State.FAILED, 2)
    assert phase(roll_out) is Phase.DONE


def test_who_is_charging_is_waited_for_and_at_last_passed_over() -> None:
    roll_out = campaign([], 2, ready_wait_s=100)

    def charging(target: str) -> str:
        return "a vehicle is charging" if target == "D.C1" else ""

    assert roll_out.due(START, charging) == ["D.C0"]
    roll_out.asked("D.C0", "", START)
    end(roll_out, "D.C0", Outcome.DONE, START)
    assert roll_out.due(START + 99 * SECOND_US, charging) == []
    assert roll_out.items["D.C1"].text == "a vehicle is charging"
    roll_out.due(START + 100 * SECOND_US, charging)
    assert roll_out.items["D.C1"].state is State.SKIPPED
    roll_out.due(START + 101 * SECOND_US, charging)
    assert phase(roll_out) is Phase.DONE


def test_after_a_crash_the_charger_itself_tells_what_it_did() -> None:
    roll_out = campaign([], 3)
    assert len(ask(roll_out, START)) == 3
    end(roll_out, "D.C0", Outcome.TIMED_OUT, START)
    roll_out.restored(START)
    assert roll_out.count(State.JUDGED) == 3
    roll_out.judged("D.C0", True, "firmware 1 → 2", START)
    roll_out.judged("D.C1", None, "", START)
    assert roll_out.due(START + SECOND_US, ready) == []
    roll_out.due(START + 100 * SECOND_US + JUDGE_MAX_US, ready)  # the last never comes back
    assert [item.state for item in roll_out.items.values()] == [State.DONE, State.UNKNOWN, State.UNKNOWN]
    assert phase(roll_out) is Phase.DONE


def test_cancelled_means_that_nobody_more_is_asked() -> None:
    roll_out = campaign(["1"], 3)
    (target,) = ask(roll_out, START)
    roll_out.cancel("eve", START)
    assert roll_out.busy()
    assert not ended(roll_out)
    end(roll_out, target, Outcome.DONE, START)
    assert ended(roll_out)
    assert ask(roll_out, START + SECOND_US) == []
    assert roll_out.count(State.CANCELLED) == 2
    with pytest.raises(BadRequest):
        roll_out.cancel("eve", START)


@pytest.mark.parametrize("text", ["", "x", "-1", "101%", "1.5", "%"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        share(text, 10)


@given(
    waves=st.lists(st.sampled_from(["1", "2", "10%", "40%"]), max_size=4),
    count=st.integers(1, 25),
    at_once=st.integers(1, 6),
    failures_max=st.sampled_from(["0", "1", "30%"]),
    retries=st.integers(0, 2),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=80, deadline=None)
def test_whatever_happens(
    waves: list[str], count: int, at_once: int, failures_max: str, retries: int, seed: int
) -> None:
    roll_out = campaign(
        waves, count, at_once=at_once, failures_max=failures_max, retries=retries, retry_wait_s=5, pause_s=3
    )
    luck = random.Random(seed)
    now = START
    asked: dict[str, int] = {}
    for _ in range(100):
        now += luck.randint(0, 5) * SECOND_US
        wave = roll_out.head.wave
        allowed = roll_out.head.phase is Phase.RUNNING
        targets = ask(roll_out, now)
        wave = roll_out.head.wave
        busy = roll_out.busy()
        assert len(busy) <= at_once
        assert not targets or (allowed and roll_out.head.phase is Phase.RUNNING)
        assert all(roll_out.items[target].wave == wave for target in targets)  # never beyond the wave
        assert all(item.wave <= wave for item in busy)
        for target in targets:
            asked[target] = asked.get(target, 0) + 1
            assert asked[target] <= 1 + retries  # nobody more often
        bad = sum(
            item.wave == wave and item.state in (State.FAILED, State.UNKNOWN)
            for item in roll_out.items.values()
        )
        many = bad - roll_out.head.forgiven > share(failures_max, roll_out.head.plan.waves[wave])
        if many and roll_out.count(State.WAITING):
            assert roll_out.head.phase is not Phase.RUNNING  # stop on failure holds
        what = luck.choice(["end", "end", "end", "restart", "resume", "pause"])
        if what == "end" and busy:
            item = luck.choice(busy)
            if item.state is State.JUDGED:
                roll_out.judged(item.target, luck.choice([True, False, None]), "", now)
            else:
                end(roll_out, item.target, luck.choice([*[Outcome.DONE] * 4, *Outcome]), now)
        elif what == "restart":
            # Out of what is on disk, and nothing else.
            head = msgspec.json.decode(msgspec.json.encode(roll_out.head), type=Head)
            items = msgspec.json.decode(msgspec.json.encode(list(roll_out.items.values())), type=list[Item])
            roll_out = Campaign(head, reversed(items))
            roll_out.restored(now)
        elif what == "resume" and roll_out.head.phase in (Phase.PAUSED, Phase.STOPPED):
            roll_out.resume(now)
        elif what == "pause" and roll_out.head.phase is Phase.RUNNING:
            roll_out.pause("eve")
    if roll_out.head.phase is Phase.DONE:
        assert not any(item.state in {State.WAITING, *BUSY} for item in roll_out.items.values())
