"""Bad in, Bad out, but where the expression asks for the quality itself; one dead charger does not hide a sum."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.value import GOOD, Kind, Quality, Value, is_bad, is_good
from scada.testing.formulas import Formulas

BAD = Quality.BAD_NO_COMMUNICATION
UNSURE = Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE
SUB_NORMAL = Quality.UNCERTAIN_SUB_NORMAL
NO_DATA = Quality.BAD_NO_DATA
FORCED = Quality.GOOD_LOCAL_OVERRIDE


@pytest.mark.parametrize(
    ("text", "qualities", "outcome"),
    [
        ("S.A + S.B", {}, (3.0, GOOD)),
        ("S.A + S.B", {"S.A": BAD}, (None, NO_DATA)),
        ("S.A + S.B", {"S.A": UNSURE}, (3.0, SUB_NORMAL)),
        ("S.A + S.B", {"S.A": UNSURE, "S.B": BAD}, (None, NO_DATA)),
        ("S.A + S.B", {"S.A": FORCED}, (3.0, GOOD)),
        ("S.A + S.B", {"S.A": FORCED, "S.B": FORCED}, (3.0, GOOD)),
        # what is not needed does no harm
        ("S.On or S.A > 5", {"S.A": BAD}, (True, GOOD)),
        ("S.Off and S.A > 5", {"S.A": BAD}, (False, GOOD)),
        ("S.On and S.A > 5", {"S.A": BAD}, (None, NO_DATA)),
        ("1 if S.On else S.A", {"S.A": BAD}, (1.0, GOOD)),
        ("1 if S.Off else S.A", {"S.A": BAD}, (None, NO_DATA)),
        ("S.On or S.A > 5", {"S.A": UNSURE}, (True, GOOD)),
        # asking for the quality
        ("quality(S.A)", {"S.A": BAD}, ("BadNoCommunication", GOOD)),
        ("quality(S.A)", {"S.A": FORCED}, ("GoodLocalOverride", GOOD)),
        ("is_bad(S.A)", {"S.A": BAD}, (True, GOOD)),
        ("is_bad(S.A) or is_good(S.A)", {"S.A": UNSURE}, (False, GOOD)),
        ("is_good(S.A)", {"S.A": FORCED}, (True, GOOD)),
        ("age(S.A)", {"S.A": BAD}, (0.0, GOOD)),
        # if_bad
        ("if_bad(S.A, 9)", {"S.A": BAD}, (9.0, GOOD)),
        ("if_bad(S.A, 9)", {"S.A": UNSURE}, (1.0, SUB_NORMAL)),
        ("if_bad(S.A + S.B, 9)", {"S.A": UNSURE, "S.B": BAD}, (9.0, GOOD)),
        ("if_bad(S.A, S.B)", {"S.A": BAD, "S.B": BAD}, (None, NO_DATA)),
        ("if_bad(S.A, if_bad(S.B, 7))", {"S.A": BAD, "S.B": BAD}, (7.0, GOOD)),
        ("if_bad(S.A, 9) + S.B", {"S.A": BAD, "S.B": UNSURE}, (11.0, SUB_NORMAL)),
        # branches leave Bad ones out
        ('sum("S.*")', {}, (4.0, GOOD)),
        ('sum("S.*")', {"S.A": BAD}, (3.0, SUB_NORMAL)),
        ('sum("S.*")', {"S.A": UNSURE}, (4.0, SUB_NORMAL)),
        ('sum("S.*")', {"S.A": FORCED}, (4.0, GOOD)),
        ('max("S.A", "S.B")', {"S.B": BAD}, (1.0, SUB_NORMAL)),
        ('min("S.A", "S.B")', {"S.A": BAD}, (2.0, SUB_NORMAL)),
        ('avg("S.A", "S.B")', {"S.A": BAD}, (2.0, SUB_NORMAL)),
        ('sum("S.A", "S.B")', {"S.A": BAD, "S.B": BAD}, (None, NO_DATA)),
        ('if_bad(sum("S.A", "S.B"), 0)', {"S.A": BAD, "S.B": BAD}, (0.0, GOOD)),
        ('count("S.*")', {"S.A": BAD, "S.On": UNSURE}, (3.0, GOOD)),
        ('count("S.A")', {"S.A": BAD}, (0.0, GOOD)),
        ('all("S.On", "S.Off")', {"S.Off": BAD}, (True, SUB_NORMAL)),
        ('any("S.On", "S.Off")', {"S.On": BAD}, (False, SUB_NORMAL)),
        # functions with memory are worked out whether they are needed or not
        ("S.Off and rising(S.On)", {"S.On": UNSURE}, (False, GOOD)),
        ("S.On or rising(S.Off)", {"S.Off": BAD}, (True, GOOD)),
        ("delta(S.A)", {"S.A": BAD}, (None, NO_DATA)),
        ("if_bad(delta(S.A), 5)", {"S.A": BAD}, (5.0, GOOD)),
    ],
)
def test_rules_of_quality(text: str, qualities: dict[str, int], outcome: tuple[Value, int]) -> None:
    formulas = Formulas({"S.A": 1.0, "S.B": 2.0, "S.On": True, "S.Off": False})
    formula = formulas.formula(text)
    for path, quality in qualities.items():
        formulas.put(path, formulas[path].value, quality)
    assert formula.evaluate(formulas.now_us) == outcome


def test_a_tag_that_waits_for_its_first_value_is_bad() -> None:
    formulas = Formulas({"S.A": None}, {"S.X": ("S.A + 1", Kind.REGISTER)})
    assert (formulas["S.X"].value, formulas["S.X"].quality) == (None, NO_DATA)
    formulas.write("S.A", 1.0)
    assert (formulas["S.X"].value, formulas["S.X"].quality) == (2.0, GOOD)


def test_an_expression_tag_keeps_its_last_value_when_it_is_bad() -> None:
    formulas = Formulas({"S.A": 1.0}, {"S.X": ("S.A + 1", Kind.REGISTER)})
    formulas.spoil("S.A", BAD)
    assert (formulas["S.X"].value, formulas["S.X"].quality) == (2.0, NO_DATA)


def test_one_dead_charger_does_not_hide_the_sites_power() -> None:
    formulas = Formulas(
        {"S.M0.P": 10.0, "S.M1.P": 20.0, "S.M2.P": None}, {"S.Sum": ('sum("S.*.P")', Kind.REGISTER)}
    )
    total = formulas["S.Sum"]
    assert (total.value, total.quality) == (30.0, SUB_NORMAL)
    formulas.write("S.M2.P", 5.0)
    assert (total.value, total.quality) == (35.0, GOOD)
    formulas.spoil("S.M0.P", BAD)
    assert (total.value, total.quality) == (25.0, SUB_NORMAL)


def test_a_sum_does_not_take_itself_in() -> None:
    formulas = Formulas({"S.A.P": 1.0, "S.B.P": 2.0}, {"S.C.P": ('sum("S.*.P")', Kind.REGISTER)})
    assert formulas["S.C.P"].value == 3.0


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e301])
def test_a_member_without_measure_spoils_the_sum_only_while_it_lasts(value: float) -> None:
    formulas = Formulas({"S.A": 1.0, "S.B": 2.0}, {"T.Sum": ('sum("S.*")', Kind.REGISTER)})
    formulas.write("S.B", value)
    assert (formulas["T.Sum"].value, formulas["T.Sum"].quality) == (1.0, SUB_NORMAL)
    formulas.write("S.B", 4.0)
    assert (formulas["T.Sum"].value, formulas["T.Sum"].quality) == (5.0, GOOD)


FIGURES: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda parts: math.fsum(parts) / len(parts),
    "min": min,
    "max": max,
}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.floats(-1e6, 1e6),
            st.sampled_from([GOOD, Quality.UNCERTAIN_LAST_USABLE_VALUE, FORCED, BAD]),
        ),
        max_size=60,
    )
)
def test_figures_of_a_branch_equal_a_recount(writes: list[tuple[int, float, int]]) -> None:
    formulas = Formulas(
        {f"S.M{n}.P": None for n in range(5)},
        {f"T.{name}": (f'{name}("S.*.P")', Kind.REGISTER) for name in (*FIGURES, "count")},
    )
    parts = [formulas[f"S.M{n}.P"] for n in range(5)]
    for number, value, quality in writes:
        formulas.write(parts[number].path, value, quality)
        usable = [float(p.value) for p in parts if not is_bad(p.quality)]  # type: ignore[arg-type]
        assert formulas["T.count"].value == len(usable)
        for name, figure in FIGURES.items():
            tag = formulas[f"T.{name}"]
            if not usable:
                assert is_bad(tag.quality)
                continue
            assert tag.value == pytest.approx(figure(usable), abs=1e-3)
            assert is_good(tag.quality) is all(is_good(p.quality) for p in parts)
            assert not is_bad(tag.quality)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), max_size=30))
def test_any_and_all_equal_a_recount(writes: list[tuple[int, bool, bool]]) -> None:
    formulas = Formulas(
        {f"S.M{n}.F": False for n in range(3)},
        {"T.any": ('any("S.*.F")', Kind.BIT), "T.all": ('all("S.*.F")', Kind.BIT)},
    )
    parts = [formulas[f"S.M{n}.F"] for n in range(3)]
    for number, value, dead in writes:
        formulas.write(parts[number].path, value, BAD if dead else GOOD)
        usable = [p.value for p in parts if not is_bad(p.quality)]
        if usable:
            assert (formulas["T.any"].value, formulas["T.all"].value) == (any(usable), all(usable))
        else:
            assert is_bad(formulas["T.any"].quality)


def test_the_sum_of_many_changes_does_not_drift() -> None:
    formulas = Formulas({"S.A": 0.0, "S.B": 0.1}, {"T.Sum": ('sum("S.*")', Kind.REGISTER)})
    for number in range(30_000):
        formulas.put("S.A", 1e6 if number % 2 else 0.1 * (number % 7))
    formulas.write("S.A", 0.0)
    assert formulas["T.Sum"].value == pytest.approx(0.1, abs=1e-6)
    assert formulas["T.Sum"].quality == GOOD
