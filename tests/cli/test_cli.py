"""The command line as people use it: processes, exit codes, sentences."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
from pathlib import Path

import pytest

from scada import __version__
from scada.testing.processes import scada, supervisor
from scada.testing.system import PASSWORD


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "p"
    assert scada("new", str(directory)).returncode == 0
    return directory


def test_version_and_help() -> None:
    assert scada("--version").stdout.strip() == __version__
    helped = scada("--help").stdout
    for command in ("new", "check", "run", "simulate", "tags", "user"):
        assert command in helped


def test_new_then_check(project: Path) -> None:
    result = scada("check", str(project))
    assert result.returncode == 0
    assert "8 chargers with 12 connectors" in result.stdout


def test_new_does_not_touch_what_is_there(project: Path) -> None:
    result = scada("new", str(project))
    assert result.returncode == 1
    assert "not empty" in result.stderr
    assert "Traceback" not in result.stderr


def test_check_tells_every_mistake_with_file_key_and_reason(project: Path) -> None:
    file = project / "project.toml"
    file.write_text(file.read_text().replace("http_port = 8080", "http_port = 80800\nhttps = true"))
    table = project / "chargers.csv"
    table.write_text(table.read_text().replace("DEPOT-CP02", "DEPOT-CP01"))
    for command in ("check", "run"):
        result = scada(command, str(project))
        assert result.returncode == 2
        assert "project.toml:12: network.http_port" in result.stderr
        assert "network.https: unknown key" in result.stderr
        assert "chargers.csv" in result.stderr
        assert "row 3, column identity" in result.stderr
        assert "3 mistakes" in result.stderr
    assert not (project / "data").exists()


def test_a_port_in_use_is_a_sentence(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = scada("run", str(project), "--http-port", "0", "--opcua-port", "0", "--ocpp-port", port)
    assert result.returncode == 1
    assert f"port {port} for ocpp" in result.stderr
    assert "--ocpp-port" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_address_that_is_not_ours_is_a_sentence(project: Path) -> None:
    result = scada("run", str(project), "--host", "no.such.host.invalid")
    assert result.returncode == 1
    assert "no.such.host.invalid" in result.stderr


def test_a_directory_that_cannot_be_written_is_a_sentence(project: Path) -> None:
    (project / "data").write_text("a file where a folder should be")
    result = scada("run", str(project), "--http-port", "0", "--opcua-port", "0", "--ocpp-port", "0")
    assert result.returncode == 1
    assert "cannot be written" in result.stderr
    assert (project / "data").read_text() == "a file where a folder should be"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; the test above covers the sentence")
def test_a_read_only_directory_is_a_sentence(project: Path) -> None:
    project.chmod(0o500)
    result = scada("run", str(project), "--http-port", "0", "--opcua-port", "0", "--ocpp-port", "0")
    project.chmod(0o700)
    assert result.returncode == 1
    assert "cannot be written" in result.stderr


def test_a_running_system_on_the_command_line(project: Path) -> None:
    with supervisor(project, "--no-simulate") as running:
        url = running.addresses["http"]
        access = {"SCADA_URL": url, "SCADA_PASSWORD": PASSWORD}
        listed = scada("tags", "list", "Depot.CP01.*", env=access)
        assert listed.returncode == 0, listed.stderr
        assert "Depot.CP01.C1.ActivePower" in listed.stdout
        assert scada("tags", "set", "Depot.Note", "night shift", env=access).returncode == 0
        assert "night shift" in scada("tags", "get", "Depot.Note", env=access).stdout
        watched = scada("tags", "watch", "Depot.Note", "--count", "1", "--json", env=access)
        assert '"value": "night shift"' in watched.stdout
        refused = scada("tags", "set", "Depot.CP01.Online", "true", env=access)
        assert (refused.returncode, "read-only" in refused.stderr) == (1, True)
        wrong = scada("tags", "list", env={**access, "SCADA_PASSWORD": "wrong"})
        assert (wrong.returncode, "wrong" in wrong.stderr) == (1, True)

        # Accounts, while it runs.
        added = scada(
            "user",
            "add",
            str(project),
            "olga",
            "--role",
            "operator",
            env={"SCADA_NEW_PASSWORD": "long enough"},
        )
        assert added.returncode == 0, added.stderr
        assert "olga" in scada("user", "list", str(project)).stdout
        as_olga = {"SCADA_URL": url, "SCADA_USER": "olga", "SCADA_PASSWORD": "long enough"}
        assert scada("tags", "set", "Depot.Note", "mine", env=as_olga).returncode == 0
        short = scada("user", "add", str(project), "x", env={"SCADA_NEW_PASSWORD": "short"})
        assert (short.returncode, "8 to 256" in short.stderr) == (1, True)
        assert scada("user", "remove", str(project), "admin").returncode == 1  # the last administrator
        assert scada("user", "role", str(project), "olga", "guest").returncode == 0
        assert scada("tags", "set", "Depot.Note", "not mine", env=as_olga).returncode == 1

        # A second supervisor of the same project stays out.
        second = scada("run", str(project), "--http-port", "0", "--opcua-port", "0", "--ocpp-port", "0")
        assert (second.returncode, "already" in second.stderr) == (1, True)
    assert running.process.returncode == 0
    assert "Traceback" not in running.output.read_text()
    gone = scada("tags", "list", env=access)
    assert (gone.returncode, "does not answer" in gone.stderr) == (1, True)


def test_a_database_of_a_newer_version_is_left_alone(project: Path) -> None:
    with supervisor(project, "--no-simulate"):
        pass
    database = project / "data" / "core.db"
    with sqlite3.connect(database) as connection:
        connection.execute("update core_version set version_num = version_num + 1")
    before = database.read_bytes()
    result = scada("run", str(project), "--http-port", "0", "--opcua-port", "0", "--ocpp-port", "0")
    assert result.returncode == 1
    assert "newer" in result.stderr
    assert "Traceback" not in result.stderr
    assert database.read_bytes() == before


def test_the_first_password_is_generated_and_printed_once(project: Path) -> None:
    with supervisor(project, "--no-simulate", password="") as running:
        printed = re.search(r"with the password +(\S+)", running.output.read_text())
        assert printed is not None
        access = {"SCADA_URL": running.addresses["http"], "SCADA_PASSWORD": printed.group(1)}
        assert scada("tags", "get", "System.JournalOk", env=access).returncode == 0
    with supervisor(project, "--no-simulate", password="") as running:
        assert "password" not in running.output.read_text()
    stored = b"".join(file.read_bytes() for file in (project / "data").rglob("*") if file.is_file())
    assert printed.group(1).encode() not in stored


def test_the_recipes_of_simulated_chargers_are_listed(project: Path) -> None:
    listed = scada("simulate", str(project), "--recipes").stdout
    assert "growatt_local_time" in listed
    assert "Growatt THOR" in listed
