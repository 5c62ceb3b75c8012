"""Actions: what starts one, what it does, in which order, and what stops it. All of it is journalled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scada.alarming.actions import STARTS_MAX
from scada.core.expression import ExpressionError
from scada.core.plant import Action, ActionStep, Contact
from scada.core.records import AuditRecord, OutboxRecord
from scada.core.tag import ExpressionText, Source
from scada.core.value import Quality, Value
from scada.testing.cores import MemoryCore, bit, plant_of, register


def text(source: str) -> ExpressionText:
    return ExpressionText(text=source)


def write(path: str, value: str) -> ActionStep:
    return ActionStep(write=path, value=text(value))


def core_of(*actions: Action) -> MemoryCore:
    plant = plant_of(
        bit("S.On"),
        bit("S.Other"),
        register("S.N", source=Source.INTERNAL, initial=0.0, low=0.0, high=100.0),
        bit("S.Lamp", source=Source.INTERNAL, initial=False),
        bit("System.ActionsOk", source=Source.INTERNAL, initial=True),
        actions=actions,
        contacts=(Contact(name="ann", email="ann@depot.example", language="en"),),
    )
    return MemoryCore(plant)


def action(*steps: ActionStep, **more: Any) -> Action:
    return Action(name="a", steps=steps, **more)


def audit(core: MemoryCore) -> list[tuple[str, str, str]]:
    rows = [record for record in core.records if isinstance(record, AuditRecord)]
    assert {row.user for row in rows} <= {"<action a>"}
    assert {row.origin for row in rows} <= {"system"}
    return [(row.action.removeprefix("action_"), row.object, row.outcome) for row in rows]


def test_a_condition_that_becomes_true_starts_it_once() -> None:
    core = core_of(action(write("S.N", "S.N + 1"), when=text("S.On")))
    for value in (False, True, True):
        core.write({"S.On": value})
    assert core.tags["S.N"].value == 1.0
    core.write({"S.Other": True})
    assert core.tags["S.N"].value == 1.0
    core.write({"S.On": False})
    core.write({"S.On": True})
    assert core.tags["S.N"].value == 2.0
    assert audit(core)[:3] == [
        ("started", "condition", "ok"),
        ("write", "step 1: S.N", "ok"),
        ("ended", "", "ok"),
    ]


@pytest.mark.parametrize("quality", [Quality.BAD_NO_COMMUNICATION, Quality.UNCERTAIN_LAST_USABLE_VALUE])
def test_what_cannot_be_relied_on_starts_nothing(quality: int) -> None:
    core = core_of(action(write("S.N", "1"), when=text("S.On")))
    core.write({"S.On": False})
    core.write({"S.On": True}, quality)
    assert audit(core) == []
    core.write({"S.On": True})
    assert core.tags["S.N"].value == 1.0


def test_what_is_true_from_the_start_starts_nothing() -> None:
    core = core_of(action(write("S.N", "1"), when=text("S.N == 0")))
    core.wait(5)
    assert audit(core) == []


def test_an_event_of_its_place_starts_it_where_its_condition_is_true() -> None:
    core = core_of(action(write("S.N", "S.N + 1"), event="boot", place="S.CP1", when=text("S.On")))
    core.event("boot", "S.CP1")
    assert audit(core) == []
    core.write({"S.On": True})
    core.event("boot", "S.CP1")
    core.event("boot", "S.CP1.C1")
    core.event("boot", "S.CP10")
    core.event("link", "S.CP1")
    assert core.tags["S.N"].value == 2.0
    assert audit(core)[0] == ("started", "boot S.CP1", "ok")
    assert audit(core)[2] == ("ended", "S.CP1", "ok")


def test_steps_come_in_order_with_their_delays() -> None:
    core = core_of(
        action(
            write("S.N", "1"),
            ActionStep(delay_us=10_000_000),
            write("S.N", "2"),
            ActionStep(delay_us=5_000_000),
            ActionStep(condition=text("S.Other")),
            write("S.Lamp", "true"),
            event="boot",
        )
    )
    core.event("boot", "S.CP1")
    assert core.tags["S.N"].value == 1.0
    core.wait(9.5)
    assert core.tags["S.N"].value == 1.0
    core.wait(0.5)
    assert core.tags["S.N"].value == 2.0
    core.write({"S.Other": True})
    core.wait(5)
    assert core.tags["S.Lamp"].value is True
    assert [row[0] for row in audit(core)] == ["started", "write", "write", "write", "ended"]


@pytest.mark.parametrize("value", [False, None])
def test_it_ends_at_a_condition_that_is_not_true(value: Value) -> None:
    core = core_of(action(ActionStep(condition=text("S.Other")), write("S.N", "1"), event="boot"))
    if value is not None:
        core.write({"S.Other": value})
    core.event("boot", "S.CP1")
    assert core.tags["S.N"].value == 0.0
    assert audit(core)[-1] == ("ended", "", "step 1: the condition is not true")


def test_orders_and_mails() -> None:
    core = core_of(
        action(
            ActionStep(command="reset", target="S.CP1", arguments={"type": "Soft"}),
            ActionStep(mail=("ann",), text={"en": "CP1 was reset"}),
            event="boot",
        )
    )
    core.event("boot", "S.CP1")
    (order,) = core.orders
    assert (order.command, order.target, order.arguments, order.user) == (
        "reset", "S.CP1", {"type": "Soft"}, "<action a>",
    )  # fmt: skip
    (mail,) = [record for record in core.records if isinstance(record, OutboxRecord)]
    assert (mail.template, mail.recipient) == ("action", "ann@depot.example")
    assert json.loads(mail.snapshot)["text"] == {"en": "CP1 was reset"}
    assert [row[:2] for row in audit(core)] == [
        ("started", "boot S.CP1"),
        ("command", "step 1: reset S.CP1"),
        ("mail", "step 2: ann"),
        ("ended", ""),
    ]


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("1 / (S.N - S.N)", "the value is not Good"), ("S.N + 101", "S.N takes 0 to 100")],
)
def test_a_value_that_does_not_fit_is_not_written_and_the_rest_goes_on(value: str, outcome: str) -> None:
    core = core_of(action(write("S.N", value), write("S.Lamp", "true"), event="boot"))
    core.event("boot", "S.CP1")
    assert core.tags["S.N"].value == 0.0
    assert ("write", "step 1: S.N", outcome) in audit(core)
    assert core.tags["S.Lamp"].value is True


def test_a_write_tells_old_and_new() -> None:
    core = core_of(action(write("S.N", "7.5"), event="boot"))
    core.event("boot", "S.CP1")
    row = next(r for r in core.records if isinstance(r, AuditRecord) and r.action == "action_write")
    assert (row.old, row.new) == ("0.0", "7.5")


def test_while_it_runs_it_is_passed_over() -> None:
    core = core_of(action(ActionStep(delay_us=10_000_000), write("S.N", "S.N + 1"), event="boot"))
    core.event("boot", "S.CP1")
    core.event("boot", "S.CP2")
    core.wait(20)
    assert core.tags["S.N"].value == 1.0
    assert audit(core)[1] == ("passed_over", "boot S.CP2", "runs already")
    core.event("boot", "S.CP3")
    core.wait(10)
    assert core.tags["S.N"].value == 2.0


def test_two_that_start_each_other_are_stopped_and_run_again_later() -> None:
    pause = ActionStep(delay_us=500_000)
    off = action(pause, write("S.Lamp", "false"), when=text("S.Lamp"))
    on = Action(name="b", steps=(pause, write("S.Lamp", "true")), when=text("not S.Lamp"))
    core = core_of(off, on)
    core.write({"S.Lamp": True})
    core.wait(60)
    rows = [record for record in core.records if isinstance(record, AuditRecord)]
    stopped = [row for row in rows if row.action == "action_stopped"]
    assert [(row.user, row.outcome) for row in stopped] == [
        ("<action a>", f"more than {STARTS_MAX} starts a minute")
    ]
    for name in "ab":
        assert [row.action for row in rows if row.user == f"<action {name}>"].count(
            "action_started"
        ) == STARTS_MAX
    assert core.tags["System.ActionsOk"].value is False
    core.wait(30)
    core.write({"S.Lamp": False})
    core.wait(1.5)
    assert core.tags["System.ActionsOk"].value is True


def test_two_actions_of_one_cause_run_in_their_order() -> None:
    first = Action(name="first", steps=(write("S.N", "1"),), event="boot")
    second = Action(name="second", steps=(write("S.N", "S.N + 10"),), event="boot")
    core = core_of(first, second)
    core.event("boot", "S.CP1")
    assert core.tags["S.N"].value == 11.0


def test_a_restart_ends_what_was_under_way() -> None:
    core = core_of(action(ActionStep(delay_us=10_000_000), write("S.N", "1"), event="boot"))
    core.event("boot", "S.CP1")
    core = core.restarted(5)
    core.wait(60)
    assert core.tags["S.N"].value == 0.0
    assert [row[0] for row in audit(core)] == ["started"]
    core.event("boot", "S.CP1")
    core.wait(10)
    assert core.tags["S.N"].value == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        action(write("S.N", "true"), event="boot"),
        action(write("S.Lamp", "1"), event="boot"),
        action(ActionStep(condition=text("S.N")), event="boot"),
        action(write("S.N", "1"), event="boot", when=text("S.N")),
        action(write("S.N", "1"), when=text("S.Nothing")),
    ],
)
def test_a_mistake_is_found_at_the_start(wrong: Action) -> None:
    with pytest.raises(ExpressionError):
        core_of(wrong)
