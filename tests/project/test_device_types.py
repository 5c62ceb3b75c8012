"""An integrator's device types: what would fall over at the start, or never work, is told by the check."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from scada.charging.connector_tags import ConnectorTags
from scada.core.errors import ProjectError
from scada.core.plant import Charger, Connector, Site
from scada.project import load
from scada.project.check_types import CONNECTOR_TAGS

OWN = """
[types.own]
label = "Own"
current = "AC"
phases = 3
charger = ["charger"]
connector = ["connector", "own"]
"""


def told(project: Path, content: str, file: str = "device_types/own.toml") -> list[str]:
    """What the check says of a file of the project's own."""
    path = project / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    with pytest.raises(ProjectError) as error:
        load(project)
    return [str(problem) for problem in error.value.problems]


def register(**keys: str) -> str:
    """An own type with a register Own that has these keys."""
    lines = "\n".join(f"{key} = {value}" for key, value in {"kind": '"register"', **keys}.items())
    return f"{OWN}\n[templates.own.Own]\n{lines}\n"


def test_a_misspelt_template_is_told_with_the_one_that_was_meant(project: Path) -> None:
    found = told(project, OWN.replace('["connector", "own"]', '["conector"]'))
    assert found == [
        "device_types/own.toml: types.own.connector[0]: there is no template 'conector' "
        "(did you mean 'connector'?)"
    ]


def test_a_template_that_stands_there_twice(project: Path) -> None:
    found = told(project, OWN.replace('["connector", "own"]', '["connector", "connector"]'))
    assert [line.partition(" (")[0] for line in found] == [
        "device_types/own.toml: types.own.connector[1]: the template 'connector' stands there twice"
    ]


def test_each_tag_that_sessions_need_is_missed(project: Path) -> None:
    content = OWN.replace('["connector", "own"]', '["own"]') + '[templates.own.Status]\nkind = "text"\n'
    found = told(project, content)
    assert len(found) == len(CONNECTOR_TAGS)
    for tag, line in zip(CONNECTOR_TAGS, found, strict=True):
        assert line.startswith("device_types/own.toml: types.own.connector: ")
        assert f"'own' gives its connectors no tag '{tag}'" in line


def test_a_charger_without_online(project: Path) -> None:
    content = OWN.replace('["charger"]', "[]").replace('"own"]', '"ac_l1"]')
    (line,) = told(project, content)
    assert "types.own.charger" in line
    assert "'own' gives its chargers no tag 'Online'" in line


def test_the_tags_that_are_missed_are_those_that_the_session_book_writes() -> None:
    asked: list[str] = []

    class Database:
        def __getitem__(self, path: str) -> None:
            asked.append(path)

        def get(self, _path: str) -> None:
            return None

    class Place:
        path = "Depot.CP01.C1"

    ConnectorTags(cast(Any, Database()), cast(Site, None), cast(Charger, Place()), cast(Connector, Place()))
    assert sorted(asked) == sorted(f"Depot.CP01.C1.{name}" for name in CONNECTOR_TAGS)


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("{}.{0}", "column 4", "cannot be read"),
        ("site.Power +", "line 1, column", "cannot be read"),
        ("site.__class__", "column 1", "there is no tag Depot.__class__"),
        ("site.ChargingPowr", "column 1", "do you mean Depot.ChargingPower?"),
        ("charger.Online", "column 1", "'charger' has no meaning here"),
        ('sum("site.CP 01")', "column 5", "a pattern holds letters"),
        ('sum("site..ActivePower")', "column 5", "empty segment"),
        ('sum("site.*.Status")', "column 1", "Depot.CP01.Status, which is a text"),
        ("site.ChargingPower > 5", "column 1", "this is true or false, but Depot.Total holds a number"),
        ("__import__('os')", "column 1", "there is no function '__import__'"),
        ("delay(site.ChargingPower, 5)", "column 7", "takes true or false"),
        ("active(site.ChargingPower)", "column 8", "Depot.ChargingPower has no alarm"),
    ],
)
def test_an_expression_that_is_wrong(project: Path, text: str, where: str, why: str) -> None:
    (line,) = told(project, f"[templates.site.Total]\nkind = \"register\"\nexpression = '''{text}'''\n")
    assert line.startswith("device_types/own.toml: templates.site.Total.expression: ")
    assert where in line
    assert why in line


def test_a_mistake_in_a_template_is_told_once_and_not_for_each_connector(project: Path) -> None:
    (line,) = told(project, '[templates.connector.Own]\nkind = "register"\nexpression = "this.Powr"\n')
    assert "there is no tag" in line


def test_expressions_that_depend_on_each_other(project: Path) -> None:
    content = "".join(
        f'[templates.site.{name}]\nkind = "register"\nexpression = "site.{other}"\n'
        for name, other in (("Left", "Right"), ("Right", "Left"))
    )
    (line,) = told(project, content)
    assert "these depend on each other" in line
    assert "Depot.Left" in line
    assert "Depot.Right" in line


@pytest.mark.parametrize(
    ("keys", "key", "why"),
    [
        ({"deadband": '"1 %"'}, "deadband", "needs low and high"),
        ({"deadband": '"much"'}, "deadband", "a share of the range"),
        ({"expression": '"1"', "write": "true"}, "write", "cannot be written"),
        ({"expression": '"1"', "source": '"internal"'}, "source", "no other source"),
        ({"write": '{ command = "Rest" }'}, "write.command", "did you mean 'Reset'?"),
        ({"write": '{ command = "Reset", argument = "kind" }'}, "write.argument", "no argument 'kind'"),
        (
            {"write": '{ command = "Reset", argument = "type", values = { 1 = "Sft" } }'},
            "write.values.1",
            "did you mean 'Soft'?",
        ),
        (
            {"thresholds": '[{ name = "Far", condition = "deviation", limit = 1 }]'},
            "thresholds[0].reference",
            "needs the tag",
        ),
        (
            {"thresholds": '[{ name = "Hi", condition = "high" }]'},
            "thresholds[0].limit",
            "either limit or limit_tag",
        ),
    ],
)
def test_a_setting_that_makes_no_sense(project: Path, keys: dict[str, str], key: str, why: str) -> None:
    lines = told(project, register(**keys))
    assert any(f"templates.own.Own.{key}" in line and why in line for line in lines), lines


def test_a_limit_that_no_tag_holds(project: Path) -> None:
    (line,) = told(
        project,
        '[templates.site.Own]\nkind = "register"\n'
        'thresholds = [{ name = "Hi", condition = "high", limit_tag = "site.Missing" }]\n',
    )
    assert "there is no tag Depot.Missing" in line


@pytest.mark.parametrize(
    ("content", "where", "why"),
    [
        (
            register(
                thresholds='[{ name = "Hi", condition = "high", limit = 1 }, '
                '{ name = "Hi", condition = "high", limit = 2 }]'
            ),
            "templates.own.Own.thresholds[1].name",
            "'Hi' stands there twice",
        ),
        (
            OWN + '[templates.own.Status]\nkind = "text"\n',
            "types.own.connector",
            "the templates 'connector' and 'own' both make the tag 'Status'",
        ),
        (
            OWN.replace('["charger"]', '["charger", "more"]').replace(', "own"', "")
            + '[templates.more.C1]\nkind = "register"\n',
            "types.own.charger",
            "'C1' of the template 'more' is the path of a connector",
        ),
        (
            '[templates.meter.CurrentL1]\nkind = "register"\nunit = "A"\n'
            'thresholds = [{ name = "Hi", condition = "high", limit = 1 }]\n',
            "templates.meter.CurrentL1.thresholds",
            "has no thresholds of its own",
        ),
        ('[templates.site.Alarms]\nkind = "bit"\n', "templates.site.Alarms", "taken by the product"),
        ('[templates.system.Service]\nkind = "bit"\n', "templates.system.Service", "taken by the product"),
    ],
)
def test_two_tags_of_one_path(project: Path, content: str, where: str, why: str) -> None:
    (line,) = told(project, content)
    assert line.startswith(f"device_types/own.toml: {where}: ")
    assert why in line


def test_a_charger_named_as_a_tag_of_its_site(project: Path) -> None:
    table = project / "chargers.csv"
    table.write_text(table.read_text().replace("Depot,CP02", "Depot,Note"))
    with pytest.raises(ProjectError, match="row 3, column tag: 'Note' is taken: each site has it"):
        load(project)


@pytest.mark.parametrize(
    ("keys", "where", "why"),
    [
        ({"initial": '"abc"'}, "initial", "a register begins with a number, not 'abc'"),
        ({"initial": "true"}, "initial", "a register begins with a number"),
        ({"initial": "5", "low": "10"}, "initial", "5 lies outside low and high"),
        ({"kind": '"bit"', "initial": '"abc"'}, "initial", "a bit begins with true or false, not 'abc'"),
        ({"kind": '"bit"', "initial": "1"}, "initial", "a bit begins with true or false"),
        ({"kind": '"text"', "initial": "5"}, "initial", "a text begins with a text"),
        ({"kind": '"text"', "choices": '["On", "Off"]', "initial": '"Of"'}, "initial", "did you mean 'Off'?"),
        ({"kind": '"text"', "choices": '["On", "On"]'}, "choices[1]", "'On' stands there twice"),
        ({"choices": '["On", "Off"]'}, "choices", "only a text has choices, not a register"),
        ({"kind": '"text"', "deadband": "1"}, "deadband", "only a register has deadband, not a text"),
        ({"kind": '"bit"', "address": '"SoC"'}, "address", "only a register has address, not a bit"),
        ({"low": "5", "high": "5"}, "low", "5 is not below high = 5"),
        ({"gain": "0"}, "gain", "every value 0"),
        ({"alarm": '"temperature_high"'}, "alarm", "only a bit can have an alarm"),
        ({"kind": '"bit"', "alarm": '"temprature_high"'}, "alarm", "did you mean 'temperature_high'?"),
    ],
)
def test_a_tag_that_makes_no_sense(project: Path, keys: dict[str, str], where: str, why: str) -> None:
    (line,) = told(project, register(**keys))
    assert line.startswith(f"device_types/own.toml: templates.own.Own.{where}: ")
    assert why in line


@pytest.mark.parametrize(
    ("threshold", "where", "why"),
    [
        ("limit = 60, hysteresis = 60", "thresholds[0].hysteresis", "never clear: it does so at 0"),
        ("limit = 60, hysteresis = -1", "thresholds[0].hysteresis", "greater than or equal to 0"),
        ("limit = 100", "thresholds[0].limit", "never passed: the range ends at 100"),
        ('limit = 60, alarm = "temprature_high"', "thresholds[0].alarm", "did you mean 'temperature_high'?"),
    ],
)
def test_a_threshold_that_makes_no_sense(project: Path, threshold: str, where: str, why: str) -> None:
    thresholds = f'[{{ name = "Hi", condition = "high", {threshold} }}]'
    (line,) = told(project, register(low="0", high="100", thresholds=thresholds))
    assert f"templates.own.Own.{where}: " in line
    assert why in line


def test_a_low_limit_above_a_high_one(project: Path) -> None:
    thresholds = (
        '[{ name = "Hi", condition = "high", limit = 10 }, { name = "Lo", condition = "low", limit = 20 }]'
    )
    (line,) = told(project, register(thresholds=thresholds))
    assert "templates.own.Own.thresholds: a low limit is not below each high limit" in line


def test_a_threshold_of_the_grid_that_makes_no_sense(project: Path) -> None:
    found = told(
        project,
        '[grid_thresholds]\nregisters = ["CurentL1", "Online"]\nthresholds = [\n'
        '  { name = "Hi", condition = "high", percent = 90, hysteresis_percent = 90, alarm = "nothing" },\n]\n',
    )
    assert [line.partition(": ")[2].partition(":")[0] for line in found] == [
        "grid_thresholds.registers[0]",
        "grid_thresholds.registers[1]",
        "grid_thresholds.thresholds[0].alarm",
        "grid_thresholds.thresholds[0].hysteresis_percent",
    ]
    assert "did you mean 'CurrentL1'?" in found[0]


def test_a_tag_that_the_product_writes_keeps_its_kind(project: Path) -> None:
    (line,) = told(project, '[templates.system.SamplesDropped]\nkind = "text"\n')
    assert "templates.system.SamplesDropped.kind: the product writes a register there" in line
    own = OWN.replace('["charger"]', '["own_charger"]').replace(', "own"', "")
    (line,) = told(project, own + '[templates.own_charger.Online]\nkind = "text"\n')
    assert "the tag 'Online' of the template 'own_charger' is no bit" in line


def test_a_broken_meter_profile_is_told_with_its_file(project: Path) -> None:
    found = told(
        project,
        '[registers.Power]\nfunction = 5\naddress = 1\ntype = "float32"\nunit = "W"\nlow = 0\nhigh = 1\n',
        "drivers/modbus/x.toml",
    )
    assert found == ["drivers/modbus/x.toml: registers.Power.function: must be a whole number from 1 to 4"]
    assert told(project, "[device", "drivers/modbus/x.toml")[0].startswith("drivers/modbus/x.toml: ")


def test_mistakes_in_device_types_are_told_beside_those_of_a_project_file(project: Path) -> None:
    file = project / "project.toml"
    file.write_text(file.read_text().replace("http_port = 8080", "http_port = 99999"))
    found = told(project, '[templates.own.X]\nkind = "number"\n')
    assert {line.partition(":")[0] for line in found} == {"project.toml", "device_types/own.toml"}
