"""Quirk profiles: files that are right, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from scada import resources
from scada.core.errors import ProjectError
from scada.drivers.ocpp.profile import STANDARD, load_profiles
from scada.project import load, scaffold

SHIPPED = resources.folder("config") / "drivers" / "ocpp"


@pytest.mark.parametrize(
    ("vendor", "model", "firmware", "name"),
    [
        ("ABB", "TAC-W22-T-RD-M-0", "1.8.32", "abb-terra-ac"),
        ("", "SCharger-7KS-S0", "V100R023C10", "huawei-scharger"),
        ("Wall Box Chargers", "Pulsar Pro", "", "wallbox-pulsar-pro"),
        ("Wall Box Chargers", "CPB1", "", "wallbox"),
        ("OpenEVSE", "x", "4.2.2", "openevse"),
        ("OpenEVSE", "x", "5.0", ""),
        ("Nobody", "Nothing", "", ""),
    ],
)
def test_the_profile_that_fits_best_is_found(vendor: str, model: str, firmware: str, name: str) -> None:
    found, profile = load_profiles([SHIPPED]).find(vendor, model, firmware)
    assert found == name
    assert (profile is STANDARD) is (name == "")


def test_every_shipped_profile_is_for_somebody() -> None:
    profiles = load_profiles([SHIPPED])
    assert len(profiles.names()) >= 29
    for name in profiles.names():
        match = profiles[name].match
        assert match.vendor or match.model, name
        assert profiles[name].label


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[limit]\nmethod = 'magic'", "limit.method"),
        ("[limit]\nmethod = 'key'", "limit"),
        ("[commands]\navoid = ['Explode']", "commands.avoid"),
        ("[connection]\nping_s = -1", "connection.ping_s"),
        ("[meter.scale]\nVoltage = 0", "meter.scale"),
        ("unheard = 1", "unheard"),
    ],
)
def test_a_mistake_is_found_by_the_projects_check_with_its_place(
    tmp_path: Path, text: str, where: str
) -> None:
    project = tmp_path / "p"
    scaffold(project)
    folder = project / "drivers" / "ocpp"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(text)
    with pytest.raises(ProjectError) as error:
        load(project)
    (problem,) = error.value.problems
    assert problem.file == "drivers/ocpp/mine.toml"
    assert problem.where.startswith(where)


def test_a_projects_own_profile_replaces_the_shipped_one_and_can_be_named(tmp_path: Path) -> None:
    project = tmp_path / "p"
    scaffold(project)
    own = project / "drivers" / "ocpp"
    own.mkdir(parents=True)
    (own / "keba.toml").write_text("label = 'ours'\n[limit]\nmethod = 'none'\n")
    assert load_profiles([own, SHIPPED])["keba"].label == "ours"
    table = project / "chargers.csv"
    header, *rows = table.read_text().splitlines()
    rows[0] += ",kebab"
    table.write_text("\n".join([header + ",profile", rows[0], *(row + "," for row in rows[1:])]) + "\n")
    with pytest.raises(ProjectError, match="did you mean 'keba'"):
        load(project)
    table.write_text(table.read_text().replace(",kebab", ",keba"))
    assert next(load(project).chargers()).profile == "keba"
