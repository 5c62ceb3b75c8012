"""Circuits in a project: what becomes of them, and what `scada check` finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from scada.core.errors import ProjectError
from scada.project import load, scaffold

RULES = """
[sites.allocation]
meter = "Grid"
safe_a = 100
"""


def project_with(folder: Path, rules: str, feeder: str = "") -> Path:
    project = folder / "project"
    scaffold(project)
    text = (project / "project.toml").read_text()
    text = text.replace("limit_a = 315", "limit_a = 315\n" + rules, 1)
    text = text.replace("limit_a = 125", "limit_a = 125\n" + feeder, 1)
    (project / "project.toml").write_text(text)
    return project


def test_feeders_become_a_tree_below_the_site_and_connectors_have_their_tags(tmp_path: Path) -> None:
    plant = load(project_with(tmp_path, RULES, 'parent = "B"\nreserve_a = 5'))
    rules = plant.sites[0].allocation
    assert rules is not None
    assert [(one.name, one.parent) for one in rules.circuits] == [("Depot", ""), ("A", "B"), ("B", "Depot")]
    assert rules.circuits[0].meter == "Depot.Grid"
    assert "Depot.CP01.C1.LimitBoundBy" in plant.definitions
    assert "Depot.ChargingMode" in plant.definitions


def test_a_site_without_rules_is_left_alone(tmp_path: Path) -> None:
    plant = load(project_with(tmp_path, ""))
    assert plant.sites[0].allocation is None
    assert "Depot.ChargingMode" not in plant.definitions


@pytest.mark.parametrize(
    ("rules", "feeder", "said"),
    [
        (RULES, 'parent = "A"', "hangs on itself"),
        (RULES, 'parent = "X"', "there is no feeder 'X'"),
        (RULES.replace("Grid", "Gird"), "", "has no meter 'Gird'"),
        (RULES, "reserve_a = 120", "less than the least current"),
        (RULES + "fallback_a = 4", "", "is 0, or at least minimum_a"),
        (RULES + "fallback_a = 32", "", "all fall back to"),
        (RULES.replace("100", "400"), "", "may be used"),
        (RULES + 'unleased = ["CP99"]', "", "there is no charger 'CP99'"),
    ],
)
def test_check_finds(tmp_path: Path, rules: str, feeder: str, said: str) -> None:
    with pytest.raises(ProjectError) as caught:
        load(project_with(tmp_path, rules, feeder))
    assert any(said in problem.reason for problem in caught.value.problems), caught.value.problems
