"""`scada report` and `scada export` against a running system; `scada backup` and `scada restore` beside it."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scada.cli.main import app
from scada.core.errors import ScadaError
from scada.history import open_core
from scada.testing.system import PASSWORD, System

SPAN = ("--from", "2026-01-01T00:00:00Z", "--to", "2028-12-01T00:00:00Z")


async def scada(system: System, *words: str, user: str = "admin") -> Result:
    where = ("--url", system.http, "--user", user) if words[0] in ("report", "export") else ()
    runner = CliRunner(env={"SCADA_PASSWORD": PASSWORD})
    return await asyncio.to_thread(runner.invoke, app, [*words, *where])


@pytest.mark.parametrize("what", ["sessions", "alarms", "audit"])
async def test_export_as_csv_and_as_json_lines(system: System, tmp_path: Path, what: str) -> None:
    for form in ("csv", "jsonl"):
        file = tmp_path / f"x.{form}"
        answer = await scada(system, "export", what, str(file), *SPAN)
        assert answer.exit_code == 0, answer.output
    objects = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    # The export itself logs in, which the audit tells.
    assert abs(len(rows) - len(objects)) <= (10 if what == "audit" else 0)


async def test_samples(system: System, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    answer = await scada(system, "export", "samples", str(file), "--tags", "System.LoopLag", *SPAN)
    assert answer.exit_code == 0, answer.output
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {row["tag"] for row in rows} <= {"System.LoopLag"}


@pytest.mark.parametrize(
    "words",
    [
        ("export", "gossip", "x.csv"),
        ("export", "sessions", "x.docx"),
        ("export", "samples", "x.csv"),
        ("export", "alarms", "x.xlsx"),
        ("report", "energy", "x.docx"),
    ],
)
async def test_wrong_words(system: System, tmp_path: Path, words: tuple[str, ...]) -> None:
    answer = await scada(system, *words[:-1], str(tmp_path / words[-1]))
    assert answer.exit_code == 2
    assert list(tmp_path.iterdir()) == []


async def test_a_report(system: System, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    answer = await scada(system, "report", "utilisation", str(file), "--period", "today")
    assert answer.exit_code == 0, answer.output
    assert json.loads(file.read_text())["report"] == "utilisation"
    refused = await scada(system, "report", "gossip", str(tmp_path / "y.json"), "--period", "today")
    assert isinstance(refused.exception, ScadaError)
    assert not (tmp_path / "y.json").exists()


async def test_a_backup_of_the_running_system(system: System, tmp_path: Path) -> None:
    project = system.running.plant.directory
    saved = await scada(system, "backup", str(project), str(tmp_path / "b.tar.gz"))
    assert saved.exit_code == 0, saved.output
    restored = await scada(system, "restore", str(tmp_path / "b.tar.gz"), str(tmp_path / "again"))
    assert restored.exit_code == 0, restored.output
    store = open_core(tmp_path / "again" / "data")
    assert {user.name for user in store.users.list()} >= {"admin", "olga"}
    store.close()
