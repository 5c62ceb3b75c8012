"""Modes of sites in a project's files: what they become, and each mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scada.core.errors import ProjectError
from scada.project import load


def change(project: Path, old: str, new: str) -> None:
    path = project / "project.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_targets_are_resolved_and_the_site_gets_its_tags(project: Path) -> None:
    plant = load(project)
    normal, closed = plant.sites[0].modes
    assert (normal.normal, closed.normal) == (True, False)
    assert len(normal.steps[0].targets) == sum(len(one.connectors) for one in plant.sites[0].chargers)
    assert closed.steps[0].targets == ("Depot.CP07",)
    assert closed.steps[2].tag == "Depot.Note"
    assert plant.definitions["Depot.Mode"].label["fr"] == "Mode du site"


def test_a_command_to_connectors_goes_to_all_of_a_charger(project: Path) -> None:
    step = '{ command = "ChangeAvailability", target = "site.CP07", arguments = { type = "Inoperative" } }'
    change(project, step, '{ command = "UnlockConnector", target = "site.CP07" }')
    assert load(project).sites[0].modes[1].steps[0].targets == ("Depot.CP07.C1", "Depot.CP07.C2")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('target = "site.CP07"', 'target = "site.CP99"', "not to 'site.CP99'"),
        ('type = "Inoperative"', 'type = "Closed"', "must be one of"),
        ('tag = "site.Note", value = ""', 'tag = "site.Nothing", value = ""', "has no tag Depot.Nothing"),
        ('tag = "site.Note", value = ""', 'tag = "site.ChargingPower", value = 1', "is read-only"),
        ('tag = "site.Note", value = ""', 'tag = "site.Note", value = 1', "is a text"),
        ('tag = "site.Note", value = ""', 'tag = "site.Note"', "the value is missing"),
        ('tag = "site.Note", value = ""', 'value = ""', "either a tag or a command"),
        ('command = "ChangeAvailability"', 'command = "ChangeAvailabilty"', "there is no command"),
        ('command = "ChangeAvailability"', 'command = "RotatePassword"', "has no argument"),
        ('name = "FastClosed"', 'name = "Normal"', "a mode 'Normal' already"),
        ('name = "FastClosed"', 'name = "FastClosed"\nnormal = true', "is the normal mode already"),
    ],
)
def test_mistakes_are_told_with_file_and_line(project: Path, old: str, new: str, told: str) -> None:
    change(project, old, new)
    with pytest.raises(ProjectError) as error:
        load(project)
    found = [one for one in error.value.problems if told in one.reason]
    assert len(found) == 1, error.value
    assert found[0].file == "project.toml"
    assert found[0].line > 0
    assert found[0].where.startswith("sites[0].modes[")
