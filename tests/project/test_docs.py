"""The examples of the guides are right: each is read as part of the model project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from scada.drivers.ocpp.profile import load_profiles
from scada.project import load, scaffold

GUIDE = Path(__file__).parents[2] / "docs" / "chargers.md"
BLOCKS = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def without(text: str, block: str) -> str:
    """project.toml without the tables that the block brings."""
    for table in tomllib.loads(block):
        text = re.sub(rf"(?ms)^\[+{table}[\].].*?(?=^\[(?!\[?{table}[\].])|\Z)", "", text)
    return text


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.startswith("#")])
def test_an_example_of_project_toml_is_taken(tmp_path: Path, block: str) -> None:
    project = tmp_path / "p"
    scaffold(project)
    (project / "lists").mkdir()
    (project / "lists" / "fleet.csv").write_text("id_tag,name\nFLEET-9,Bus 9\n")
    chargers = project / "chargers.csv"
    chargers.write_text(re.sub(r",$", ",0", chargers.read_text(), flags=re.MULTILINE))
    file = project / "project.toml"
    file.write_text(without(file.read_text(), block) + "\n" + block)
    plant = load(project)
    assert plant.name == "Demo"


def test_the_quirk_profile_is_one(tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if block.startswith("# drivers/ocpp/mine.toml")]
    folder = tmp_path / "drivers" / "ocpp"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(block)
    profiles = load_profiles([folder])
    name, profile = profiles.find("Example AG", "WB-22", "1.0")
    assert (name, profile.limit.unit, profile.clock.naive) == ("mine", "W", "site")
