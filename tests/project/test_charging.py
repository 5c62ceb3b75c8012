"""Charging in a project's files: rules of sites, plans, imports, tokens and vehicles, and what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scada.core.errors import ProjectError
from scada.core.plant import AuthorizationMode, StopConditions
from scada.project import load

RULES = """
[charging]
authorization = "free"

[charging.plans.short]
duration_min = 30
at = "06:30"

[[charging.imports]]
name = "fleet"
source = "https://tokens.example/list.csv"
every_s = 60
authorization_ref = "env:TOKENS_KEY"
"""


def add(project: Path, text: str, site: str = "") -> None:
    path = project / "project.toml"
    before = path.read_text().replace("[[sites.feeders]]", f"{site}\n[[sites.feeders]]", 1)
    path.write_text(before + text)


def test_rules_plans_imports_and_vehicles_become_the_plant(project: Path) -> None:
    add(project, RULES, '[sites.charging]\nresume = true\nauthorization = "manual"\nmanual_answer_s = 10\n')
    (project / "tokens.csv").write_text("id_tag,sites,plan\nA,Depot,short\nB,,\n")
    (project / "vehicles.csv").write_text("name,plate,tokens,ids,battery_kwh\nBus 1,AB-1,A B,02:AA:bb,280\n")
    plant = load(project)
    site = plant.charging.of("Depot")
    assert plant.charging.default.authorization is AuthorizationMode.FREE
    assert (site.authorization, site.resume) == (AuthorizationMode.MANUAL, True)
    assert site.manual_answer_us == 10_000_000
    assert plant.charging.plans["short"].stop == StopConditions(duration_us=1_800_000_000, at_min=390)
    assert (plant.tokens[0].sites, plant.tokens[0].plan) == (("Depot",), "short")
    assert plant.charging.imports[0].every_us == 60_000_000
    assert (plant.charging.vehicles[0].tokens, plant.charging.vehicles[0].ids) == (("A", "B"), ("02:AA:bb",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[charging]\nautostart = true\n", "charging.autostart: needs autostart_token"),
        ("[charging]\nreload = true\n", "charging.reload: needs reload_at or reload_below_soc"),
        ("[charging]\nreload_at = '24:00'\n", "charging.reload_at"),
        ("[charging]\nmanual_answer_s = 10\n", 'only with authorization = "manual"'),
        ("[charging.plans.none]\n", "charging.plans.none: the plan says nothing"),
        ("[charging.plans.dear]\ncost = 5\n", "no tariff is for this plan"),
        ("[[charging.imports]]\nname = 'a'\nsource = 'ftp://x/y'\n", "begins with http"),
        ("[[charging.imports]]\nname = 'a'\nsource = 'https://u:p@x/y'\n", "holds no password"),
        ("[[charging.imports]]\nname = 'a'\nsource = 'x'\nauthorization_ref = 'Bearer 1'\n", "by reference"),
    ],
)
def test_a_wrong_rule_is_told_with_its_place(project: Path, text: str, told: str) -> None:
    add(project, text)
    with pytest.raises(ProjectError) as error:
        load(project)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("tokens.csv", "id_tag,sites\nA,Depto\n", "row 2, column sites: there is no site 'Depto'"),
        ("tokens.csv", "id_tag,plan\nA,gold\n", "row 2, column plan: there is no plan 'gold'"),
        ("tokens.csv", "id_tag\nA\na\n", "the token 'a' stands already"),
        ("vehicles.csv", "name,ids\nOne,02:AA\nTwo,02-aa\n", "row 3, column ids: '02-aa' stands already"),
        ("vehicles.csv", "name,tokens\nOne,A\nTwo,a\n", "row 3, column tokens"),
    ],
)
def test_a_wrong_row_is_told_with_its_place(project: Path, file: str, text: str, told: str) -> None:
    (project / file).write_text(text)
    with pytest.raises(ProjectError) as error:
        load(project)
    assert told in str(error.value)
