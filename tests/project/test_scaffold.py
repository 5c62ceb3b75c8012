"""Making projects: the model project, and one for real devices that holds nothing of the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from scada.core.errors import StartError
from scada.core.plant import AuthorizationMode
from scada.project import load, scaffold
from scada.testing.processes import scada, supervisor


def test_scaffolding_over_something_changes_nothing(project: Path) -> None:
    before = {file.name: file.read_bytes() for file in project.iterdir()}
    with pytest.raises(StartError, match="not empty"):
        scaffold(project)
    assert {file.name: file.read_bytes() for file in project.iterdir()} == before


@pytest.mark.parametrize("simulated", [True, False])
def test_both_kinds_of_project_have_the_same_files_and_load(tmp_path: Path, simulated: bool) -> None:
    scaffold(tmp_path / "p", "Harbour", simulated=simulated)
    assert sorted(file.name for file in (tmp_path / "p").iterdir()) == [
        "chargers.csv",
        "meters.csv",
        "project.toml",
        "tokens.csv",
    ]
    plant = load(tmp_path / "p")
    assert (plant.name, plant.simulation.enabled) == ("Harbour", simulated)


def test_a_project_for_real_devices_holds_no_setting_of_the_demo(tmp_path: Path) -> None:
    scaffold(tmp_path / "p", simulated=False)
    plant = load(tmp_path / "p")
    assert not plant.security.opcua_anonymous
    assert plant.security.opcua_policies == ("basic256sha256",)
    assert (plant.mail.relays, plant.contacts, plant.profiles) == ((), (), ())
    assert (list(plant.chargers()), list(plant.meters()), plant.tokens) == ([], [], ())
    assert plant.charging.default.authorization is AuthorizationMode.TOKENS
    assert plant.network.host == "127.0.0.1"


@pytest.mark.parametrize("name", ["no name", "", "1st"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(StartError, match="project name"):
        scaffold(tmp_path / "q", name)
    assert not (tmp_path / "q").exists()


def test_the_examples_in_a_project_for_real_devices_are_right(tmp_path: Path) -> None:
    """Taken out of their comments they load."""
    scaffold(tmp_path / "p", simulated=False)
    file = tmp_path / "p" / "project.toml"
    lines = []
    for line in file.read_text().splitlines():
        bare = line.removeprefix("# ")
        example = line.startswith("# ") and (bare.startswith("[") or " = " in bare)
        lines.append("" if line == 'host = ""' else bare if example else line)
    file.write_text("\n".join(lines))
    plant = load(tmp_path / "p")
    assert [relay.host for relay in plant.mail.relays] == ["mail.example", "mail2.example"]
    assert [feeder.name for feeder in plant.sites[0].feeders] == ["A"]
    assert plant.profiles[0].to == ("Engineers",)


def test_a_project_without_chargers_runs(tmp_path: Path) -> None:
    project = tmp_path / "p"
    assert scada("new", str(project), "--real").returncode == 0
    assert "0 chargers with 0 connectors, 0 meters" in scada("check", str(project)).stdout
    with supervisor(project, "--ocpps-port", "0") as running:
        access = {"SCADA_URL": running.addresses["http"], "SCADA_PASSWORD": "correct horse"}
        read = scada("tags", "get", "System.JournalOk", env=access)
        assert read.returncode == 0, read.stderr
        assert scada("tags", "list", "Depot.*", env=access).returncode == 0
    output = running.output.read_text()
    assert running.process.returncode == 0, output
    assert "Traceback" not in output
