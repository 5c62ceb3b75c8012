"""Which formula is worked out when: once, after all that it depends on, and never more than it must."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.alarming.engine import AlarmEngine
from scada.alarming.threshold import attach_thresholds
from scada.core.database import TagDatabase
from scada.core.expression import Environment, ExpressionError, Network
from scada.core.expression.network import TIMES_MAX
from scada.core.tag import (
    AlarmDefinition,
    Condition,
    ExpressionText,
    Source,
    TagDefinition,
    ThresholdDefinition,
)
from scada.core.timers import Timers
from scada.core.value import GOOD, Kind, Value
from scada.testing.formulas import Formulas

REGISTER = Kind.REGISTER


def test_a_diamond_is_worked_out_once_and_shows_no_state_between() -> None:
    formulas = Formulas(
        {"S.A": 1.0},
        {
            # in an order that a naive run would get wrong
            "S.D": ("S.B - S.C", REGISTER),
            "S.C": ("S.A * 2", REGISTER),
            "S.B": ("S.A2 * 2", REGISTER),
            "S.A2": ("S.A + 0", REGISTER),
        },
    )
    told: list[Value] = []
    formulas.network.add(formulas.text("S.D == 0"), lambda value, _quality, _now: told.append(value))
    formulas.network.start(formulas.now_us)
    told.clear()
    seen: list[Value] = []
    formulas.database.watch(formulas["S.D"], lambda tag, _now: seen.append(tag.value))
    for value in (5.0, 7.0, 9.0):
        formulas.write("S.A", value)
    assert formulas["S.D"].value == 0.0
    assert seen == []
    assert told == []


def test_a_batch_is_worked_out_once() -> None:
    formulas = Formulas({"S.A": 1.0, "S.B": 1.0})
    told: list[Value] = []
    formulas.network.add(formulas.text("S.A + S.B > 5"), lambda value, _quality, _now: told.append(value))
    formulas.network.start(formulas.now_us)
    told.clear()
    formulas.put("S.A", 3.0)
    formulas.put("S.B", 3.0)
    formulas.put("S.A", 4.0)
    assert formulas.network.dirty
    formulas.network.settle(formulas.now_us)
    assert told == [True]
    assert not formulas.network.dirty


def test_what_did_not_change_moves_nothing() -> None:
    formulas = Formulas({"S.A": 1.0}, {"S.B": ("S.A > 5", Kind.BIT), "S.C": ("not S.B", Kind.BIT)})
    formulas.database.drain_changes()
    formulas.write("S.A", 2.0)
    assert [tag.path for tag in formulas.database.drain_changes()] == ["S.A"]
    formulas.put("S.A", 2.0)
    assert not formulas.network.dirty


def test_a_chain_of_any_length_settles_in_one_turn() -> None:
    count = 500
    links = {f"S.X{n}": (f"S.X{n - 1} + 1", REGISTER) for n in range(count, 0, -1)}
    formulas = Formulas({"S.X0": 0.0}, links)
    formulas.write("S.X0", 10.0)
    assert formulas[f"S.X{count}"].value == 10.0 + count
    assert not formulas.network.dirty


@pytest.mark.parametrize(
    ("expressions", "names"),
    [
        ({"S.A": ("S.A + 1", REGISTER)}, ["S.A"]),
        ({"S.A": ("S.B + 1", REGISTER), "S.B": ("S.A + 1", REGISTER)}, ["S.A", "S.B"]),
        (
            {
                "S.A": ("S.B + 1", REGISTER),
                "S.B": ("S.C + 1", REGISTER),
                "S.C": ('sum("S.A")', REGISTER),
                "S.D": ("S.A", REGISTER),
            },
            ["S.A", "S.B", "S.C"],
        ),
        ({"S.A": ("age(S.B)", REGISTER), "S.B": ("if_bad(S.A, 0)", REGISTER)}, ["S.A", "S.B"]),
        ({"S.A.P": ('sum("S.*.P")', REGISTER), "S.B.P": ('sum("S.*.P")', REGISTER)}, ["S.A.P", "S.B.P"]),
    ],
)
def test_a_circle_is_an_error_that_names_its_path(
    expressions: dict[str, tuple[str, Kind]], names: list[str]
) -> None:
    with pytest.raises(ExpressionError) as raised:
        Formulas({}, expressions)
    path = raised.value.reason.partition(": ")[2].split(" ← ")
    assert path[0] == path[-1]
    assert set(path) == set(names)


def plant(*definitions: TagDefinition) -> Network:
    database = TagDatabase(definitions)
    timers = Timers()
    engine = AlarmEngine(database, timers, 1, lambda _: None)
    environment = Environment(database, alarm_of=engine.activity)
    network = Network(environment)
    network.add_tags()
    attach_thresholds(database, timers, 0)
    return network


def expression(path: str, text: str, kind: Kind, **more: object) -> TagDefinition:
    return TagDefinition(
        path=path, kind=kind, source=Source.EXPRESSION, expression=ExpressionText(text=text), **more,  # type: ignore[arg-type]
    )  # fmt: skip


HI = ThresholdDefinition(name="Hi", condition=Condition.HIGH, limit=5.0)


def test_circles_by_way_of_thresholds_limits_and_alarms_are_found() -> None:
    bit = TagDefinition(path="S.A.Hi", kind=Kind.BIT, source=Source.THRESHOLD, alarm=AlarmDefinition(level=5))
    register = TagDefinition(path="S.R", kind=REGISTER, source=Source.DRIVER)
    with pytest.raises(ExpressionError, match="depend on each other"):
        plant(expression("S.A", "1 if S.A.Hi else 2", REGISTER, thresholds=(HI,)), bit).order()
    with pytest.raises(ExpressionError, match="depend on each other"):
        plant(expression("S.A", "1 if active(S.A.Hi) else 2", REGISTER, thresholds=(HI,)), bit).order()
    with pytest.raises(ExpressionError, match="depend on each other"):
        plant(expression("S.X", "not active(S.X)", Kind.BIT, alarm=AlarmDefinition(level=5))).order()
    limit = ThresholdDefinition(name="Hi", condition=Condition.HIGH, limit_tag="S.L")
    watched = TagDefinition(path="S.A", kind=REGISTER, source=Source.DRIVER, thresholds=(limit,))
    with pytest.raises(ExpressionError, match="depend on each other"):
        plant(watched, bit, register, expression("S.L", "S.R if S.A.Hi else 9", REGISTER)).order()
    plant(watched, bit, expression("S.L", "S.R", REGISTER), register).order()


def test_one_alarm_asked_for_by_two_names() -> None:
    definitions = [
        TagDefinition(path="S.A.F", kind=Kind.BIT, source=Source.DRIVER, alarm=AlarmDefinition(level=5)),
        TagDefinition(path="S.B.F", kind=Kind.BIT, source=Source.DRIVER, alarm=AlarmDefinition(level=5)),
        TagDefinition(
            path="S.X",
            kind=Kind.BIT,
            source=Source.EXPRESSION,
            expression=ExpressionText(
                text="active(S.B.F) and (active(this.F) or active(S.A.F))", scope={"this": "S.A"}
            ),
        ),
    ]
    network = plant(*definitions)
    database = network.environment.database
    network.start(1)
    database.write([(database["S.A.F"], True, GOOD, 1), (database["S.B.F"], True, GOOD, 1)], 1)
    network.settle(1)
    assert (database["S.X"].value, database["S.X"].quality) == (True, GOOD)


def test_a_circle_by_way_of_writes_comes_to_an_end_each_turn_and_starves_nobody() -> None:
    formulas = Formulas({"S.A": 0.0, "S.B": 0.0}, {"S.Odd": ("S.A % 2 == 1", Kind.BIT)})
    turns = 0

    def contrary(value: Value, _quality: int, _now_us: int) -> None:
        nonlocal turns
        turns += 1
        formulas.put("S.A", formulas["S.A"].value + 1.0)  # type: ignore[operator]

    told: list[Value] = []
    formulas.network.add(formulas.text("S.Odd"), contrary)
    formulas.network.add(formulas.text("S.B > 5"), lambda value, _quality, _now: told.append(value))
    formulas.network.start(formulas.now_us)
    assert turns <= TIMES_MAX
    assert formulas.network.dirty
    formulas.write("S.B", 6.0)
    assert told[-1] is True
    assert turns <= 2 * TIMES_MAX


@settings(max_examples=60)
@given(st.data())
def test_any_net_settles_to_what_its_formulas_say(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    texts = {}
    for number in range(count):
        inputs = [f"S.I{n}" for n in range(3)] + [f"S.E{n}" for n in range(number)]
        first, second = data.draw(st.sampled_from(inputs)), data.draw(st.sampled_from(inputs))
        texts[f"S.E{number}"] = f"{first} {data.draw(st.sampled_from('+-'))} {second}"
    shuffled = data.draw(st.permutations(sorted(texts)))
    formulas = Formulas(
        {f"S.I{n}": 0.0 for n in range(3)}, {path: (texts[path], REGISTER) for path in shuffled}
    )
    counts = dict.fromkeys(texts, 0)

    def count_one(tag: object, _now_us: int) -> None:
        counts[tag.path] += 1  # type: ignore[attr-defined]

    for path in texts:
        formulas.database.watch(formulas[path], count_one)
    for _ in range(3):
        for path in counts:
            counts[path] = 0
        for number in range(3):
            formulas.put(f"S.I{number}", float(data.draw(st.integers(-5, 5))))
        formulas.network.settle(formulas.now_us)
        values = {f"S.I{n}": formulas[f"S.I{n}"].value for n in range(3)}
        for number in range(count):
            first, sign, second = texts[f"S.E{number}"].split()
            a, b = values[first], values[second]
            values[f"S.E{number}"] = a + b if sign == "+" else a - b  # type: ignore[operator]
            assert formulas[f"S.E{number}"].value == values[f"S.E{number}"]
        assert max(counts.values()) <= 1
