"""Every mistake in a project's files is found, all at once, with its place."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from scada.core.errors import ProjectError
from scada.core.plant import Site
from scada.core.tag import Source, TagDefinition
from scada.core.value import Kind
from scada.project import load
from scada.project.expand import Types


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def problems(directory: Path) -> list[str]:
    with pytest.raises(ProjectError) as error:
        load(directory)
    return [str(problem) for problem in error.value.problems]


def test_the_model_project_is_one_depot_with_8_chargers_and_12_connectors(project: Path) -> None:
    plant = load(project)
    chargers = list(plant.chargers())
    assert len(plant.sites) == 1
    assert len(chargers) == 8
    assert sum(len(c.connectors) for c in chargers) == 12
    assert {c.device_type for c in chargers} == {"ac1", "ac3", "dc"}
    assert [m.role for m in plant.meters()] == ["grid", "building"]


def test_device_types_expand_into_tags_thresholds_and_alarms(project: Path) -> None:
    plant = load(project)
    definitions = plant.definitions
    power = definitions["Depot.CP03.C2.ActivePower"]
    assert (power.kind, power.unit, power.high, power.device) == (Kind.REGISTER, "kW", 22.0, "Depot.CP03")
    assert "Depot.CP01.C1.CurrentL2" not in definitions
    assert "Depot.CP07.C1.Soc" in definitions
    hot = definitions["Depot.CP07.C1.Temperature.HiHi"]
    assert hot.source is Source.THRESHOLD
    assert hot.alarm is not None
    assert hot.alarm.message["fr"] == "Température très élevée"
    near = next(t for t in definitions["Depot.Grid.CurrentL2"].thresholds if t.name == "Hi")
    assert near.limit == pytest.approx(0.9 * plant.sites[0].limit_a)
    offline = definitions["Depot.CP01.Online"].alarm
    assert offline is not None
    assert offline.on_delay_us == 20_000_000  # changed by the project


def test_an_integrator_adds_a_device_type_without_python(project: Path) -> None:
    folder = project / "device_types"
    folder.mkdir()
    (folder / "own.toml").write_text(
        '[types.ac3_meter]\nlabel = "AC with meter"\ncurrent = "AC"\nphases = 3\n'
        'charger = ["charger"]\nconnector = ["connector", "ac_l1", "ac_l23", "own"]\n'
        '[templates.own.PowerFactor]\nkind = "register"\naddress = "Power.Factor"\ndecimals = 2\n'
    )
    change(project / "chargers.csv", "DEPOT-CP03,ac3", "DEPOT-CP03,ac3_meter")
    assert "Depot.CP03.C1.PowerFactor" in load(project).definitions


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("project.toml", "http_port = 8080", "http_port = 99999", "project.toml:12: network.http_port"),
        ("project.toml", "http_port", "http_prot", "did you mean 'http_port'?"),
        ("project.toml", 'timezone = "Europe/Paris"', 'timezone = "Paris"', "project.timezone"),
        ("project.toml", "limit_a = 315", "limit_a = -1", "sites[0].limit_a"),
        ("project.toml", "limit_a = 315", "", "sites[0].limit_a: is missing"),
        ("project.toml", '"Duty engineer", "Astreinte"', '"Nobody"', "there is no contact 'Nobody'"),
        ("project.toml", "duty@depot.example", "duty", "contacts[0].email: 'duty' is no e-mail address"),
        (
            "project.toml",
            "http://127.0.0.1:8080",
            "javascript:x",
            "oncall_settings.public_url: 'javascript:x' is no address",
        ),
        ("project.toml", "on_delay_s = 20", "on_dealy_s = 20", "did you mean 'on_delay_s'?"),
        ("project.toml", "[alarms.charger_offline]", "[alarms.charger_ofline]", "there is no such alarm"),
        ("project.toml", "[project]", "[project", "not valid TOML"),
        ("project.toml", 'sender = "scada@depot.example"', "", "mail.sender"),
        (
            "project.toml",
            'security = "none"',
            'security = "none"\npassword_ref = "hunter2"',
            "never in clear",
        ),
        (
            "chargers.csv",
            "DEPOT-CP02",
            "DEPOT-CP01",
            "row 3, column identity: the identity 'DEPOT-CP01' stands already",
        ),
        ("chargers.csv", "Depot,CP02", "Depot,CP01", "'CP01' stands already at chargers.csv row 2"),
        ("chargers.csv", "Depot,CP02", "Depo,CP02", "there is no site 'Depo'"),
        ("chargers.csv", "Depot,CP02", "Depot,2CP", "row 3, column tag"),
        ("chargers.csv", "DEPOT-CP02", "DEPOT CP02", "row 3, column identity"),
        ("chargers.csv", "CP02,ac1", "CP02,ac7", "there is no device type 'ac7'"),
        ("chargers.csv", "ac1,A,1", "ac1,Z,1", "has no feeder 'Z'"),
        ("chargers.csv", ",identity,", ",ident,", "column ident: unknown column"),
        ("chargers.csv", "32,7.4,1", "many,7.4,1", "row 2, column current_a"),
        ("meters.csv", "eastron-sdm630", "eastron-sdm", "there is no Modbus profile"),
        ("meters.csv", "Grid,grid", "CP01,grid", "'CP01' stands already"),
        ("tokens.csv", "FLEET-0002", "fleet-0001", "stands already"),
        ("tokens.csv", "FLEET-0002,Bus 2,FLEET,,", "FLEET-0002,Bus 2,FLEET,,soon", "'soon' is no date"),
        ("tokens.csv", "FLEET-0002,", "FLEET-0002-MUCH-TOO-LONG,", "row 3, column id_tag"),
    ],
)
def test_a_mistake_is_told_with_file_place_and_reason(
    project: Path, file: str, old: str, new: str, told: str
) -> None:
    change(project / file, old, new)
    found = problems(project)
    assert any(told in line and line.startswith(file) for line in found), found


def test_all_mistakes_are_told_at_once(project: Path) -> None:
    change(project / "project.toml", "ocpp_port = 9000", 'ocpp_port = "x"')
    change(project / "project.toml", "limit_a = 315", "limit_a = 0")
    change(project / "chargers.csv", "32,7.4,1", "-3,7.4,1")
    change(project / "tokens.csv", "LOST-0001,Lost card,,true", "LOST-0001,Lost card,,perhaps")
    found = problems(project)
    assert {line.partition(":")[0] for line in found} == {"project.toml", "chargers.csv", "tokens.csv"}
    assert len(found) == 4


def test_a_directory_that_is_no_project(tmp_path: Path) -> None:
    assert any("project.toml" in line and "missing" in line for line in problems(tmp_path))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'a,b\n"open', b"", b"site\n"])
def test_a_broken_table_is_no_crash(project: Path, content: bytes) -> None:
    (project / "chargers.csv").write_bytes(content)
    assert problems(project)


@pytest.mark.parametrize(
    ("expires", "moment"),
    [
        ("2027-12-31", "2028-01-01T00:00+01:00"),  # the end of that day in Paris
        ("2027-06-30", "2027-07-01T00:00+02:00"),
        ("2027-03-28", "2027-03-29T00:00+02:00"),  # a day of 23 hours
        ("2027-12-31T18:00", "2027-12-31T18:00+01:00"),
        ("2027-12-31T00:00", "2027-12-31T00:00+01:00"),
        ("2027-12-31T18:00Z", "2027-12-31T18:00+00:00"),
        ("2027-12-31T18:00-05:00", "2027-12-31T23:00+00:00"),
    ],
)
def test_a_token_is_good_until_the_end_of_a_day_or_until_a_time(
    project: Path, expires: str, moment: str
) -> None:
    change(project / "tokens.csv", "FLEET-0002,Bus 2,FLEET,,", f"FLEET-0002,Bus 2,FLEET,,{expires}")
    token = next(token for token in load(project).tokens if token.id_tag == "FLEET-0002")
    assert token.expires_us == int(datetime.fromisoformat(moment).timestamp()) * 1_000_000


@pytest.mark.parametrize("expires", ["soon", "31.12.2027", "9999-12-31", "0001-01-01", "2027-02-30", "18:00"])
def test_an_expiry_that_is_none_is_told_with_what_is_meant(project: Path, expires: str) -> None:
    change(project / "tokens.csv", "FLEET-0002,Bus 2,FLEET,,", f"FLEET-0002,Bus 2,FLEET,,{expires}")
    (line,) = problems(project)
    assert line.startswith("tokens.csv:3: row 3, column expires: ")
    assert "2027-12-31 means the end of that day in Europe/Paris" in line


def test_what_only_the_expanded_plant_shows_is_a_mistake_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_tags = Types.site_tags

    def twice(self: Types, site: Site) -> list[TagDefinition]:
        return site_tags(self, site) * 2

    monkeypatch.setattr(Types, "site_tags", twice)
    assert problems(project) == ["device_types: two tags have the path Depot.ChargingPower"]


def test_a_check_loads_no_protocol_library(project: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from scada.project import load; "
        f"load(Path({str(project)!r})); "
        "print({'pymodbus', 'asyncua', 'nicegui', 'websockets', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"


def test_a_token_list_that_is_there_but_cannot_be_read_is_not_an_empty_one(project: Path) -> None:
    (project / "tokens.csv").unlink()
    (project / "tokens.csv").symlink_to(project / "nowhere.csv")
    assert any(line.startswith("tokens.csv") for line in problems(project))


def test_what_is_no_file_is_said_to_be_none(project: Path) -> None:
    (project / "meters.csv").unlink()
    os.mkfifo(project / "meters.csv")
    (project / "tokens.csv").unlink()
    (project / "tokens.csv").mkdir()
    assert {line.partition(":")[0] for line in problems(project)} == {"meters.csv", "tokens.csv"}


def test_a_file_nested_too_deeply(project: Path) -> None:
    (project / "project.toml").write_text("x = " + "[" * 5_000)
    assert any("project.toml" in line for line in problems(project))


def test_a_recipe_needs_its_charger(project: Path) -> None:
    change(project / "project.toml", "recipes = { CP04", "recipes = { CP44")
    assert any("there is no charger 'CP44'" in problem for problem in problems(project))
