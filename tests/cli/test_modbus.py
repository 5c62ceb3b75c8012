"""`scada modbus` against a device on a real socket."""

import asyncio
import csv
import threading
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from scada import resources
from scada.cli.main import app
from scada.drivers.modbus import load_profile
from scada.drivers.modbus.imitation import ImitatedDevice
from scada.drivers.modbus.server import ModbusServer
from scada.project import scaffold

VALUES = {
    **{f"Voltage{phase}": 231.0 for phase in ("L1", "L2", "L3")},
    **{f"Current{phase}": 5.0 for phase in ("L1", "L2", "L3")},
    "Frequency": 50.0,
    "Power": 3_450.0,
    "Import": 77.0,
}


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """An ABB meter at unit 3, in a thread of its own: the commands have a loop of theirs."""
    profile = load_profile(resources.folder("config") / "drivers" / "modbus" / "abb-b21-b23-b24.toml")
    server = ModbusServer("127.0.0.1", 0, {3: ImitatedDevice(profile, lambda: VALUES)})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield f"127.0.0.1:{server.port}"
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["modbus", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_scan_finds_the_unit_that_answers(place: str) -> None:
    found = said("scan", place, "--units", "1-4", "--timeout-s", "1")
    assert "unit 3: refuses function 3" in found
    assert "unit 1" not in found


def test_probe_names_the_profile_that_fits(place: str) -> None:
    found = said("probe", place, "--unit", "3").splitlines()
    assert found[0].startswith("abb-b21-b23-b24")
    assert "VoltageL1 231" in found[0]
    assert len(found) == 1


def test_read_shows_values_and_what_a_register_may_mean(place: str) -> None:
    assert "Power            3450.0" in said("read", place, "--unit", "3", "--profile", "abb-b21-b23-b24")
    guesses = said("read", place, "--unit", "3", "--address", "23296")
    assert "uint32   words big    bytes big     2310.0" in guesses


def test_the_map_is_a_table(tmp_path: Path) -> None:
    project = tmp_path / "p"
    scaffold(project)
    settings = (project / "project.toml").read_text()
    (project / "project.toml").write_text(settings + '\n[modbus.server]\ntags = ["Depot.Grid.*"]\n')
    said("map", str(project), str(tmp_path / "map.csv"))
    rows = list(csv.DictReader((tmp_path / "map.csv").read_text(encoding="utf-8-sig").splitlines()))
    power = next(row for row in rows if row["tag"] == "Depot.Grid.ActivePower")
    assert (power["unit"], power["register"]) == ("kW", str(int(power["slot"]) * 4))
    said("map", str(project), str(tmp_path / "map.xlsx"))
    sheet = openpyxl.load_workbook(tmp_path / "map.xlsx").worksheets[0]
    assert any(row[3] == "Depot.Grid.ActivePower" for row in sheet.iter_rows(values_only=True))
