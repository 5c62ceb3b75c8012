"""`scada history` as its user sees it."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scada import resources
from scada.cli.main import app
from scada.core.errors import NotFound, StartError
from scada.history import open_core


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "depot"
    shutil.copytree(resources.folder("project_template"), folder)
    return folder


def test_check_and_compact_of_a_project(project: Path) -> None:
    run = CliRunner()
    assert isinstance(run.invoke(app, ["history", "check", str(project)]).exception, NotFound)
    open_core(project / "data").close()
    for words in (["check"], ["compact"], ["check", "--repair"]):
        result = run.invoke(app, ["history", *words, str(project)])
        assert result.exit_code == 0, result.output
        assert words == ["compact"] or "0 problems" in result.output


def test_what_is_no_history_is_refused(project: Path) -> None:
    open_core(project / "data").close()
    (project / "data" / "history.db").write_bytes(b"no database" * 100)
    result = CliRunner().invoke(app, ["history", "check", str(project)])
    assert isinstance(result.exception, StartError)
    assert "is not a database" in str(result.exception)
