"""Mistakes are found when the text is read, each with its place; nothing of Python can be reached."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.core.expression import Environment, ExpressionError, Formula
from scada.core.expression.functions import FUNCTIONS
from scada.core.expression.syntax import DEPTH_MAX, LENGTH_MAX, NODES_MAX
from scada.core.tag import ExpressionText
from scada.core.value import Kind, Value
from scada.testing.formulas import Formulas

VALUES: dict[str, Value] = {"S.N": 1.0, "S.On": True, "S.Mode": "A", "S.A.Power": 1.0, "S.A.Mode": "A"}


def mistake(text: str, *, filter_: bool = False) -> ExpressionError:
    formulas = Formulas(VALUES, scope={"this": "S.A"})
    with pytest.raises(ExpressionError) as raised:
        Formula(formulas.text(text), formulas.environment, filter_=filter_)
    return raised.value


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "nothing"),
        ("  \n ", 1, 1, "nothing"),
        ("1 +", 1, 4, "cannot be read"),
        ("1 +\n  S.N +", 2, 8, "cannot be read"),
        ("S.N + )", 1, 8, "cannot be read"),
        ("S.N) + (1", 1, 1, "bracket"),
        ("abs(S.N", 1, 1, "never closed"),
        ("S.N if S.On", 1, 1, "else"),
        ("S.N = 5", 1, 1, "=="),
        # names
        ("S.M", 1, 1, "there is no tag S.M"),
        ("1 + S.A.Powr", 1, 5, "do you mean S.A.Power"),
        ("S.N +\n S.A.Q", 2, 2, "there is no tag"),
        ("this.power", 1, 1, "do you mean S.A.Power"),
        ("site.P", 1, 1, "'site' has no meaning here, known: this"),
        ('sum("site.*.P")', 1, 1, "'site' has no meaning here"),
        ('sum("S.A.Power", "S.Typo")', 1, 1, "there is no tag S.Typo"),
        ("summ(1)", 1, 1, "there is no function 'summ'"),
        ("sum", 1, 1, "write sum(…)"),
        ("alarm.level > 5", 1, 1, "there is no tag alarm.level"),
        # types: the place is that of the part that does not fit
        ("S.Mode + 1", 1, 1, "a number"),
        ("1 + S.Mode", 1, 5, "a text"),
        ('"é" == S.N', 1, 8, "cannot be compared"),
        ('S.On and\n ("é" == "ü") and S.N', 2, 19, "'and' takes true or false"),
        ("not S.N", 1, 5, "compare it with something"),
        ("S.N or S.On", 1, 1, "'or'"),
        ("1 if S.N else 2", 1, 6, "'if'"),
        ("1 if S.On else S.Mode", 1, 1, "must be one of them"),
        ("S.On if S.On else 1", 1, 1, "must be one of them"),
        ('S.Mode < "B"', 1, 10, "texts have no order"),
        ('S.N in ("A", "B")', 1, 9, "never among these"),
        ("S.N in S.Mode", 1, 1, "list of constants"),
        ("S.N in (S.N, 1)", 1, 1, "list of constants"),
        ("S.N in ()", 1, 1, "list of constants"),
        ("abs(S.Mode)", 1, 5, "abs(…)"),
        ("abs(1, 2)", 1, 1, "1 argument, not 2"),
        ("clamp(1, 2)", 1, 1, "3 arguments, not 2"),
        ("hour(1)", 1, 1, "no argument"),
        ("max()", 1, 1, "1 or more"),
        ("round(1, 2, 3)", 1, 1, "1 to 2 arguments"),
        ("if_bad(S.N, S.Mode)", 1, 13, "the first is a number"),
        ("if_bad(S.N, S.On)", 1, 13, "the first is a number"),
        ("quality(1)", 1, 9, "takes a tag"),
        ("age(S.N + 1)", 1, 5, "takes a tag"),
        ("active(S.On)", 1, 8, "S.On has no alarm"),
        ("delay(S.On, S.N)", 1, 13, "constant"),
        ("delay(S.On, 0)", 1, 13, "seconds"),
        ("average(S.N, 604801)", 1, 14, "a week"),
        ("delay(S.On, true)", 1, 13, "seconds"),
        ('time_between("8:00", "24:00")', 1, 14, "HH:MM"),
        ('time_between("08:00", "24:00")', 1, 23, "HH:MM"),
        ("matches(S.Mode, S.Mode)", 1, 17, "constant"),
        ('matches(S.Mode, "a b")', 1, 17, "a pattern holds"),
        # branches
        ('sum("S..P")', 1, 5, "empty segment"),
        ('sum("S.*", 5)', 1, 5, "either patterns or values"),
        ('sum("S.*")', 1, 1, "S.Mode, which is a text"),
        ('1 + any("S.N")', 1, 5, "S.N, which is no bit"),
        ('sum("S.N") + any("S.N")', 1, 1, "no bit"),
        # what Python knows and this does not
        ("S.N is 1", 1, 1, "compare with"),
        ("S.N << 2", 1, 1, "operator"),
        ("S.N @ S.N", 1, 1, "operator"),
        ("~S.N", 1, 1, "write 'not'"),
        ("S.N[0]", 1, 1, "'[…]'"),
        ("lambda: 1", 1, 1, "lambda"),
        ("abs(x=1)", 1, 1, "without names"),
        ("None", 1, 1, "no number"),
        ("1j", 1, 1, "no number"),
        ("1e999", 1, 1, "too large"),
        ("'\\d' == S.Mode", 1, 1, "escape"),
        ("1if S.On else 2", 1, 1, "decimal literal"),
    ],
)
def test_a_mistake_tells_its_place(text: str, line: int, column: int, words: str) -> None:
    error = mistake(text)
    assert words in error.reason
    assert (error.line, error.column) == (line, column)
    assert str(error) == f"line {line}, column {column}: {error.reason}"


def test_a_filter_knows_the_properties_of_an_alarm_only() -> None:
    assert "known: alarm.path" in mistake("alarm.levle > 5", filter_=True).reason
    assert "a number" in mistake('alarm.level == "x"', filter_=True).reason


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Kind.BIT, "S.N"), (Kind.REGISTER, "S.On"), (Kind.TEXT, "S.N"), (Kind.REGISTER, "S.Mode")],
)
def test_an_expression_fits_the_kind_of_its_tag(kind: Kind, text: str) -> None:
    with pytest.raises(ExpressionError, match=r"but S\.X holds"):
        Formulas(VALUES, {"S.X": (text, kind)})


def test_a_network_takes_conditions() -> None:
    formulas = Formulas(VALUES)
    with pytest.raises(ExpressionError, match="a condition is needed"):
        formulas.network.add(formulas.text("S.N"), lambda *_: None)


ATTACKS = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "S.N.__class__",
    "S.__dict__",
    "__builtins__",
    "turn",
    "c.now_us",
    "NOT_GOOD",
    "t0",
    "m0",
    "read(S.N)",
    "f.level",
    "''.join(S.Mode)",
    "'{0.__class__}'.format(S.N)",
    "f'{S.N}'",
    "f'{S.N.__class__}' == S.Mode",
    "S.Mode % S.Mode",
    "'%s' % S.N",
    "S.Mode * 1000000",
    "S.Mode + S.Mode",
    "[x for x in (1, 2)]",
    "(x for x in (1, 2))",
    "{x for x in (1, 2)}",
    "{1: 2}",
    "(lambda: 1)()",
    "(lambda: (yield))()",
    "(S := 5)",
    "abs((x := 5))",
    "await S.N",
    "yield S.N",
    "abs(*S.N)",
    "abs(**S.N)",
    "S.N if (yield) else 1",
    "(1).real",
    "1 .bit_length()",
    "true.real",
    "'x'.upper()",
    "''' ''' .strip()",
    "print(1)",
    "exec('1')",
    "eval('1')",
    "getattr(S.N, 'value')",
    "open('x')",
    "breakpoint()",
    "sum.__globals__",
    "abs.__self__",
    "S.N; 1",
    "S.N\nimport os",
    "import os",
    "raise S.N",
    "1)\nimport os\n(1",
    "S.N) or (S.On",
    "1); import os; (1",
    "...",
    "b'x'",
    "None",
    "()",
    "(1, 2)",
    "1, 2",
    "sum('**', '**.x y')",
    "matches(S.Mode, '" + "*a" * 200 + "')",
    "\0",
    "S.N \0",
    "𝓢.N.Q",
    "S.Ñ",
    "Ｓ.Ｎ.__class__",
    "S.N # '\n )import os(",
    "\ud800",
    "'\ud800' == S.Mode",
]


@pytest.mark.parametrize("text", ATTACKS, ids=[ascii(text)[:40] for text in ATTACKS])
@pytest.mark.parametrize("filter_", [False, True])
def test_nothing_of_python_can_be_reached(text: str, filter_: bool) -> None:
    mistake(text, filter_=filter_)


@pytest.mark.parametrize(
    "text",
    [
        "-" * (LENGTH_MAX - 1) + "1",
        "not " * 499 + "S.On",
        "(" * 1000 + "1" + ")" * 999,
        "S." * 999 + "N",
        "abs(" * 400 + "1" + ")" * 400,
        "+".join(["1"] * 1000),
        "1" * LENGTH_MAX,
        "S.N" + " " * LENGTH_MAX,
        "1 if true else " * 120 + "1",
        "a" * LENGTH_MAX,
        " and ".join(["S.On"] * 280),
        "[" * 1000,
        "'" * 1999,
        "\\\n" * 900,
        "sum(" + ",".join(["1"] * 900) + ")",
    ],
    ids=range(15),
)
def test_what_is_too_long_or_too_deep_is_refused(text: str) -> None:
    mistake(text)


def test_as_deep_and_as_wide_as_may_be() -> None:
    formulas = Formulas(VALUES)
    deep = "-" * DEPTH_MAX + "S.N"
    assert formulas.formula(deep).evaluate(0)[0] == 1.0
    deep = "if_bad(" * DEPTH_MAX + "S.N" + ", 1)" * DEPTH_MAX
    assert formulas.formula(deep).evaluate(0)[0] == 1.0
    deep = "average(" * DEPTH_MAX + "S.N" + ", 5)" * DEPTH_MAX
    assert formulas.formula(deep).evaluate(0)[0] == 1.0
    deep = "avg(" * DEPTH_MAX + "S.N" + ", 1)" * DEPTH_MAX
    assert formulas.formula(deep).evaluate(0)[0] == 1.0
    wide = " or ".join(["S.On"] * (NODES_MAX // 2))
    assert formulas.formula(wide).evaluate(0)[0] is True


WORDS = [
    *FUNCTIONS,
    *[
        "S.N",
        "S.On",
        "S.Mode",
        "1",
        "5",
        "'x'",
        '"S.*.P"',
        "(",
        ")",
        ",",
        "+",
        "-",
        "**",
        "and",
        "not",
        "if",
        "else",
        "in",
        "<",
        "==",
        ".",
        "__class__",
        "lambda",
        ":",
        ":=",
        "[",
        "]",
    ],
    "\n",
]


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(WORDS),
        max_size=12,
    )
)
def test_a_text_is_a_formula_or_a_mistake(words: list[str]) -> None:
    """And a formula can always be worked out, without an exception."""
    formulas = Formulas(VALUES)
    try:
        formula = formulas.formula(" ".join(words))
    except ExpressionError:
        return
    formula.evaluate(formulas.now_us)
    formulas.put("S.N", None, 0x80310000)
    formula.evaluate(formulas.now_us)


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_any_text_is_a_formula_or_a_mistake(text: str) -> None:
    lines = text.count("\n") + text.count("\r") + 1
    try:
        Formula(ExpressionText(text=text), Environment(Formulas({}).database)).evaluate(1)
    except ExpressionError as error:
        found = error
    else:
        return
    assert 1 <= found.line <= lines
    assert found.column >= 1
