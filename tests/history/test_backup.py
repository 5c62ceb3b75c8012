"""A backup under load comes back as a state that there was, with all that had been acknowledged before it began."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scada.core.database import Sample, TagDatabase
from scada.core.errors import StartError
from scada.core.plant import HistorySettings
from scada.core.records import TransactionRecord
from scada.core.tag import HistoryRule, Source, TagDefinition
from scada.core.value import GOOD, Kind
from scada.history import open_core, schema
from scada.history.backup import BackupFacts, backup, restore

PROGRAM = Path(__file__).with_name("records_program.py")


def save(project: Path, file: Path, *, secrets: bool = False) -> BackupFacts:
    return backup(project, file, made="2026-01-01", version="1", secrets=secrets)


@pytest.fixture
def project(tmp_path: Path, charging: Callable[..., TransactionRecord]) -> Path:
    made = tmp_path / "project"
    (made / "mail").mkdir(parents=True)
    (made / "data" / "certificates").mkdir(parents=True)
    (made / "project.toml").write_text('password_ref = "file:secrets/mail.txt"\n')
    (made / "mail" / "alarm.txt").write_text("hello")
    (made / "secrets").mkdir()
    (made / "secrets" / "mail.txt").write_text("hunter2")
    (made / "server.pem").write_text("-----BEGIN PRIVATE KEY-----")
    (made / "data" / "certificates" / "ca.key").write_text("-----BEGIN PRIVATE KEY-----")
    store = open_core(made / "data")
    store.journal.commit([charging(1), charging(2)])
    store.close()
    return made


def test_under_load(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), str(project / "data")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        acknowledged = 0
        while acknowledged < 20:
            acknowledged = int(process.stdout.readline())
        facts = save(project, tmp_path / "b.tar.gz")
        time.sleep(0.05)  # it goes on writing
        process.kill()
    restored = restore(tmp_path / "b.tar.gz", tmp_path / "again")
    assert restored.rows == facts.rows
    store = open_core(tmp_path / "again" / "data")
    try:
        with store._reader.connect() as connection:
            for column in (schema.alarm_journal.c.sequence, schema.transaction.c.id, schema.outbox.c.cause):
                low, high, rows = connection.execute(
                    select(func.min(column), func.max(column), func.count())
                ).one()
                assert (low, rows) == (1, high)
                assert high >= acknowledged
                assert high == facts.rows["core.db"]["charging_transaction"]
    finally:
        store.close()


def test_secrets_stay_at_home(project: Path, tmp_path: Path) -> None:
    facts = save(project, tmp_path / "b.tar.gz")
    assert facts.left_out == ["secrets/mail.txt", "server.pem"]
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        assert sorted(archive.getnames()) == [
            "files/data/core.db",
            "files/data/history.db",
            "files/mail/alarm.txt",
            "files/project.toml",
            "manifest.json",
        ]
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o77 == 0


def test_with_secrets_everything_comes_back(project: Path, tmp_path: Path) -> None:
    save(project, tmp_path / "b.tar.gz", secrets=True)
    restore(tmp_path / "b.tar.gz", tmp_path / "again")
    for name in ("secrets/mail.txt", "server.pem", "data/certificates/ca.key", "mail/alarm.txt"):
        assert (tmp_path / "again" / name).read_bytes() == (project / name).read_bytes()
    assert (tmp_path / "again" / "data" / "certificates" / "ca.key").stat().st_mode & 0o77 == 0


def test_a_directory_that_holds_something(project: Path, tmp_path: Path) -> None:
    save(project, tmp_path / "b.tar.gz")
    with pytest.raises(StartError, match="not empty"):
        restore(tmp_path / "b.tar.gz", project)


def test_a_project_without_databases(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StartError, match="nothing to back up"):
        save(tmp_path / "empty", tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "garbage", "changed", "foreign", "outside", "newer"])
def test_a_damaged_backup_changes_nothing(project: Path, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "b.tar.gz"
    save(project, file)
    whole = file.read_bytes()
    if damage == "cut":
        file.write_bytes(whole[: len(whole) * 2 // 3])
    elif damage == "flipped":
        middle = len(whole) // 2
        file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    elif damage == "garbage":
        file.write_bytes(b"no archive at all")
    else:
        _rewrite(file, damage)
    with pytest.raises(StartError):
        restore(file, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".again")] == []
    assert not (tmp_path / "evil").exists()


def _rewrite(file: Path, damage: str) -> None:
    """The same archive with one thing that is not right."""
    target = file.with_suffix(".new")
    with tarfile.open(file) as source, tarfile.open(target, "w:gz") as out:
        for entry in source:
            stream = source.extractfile(entry)
            assert stream is not None
            content = stream.read()
            if damage == "changed" and entry.name == "files/project.toml":
                content = b"x" * len(content)
            if damage == "newer" and entry.name == "manifest.json":
                content = json.dumps(json.loads(content) | {"format": 99}).encode()
            if damage == "foreign" and entry.name == "manifest.json":
                continue
            if damage == "outside" and entry.name == "manifest.json":
                manifest = json.loads(content)
                manifest["files"]["../evil"] = {"sha256": "", "size": 0}
                content = json.dumps(manifest).encode()
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
        if damage == "outside":
            evil = tarfile.TarInfo("files/../evil")
            out.addfile(evil, io.BytesIO(b""))
    shutil.move(target, file)


def test_samples_that_wait_for_their_database_come_along(project: Path, tmp_path: Path) -> None:
    power = TagDefinition(path="Depot.Power", kind=Kind.REGISTER, source=Source.DRIVER, history=HistoryRule())
    tag = TagDatabase([power])["Depot.Power"]
    now_us = time.time_ns() // 1_000
    away = open_core(
        project / "data",
        history=HistorySettings(url="env:URL"),
        secret=lambda _: f"postgresql://nobody@/none?host={tmp_path}",
    )
    away.samples.append([Sample(tag, 7.0, GOOD, now_us)])
    deadline = time.monotonic() + 20
    while not away.samples.spill_bytes:
        assert time.monotonic() < deadline, away.samples.state
        time.sleep(0.02)
    save(project, tmp_path / "b.tar.gz")  # it goes on waiting
    away.close()
    restore(tmp_path / "b.tar.gz", tmp_path / "again")
    again = open_core(tmp_path / "again" / "data")  # now with a database
    try:
        assert again.samples.flush(20), again.samples.state
        points = again.samples.points("Depot.Power", now_us - 1, now_us + 1, 9)
        assert [point.value for point in points] == [7.0]
    finally:
        again.close()
