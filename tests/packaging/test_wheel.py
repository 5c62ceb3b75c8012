"""The wheel holds everything that the product reads when it runs, and nothing that belongs to tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_data_folders_are_in_it(names: set[str]) -> None:
    for folder in ("symbols", "alarms", "config", "project_template"):
        here = {
            f"scada/_shipped/{path.relative_to(ROOT)}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert here
        assert here <= names


def test_what_the_code_reads_beside_itself_is_in_it(names: set[str]) -> None:
    beside = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "scada").rglob("*")
        if path.suffix in {".po", ".html", ".js", ".css", ".woff2", ".svg"}
    }
    assert beside
    assert beside <= names


def test_tests_are_not(names: set[str]) -> None:
    assert not [name for name in names if name.startswith(("tests/", "scada/testing/"))]
