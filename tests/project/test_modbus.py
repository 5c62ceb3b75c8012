"""What files say of Modbus devices, and what `scada check` finds."""

from pathlib import Path

import pytest

from scada.core.errors import ProjectError
from scada.project import load, scaffold

CHARGERS = "site,tag,type,profile,host,port,unit,transport,plug,current_a,power_kw\n"
METERS = "site,tag,role,profile,host,port,unit,transport\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    scaffold(tmp_path / "p")
    return tmp_path / "p"


def told(project: Path) -> str:
    with pytest.raises(ProjectError) as error:
        load(project)
    return "\n".join(map(str, error.value.problems))


def test_the_demo_has_a_charger_without_ocpp_and_meters_of_several_makes(tmp_path: Path) -> None:
    scaffold(tmp_path / "d", demo=True)
    plant = load(tmp_path / "d")
    (charger,) = plant.modbus_chargers()
    assert (charger.path, charger.identity, charger.token) == ("Depot.CP09", "", "OPERATOR")
    assert len({meter.modbus.profile for meter in plant.meters()}) == 3
    assert "Depot.CP09.C1.ActivePower" in plant.definitions
    assert "Depot.MeterCP09.EnergyDifference" in plant.definitions


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        (
            "modbus_chargers.csv",
            "Depot,W1,ac3,eastron-sdm630,h,502,1,tcp,Type_2,16,11",
            "is not of a charger",
        ),
        ("modbus_chargers.csv", "Depot,W1,ac9,generic-charger,h,502,1,tcp,Type_2,16,11", "no device type"),
        (
            "modbus_chargers.csv",
            "Depot,W1,ac3,generic-charger,h,502,1,tcp,Type_2 CCS2,16,11",
            "one connector",
        ),
        ("modbus_chargers.csv", "Depot,CP01,ac3,generic-charger,h,502,1,tcp,Type_2,16,11", "stands already"),
        ("meters.csv", "Depot,A,grid,nobodys,h,502,1,tcp", "there is no Modbus profile"),
        (
            "meters.csv",
            "Depot,A,grid,eastron-sdm630,h,502,1,tcp\nDepot,B,other,eastron-sdm630,h,502,1,tcp",
            "the same device",
        ),
        (
            "meters.csv",
            "Depot,A,grid,eastron-sdm630,h,502,1,tcp\nDepot,B,other,eastron-sdm630,h,502,2,rtu_tcp",
            "spoken to otherwise",
        ),
    ],
)
def test_mistakes_are_found_before_anything_runs(project: Path, file: str, text: str, reason: str) -> None:
    (project / file).write_text((METERS if file == "meters.csv" else CHARGERS) + text + "\n")
    assert reason in told(project)


def test_a_server_without_tags_and_half_of_a_certificate(project: Path) -> None:
    with (project / "project.toml").open("a") as out:
        out.write('\n[modbus]\ntls_key = "x"\n[modbus.server]\nport = 1502\n')
    found = told(project)
    assert "offers nothing" in found
    assert "certificate and key go together" in found
