"""Views are files of the project: generated ones can be written out and owned, hand-written ones work, bad ones are said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scada.core.errors import ProjectError, StartError
from scada.core.plant import HOME, Mimic, PlacedLine, PlacedSymbol, PlacedText, Plant
from scada.mimic import generate, views
from scada.project import load
from scada.project.files import Reader
from scada.project.view_files import own_views, text_of, write
from scada.testing import small_plant

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
VIEW = """
title = { en = "Yard", fr = "Cour" }
site = "Depot"
width = 400
height = 300

[[layers]]
name = "power"

[[symbols]]
symbol = "connector-type2"
branch = "Depot.CP01.C1"
x = 10
y = 20.5
layer = "power"

[[symbols]]
symbol = "gauge"
tags = { value = "Depot.Grid.CurrentL1", limit = "Depot.CurrentLimit" }
x = 100
y = 20
high = 63
"""


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return small_plant(tmp_path_factory.mktemp("plant"))


def folder(plant: Plant, tmp_path: Path, files: Mapping[str, str | bytes]) -> Path:
    views_folder = tmp_path / "views"
    views_folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = views_folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path


def read(plant: Plant, directory: Path) -> tuple[tuple[Mimic, ...], list[str]]:
    reader = Reader(directory)
    return own_views(reader, plant).mimics, [str(problem) for problem in reader.problems]


def test_a_site_is_drawn_whole_without_any_file(plant: Plant) -> None:
    drawn = generate(plant)
    assert set(drawn) == {HOME, "Depot"}
    placed = {symbol.branch for symbol in drawn["Depot"].symbols}
    assert placed >= {*plant.connectors_by_path, *(meter.path for meter in plant.meters())}
    for mimic in drawn.values():
        for symbol in mimic.symbols:
            assert 0 <= symbol.x <= mimic.width - symbol.size
            assert 0 <= symbol.y <= mimic.height - symbol.size
    corners = [(symbol.x, symbol.y) for symbol in drawn["Depot"].symbols]
    assert len(set(corners)) == len(corners), "nothing lies on anything else"


def test_generated_views_are_written_out_and_read_as_they_were(plant: Plant, tmp_path: Path) -> None:
    for mimic in generate(plant).values():
        write(tmp_path, mimic)
    mimics, problems = read(plant, tmp_path)
    assert problems == []
    assert {one.name: one for one in mimics} == {
        name: replace(one, owned=True) for name, one in generate(plant).items()
    }


def test_an_owned_view_is_never_written_over_and_shown_in_place_of_the_generated(
    plant: Plant, tmp_path: Path
) -> None:
    directory = folder(plant, tmp_path, {"Depot.toml": VIEW})
    with pytest.raises(StartError, match="belongs to the project"):
        write(directory, generate(plant)["Depot"])
    assert (directory / "views" / "Depot.toml").read_text() == VIEW
    mimics, _ = read(plant, directory)
    shown = views(replace(plant, mimics=mimics))
    assert shown["Depot"].title == {"en": "Yard", "fr": "Cour"}
    assert shown["Depot"].symbols[0].layer == "power"
    assert not shown[HOME].owned


def test_a_hand_written_view_comes_with_the_project(tmp_path: Path) -> None:
    directory = small_plant(tmp_path).directory
    folder(load(directory), directory, {"yard.toml": VIEW})
    assert [mimic.name for mimic in load(directory).mimics] == ["yard"]
    (directory / "views" / "yard.toml").write_text(VIEW.replace("Depot.CP01.C1", "Depot.CP1.C1"))
    with pytest.raises(ProjectError, match=r"views/yard.toml:12: symbols\[0\].branch: there is no branch"):
        load(directory)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"connector-type2"', '"conector-type2"', "did you mean 'connector-type2'"),
        ("Depot.Grid.CurrentL1", "Depot.Grid.CurrentL9", "there is no tag"),
        ("limit = ", "state = ", "has no role 'state'"),
        ('layer = "power"', 'layer = "pwr"', "there is no layer 'pwr'"),
        ('site = "Depot"', 'site = "Depo"', "there is no site 'Depo'"),
        ("high = 63", "low = 70\nhigh = 63", "ends at 63"),
        ("x = 100", "x = 1e9", "less than or equal"),
        ("y = 20.5", 'y = 20\nlink = "https://elsewhere.example"', "link"),
        ("y = 20.5", 'y = 20\nlink = "//elsewhere.example"', "link"),
        ("y = 20.5", 'y = 20\ncommand = "Explode"', "there is no command 'Explode'"),
        ("width = 400", 'width = 400\nbackground = "../secret.png"', "background"),
        ("width = 400", 'width = 400\nbackground = "none.png"', "there is no file"),
        ("width = 400", 'width = 400\nbackground = "page.html"', "is no picture"),
        ("width = 400", 'width = 400\nbackground = "false.png"', "does not begin like a png"),
        ("width = 400", "widht = 400", "did you mean 'width'"),
        ("[[layers]]", "[[layers", "not valid TOML"),
    ],
)
def test_mistakes_are_said_with_their_place_and_change_nothing(
    plant: Plant, tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in VIEW
    files: dict[str, str | bytes] = {
        "yard.toml": VIEW.replace(old, new, 1),
        "false.png": b"<html>",
        "page.html": b"<html>",
    }
    _, problems = read(plant, folder(plant, tmp_path, files))
    assert problems
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("views/yard.toml") for problem in problems)


def test_a_plan_lies_behind_the_symbols(plant: Plant, tmp_path: Path) -> None:
    text = VIEW.replace("width = 400", 'width = 400\nbackground = "plan.png"')
    mimics, problems = read(plant, folder(plant, tmp_path, {"yard.toml": text, "plan.png": PNG}))
    assert problems == []
    assert mimics[0].background == "plan.png"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=20)
NUMBER = st.floats(-20_000, 20_000).map(lambda number: round(number, 3) + 0.0)
TEXTS = st.fixed_dictionaries({"en": TEXT, "fr": TEXT})
SYMBOLS = st.builds(
    PlacedSymbol,
    symbol=st.just("gauge"),
    x=NUMBER,
    y=NUMBER,
    size=st.floats(8, 500),
    label=st.none() | TEXTS,
    values=st.booleans(),
    low=st.none() | st.just(-1.5),
    high=st.none() | st.floats(0, 1e6),
    branch=st.sampled_from(["", "Depot.CP01.C1"]),
)
LINES = st.builds(
    PlacedLine,
    points=st.lists(st.tuples(NUMBER, NUMBER), min_size=2, max_size=4).map(tuple),
    dashed=st.booleans(),
)
PLACED_TEXTS = st.builds(PlacedText, text=TEXTS, x=NUMBER, y=NUMBER, bold=st.booleans())
MIMICS = st.builds(
    Mimic,
    name=st.just("v"),
    title=TEXTS,
    width=st.floats(1, 20_000),
    height=st.floats(1, 20_000),
    symbols=st.lists(SYMBOLS, max_size=3).map(tuple),
    lines=st.lists(LINES, max_size=2).map(tuple),
    texts=st.lists(PLACED_TEXTS, max_size=2).map(tuple),
    owned=st.just(True),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mimic=MIMICS)
def test_whatever_is_written_is_read_as_it_was(plant: Plant, tmp_path: Path, mimic: Mimic) -> None:
    mimics, problems = read(plant, folder(plant, tmp_path, {"v.toml": text_of(mimic)}))
    assert problems == []
    assert mimics == (mimic,)
