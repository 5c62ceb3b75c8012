"""Every operator and function, by tables."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from scada.core.expression import FUNCTIONS
from scada.core.value import GOOD, Kind, Quality, Value
from scada.testing.formulas import Formulas

VALUES: dict[str, Value] = {
    "S.A.P": 7.5,
    "S.B.P": -2.0,
    "S.N": 3,
    "S.On": True,
    "S.Off": False,
    "S.Mode": "Charging",
    "S.A.On": True,
    "S.B.On": False,
}

VALUE_TABLE: list[tuple[str, Value]] = [
    # constants
    ("1", 1.0),
    ("1.5e3", 1500.0),
    ("true", True),
    ("False", False),
    ("'a' \"b\"", "ab"),
    # arithmetic: the rules of precedence of arithmetic
    ("1 + 2 * 3", 7.0),
    ("(1 + 2) * 3", 9.0),
    ("7 / 2", 3.5),
    ("7 // 2", 3.0),
    ("-7 // 2", -4.0),
    ("7 % 3", 1.0),
    ("2 ** 3 ** 2", 512.0),
    ("-2 ** 2", -4.0),
    ("+S.N", 3.0),
    ("-S.N", -3.0),
    ("S.A.P - S.B.P", 9.5),
    ("S.On + S.On", 2.0),  # a bit counts
    # comparison
    ("S.N == 3", True),
    ("S.N != 3", False),
    ("2 < S.N <= 3", True),
    ("2 < S.N < 3", False),
    ("3 >= S.N > 2", True),
    ("S.On == 1", True),
    ('S.Mode == "Charging"', True),
    ('S.Mode != "Charging"', False),
    ('S.Mode in ("Charging", "SuspendedEV")', True),
    ('S.Mode not in ("Charging", "SuspendedEV")', False),
    ('S.Mode in ["Faulted"]', False),
    ("S.N in (1, 3)", True),
    # boolean
    ("not S.On", False),
    ("S.On and S.Off", False),
    ("S.On and not S.Off and S.On", True),
    ("S.Off or S.On", True),
    ("1 if S.On else 2", 1.0),
    ('"high" if S.N > 5 else "mid" if S.N > 2 else "low"', "mid"),
    # plain functions
    ("abs(S.B.P)", 2.0),
    ("round(2.5)", 2.0),
    ("round(2.345, 2)", 2.35),
    ("round(2.345, -3)", 2.0),
    ("floor(-1.5)", -2.0),
    ("ceil(-1.5)", -1.0),
    ("sqrt(16)", 4.0),
    ("clamp(12, 0, 10)", 10.0),
    ("clamp(-1, 0, 10)", 0.0),
    ("clamp(5, 0, 10)", 5.0),
    ('contains(S.Mode, "arg")', True),
    ('starts_with(S.Mode, "Ch")', True),
    ('starts_with(S.Mode, "ch")', False),
    ('matches("Depot.CP01.C1", "*.CP0*.*")', True),
    ('matches("Depot.CP01.C1", "Site.*")', False),
    # over arguments
    ("sum(1, 2, S.N)", 6.0),
    ("avg(1, 2, S.N)", 2.0),
    ("min(S.A.P, S.B.P, 0)", -2.0),
    ("max(S.A.P, S.B.P, 0)", 7.5),
    ("min(S.N)", 3.0),
    ("max(S.N)", 3.0),
    ("count(S.On, S.Off, S.N > 1)", 2.0),
    ("any(S.Off, S.On)", True),
    ("any(S.Off)", False),
    ("all(S.Off, S.On)", False),
    ("all(S.On)", True),
    # over a branch
    ('sum("S.*.P")', 5.5),
    ('sum("S.*.P", "S.N")', 8.5),
    ('sum("S.N", "S.N")', 3.0),  # each tag once
    ('avg("S.*.P")', 2.75),
    ('min("S.*.P")', -2.0),
    ('max("S.*.P")', 7.5),
    ('sum("S.*.On")', 1.0),
    ('count("S.**")', 8.0),  # texts are counted too
    ('any("S.*.On")', True),
    ('all("S.*.On")', False),
    # of a tag itself
    ("quality(S.N)", "Good"),
    ("is_good(S.N)", True),
    ("is_bad(S.N)", False),
    ("age(S.N)", 0.0),
    ("if_bad(S.N, 9)", 3.0),
    ("if_bad(1 / 0, 9)", 9.0),
    # several lines and a remark
    ("S.N\n  + 1  # one more\n  + 2", 6.0),
]


@pytest.mark.parametrize(("text", "value"), VALUE_TABLE, ids=[text for text, _ in VALUE_TABLE])
def test_what_it_is_worth(text: str, value: Value) -> None:
    formulas = Formulas(VALUES)
    found, quality = formulas.formula(text).evaluate(formulas.now_us)
    assert (found, type(found), quality) == (value, type(value), GOOD)


def test_every_function_is_told_of_here() -> None:
    """A function that is added must be added to the tables."""
    memory = {"rising", "falling", "changed", "latch", "delay", "hold", "delta", "change", "average"}
    elsewhere = memory | {"minimum", "maximum", "hour", "minute", "weekday", "time_between", "active"}
    told = {name for name in FUNCTIONS if any(f"{name}(" in text for text, _ in VALUE_TABLE)}
    assert set(FUNCTIONS) - told == elsewhere


@pytest.mark.parametrize(
    "text",
    [
        "1 / (S.N - 3)",
        "1 // (S.N - 3)",
        "1 % (S.N - 3)",
        "sqrt(-1)",
        "(-8) ** 0.5",
        "10 ** 400",
        "9 ** 9 ** 9 ** 9",
        "1e200 * 1e200",
        "1e200 * 1e200 - 1e200 * 1e200",
        "floor(1e200 * 1e200)",
        "round(1, 1e200 * 1e200)",
        "0 ** -1",
    ],
)
def test_what_cannot_be_worked_out_is_bad(text: str) -> None:
    formulas = Formulas(VALUES)
    assert formulas.formula(text).evaluate(formulas.now_us) == (None, Quality.BAD_NO_DATA)
    assert formulas.formula(f"if_bad({text}, 5)").evaluate(formulas.now_us) in (
        (5.0, GOOD),
        (None, Quality.BAD_NO_DATA),  # infinity is found at the end only
    )


@pytest.mark.parametrize(
    ("clock", "text", "value"),
    [
        ("2026-11-23T22:07:32", "hour()", 23.0),  # Paris
        ("2026-11-23T22:07:32", "minute()", 7.0),
        ("2026-11-23T23:07:32", "weekday()", 2.0),  # there it is Tuesday already
        ("2026-07-01T22:30:00", "hour()", 0.0),  # summer time
        ("2026-11-23T20:59:59", 'time_between("22:00", "06:00")', False),
        ("2026-11-23T21:00:00", 'time_between("22:00", "06:00")', True),
        ("2026-11-24T04:59:59", 'time_between("22:00", "06:00")', True),
        ("2026-11-24T05:00:00", 'time_between("22:00", "06:00")', False),
        ("2026-11-23T11:00:00", 'time_between("08:00", "12:00")', False),
        ("2026-11-23T10:59:00", 'time_between("08:00", "12:00")', True),
        ("2026-11-23T10:59:00", 'time_between("08:00", "08:00")', False),
    ],
)
def test_the_time_of_day_is_that_of_the_site(clock: str, text: str, value: Value) -> None:
    formulas = Formulas({}, zone=ZoneInfo("Europe/Paris"))
    now_us = int(datetime.fromisoformat(clock).replace(tzinfo=UTC).timestamp()) * 1_000_000
    assert formulas.formula(text).evaluate(now_us) == (value, GOOD)


def test_the_time_of_day_moves_an_expression_tag_by_itself() -> None:
    formulas = Formulas({}, {"S.Minute": ("minute()", Kind.REGISTER)})
    before = formulas["S.Minute"].value
    formulas.wait(61)
    assert formulas["S.Minute"].value != before


def test_age_grows_and_begins_anew_with_each_value_but_not_with_its_quality() -> None:
    formulas = Formulas({"S.X": 1.0}, {"S.Age": ("age(S.X)", Kind.REGISTER)})
    formulas.wait(5)
    assert formulas["S.Age"].value == 5.0
    formulas.spoil("S.X", Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE)
    assert (formulas["S.Age"].value, formulas["S.Age"].quality) == (5.0, GOOD)
    formulas.write("S.X", 1.0)
    formulas.wait(2)
    assert formulas["S.Age"].value == 2.0


def test_the_age_of_what_never_came_is_without_end() -> None:
    formulas = Formulas({"S.X": None})
    assert formulas.formula("age(S.X) > 86400").evaluate(formulas.now_us) == (True, GOOD)


def test_words_stand_for_branches() -> None:
    scope = {"this": "S.A", "site": "S"}
    formulas = Formulas(VALUES, scope=scope)
    assert formulas.formula("this.P + site.B.P").evaluate(0)[0] == 5.5
    assert formulas.formula('sum("site.*.P") + max("this.P")').evaluate(0)[0] == 13.0
