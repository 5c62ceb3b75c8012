"""`scada tags`: out into a spreadsheet and back in, and forcing on a running system."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from scada.project import load
from scada.testing.processes import scada, supervisor
from scada.testing.system import PASSWORD

NOTE, POWER = "Depot.Note", "Depot.CP01.C1.ActivePower"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "p"
    assert scada("new", str(directory)).returncode == 0
    return directory


def state(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def edit(file: Path, path: str, **cells: object) -> int:
    """Change cells of the row of a tag; returns the row."""
    book = openpyxl.load_workbook(file)
    sheet = book["tags"]
    header = [cell.value for cell in sheet[1]]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == path)
    for column, value in cells.items():
        row[header.index(column.replace("__", "."))].value = value
    book.save(file)
    return int(row[0].row)


@pytest.mark.parametrize("name", ["plant.xlsx", "plant.csv"])
def test_an_unchanged_export_changes_nothing(project: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    exported = scada("tags", "export", str(file), "--dir", str(project))
    assert exported.returncode == 0, exported.stderr
    assert f"{len(load(project).tags)} tags" in exported.stdout
    before = state(project)
    imported = scada("tags", "import", str(file), "--dir", str(project))
    assert (imported.returncode, "no difference" in imported.stdout) == (0, True)
    assert state(project) == before


def test_an_edited_workbook_is_taken_in(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "plant.xlsx"
    assert scada("tags", "export", str(file), "--dir", str(project), "--pattern", "Depot.**").returncode == 0
    edit(file, NOTE, label__en="Shift book", label__fr="Cahier, d'équipe")
    edit(file, POWER, high=11)
    before = state(project)
    dry = scada("tags", "import", str(file), "--dir", str(project), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert f"{POWER} high: 7.4 → 11" in dry.stdout
    assert "0 added, 2 changed (3 cells), 0 removed" in dry.stdout
    assert state(project) == before
    taken = scada("tags", "import", str(file), "--dir", str(project))
    assert taken.returncode == 0, taken.stderr
    definitions = load(project).definitions
    assert definitions[POWER].high == 11.0
    assert dict(definitions[NOTE].label) == {"en": "Shift book", "fr": "Cahier, d'équipe"}
    assert scada("check", str(project)).returncode == 0
    again = scada("tags", "import", str(file), "--dir", str(project))
    assert "no difference" in again.stdout


def test_one_bad_row_and_nothing_is_taken(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "plant.xlsx"
    assert scada("tags", "export", str(file), "--dir", str(project)).returncode == 0
    note = edit(file, NOTE, label__en="Shift book", decimals="many")
    power = edit(file, POWER, unit="kw")
    before = state(project)
    result = scada("tags", "import", str(file), "--dir", str(project))
    assert result.returncode == 2
    assert f"plant.xlsx: sheet tags, row {note}, column decimals: 'many' is no number" in result.stderr
    assert f"plant.xlsx: sheet tags, row {power}, column unit: unknown unit 'kw'" in result.stderr
    assert "2 mistakes; nothing was changed" in result.stderr
    assert state(project) == before


def test_what_only_the_whole_project_shows_is_told_at_its_row(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text(
        "path,kind,source,expression\n"
        "Depot.Double,register,expression,2 * Depot.Grid.ActivePower\n"
        "Depot.Wrong,register,expression,2 * Depot.Grid.ActivePowr\n"
    )
    before = state(project)
    result = scada("tags", "import", str(file), "--dir", str(project))
    assert result.returncode == 2
    assert "new.csv: row 3, column expression" in result.stderr
    assert state(project) == before
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    result = scada("tags", "import", str(file), "--dir", str(project))
    assert (result.returncode, "+ Depot.Double" in result.stdout) == (0, True)
    assert "Depot.Double" in load(project).definitions


def test_a_mistake_in_the_project_s_own_table_is_found_by_check(project: Path) -> None:
    (project / "tags.csv").write_text(f"path,unit\n{POWER},kw\nDepot.Nothing,kW\n")
    result = scada("check", str(project))
    assert result.returncode == 2
    assert "tags.csv:2: row 2, column unit: unknown unit 'kw'" in result.stderr
    assert "tags.csv:3: row 3, column path: there is no tag Depot.Nothing" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("export", "plant.ods"), "is a .xlsx or a .csv file"),
        (("export", "plant.csv", "--pattern", "a b"), "a pattern holds"),
        (("import", "nowhere.csv"), "there is no such file"),
    ],
)
def test_usage_is_a_sentence(project: Path, arguments: tuple[str, ...], told: str) -> None:
    result = scada("tags", *arguments, "--dir", str(project))
    assert result.returncode in (1, 2)
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_forcing_on_a_running_system(project: Path) -> None:
    with supervisor(project, "--no-simulate") as running:
        access = {"SCADA_URL": running.addresses["http"], "SCADA_PASSWORD": PASSWORD}

        def tags(*arguments: str) -> tuple[int, str, str]:
            result = scada("tags", *arguments, env=access)
            return result.returncode, result.stdout, result.stderr

        code, out, err = tags("force", POWER, "5.5", "--reason", "meter is away", "--for", "2h")
        assert (code, "GoodLocalOverride" in out, "5.5" in out) == (0, True, True), err
        _, out, _ = tags("list", "--quality", "GoodLocalOverride")
        assert POWER in out
        assert NOTE not in out
        _, out, _ = tags("list", "--quality", "GoodLocalOverride", "--kind", "bit")
        assert POWER not in out
        code, _, err = tags("force", POWER, "5", "--reason", "x", "--for", "soon")
        assert (code, "2h" in err) == (2, True)
        assert tags("force", POWER, "5")[0] == 2  # no reason, no force
        code, out, err = tags("release", POWER)
        assert (code, "GoodLocalOverride" in out) == (0, False), err
        code, _, err = tags("release", POWER)
        assert (code, "not forced" in err) == (1, True)
