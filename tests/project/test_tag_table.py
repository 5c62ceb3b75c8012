"""The tag table: there and back without loss, changes that are applied, mistakes with their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.core.errors import ProjectError, StartError
from scada.core.tag import (
    AlarmDefinition,
    Condition,
    ExpressionText,
    HistoryRule,
    Source,
    TagDefinition,
    ThresholdDefinition,
    WriteRule,
)
from scada.core.value import Kind, Value
from scada.project.files import Reader
from scada.project.tag_table import (
    Table,
    apply,
    apply_table,
    definitions_of,
    difference,
    merged,
    own_table,
    read_table,
    rows_of,
    write_own,
    write_table,
)

LANGUAGES = ("en", "fr")
BIT, REGISTER, TEXT = Kind.BIT, Kind.REGISTER, Kind.TEXT

# What people and devices put into texts, and what spreadsheets make something else of.
STRANGE = [
    "",
    "-",
    "--",
    "'",
    "'x",
    "=1+1",
    "+33 1 23",
    "@x",
    "007",
    "1e5",
    "TRUE",
    "a,b;c",
    'say "no"',
    "two\nlines",
    "carriage\rreturn\r\n",
    " blanks ",
    "\t",
    "é 漢 😀 \u2028",
    "_x0041_",
    "_x005F_x0041_",
    "\x01\x1f\x7f",
    "#5",
    "a|b=c\\",
    "\\|",
]
letters = st.characters(exclude_categories=["Cs"])
texts = st.sampled_from(STRANGE) | st.text(letters, max_size=20)
words = st.sampled_from(["grid", "a b", "Power.Active.Import@L1", "=x", "-", "5", "é"])
numbers = st.sampled_from(
    [0.0, 1.0, 0.1 + 0.2, 1e-9, -12.5, 1e300, 5e-324, 123456789012345678.0]
) | st.floats(allow_nan=False, allow_infinity=False)
positive = st.sampled_from([0.0, 0.5, 1e-9, 0.1 + 0.2])
seconds_us = st.sampled_from([0, 1, 90_000_000, 1_234_567, 86_400_000_000]) | st.integers(0, 86_400_000_000)
translations = st.dictionaries(st.sampled_from(["en", "fr", "de"]), texts, max_size=3)
levels = st.integers(0, 29)
alarms = st.builds(
    AlarmDefinition,
    level=levels,
    acknowledge_level=st.none() | levels,
    mask_level=st.none() | levels,
    abnormal=st.booleans(),
    on_delay_us=seconds_us,
    off_delay_us=seconds_us,
    needs_acknowledgement=st.booleans(),
    latching=st.booleans(),
    name=st.just("") | words,
    page=st.just("") | words,
    value=st.just("") | words,
    message=translations,
    cause=translations,
    consequence=translations,
    guidance=translations,
)
writes = st.builds(
    WriteRule,
    low=st.none() | numbers,
    high=st.none() | numbers,
    right=st.sampled_from(["operate", "maintain"]),
    confirm=st.booleans(),
    command=st.sampled_from(["", "Reset"]),
    argument=st.sampled_from(["", "type"]),
    values=st.dictionaries(texts, texts, max_size=3),
)
histories = st.builds(HistoryRule, deadband=positive, every_us=seconds_us, retention=words)
thresholds = st.builds(
    ThresholdDefinition,
    name=st.sampled_from(["HiHi", "Hi", "Lo"]),
    condition=st.sampled_from(Condition),
    limit=numbers,
    limit_tag=st.sampled_from(["", "Depot.Limit"]),
    reference=st.sampled_from(["", "Depot.Other"]),
    hysteresis=positive,
    on_delay_us=seconds_us,
    off_delay_us=seconds_us,
)


@st.composite
def tags(draw: st.DrawFn, path: str) -> TagDefinition:
    kind = draw(st.sampled_from(Kind))
    values: dict[Kind, st.SearchStrategy[Value]] = {BIT: st.booleans(), REGISTER: numbers, TEXT: texts}
    top = path.partition(".")[0]
    site = "" if top == "System" else top
    expression = draw(st.none() | texts)
    return TagDefinition(
        path=path,
        kind=kind,
        source=draw(st.sampled_from(Source)),
        unit=draw(st.sampled_from(["", "kW", "°C", "%"])),
        decimals=draw(st.integers(0, 6)),
        low=draw(st.none() | numbers),
        high=draw(st.none() | numbers),
        gain=draw(numbers.filter(bool)),
        offset=draw(numbers),
        deadband=draw(positive),
        address=draw(st.just("") | words),
        choices=tuple(draw(st.lists(texts.filter(bool), max_size=3))),
        initial=draw(st.none() | values[kind]),
        write=draw(st.none() | writes),
        thresholds=tuple(draw(st.lists(thresholds, max_size=3, unique_by=lambda one: one.name)))
        if kind is REGISTER
        else (),
        expression=None
        if expression is None
        else ExpressionText(text=expression, scope={"this": path.rpartition(".")[0], "site": site}),
        alarm=draw(st.none() | alarms),
        domain=draw(st.just("") | words),
        nature=draw(st.just("") | words),
        watchdog_us=draw(seconds_us),
        retain=draw(st.booleans()),
        history=draw(st.none() | histories),
        site=site,
        label=draw(translations),
        description=draw(translations),
    )


@st.composite
def plants(
    draw: st.DrawFn, paths: Sequence[str] = ("Depot.A", "Depot.CP01.B", "North.C")
) -> list[TagDefinition]:
    made = [draw(tags(path)) for path in draw(st.lists(st.sampled_from(paths), unique=True))]
    return [*made, *bits_of(made)]


def bits_of(definitions: Sequence[TagDefinition]) -> list[TagDefinition]:
    return [
        TagDefinition(path=f"{d.path}.{t.name}", kind=BIT, source=Source.THRESHOLD, site=d.site)
        for d in definitions
        for t in d.thresholds
    ]


def without_bits(definitions: Sequence[TagDefinition]) -> list[TagDefinition]:
    return [d for d in definitions if d.source is not Source.THRESHOLD]


@st.composite
def sane(draw: st.DrawFn) -> list[TagDefinition]:
    """A plant in which everything fits together: kinds go with paths."""
    made = []
    for path, kind in (("Depot.A", REGISTER), ("Depot.CP01.B", BIT), ("North.C", TEXT)):
        if not draw(st.booleans()):
            continue
        number = kind is REGISTER
        fits = (
            "gain",
            "offset",
            "address",
            "domain",
            "nature",
            "watchdog_us",
            "retain",
            "label",
            "description",
        )
        some = draw(tags(path))
        made.append(
            TagDefinition(
                path=path,
                kind=kind,
                source=Source.INTERNAL,
                site=path.partition(".")[0],
                unit="kW" if number and some.unit else "",
                high=some.high if number else None,
                alarm=draw(st.none() | alarms) if kind is BIT else None,
                write=draw(st.sampled_from([None, WriteRule(), WriteRule(right="maintain", confirm=True)])),
                history=draw(st.none() | histories) if number else None,
                thresholds=tuple(
                    draw(
                        st.lists(
                            thresholds.filter(
                                lambda one: (
                                    not one.limit_tag
                                    and not one.reference
                                    and one.condition in (Condition.HIGH, Condition.LOW)
                                )
                            ),
                            max_size=2,
                            unique_by=lambda one: one.name,
                        )
                    )
                )
                if number
                else (),
                **{name: getattr(some, name) for name in fits},
            )
        )
    return [*made, *bits_of(made)]


def back(table: Table) -> list[TagDefinition]:
    """As they were: where an expression stands in the file is no part of what was exported."""
    return [
        replace(d, expression=replace(d.expression, place="") if d.expression else None)
        for d in definitions_of(table)
    ]


@given(definitions=plants())
@settings(max_examples=300, deadline=None)
def test_rows_and_back(definitions: list[TagDefinition]) -> None:
    assert back(rows_of(definitions, LANGUAGES)) == definitions


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@given(definitions=plants())
@settings(max_examples=60, deadline=None)
def test_files_and_back(
    tmp_path_factory: pytest.TempPathFactory, ending: str, definitions: list[TagDefinition]
) -> None:
    file = tmp_path_factory.mktemp("table") / f"plant.{ending}"
    table = rows_of(definitions, LANGUAGES)
    write_table(file, table)
    read, problems = read_table(file)
    assert problems == []
    assert [row.cells for row in read.tags.rows] == [row.cells for row in table.tags.rows]
    assert [row.cells for row in read.thresholds.rows] == [row.cells for row in table.thresholds.rows]
    assert back(read) == definitions


def test_every_attribute_of_a_tag_has_its_column() -> None:
    """A new attribute would be lost on its way through a table: then it needs a column, or a word here."""
    from dataclasses import fields

    from scada.project.tag_table.columns import PARTS, THRESHOLD_COLUMNS, tag_columns

    columns = tag_columns(("en",)).values()
    told = {(column.part, column.attribute) for column in columns}
    structure = {"site", "device", "thresholds", *PARTS}
    assert {name for part, name in told if not part} == {
        field.name for field in fields(TagDefinition) if field.name not in structure
    }
    for part, made_of in PARTS.items():
        missing = {field.name for field in fields(made_of)} - {name for of, name in told if of == part}
        assert missing == ({"scope", "place"} if part == "expression" else set())
    assert {column.attribute for column in THRESHOLD_COLUMNS.values()} == {
        "path",
        *(field.name for field in fields(ThresholdDefinition)),
    }


# -- a project's own table

POWER = TagDefinition(
    path="Depot.CP01.Power",
    kind=REGISTER,
    source=Source.DRIVER,
    unit="kW",
    high=22.0,
    site="Depot",
    device="Depot.CP01",
    label={"en": "Power", "fr": "Puissance"},
    thresholds=(ThresholdDefinition(name="Hi", condition=Condition.HIGH, limit=20.0),),
)
POWER_HI = TagDefinition(
    path="Depot.CP01.Power.Hi",
    kind=BIT,
    source=Source.THRESHOLD,
    site="Depot",
    alarm=AlarmDefinition(level=12, message={"en": "Power high", "fr": "Puissance haute"}),
)
STATUS = TagDefinition(
    path="Depot.CP01.Status", kind=TEXT, source=Source.DRIVER, site="Depot", choices=("A", "B")
)
NOTE = TagDefinition(path="Depot.Note", kind=TEXT, source=Source.INTERNAL, site="Depot", write=WriteRule())
SUM = TagDefinition(
    path="Depot.Sum",
    kind=REGISTER,
    source=Source.EXPRESSION,
    site="Depot",
    expression=ExpressionText(text="sum('Depot.**.Power')", scope={"site": "Depot"}, place="site.toml"),
)
NORTH = TagDefinition(path="North.Power", kind=REGISTER, source=Source.DRIVER, site="North")
PLANT = [POWER, POWER_HI, STATUS, NOTE, SUM, NORTH]


def own(directory: Path, tags: str = "", thresholds: str = "") -> Table:
    if tags:
        (directory / "tags.csv").write_text(tags, encoding="utf-8")
    if thresholds:
        (directory / "tags.thresholds.csv").write_text(thresholds, encoding="utf-8")
    reader = Reader(directory)
    table = own_table(reader)
    assert table is not None
    assert reader.problems == []
    return table


def after(directory: Path, tags: str = "", thresholds: str = "") -> dict[str, TagDefinition]:
    reader = Reader(directory)
    made = apply(reader, own(directory, tags, thresholds), PLANT, LANGUAGES)
    assert [str(problem) for problem in reader.problems] == []
    return {definition.path: definition for definition in made}


def test_a_project_without_a_table(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    assert own_table(reader) is None
    assert reader.problems == []


def test_filled_cells_change_empty_ones_do_not(tmp_path: Path) -> None:
    tags = after(
        tmp_path,
        "path,high,label.en,unit,domain\nDepot.CP01.Power,11,,-,grid\n\n# a note, with a comma\nDepot.Note,,Remarks,,\n",
    )
    assert tags["Depot.CP01.Power"] == replace(POWER, high=11.0, unit="", domain="grid")
    assert tags["Depot.Note"] == replace(NOTE, label={"en": "Remarks"})
    assert list(tags) == [definition.path for definition in PLANT]


def test_parts_come_change_and_go(tmp_path: Path) -> None:
    tags = after(
        tmp_path,
        "path,alarm.level,alarm.message.en,alarm.on_delay_s,write.right,history.retention,history.every_s\n"
        "Depot.CP01.Power.Hi,,Too much,1.5,,,\n"
        "Depot.Note,,,,-,long,0.25\n",
    )
    changed = tags["Depot.CP01.Power.Hi"].alarm
    assert changed == AlarmDefinition(
        level=12, on_delay_us=1_500_000, message={"en": "Too much", "fr": "Puissance haute"}
    )
    assert tags["Depot.Note"].write is None
    assert tags["Depot.Note"].history == HistoryRule(every_us=250_000, retention="long")
    gone = after(tmp_path, "path,alarm.level,alarm.message.fr\nDepot.CP01.Power.Hi,-,-\n")
    assert gone["Depot.CP01.Power.Hi"].alarm is None


def test_a_new_tag(tmp_path: Path) -> None:
    tags = after(
        tmp_path,
        "path,kind,source,expression,initial,unit\n"
        "North.Busy,bit,expression,this.Power > 5,,\n"
        "Depot.Shift,text,,,'-,\n"
        "Tariff.Price,register,internal,,0.25,\n",
    )
    busy = tags["North.Busy"]
    assert (busy.site, busy.source, busy.device) == ("North", Source.EXPRESSION, "")
    assert busy.expression is not None
    assert busy.expression.text == "this.Power > 5"
    assert busy.expression.scope == {"this": "North", "site": "North"}
    assert busy.expression.place == "tags.csv|row 2, column expression"
    assert (tags["Depot.Shift"].initial, tags["Depot.Shift"].source) == ("-", Source.INTERNAL)
    assert (tags["Tariff.Price"].initial, tags["Tariff.Price"].site) == (0.25, "")


def test_an_expression_that_is_changed_keeps_its_scope(tmp_path: Path) -> None:
    tags = after(tmp_path, "path,expression\nDepot.Sum,2 * 3\n")
    assert tags["Depot.Sum"].expression == ExpressionText(
        text="2 * 3", scope={"site": "Depot"}, place="tags.csv|row 2, column expression"
    )


def test_thresholds_come_change_and_go_with_their_bits(tmp_path: Path) -> None:
    tags = after(
        tmp_path,
        "path,alarm.level\nDepot.CP01.Power.HiHi,27\n",
        "register,name,condition,limit,hysteresis,on_delay_s,limit_tag\n"
        "Depot.CP01.Power,Hi,,18,,,\n"
        "Depot.CP01.Power,HiHi,high,21.5,0.5,5,\n"
        "Depot.CP01.Power,Away,deviation,,,,Depot.Sum\n".replace(",deviation,,,,", ",stale,,,,"),
    )
    power = tags["Depot.CP01.Power"]
    assert power.thresholds == (
        ThresholdDefinition(name="Hi", condition=Condition.HIGH, limit=18.0),
        ThresholdDefinition(
            name="HiHi", condition=Condition.HIGH, limit=21.5, hysteresis=0.5, on_delay_us=5_000_000
        ),
        ThresholdDefinition(name="Away", condition=Condition.STALE, limit_tag="Depot.Sum"),
    )
    bit = tags["Depot.CP01.Power.HiHi"]
    assert (bit.kind, bit.source, bit.site) == (BIT, Source.THRESHOLD, "Depot")
    assert bit.label == {"en": "Power HiHi", "fr": "Puissance HiHi"}
    assert bit.alarm == AlarmDefinition(level=27)
    # Beside their register, as if the template had made them.
    assert list(tags)[:3] == ["Depot.CP01.Power", "Depot.CP01.Power.HiHi", "Depot.CP01.Power.Away"]
    gone = after(tmp_path, "path\n", "register,name,condition\nDepot.CP01.Power,Hi,-\n")
    assert gone["Depot.CP01.Power"].thresholds == ()
    assert "Depot.CP01.Power.Hi" not in gone


@pytest.mark.parametrize(
    ("table", "where", "reason"),
    [
        ("path,hgih\nDepot.Note,1\n", "row 1, column hgih", "unknown column (did you mean 'high'?)"),
        ("path,label.de\nDepot.Note,x\n", "row 1, column label.de", "unknown column"),
        ("path,unit,unit\nDepot.Note,,\n", "row 1, column unit", "the column is there twice"),
        ("unit\nkW\n", "row 1, column path", "the column is missing"),
        ("path,unit\n,kW\n", "row 2, column path", "is empty"),
        ("path\nDepot.Note\nDepot.Note\n", "row 3, column path", "stands already in row 2"),
        ("path,unit\nDepot.CP01.Powr,kW\n", "row 2, column path", "did you mean 'Depot.CP01.Power'"),
        ("path,kind\nDepot.a-b,bit\n", "row 2, column path", "is no path"),
        ("path,kind\nDepot.New,bits\n", "row 2, column kind", "did you mean 'bit'"),
        ("path,kind\nNew,bit\n", "row 2, column path", "below a branch"),
        ("path,kind\nDepot.CP01,bit\n", "row 2, column path", "is a branch"),
        ("path,kind\nSystem.Mine,bit\n", "row 2, column path", "product's own"),
        ("path,kind,source\nDepot.New,bit,driver\n", "row 2, column source", "internal or expression"),
        ("path,kind,source\nDepot.New,bit,expression\n", "row 2, column expression", "is empty"),
        ("path,kind,expression,source\nDepot.New,bit,1 > 0,internal\n", "row 2, column expression", "stands"),
        ("path,kind\nDepot.CP01.Power,bit\n", "row 2, column kind", "is register"),
        ("path,source\nDepot.CP01.Power,internal\n", "row 2, column source", "cannot be changed"),
        ("path,high\nDepot.CP01.Power,2O\n", "row 2, column high", "'2O' is no number"),
        ("path,high\nDepot.CP01.Power,nan\n", "row 2, column high", "is no number"),
        ('path,high\nDepot.CP01.Power,"1,5"\n', "row 2, column high", "with a point"),
        ("path,low\nDepot.CP01.Power,23\n", "row 2, column low", "above high"),
        ("path,unit\nDepot.CP01.Power,kw\n", "row 2, column unit", "unknown unit 'kw'"),
        ("path,decimals\nDepot.CP01.Power,1.5\n", "row 2, column decimals", "no whole number"),
        ("path,gain\nDepot.CP01.Power,0\n", "row 2, column gain", "0 would make every value 0"),
        ("path,decimals\nDepot.CP01.Power,7\n", "row 2, column decimals", "not within 0 to 6"),
        ("path,retain\nDepot.Note,perhaps\n", "row 2, column retain", "neither true nor false"),
        ("path,unit\nDepot.Note,kW\n", "row 2, column unit", "is for registers"),
        ("path,initial\nDepot.CP01.Status,C\n", "row 2, column initial", "none of the choices"),
        ("path,initial\nDepot.Sum,x\n", "row 2, column initial", "is no number"),
        ("path,kind\nDepot.Sum,-\n", "row 2, column kind", "cannot be set to nothing"),
        ("path,alarm.level\nDepot.Note,5\n", "row 2, column alarm.level", "is for bits"),
        ("path,alarm.level\nDepot.CP01.Power.Hi,30\n", "row 2, column alarm.level", "not within 0 to 29"),
        ("path,alarm.on_delay_s\nDepot.Note,5\n", "row 2, column alarm.on_delay_s", "without alarm.level"),
        ("path,alarm.on_delay_s\nDepot.CP01.Power.Hi,-1\n", "row 2, column alarm.on_delay_s", "not within"),
        ("path,watchdog_s\nDepot.Note,1e-7\n", "row 2, column watchdog_s", "finer than a microsecond"),
        ("path,write.right\nDepot.Note,oprate\n", "row 2, column write.right", "did you mean 'operate'"),
        ("path,write.right\nDepot.Sum,operate\n", "row 2, column write.right", "written by its expression"),
        ("path,write.command\nDepot.Note,Rest\n", "row 2, column write.command", "did you mean 'Reset'"),
        (
            "path,write.command,write.argument\nDepot.Note,Reset,tpye\n",
            "row 2, column write.argument",
            "type",
        ),
        ("path,write.values\nDepot.Note,a\n", "row 2, column write.values", "is no pair"),
    ],
)
def test_a_mistake_has_its_place(tmp_path: Path, table: str, where: str, reason: str) -> None:
    reader = Reader(tmp_path)
    apply(reader, own(tmp_path, table), PLANT, LANGUAGES)
    (problem,) = reader.problems
    assert (problem.file, problem.where) == ("tags.csv", where)
    assert reason in str(problem)
    assert problem.line == int(where.split(",", maxsplit=1)[0].removeprefix("row "))


@pytest.mark.parametrize(
    ("rows", "where", "reason"),
    [
        ("Depot.CP01.Powr,Hi,,1,,\n", "row 2, column register", "did you mean 'Depot.CP01.Power'"),
        ("Depot.CP01.Power.Hi,Hi,high,1,,\n", "row 2, column register", "is no register"),
        ("Depot.CP01.Power,a b,high,1,,\n", "row 2, column name", "letters"),
        ("Depot.CP01.Power,X,,1,,\n", "row 2, column condition", "a new threshold needs it"),
        ("Depot.CP01.Power,X,high,,,\n", "row 2, column limit", "a new threshold needs it"),
        ("Depot.CP01.Power,X,hihg,1,,\n", "row 2, column condition", "did you mean 'high'"),
        ("Depot.CP01.Power,X,high,1,Depot.Smu,\n", "row 2, column limit_tag", "did you mean 'Depot.Sum'"),
        ("Depot.CP01.Power,X,high,1,Depot.Note,\n", "row 2, column limit_tag", "no register"),
        ("Depot.CP01.Power,X,deviation,1,,\n", "row 2, column reference", "deviation from what"),
        ("Depot.CP01.Power,X,high,1,,Depot.Sum\n", "row 2, column reference", "deviation only"),
        ("Depot.CP01.Power,X,rate,0,,\n", "row 2, column limit", "above 0"),
        ("Depot.CP01.Power,Hi,,x,,\n", "row 2, column limit", "is no number"),
        (
            "Depot.CP01.Power,A,low,1,,\nDepot.CP01.Power,A,low,2,,\n",
            "row 3, column name",
            "already in row 2",
        ),
    ],
)
def test_a_mistake_of_a_threshold(tmp_path: Path, rows: str, where: str, reason: str) -> None:
    reader = Reader(tmp_path)
    table = own(tmp_path, "", f"register,name,condition,limit,limit_tag,reference\n{rows}")
    apply(reader, table, PLANT, LANGUAGES)
    (problem,) = reader.problems
    assert (problem.file, problem.where) == ("tags.thresholds.csv", where)
    assert reason in str(problem)


def test_five_thresholds_are_too_many_but_one_may_give_way(tmp_path: Path) -> None:
    head = "register,name,condition,limit\n"
    more = "".join(f"Depot.CP01.Power,{name},low,1\n" for name in ("Lo", "LoLo", "LoLoLo", "Lowest"))
    _, problems = apply_table(PLANT, own(tmp_path, "", head + more), LANGUAGES)
    assert len(problems) == 4
    assert all("4 at most" in str(problem) for problem in problems)
    made, problems = apply_table(PLANT, own(tmp_path, "", f"{head}{more}Depot.CP01.Power,Hi,-,\n"), LANGUAGES)
    assert problems == []
    assert [one.name for one in made[0].thresholds] == ["Lo", "LoLo", "LoLoLo", "Lowest"]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    _, problems = apply_table(
        PLANT,
        own(
            tmp_path,
            "path,high,unit\nDepot.CP01.Power,x,kw\nDepot.Nothing,1,\n",
            "register,name,limit\nDepot.CP01.Power,Hi,y\n",
        ),
        LANGUAGES,
    )
    assert [(problem.file, problem.where) for problem in problems] == [
        ("tags.csv", "row 2, column high"),
        ("tags.csv", "row 2, column unit"),
        ("tags.csv", "row 3, column path"),
        ("tags.thresholds.csv", "row 2, column limit"),
    ]


# -- export, edit, import


def test_an_unchanged_export_is_no_difference(tmp_path: Path) -> None:
    for name in ("plant.csv", "plant.xlsx"):
        write_table(tmp_path / name, rows_of(PLANT, LANGUAGES))
        table, problems = read_table(tmp_path / name)
        assert problems == []
        made, problems = apply_table(PLANT, table, LANGUAGES)
        assert problems == []
        assert made == PLANT
        assert not difference(PLANT, made, LANGUAGES)


def edited(file: Path, cells: dict[tuple[str, str, str], object]) -> None:
    """Change cells of a workbook as a person does: (sheet, key, column) → value."""
    book = openpyxl.load_workbook(file)
    for (sheet_name, key, column), value in cells.items():
        sheet = book[sheet_name]
        header = [cell.value for cell in sheet[1]]
        row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == key)
        row[header.index(column)].value = value
    book.save(file)


def test_an_edited_workbook_is_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "plant.xlsx"
    write_table(file, rows_of(PLANT, LANGUAGES))
    edited(
        file,
        {
            ("tags", "Depot.CP01.Power", "high"): 11,
            ("tags", "Depot.Note", "label.en"): 2026,
            ("tags", "Depot.Note", "retain"): True,
            ("tags", "Depot.Sum", "label.fr"): "Somme",
            ("thresholds", "Depot.CP01.Power", "limit"): 10.5,
        },
    )
    table, problems = read_table(file)
    assert problems == []
    made, problems = apply_table(PLANT, table, LANGUAGES)
    assert problems == []
    found = difference(PLANT, made, LANGUAGES)
    assert [(c.name, c.column, c.old, c.new) for c in found.changed] == [
        ("Depot.CP01.Power", "high", "22", "11"),
        ("Depot.Note", "label.en", "", "2026"),
        ("Depot.Note", "retain", "", "true"),
        ("Depot.Sum", "label.fr", "", "Somme"),
        ("Depot.CP01.Power.Hi", "limit", "20", "10.5"),
    ]
    assert not found.added
    # The project's own table holds that and nothing else, and says the same again.
    write_own(tmp_path, merged(None, PLANT, table, LANGUAGES))
    assert (tmp_path / "tags.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "path,label.en,label.fr,high,retain",
        "Depot.CP01.Power,,,11,",
        "Depot.Note,2026,,,true",
        "Depot.Sum,,Somme,,",
    ]
    again, problems = apply_table(PLANT, own(tmp_path), LANGUAGES)
    assert (again, problems) == (made, [])


def test_imports_add_up(tmp_path: Path) -> None:
    first = own(
        tmp_path,
        "path,high\nDepot.CP01.Power,11\n",
        "register,name,condition,limit\nDepot.CP01.Power,Lo,low,1\n",
    )
    now, problems = apply_table(PLANT, first, LANGUAGES)
    assert problems == []
    folder = tmp_path / "second"
    folder.mkdir()
    second = own(
        folder,
        "path,unit,kind,alarm.level,label.en\nDepot.CP01.Power,W,,,\nDepot.New,,text,,\nDepot.CP01.Power.LoLo,,,9,-\n",
        "register,name,condition,limit\nDepot.CP01.Power,LoLo,low,0.5\nDepot.CP01.Power,Hi,-,\n",
    )
    wanted, problems = apply_table(now, second, LANGUAGES)
    assert problems == []
    write_own(tmp_path, merged(first, now, second, LANGUAGES))
    made, problems = apply_table(PLANT, own(tmp_path), LANGUAGES)
    assert problems == []
    assert not difference(wanted, made, LANGUAGES)
    power = next(d for d in made if d.path == "Depot.CP01.Power")
    assert (power.high, power.unit) == (11.0, "W")
    assert [one.name for one in power.thresholds] == ["Lo", "LoLo"]
    assert next(d for d in made if d.path == "Depot.CP01.Power.LoLo").label == {"fr": "Puissance LoLo"}


@given(before=sane(), changed=sane())
@settings(max_examples=200, deadline=None)
def test_what_is_merged_changes_the_same(before: list[TagDefinition], changed: list[TagDefinition]) -> None:
    """Whatever a table changes, the project's own table made of it changes too."""
    table = rows_of(changed, LANGUAGES)
    languages = ["en", "fr", "de"]
    wanted, problems = apply_table(before, table, languages)
    assert problems == []
    made, problems = apply_table(before, merged(None, before, table, languages), languages)
    assert problems == []
    assert not difference(wanted, made, languages)
    # A second import finds the first one in the project's table.
    own = merged(None, before, table, languages)
    back_again = rows_of(before, LANGUAGES)
    restored, problems = apply_table(wanted, back_again, languages)
    assert problems == []
    twice, problems = apply_table(before, merged(own, wanted, back_again, languages), languages)
    assert problems == []
    # The bit of a threshold that the table made follows its register in domain, nature and label.
    assert {
        change.column for change in difference(restored, twice, languages).changed if change.sheet == "tags"
    } <= {"domain", "nature", "label.en", "label.fr", "label.de"}
    assert not difference(without_bits(restored), without_bits(twice), languages)


@pytest.mark.parametrize(
    ("value", "reason"),
    [("=A1+1", "a formula"), (__import__("datetime").date(2026, 1, 1), "a date"), ("#DIV/0!", "an error")],
)
def test_cells_that_a_workbook_must_not_hold(tmp_path: Path, value: object, reason: str) -> None:
    file = tmp_path / "plant.xlsx"
    write_table(file, rows_of(PLANT, LANGUAGES))
    edited(file, {("tags", "Depot.Note", "label.en"): value})
    _, (problem,) = read_table(file)
    assert problem.file == "plant.xlsx"
    assert problem.where == "sheet tags, row 5, column label.en"
    assert reason in problem.reason


def test_a_mistake_in_a_workbook_is_told_with_its_sheet(tmp_path: Path) -> None:
    file = tmp_path / "plant.xlsx"
    write_table(file, rows_of(PLANT, LANGUAGES))
    edited(
        file,
        {
            ("tags", "Depot.CP01.Power", "unit"): "kw",
            ("thresholds", "Depot.CP01.Power", "limit"): "much",
        },
    )
    table, problems = read_table(file)
    assert problems == []
    _, problems = apply_table(PLANT, table, LANGUAGES)
    assert [(p.file, p.where) for p in problems] == [
        ("plant.xlsx", "sheet tags, row 2, column unit"),
        ("plant.xlsx", "sheet thresholds, row 2, column limit"),
    ]


def test_a_workbook_shows_its_header_and_keeps_texts(tmp_path: Path) -> None:
    file = tmp_path / "plant.xlsx"
    write_table(file, rows_of([replace(NOTE, label={"en": "=2+2", "fr": "007"})], LANGUAGES))
    sheet = openpyxl.load_workbook(file)["tags"]
    assert sheet.freeze_panes == "B2"
    cells = {str(head.value): cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (cells["label.en"].value, cells["label.en"].data_type) == ("'=2+2", "s")
    assert (cells["label.fr"].value, cells["label.fr"].data_type) == ("007", "s")
    assert (cells["decimals"].value, cells["decimals"].data_type) == (0, "n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"path,unit\r\nDepot.Note\r\n", "1 cells where the header has 2"),
        (b"path,label.en\r\nDepot.Note,caf\xe9\r\n", "not UTF-8"),
        (b'path\r\n"Depot.Note\r\n', "not valid CSV"),
        (b"path,\r\nDepot.Note,x\r\n", "no header"),
    ],
)
def test_a_csv_that_cannot_be_read(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "tags.csv").write_bytes(content)
    reader = Reader(tmp_path)
    own_table(reader)
    assert [reason in str(problem) for problem in reader.problems] == [True]


def test_semicolons_will_do(tmp_path: Path) -> None:
    assert after(tmp_path, "path;high\nDepot.CP01.Power;11\n")["Depot.CP01.Power"].high == 11.0


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"path,unit\n"])
def test_what_is_no_workbook(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plant.xlsx").write_bytes(content)
    _, (problem,) = read_table(tmp_path / "plant.xlsx")
    assert "is no workbook" in problem.reason


def test_a_damaged_workbook(tmp_path: Path) -> None:
    file = tmp_path / "plant.xlsx"
    write_table(file, rows_of(PLANT, LANGUAGES))
    whole = file.read_bytes()
    for length in range(0, len(whole), 501):
        file.write_bytes(whole[:length])
        _, problems = read_table(file)
        assert len(problems) == 1


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="xlsx"):
        write_table(tmp_path / "plant.ods", Table())
    with pytest.raises(StartError, match="xlsx"):
        read_table(tmp_path / "plant")


def test_a_whole_table_with_mistakes() -> None:
    table = rows_of(PLANT, LANGUAGES)
    broken: Sequence[object] = [replace(row, cells={**row.cells, "kind": "x"}) for row in table.tags.rows]
    with pytest.raises(ProjectError, match="is not one of bit"):
        definitions_of(replace(table, tags=replace(table.tags, rows=broken)))  # type: ignore[arg-type]
